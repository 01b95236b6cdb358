"""One history's money, told three ways: by settlement's books, by the independent checker, by what vouchers consumed."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from tongdui_events import decode

from services.settlement.domain.books import BOOKED, trial_balance
from services.settlement.ledger_rows import entries_of, ledger_key, ledger_row
from tests.invariants.books import Balances, Books
from tests.invariants.history import read_history


def by_the_services_books(path: Path) -> Balances:
    """Each event folded into its ledger, the ledgers summed."""
    rows: dict[str, Any] = {}
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if entry["source"] == "settlement" and entry["event"]["type"] in {cls.__name__ for cls in BOOKED}:
            stamp, event = decode(json.dumps(entry["event"]).encode())
            key = ledger_key(event, stamp)
            rows[key] = ledger_row(rows.get(key), event, stamp)
    found = trial_balance((entry for row in rows.values() for entry in entries_of(row)), date.max)
    assert found.findings == () and found.debit_fen == found.credit_fen > 0
    return Counter({tuple(line.account): line.balance_fen for line in found.lines if line.balance_fen})


def by_what_vouchers_consumed(path: Path) -> Counter[str]:
    """The sums vouchers were redeemed with and raised by, by region."""
    history = read_history(path)
    region_of = {fact["voucher_id"]: fact["region"] for fact in history.of("voucher", "VoucherIssued")}
    consumed: Counter[str] = Counter()
    for fact in history.of("voucher", "VoucherRedeemed", "SupplementAllowed"):
        consumed[region_of[fact["voucher_id"]]] += fact["amount_fen"]
    return consumed


def agree(path: Path) -> None:
    """Raises AssertionError where they do not."""
    told, checked = by_the_services_books(path), Books(read_history(path))
    assert told == checked.balances()
    spent: Counter[str] = Counter()
    for (kind, region, _), fen in told.items():
        if kind in ("region_fund", "agent_clearing"):
            spent[region] -= fen
    for id_, debt in checked.debts.items():
        back = checked.back[id_]
        spent[debt["region"]] += back["repaid"] + back["treasury"] + back["offset"]
    assert spent == by_what_vouchers_consumed(path)
