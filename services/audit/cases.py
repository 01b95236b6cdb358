"""The whole history of one case, as stored: from the archive and from the audit service's own log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection
from tongdui_events.codec import decode_event, decode_stamp
from tongdui_events.document import Event
from tongdui_events.registry import CentreEntrusted, CentreReleased
from tongdui_events.streams import region_id

from services.audit.domain.moments import Moment
from services.audit.domain.parties import PARTY_EVENTS, Parties, entrusted_centres, parties_of
from shared.runtime.projections import Projections
from shared.runtime.sweeps import day_reached


class Entry(NamedTuple):
    """One event of a case, in the order of a history: recorded time, source, position."""

    recorded_at: datetime
    source: str
    position: int
    type: str
    state: bytes


class Case(NamedTuple):
    """A case's history, whose it is, and the centres its paying region entrusts today."""

    entries: list[Entry]
    parties: Parties
    centres: frozenset[UUID]

    def at(self, moment: Moment) -> list[Entry]:
        """What existed at a moment."""
        return [entry for entry in self.entries if existed(entry, moment)]


def read_case(projections: Projections, case_id: UUID) -> Case:
    """Everything recorded so far. Without entries there is no such case."""
    view_position = projections.position()
    own = [row for _, row in projections.find("case_events", {"case_id": str(case_id)}, {}, None, 100_000)]
    with projections.connection() as connection:
        entries = sorted(
            [*_archived(connection, case_id), *_own(connection, own), *_own_since(connection, view_position, case_id)]
        )
        parties = parties_of(_events(entries, PARTY_EVENTS))
        centres = _centres(connection, parties.region)
    return Case(_once(entries), parties, centres)


def existed(entry: Entry, moment: Moment) -> bool:
    """Whether an entry existed at a moment; the business day is read from its stamp, where that is asked."""
    day = decode_stamp(entry.state).business_day if moment.business_on else date.min
    return moment.holds(entry.source, entry.position, entry.recorded_at, day)


def _archived(connection: Connection[Any], case_id: UUID) -> list[Entry]:
    rows = connection.execute(
        "SELECT recorded_at, source, position, type, state FROM audit_archive WHERE case_id = %s", (case_id,), binary=True
    )
    return [Entry(*row) for row in rows]


def _own(connection: Connection[Any], rows: Sequence[dict[str, Any]]) -> list[Entry]:
    """The own events that a view found to belong to the case."""
    found = connection.execute(
        "SELECT notification_id, topic, state FROM audit_events JOIN unnest(%s::uuid[], %s::bigint[])"
        " AS wanted (originator_id, originator_version) USING (originator_id, originator_version)",
        ([row["originator_id"] for row in rows], [row["originator_version"] for row in rows]),
        binary=True,
    )
    return [_own_entry(*row) for row in found]


def _own_since(connection: Connection[Any], position: int, case_id: UUID) -> list[Entry]:
    """The own events of the case that the view does not show yet."""
    rows = connection.execute(
        "SELECT notification_id, topic, state FROM audit_events WHERE notification_id > %s", (position,), binary=True
    )
    return [_own_entry(*row) for row in rows if decode_stamp(row[2]).case_id == case_id]


def _own_entry(position: int, topic: str, state: bytes) -> Entry:
    return Entry(decode_stamp(state).recorded_at, "audit", position, topic, state)


def _once(entries: Sequence[Entry]) -> list[Entry]:
    """The view may have moved between the readings, and show what was also read after it."""
    return [entry for index, entry in enumerate(entries) if not index or entry != entries[index - 1]]


def _centres(connection: Connection[Any], region: str) -> frozenset[UUID]:
    day = day_reached(connection, "audit", "audit") or date.min
    rows = connection.execute(
        "SELECT type, state FROM audit_archive WHERE source = 'registry' AND originator_id = %s AND type = ANY(%s)"
        " ORDER BY position",
        (region_id(region), [CentreEntrusted.__name__, CentreReleased.__name__]),
        binary=True,
    )
    return entrusted_centres([decode_event("registry", type_name, state) for type_name, state in rows], day)


def _events(entries: Iterable[Entry], types: Sequence[type[Event]]) -> list[Event]:
    names = {cls.__name__ for cls in types}
    return [decode_event(entry.source, entry.type, entry.state) for entry in entries
            if entry.source == "voucher" and entry.type in names]
