"""Shapes that several services use, and the events that several services publish."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from tongdui_events.document import Code, Event, Fen, Frozen, Sha256, SignedFen, Source, Text, Year

Flag = Annotated[bool, Field(strict=True)]
"""True or false, never 0, 1 or a word."""
Count = Annotated[int, Field(strict=True, ge=0, le=10**9)]
"""How many, or how many days."""
Number = Annotated[int, Field(strict=True, ge=1, le=10**9)]
"""An ordinal that starts at 1: a version, a line, an attempt."""
Position = Annotated[int, Field(strict=True, ge=1)]
"""A place in one service's log, dense from 1."""
Province = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]
"""The first two digits of the division codes of a province."""
Place = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}(?:[0-9]{4})?$")]
"""A province (two digits) or a region (six)."""
DivisionPrefix = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,6}$")]
"""The leading digits that the division codes of a region's addresses share."""
Last4 = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{4}$")]
"""The last four characters of an account number."""
Mode = Literal["tongyong", "tongdui"]
Channel = Literal["treasury", "agent"]
Party = Literal["enterprise", "provider"]
NoticeKind = Literal["listing", "redemption", "adjustment"]

ALL: frozenset[str] = frozenset({"registry", "voucher", "settlement", "audit"})
_NOTICES = frozenset({"registry", "settlement"})


class Subject(Frozen):
    """What an appeal, a recusal or a signal is about: a kind of thing and its id."""

    kind: Code
    id: Code


class Step(Frozen):
    """One line of a computation: the rule applied and the sum after it."""

    rule: Code
    fen: SignedFen


class NoticeItem(Frozen):
    """One line of a public notice; ``item_id`` is the redemption's id or the provider's stream id.

    ``region`` is the paying region, for a listing the province.
    """

    item_id: UUID
    case_id: UUID | None = None
    name: Text
    region: Place
    amount_fen: Fen | None = None


class DayReached(Event):
    """A service other than the registry has come to this business day."""

    SOURCES: ClassVar[frozenset[str]] = frozenset({"voucher", "settlement", "audit"})
    date: date


class ReactionRefused(Event):
    """A reaction to another service's event could not have its effect; ``rule`` says why."""

    SOURCES: ClassVar[frozenset[str]] = ALL
    from_source: Source
    from_position: Position
    rule: Code


class AppealLodged(Event):
    """A party appeals against a refusal."""

    SOURCES: ClassVar[frozenset[str]] = ALL
    appeal_id: UUID
    subject: Subject
    outcome: Code | None = None
    grounds_sha256: Sha256


class AppealDecided(Event):
    """An appeal was decided, by another person than the one appealed against."""

    SOURCES: ClassVar[frozenset[str]] = ALL
    appeal_id: UUID
    subject: Subject
    outcome: Code | None = None
    grounds_sha256: Sha256


class RecusalRecorded(Event):
    """An officer stays out of a matter."""

    SOURCES: ClassVar[frozenset[str]] = ALL
    subject: Subject
    recused_actor: Code
    reason: Code


class NoticePublished(Event):
    """A numbered list was made public from ``opens_on`` to ``last_day_on``, both included."""

    SOURCES: ClassVar[frozenset[str]] = _NOTICES
    notice_id: UUID
    number: Code
    kind: NoticeKind
    items: tuple[NoticeItem, ...]
    opens_on: date
    last_day_on: date


class NoticeNumbered(Event):
    """A notice took the next ordinal of a year in its service, in the numbers' own stream."""

    SOURCES: ClassVar[frozenset[str]] = _NOTICES
    year: Year
    ordinal: Number
    notice_id: UUID


class NoticeCorrected(Event):
    """Some items were changed; theirs is a whole period again, the others keep their days."""

    SOURCES: ClassVar[frozenset[str]] = _NOTICES
    notice_id: UUID
    items: tuple[NoticeItem, ...]
    opens_on: date
    last_day_on: date


class NoticeWithdrawn(Event):
    """The whole list was taken back."""

    SOURCES: ClassVar[frozenset[str]] = _NOTICES
    notice_id: UUID
    reason: Code


class ObjectionRaised(Event):
    """Somebody objects to one item, which is held until the objection is ruled on."""

    SOURCES: ClassVar[frozenset[str]] = _NOTICES
    notice_id: UUID
    objection_id: UUID
    item_id: UUID
    reason_sha256: Sha256


class ObjectionDismissed(Event):
    """The objection does not stand."""

    SOURCES: ClassVar[frozenset[str]] = _NOTICES
    notice_id: UUID
    objection_id: UUID
    item_id: UUID
    grounds_sha256: Sha256


class ObjectionUpheld(Event):
    """The objection stands; the item never passes under this notice."""

    SOURCES: ClassVar[frozenset[str]] = _NOTICES
    notice_id: UUID
    objection_id: UUID
    item_id: UUID
    grounds_sha256: Sha256


class NoticeItemDropped(Event):
    """An item is taken off the list: what was to be decided about it no longer stands. It never passes
    under this notice."""

    SOURCES: ClassVar[frozenset[str]] = _NOTICES
    notice_id: UUID
    item_id: UUID
    reason: Code


class NoticeClosed(Event):
    """A last day is over: the items that passed, and those an objection holds. Once per last day."""

    SOURCES: ClassVar[frozenset[str]] = _NOTICES
    notice_id: UUID
    passed: tuple[UUID, ...] = ()
    held: tuple[UUID, ...] = ()


class AccessRecorded(Event):
    """A read by an auditor or an officer of another region, an export, or a refusal of access."""

    SOURCES: ClassVar[frozenset[str]] = ALL
    what: Code
    subject: Text
    purpose: Text
    count: Count
