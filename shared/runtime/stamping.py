"""From what a decision wants recorded to documents ready to store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from hashlib import sha1
from typing import NamedTuple
from uuid import UUID, SafeUUID

from tongdui_events.document import Actor, Document, Stamp

from shared.kernel.decisions import Decided
from shared.runtime.clock import Clock
from shared.runtime.errors import NoBusinessDay
from shared.runtime.state import DAY_TYPES, State


class Cause(NamedTuple):
    """Why and by whom: the command's or the event's id, where that id is unique, the actor, and when it
    was asked (None: as it is recorded)."""

    causation_id: UUID
    scope: str
    actor: Actor
    occurred_at: datetime | None


def name_id(namespace: UUID, name: str) -> UUID:
    """The library's ``uuid5``, RFC 9562 §5.5, in a third of its time: every event has one."""
    value = int.from_bytes(sha1(namespace.bytes + name.encode(), usedforsecurity=False).digest()[:16], "big")
    made = UUID.__new__(UUID)
    object.__setattr__(made, "int", value & ~_VERSION_AND_VARIANT | _VERSION_5)
    object.__setattr__(made, "is_safe", SafeUUID.unknown)
    return made


_VERSION_AND_VARIANT = 0xF000 << 64 | 0xC000 << 48
_VERSION_5 = 0x5000 << 64 | 0x8000 << 48


def stamp_all(state: State, decided: Sequence[Decided], cause: Cause, clock: Clock) -> list[Document]:
    """Documents with consecutive versions per stream. Raises NoBusinessDay before the first day."""
    versions: dict[int, int] = {}
    documents = []
    day = state.today
    recorded_at = clock.instant(day)
    for index, (stream_id, event, case_id) in enumerate(decided):
        name = type(event).__name__
        if name in DAY_TYPES:
            day = event.date
            recorded_at = clock.instant(day)
        # by its integer: a UUID hashes and compares in Python
        key = stream_id.int
        before = versions[key] if key in versions else state.version(name, stream_id)
        versions[key] = before + 1
        stamp = _stamp(state, name, event.SCHEMA, stream_id, before + 1, day, cause, index, case_id, recorded_at)
        documents.append(Document(stamp, event))
    return documents


def _stamp(
    state: State,
    name: str,
    schema: int,
    stream_id: UUID,
    version: int,
    day: date | None,
    cause: Cause,
    index: int,
    case_id: UUID | None,
    recorded_at: datetime,
) -> Stamp:
    if day is None:
        raise NoBusinessDay
    # Every value is made here or was validated before: validating again would cost more than deciding.
    stamp = Stamp.__new__(Stamp)
    fields = {
        "source": state.service,
        "type": name,
        "schema_": schema,
        "event_id": name_id(cause.causation_id, f"{cause.scope}/{index}"),
        "originator_id": stream_id,
        "originator_version": version,
        "business_day": day,
        "occurred_at": cause.occurred_at or recorded_at,
        "recorded_at": recorded_at,
        "actor": cause.actor,
        "case_id": case_id,
        "causation_id": cause.causation_id,
        "seen": state.seen,
    }
    for slot, value in (("__dict__", fields), *_SLOTS):
        object.__setattr__(stamp, slot, value)
    return stamp


#: what ``model_construct`` fills besides the fields; it does so an order of magnitude slower
_SLOTS = (
    ("__pydantic_fields_set__", set(Stamp.model_fields)),
    ("__pydantic_extra__", None),
    ("__pydantic_private__", None),
)
