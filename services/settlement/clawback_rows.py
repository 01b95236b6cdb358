"""One recovery as it is read: who owes what to which region, what came back and how it ended."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tongdui_events.document import Event, Stamp
from tongdui_events.settlement import (
    ClawbackCancelled,
    ClawbackClosed,
    ClawbackOrdered,
    ClawbackProposed,
    OffsetDropped,
    OffsetPlanned,
    RecoveryRecorded,
)

Row = dict[str, Any]


def clawback_row(row: Row | None, event: Event, stamp: Stamp) -> Row:
    """``amount_fen`` is what was proposed; ``ordered_fen`` the total that stands, ``left_fen`` what is owed of it, ``planned``
    what payments under way will set off, by payout."""
    known = {"ordered_fen": 0, "recovered_fen": 0, "written_off_fen": 0, "recoveries": [], "planned": {}, **(row or {})}
    return _summed({**known, **_told(known, event, stamp)})


def _told(known: Row, event: Event, stamp: Stamp) -> Row:
    match event:
        case ClawbackProposed():
            case_id = str(stamp.case_id) if stamp.case_id else None
            return {**event.model_dump(mode="json"), "voucher_id": case_id, "state": "proposed"}
        case ClawbackOrdered():
            fields = event.model_dump(mode="json")
            return {**fields, "amount_fen": known.get("amount_fen"), "ordered_fen": event.amount_fen, "state": "ordered"}
        case RecoveryRecorded():
            one = event.model_dump(mode="json", exclude={"clawback_id", "region"})
            recovered_fen = known["recovered_fen"] + event.amount_fen
            planned = _without(known["planned"], event.payout_id)
            return {"recoveries": [*known["recoveries"], one], "recovered_fen": recovered_fen, "planned": planned}
        case OffsetPlanned():
            return {"planned": {**known["planned"], str(event.payout_id): event.amount_fen}}
        case OffsetDropped():
            return {"planned": _without(known["planned"], event.payout_id)}
        case ClawbackCancelled():
            return {"state": "cancelled", "decision_no": event.decision_no}
        case ClawbackClosed():
            return {"state": "closed", "written_off_fen": event.written_off_fen}
    return {}


def _without(planned: dict[str, int], payout_id: UUID | None) -> dict[str, int]:
    return {payout: fen for payout, fen in planned.items() if payout != str(payout_id)}


def _summed(row: Row) -> Row:
    owed = row["ordered_fen"] - row["recovered_fen"] if row.get("state") == "ordered" else 0
    return row | {"left_fen": owed}
