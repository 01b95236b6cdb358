"""One flat JSON document per event: the stamp every event carries, and the payload of its type.

The bytes of a document are what is stored, published, archived and hashed.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, ClassVar, Literal, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

Source = Literal["registry", "voucher", "settlement", "audit"]

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


def _storable(text: str) -> str:
    # nearly every text is printable, which is found out much faster than a pattern is searched for
    if not text.isprintable() and _FORBIDDEN.search(text):
        raise ValueError("control characters and lone surrogates cannot be stored")
    return text


Text = Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(_storable)]
"""Free text of 1 to 2,000 characters that PostgreSQL and JSON both can hold."""
Code = Annotated[str, StringConstraints(min_length=1, max_length=80), AfterValidator(_storable)]
"""A code, a number or a key of 1 to 80 characters."""
Fen = Annotated[int, Field(strict=True, ge=0, le=10**15)]
"""Money in whole fen, never negative."""
PositiveFen = Annotated[int, Field(strict=True, gt=0, le=10**15)]
SignedFen = Annotated[int, Field(strict=True, ge=-(10**15), le=10**15)]
BasisPoints = Annotated[int, Field(strict=True, ge=0, le=10_000)]
Year = Annotated[int, Field(strict=True, ge=2000, le=2999)]
RegionCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
Uscc = Annotated[str, StringConstraints(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Hmac = Sha256
EndToEndId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,35}$")]


class Frozen(BaseModel):
    """A value inside a document. Readers tolerate fields they do not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Actor(Frozen):
    """Who acted: an opaque id, never a name, with the role it acted in; ``on_behalf_of`` is there only where a
    delegate acted for another."""

    id: Code
    role: Code
    region: RegionCode | None = None
    on_behalf_of: Annotated[Code | None, Field(exclude_if=lambda other: other is None)] = None

    @property
    def persons(self) -> frozenset[str]:
        """Who must be another person at the next step: the one who acted, and the one acted for."""
        return frozenset(person for person in (self.id, self.on_behalf_of) if person is not None)


class Event(Frozen):
    """The payload of one event type; the class name is the type's name on the bus.

    ``SOURCES`` are the services that may publish it; ``SCHEMA`` its schema number.
    """

    SOURCES: ClassVar[frozenset[str]] = frozenset()
    SCHEMA: ClassVar[int] = 1


class Stamp(Frozen):
    """What every document carries besides its payload.

    ``seen`` says how much of each other log the decider had applied, including the event it
    reacted to, whose ``event_id`` is then the ``causation_id``.
    """

    source: Source
    type: Code
    schema_: Annotated[int, Field(alias="schema", ge=1)] = 1
    event_id: UUID
    originator_id: UUID
    originator_version: Annotated[int, Field(ge=1)]
    business_day: date
    occurred_at: AwareDatetime
    recorded_at: AwareDatetime
    actor: Actor
    case_id: UUID | None = None
    causation_id: UUID
    seen: dict[str, int] = {}

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Document(NamedTuple):
    """One event as recorded."""

    stamp: Stamp
    event: Event


__all__ = [
    "Actor",
    "BasisPoints",
    "Code",
    "Document",
    "EndToEndId",
    "Event",
    "Fen",
    "Frozen",
    "Hmac",
    "PositiveFen",
    "RegionCode",
    "Sha256",
    "SignedFen",
    "Source",
    "Stamp",
    "Text",
    "Uscc",
    "Year",
]
