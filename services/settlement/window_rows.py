"""Windows as they are read, and the ends of windows the platform looks for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from tongdui_events.document import Event, Stamp
from tongdui_events.payments import AgentAppointed, FundingOrdered, FundingReceived, FundingReturned, WindowClosed, WindowSettled

from services.settlement.domain.windows import LENGTHS, Length

Row = dict[str, Any]
_DAY = timedelta(days=1)


def window_row(row: Row | None, event: Event, stamp: Stamp) -> Row:
    """Each region's payables and recoveries, what it was asked for and what came. ``state``: closed, funded, settled;
    ``due_on``: the day it is looked at again while it is funded and not settled."""
    changed = {**(row or {}), **_told(row or {}, event)}
    if isinstance(event, WindowSettled):
        return changed | {"state": "settled", "due_on": None}
    funded = all(one["asked_fen"] == one["received_fen"] for one in changed["positions"])
    due_on = (stamp.business_day + _DAY).isoformat() if funded else None
    return changed | {"state": "funded" if funded else "closed", "due_on": due_on}


def _told(row: Row, event: Event) -> Row:
    match event:
        case WindowClosed():
            told = event.model_dump(mode="json", exclude={"positions"})
            positions = [
                {"region": region, **due.model_dump(), "asked_fen": 0, "received_fen": 0}
                for region, due in event.positions.items()
            ]
            return {**told, "regions": list(event.positions), "positions": positions}
        case FundingOrdered():
            return _of_region(row, event.region, "asked_fen", event.amount_fen)
        case FundingReceived():
            return _of_region(row, event.region, "received_fen", event.amount_fen)
        case FundingReturned():
            one = next(one for one in row["positions"] if one["region"] == event.region)
            lowered = _of_region(row, event.region, "asked_fen", one["received_fen"] - event.amount_fen - one["asked_fen"])
            return _of_region(lowered, event.region, "received_fen", -event.amount_fen)
    return {}


def _of_region(row: Row, region: str, name: str, fen: int) -> Row:
    positions = [one | {name: one[name] + fen} if one["region"] == region else one for one in row["positions"]]
    return {"positions": positions}


def window_ends(event: AgentAppointed, stamp: Stamp) -> Iterable[tuple[str, tuple[AgentAppointed, Length]]]:
    """A row a length: which windows an agent's regions have is in their terms."""
    return [(f"{event.agent_id}/{length}", (event, length)) for length in LENGTHS]


def window_end_row(row: Row | None, part: tuple[AgentAppointed, Length], stamp: Stamp) -> Row:
    """Looked at each day from the day after the agent's first."""
    event, length = part
    due_on = row["due_on"] if row else (event.from_on + _DAY).isoformat()
    return {"agent_id": str(event.agent_id), "length": length, "due_on": due_on}
