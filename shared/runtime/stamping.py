"""From what a decision wants recorded to documents ready to store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha1
from typing import Any, NamedTuple
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


def event_namer(cause: Cause) -> Callable[[int], UUID]:
    """The id of a cause's n-th event: ``uuid5(causation_id, f"{scope}/{n}")``, RFC 9562 §5.5.

    The library's function takes twice as long, and every event has one.
    """
    # what a cause's ids have in common is hashed once
    common = sha1(cause.causation_id.bytes + f"{cause.scope}/".encode(), usedforsecurity=False)

    def named(index: int) -> UUID:
        digest = common.copy()
        digest.update(b"%d" % index)
        made = _new(UUID)
        _set(made, "int", int.from_bytes(digest.digest()[:16], "big") & _NAME_BITS | _VERSION_5)
        _set(made, "is_safe", _NOT_KNOWN_SAFE)
        return made

    return named


_new, _set = object.__new__, object.__setattr__
_NOT_KNOWN_SAFE = SafeUUID.unknown
_NAME_BITS = ~(0xF000 << 64 | 0xC000 << 48)
_VERSION_5 = 0x5000 << 64 | 0x8000 << 48


def stamp_all(state: State, decided: Sequence[Decided], cause: Cause, clock: Clock) -> list[Document]:
    """Documents with consecutive versions per stream. Raises NoBusinessDay before the first day."""
    versions: dict[int, int] = {}
    documents = []
    day = state.today
    recorded_at = clock.instant(day)
    event_id = event_namer(cause)
    for index, (stream_id, event, case_id) in enumerate(decided):
        name = type(event).__name__
        if name in DAY_TYPES:
            day = event.date
            recorded_at = clock.instant(day)
        if day is None:
            raise NoBusinessDay
        # by its integer: a UUID hashes and compares in Python
        key = stream_id.int
        version = versions[key] = (versions[key] if key in versions else state.version(name, stream_id)) + 1
        stamp = _stamp(
            {
                "source": state.service,
                "type": name,
                "schema_": event.SCHEMA,
                "event_id": event_id(index),
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
        )
        documents.append(Document(stamp, event))
    return documents


def _stamp(fields: dict[str, Any]) -> Stamp:
    """Every value is made here or was validated before: validating again would cost more than deciding, and
    ``model_construct``, which fills the same slots, takes ten times as long."""
    stamp = _new(Stamp)
    _set(stamp, "__dict__", fields)
    _set(stamp, "__pydantic_fields_set__", _ALL_FIELDS)
    _set(stamp, "__pydantic_extra__", None)
    _set(stamp, "__pydantic_private__", None)
    return stamp


_ALL_FIELDS = set(Stamp.model_fields)
