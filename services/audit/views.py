"""What the audit service shows of its own log."""

from __future__ import annotations

from tongdui_events.catalogue import CATALOGUE
from tongdui_events.document import Event, Stamp

from services.audit.supervision_views import SUPERVISION_VIEWS
from shared.runtime.projections import Row, View


def case_event_key(event: Event, stamp: Stamp) -> str | None:
    """A row for each own event that belongs to a case."""
    return f"{stamp.originator_id}/{stamp.originator_version}" if stamp.case_id else None


def case_event_row(row: Row | None, event: Event, stamp: Stamp) -> Row:
    return {
        "case_id": str(stamp.case_id),
        "originator_id": str(stamp.originator_id),
        "originator_version": stamp.originator_version,
    }


VIEWS: list[View] = [
    View(
        "case_events",
        tuple(cls for (source, _), cls in CATALOGUE.items() if source == "audit"),
        case_event_key,
        case_event_row,
    ),
    *SUPERVISION_VIEWS,
]
