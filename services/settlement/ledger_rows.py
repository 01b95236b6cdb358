"""The entries of one payout, clawback or funding as a view keeps them, and back again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from tongdui_events.document import Event, Stamp
from tongdui_events.payments import FundingReceived, FundingReturned

from services.settlement.domain.books import Account, Entry, Ledger, evolve

Row = dict[str, Any]


def ledger_key(event: Event, stamp: Stamp) -> str:
    """A window's funding is each region's own; else one row a stream."""
    stream = str(stamp.originator_id)
    return f"{stream}/{event.region}" if isinstance(event, FundingReceived | FundingReturned) else stream


def ledger_row(row: Row | None, event: Event, stamp: Stamp) -> Row:
    ledger = evolve(_ledger(row), event, stamp)
    region = ledger.region or (ledger.entries[0].debit.region if ledger.entries else "")
    return {
        "region": region,
        "party": ledger.party,
        "through_agent": ledger.through_agent,
        "ordered_fen": ledger.ordered_fen,
        "entries": [[entry.on.isoformat(), *entry.debit, *entry.credit, entry.fen] for entry in ledger.entries],
    }


def entries_of(row: Row) -> Iterator[Entry]:
    for on, *accounts, fen in row["entries"]:
        yield Entry(date.fromisoformat(on), Account(*accounts[:3]), Account(*accounts[3:]), fen)


def _ledger(row: Row | None) -> Ledger:
    if row is None:
        return Ledger()
    return Ledger(row["region"], row["party"], row["through_agent"], row["ordered_fen"], tuple(entries_of(row)))
