"""Numbered public notices (公示): what is listed, for how long, who objected, what passed.

The registry lists providers by them, settlement redemptions and adjustments. Who may do what is
the services' to say; here are only the rules of the notice itself. 二(三), 三(四), 三(五)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from uuid import UUID

from pydantic import Field
from tongdui_events.common import (
    NoticeClosed,
    NoticeCorrected,
    NoticeItem,
    NoticeItemDropped,
    NoticeKind,
    NoticePublished,
    NoticeWithdrawn,
    ObjectionDismissed,
    ObjectionRaised,
    ObjectionUpheld,
)
from tongdui_events.document import Event, Frozen, Stamp

from shared.kernel.calendar import Calendar
from shared.kernel.decisions import NotFound, OutOfOrder, Refusal

_DAY = timedelta(days=1)

NOTICE_EVENTS: tuple[type[Event], ...] = (
    NoticePublished,
    NoticeCorrected,
    NoticeWithdrawn,
    ObjectionRaised,
    ObjectionDismissed,
    ObjectionUpheld,
    NoticeItemDropped,
    NoticeClosed,
)


class EmptyNotice(Refusal):
    """A notice or a correction without an item."""

    section = "三(四)"
    zh = "公示清单为空"
    en = "the list has no item"


class RepeatedItem(Refusal):
    """One item twice in one list."""

    section = "三(四)"
    zh = "事项{item_id}在清单中重复"
    en = "{item_id} is in the list twice"


class InvalidPublicityPeriod(Refusal):
    """A period that began before today, or ends before it begins."""

    section = "三(四)"
    zh = "公示期无效:{opens_on}至{last_day_on}"
    en = "{opens_on} to {last_day_on} is no period of publicity from today on"


class UnchangedItem(Refusal):
    """A correction lists changed items only."""

    section = "三(四)"
    zh = "事项{item_id}没有变化,不需更正"
    en = "{item_id} is as it was published; only changed items are corrected"


class PublicityNotOpen(Refusal):
    """The objection came before the item was public, or after its last day."""

    status = 409
    section = "三(四)"
    zh = "事项{item_id}不在公示期内({opens_on}至{last_day_on})"
    en = "{item_id} is public from {opens_on} to {last_day_on}, and today is not"


class NothingToClose(Refusal):
    """No item's last day is over that was not dealt with."""

    status = 409
    section = "三(五)"
    zh = "没有公示期满的事项"
    en = "no item's last day is over"


class Objection(Frozen):
    """One objection; ``ruling`` is dismissed or upheld, None while it is open."""

    item_id: UUID
    ruling: str | None = None


class PublishedItem(Frozen):
    """One item with its own period.

    ``passed`` once a close said so; ``upheld`` once an objection was (it never passes then, though it
    may have passed before); ``dropped`` once it was taken off the list; ``held`` once a close reported
    that an objection holds it.
    """

    item: NoticeItem
    opens_on: date
    last_day_on: date
    open_objections: tuple[UUID, ...] = ()
    passed: bool = False
    upheld: bool = False
    dropped: bool = False
    held: bool = False

    @property
    def undecided(self) -> bool:
        return not (self.passed or self.upheld or self.dropped)

    def is_over(self, today: date) -> bool:
        return self.last_day_on < today


class PublicNotice(Frozen):
    """One notice. ``number`` is None before it is published; items in the order of the list."""

    notice_id: UUID | None = None
    number: str | None = None
    kind: NoticeKind | None = None
    items: dict[UUID, PublishedItem] = Field(default_factory=dict)
    objections: dict[UUID, Objection] = Field(default_factory=dict)
    withdrawn: bool = False

    @property
    def state(self) -> str:
        """unpublished, withdrawn, open (an item is undecided) or closed."""
        if self.number is None:
            return "unpublished"
        if self.withdrawn:
            return "withdrawn"
        return "open" if any(item.undecided for item in self.items.values()) else "closed"


# -- folding -----------------------------------------------------------------------------------


def evolve(notice: PublicNotice, event: Event, stamp: Stamp | None = None) -> PublicNotice:
    """The notice after one of NOTICE_EVENTS; other events change nothing."""
    match event:
        case NoticePublished():
            return PublicNotice(
                notice_id=event.notice_id,
                number=event.number,
                kind=event.kind,
                items=_listed(event.items, event.opens_on, event.last_day_on),
            )
        case NoticeCorrected():
            return _corrected(notice, event)
        case NoticeWithdrawn():
            return notice.model_copy(update={"withdrawn": True})
        case ObjectionRaised():
            return _raised(notice, event)
        case ObjectionDismissed():
            return _ruled(notice, event, "dismissed")
        case ObjectionUpheld():
            return _ruled(notice, event, "upheld")
        case NoticeItemDropped():
            return _changed(notice, [event.item_id], dropped=True)
        case NoticeClosed():
            return _changed(_changed(notice, event.passed, passed=True), event.held, held=True)
    return notice


def _listed(items: Iterable[NoticeItem], opens_on: date, last_day_on: date) -> dict[UUID, PublishedItem]:
    return {item.item_id: PublishedItem(item=item, opens_on=opens_on, last_day_on=last_day_on) for item in items}


def _changed(notice: PublicNotice, item_ids: Iterable[UUID], **update: object) -> PublicNotice:
    changed = {
        item_id: notice.items[item_id].model_copy(update=update) for item_id in item_ids if item_id in notice.items
    }
    return notice.model_copy(update={"items": notice.items | changed}) if changed else notice


def _corrected(notice: PublicNotice, event: NoticeCorrected) -> PublicNotice:
    fresh = _listed(event.items, event.opens_on, event.last_day_on)
    # An objection outlives the correction: it holds the item until somebody rules on it.
    kept = {
        item_id: item.model_copy(update={"open_objections": notice.items[item_id].open_objections})
        for item_id, item in fresh.items()
        if item_id in notice.items
    }
    return notice.model_copy(update={"items": notice.items | fresh | kept})


def _raised(notice: PublicNotice, event: ObjectionRaised) -> PublicNotice:
    objections = notice.objections | {event.objection_id: Objection(item_id=event.item_id)}
    notice = notice.model_copy(update={"objections": objections})
    item = notice.items.get(event.item_id)
    if item is None:
        return notice
    return _changed(notice, [event.item_id], open_objections=(*item.open_objections, event.objection_id))


def _ruled(notice: PublicNotice, event: ObjectionDismissed | ObjectionUpheld, ruling: str) -> PublicNotice:
    ruled = Objection(item_id=event.item_id, ruling=ruling)
    notice = notice.model_copy(update={"objections": notice.objections | {event.objection_id: ruled}})
    item = notice.items.get(event.item_id)
    if item is None:
        return notice
    still_open = tuple(open_id for open_id in item.open_objections if open_id != event.objection_id)
    upheld = item.upheld or ruling == "upheld"
    return _changed(notice, [event.item_id], open_objections=still_open, upheld=upheld)


# -- days --------------------------------------------------------------------------------------


def notice_number(year: int, ordinal: int) -> str:
    """公示〔2026〕第12号."""
    return f"公示〔{year}〕第{ordinal}号"


def last_day(opens_on: date, calendar_days: int, working_days: int, calendar: Calendar) -> date:
    """The last day, included, by which both minimal counts have passed; ``opens_on`` is day 1.

    Raises UnknownYear (shared.kernel.calendar). Source: 三(四), PolicyTerms, ListingTermsSet.
    """
    by_calendar = opens_on + _DAY * max(calendar_days - 1, 0)
    if working_days <= 0:
        return by_calendar
    first = calendar.first_working_day(opens_on)
    return max(by_calendar, calendar.add_working_days(first, working_days - 1))


def next_close_on(notice: PublicNotice) -> date | None:
    """The first day on which ``close`` has something to say as things stand, or None."""
    if notice.withdrawn:
        return None
    waiting = [item for item in notice.items.values() if item.undecided and not (item.held and item.open_objections)]
    return min((item.last_day_on + _DAY for item in waiting), default=None)


# -- deciding ----------------------------------------------------------------------------------


def publish(
    notice: PublicNotice,
    *,
    notice_id: UUID,
    number: str,
    kind: NoticeKind,
    items: Sequence[NoticeItem],
    opens_on: date,
    last_day_on: date,
    today: date,
) -> NoticePublished | Refusal:
    """A list is made public. Refused: published already, empty, an item twice, a period in the past."""
    if notice.number is not None:
        return OutOfOrder("notice_id", state=notice.state)
    refusal = _list_refusal(items) or _period_refusal(opens_on, last_day_on, today)
    return refusal or NoticePublished(
        notice_id=notice_id,
        number=number,
        kind=kind,
        items=tuple(items),
        opens_on=opens_on,
        last_day_on=last_day_on,
    )


def correct(
    notice: PublicNotice, *, items: Sequence[NoticeItem], opens_on: date, last_day_on: date, today: date
) -> NoticeCorrected | Refusal:
    """Some undecided items are changed; theirs is a whole period again, from ``opens_on``."""
    refusal = (
        _open_refusal(notice)
        or _list_refusal(items)
        or _period_refusal(opens_on, last_day_on, today)
        or next((refused for item in items if (refused := _change_refusal(notice, item))), None)
    )
    if refusal or notice.notice_id is None:
        return refusal or OutOfOrder("notice_id", state=notice.state)
    return NoticeCorrected(notice_id=notice.notice_id, items=tuple(items), opens_on=opens_on, last_day_on=last_day_on)


def withdraw(notice: PublicNotice, *, reason: str) -> NoticeWithdrawn | Refusal:
    """The list is taken back: nothing undecided passes by it any more; what has passed stays so."""
    refusal = _open_refusal(notice)
    if refusal or notice.notice_id is None:
        return refusal or OutOfOrder("notice_id", state=notice.state)
    return NoticeWithdrawn(notice_id=notice.notice_id, reason=reason)


def drop(notice: PublicNotice, *, item_id: UUID, reason: str) -> NoticeItemDropped | None:
    """An item is taken off the list because its subject fell away; None where nothing is left to drop."""
    item = notice.items.get(item_id)
    if notice.notice_id is None or notice.withdrawn or item is None or not item.undecided:
        return None
    return NoticeItemDropped(notice_id=notice.notice_id, item_id=item_id, reason=reason)


def raise_objection(
    notice: PublicNotice,
    *,
    objection_id: UUID,
    item_id: UUID,
    reason_sha256: str,
    today: date,
    after_last_day: bool = False,
) -> ObjectionRaised | Refusal:
    """Somebody objects to one item, from its first day to its last.

    ``after_last_day``: the service says that the item can still be stopped (payment is not
    instructed), so an objection counts although the last day is over or the item has passed.
    """
    item = notice.items.get(item_id)
    if notice.notice_id is None or item is None:
        return NotFound("item_id", what="item", id=item_id)
    if notice.withdrawn or item.upheld or item.dropped:
        state = "withdrawn" if notice.withdrawn else "upheld" if item.upheld else "dropped"
        return OutOfOrder("item_id", state=state)
    if objection_id in notice.objections:
        return OutOfOrder("objection_id", state=notice.objections[objection_id].ruling or "open")
    late = item.passed or item.is_over(today)
    if today < item.opens_on or (late and not after_last_day):
        return PublicityNotOpen("item_id", item_id=item_id, opens_on=item.opens_on, last_day_on=item.last_day_on)
    return ObjectionRaised(
        notice_id=notice.notice_id, objection_id=objection_id, item_id=item_id, reason_sha256=reason_sha256
    )


def rule_on_objection(
    notice: PublicNotice, *, objection_id: UUID, upheld: bool, grounds_sha256: str
) -> ObjectionUpheld | ObjectionDismissed | Refusal:
    """An open objection is upheld or dismissed, whatever became of the notice meanwhile."""
    objection = notice.objections.get(objection_id)
    if notice.notice_id is None or objection is None:
        return NotFound("objection_id", what="objection", id=objection_id)
    if objection.ruling is not None:
        return OutOfOrder("objection_id", state=objection.ruling)
    ruling = ObjectionUpheld if upheld else ObjectionDismissed
    return ruling(
        notice_id=notice.notice_id,
        objection_id=objection_id,
        item_id=objection.item_id,
        grounds_sha256=grounds_sha256,
    )


def close(notice: PublicNotice, *, today: date) -> NoticeClosed | Refusal:
    """What passed of the items whose last day is over, and what an objection newly holds.

    An item held is reported once and passes at a later close when every objection was dismissed;
    an upheld one never passes.
    """
    if notice.notice_id is None or notice.withdrawn:
        return OutOfOrder("notice_id", state=notice.state)
    over = {id_: item for id_, item in notice.items.items() if item.undecided and item.is_over(today)}
    passed = tuple(id_ for id_, item in over.items() if not item.open_objections)
    held = tuple(id_ for id_, item in over.items() if item.open_objections and not item.held)
    if not passed and not held:
        return NothingToClose("notice_id")
    return NoticeClosed(notice_id=notice.notice_id, passed=passed, held=held)


def _open_refusal(notice: PublicNotice) -> Refusal | None:
    return None if notice.state == "open" else OutOfOrder("notice_id", state=notice.state)


def _list_refusal(items: Sequence[NoticeItem]) -> Refusal | None:
    if not items:
        return EmptyNotice("items")
    listed: set[UUID] = set()
    for item in items:
        if item.item_id in listed:
            return RepeatedItem("items", item_id=item.item_id)
        listed.add(item.item_id)
    return None


def _period_refusal(opens_on: date, last_day_on: date, today: date) -> Refusal | None:
    if today <= opens_on <= last_day_on:
        return None
    return InvalidPublicityPeriod("opens_on", opens_on=opens_on, last_day_on=last_day_on)


def _change_refusal(notice: PublicNotice, item: NoticeItem) -> Refusal | None:
    published = notice.items.get(item.item_id)
    if published is None:
        return NotFound("items", what="item", id=item.item_id)
    if not published.undecided:
        state = "upheld" if published.upheld else "dropped" if published.dropped else "passed"
        return OutOfOrder("items", state=state)
    return UnchangedItem("items", item_id=item.item_id) if published.item == item else None
