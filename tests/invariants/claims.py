"""Invariant 6: an invoice and a contract line are not used twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.invariants.ceilings import ENDS
from tests.invariants.history import Fact, History
from tests.invariants.report import Report


@dataclass
class Invoice:
    total_fen: int | None = None
    reversed_fen: int = 0
    allotted: dict[str, int] = field(default_factory=dict)


def check(history: History, report: Report) -> None:
    _invoices(history, report)
    _contract_lines(history, report)


def _invoices(history: History, report: Report) -> None:
    invoices: defaultdict[str, Invoice] = defaultdict(Invoice)
    for transaction in history.transactions("settlement"):
        touched = [fact for fact in transaction if fact.type.startswith("Invoice")]
        for fact in touched:
            _invoice(fact, invoices[fact["number"]], report)
        for fact in touched:
            invoice = invoices[fact["number"]]
            allotted, most = sum(invoice.allotted.values()), (invoice.total_fen or 0) - invoice.reversed_fen
            report.expect("6", not allotted or allotted <= most, fact, f"{allotted} allotted of {most}")


def _invoice(fact: Fact, invoice: Invoice, report: Report) -> None:
    match fact.type:
        case "InvoiceClaimed":
            first = fact["total_fen"] if invoice.total_fen is None else invoice.total_fen
            report.expect("6", fact["total_fen"] == first, fact, f"a total of {fact['total_fen']} after {first}")
            report.expect("6", fact["redemption_id"] not in invoice.allotted, fact, "that redemption has a live allotment")
            invoice.total_fen = first
            invoice.allotted[fact["redemption_id"]] = fact["allotted_fen"]
        case "InvoiceReleased":
            released = invoice.allotted.pop(fact["redemption_id"], None)
            report.expect("6", released is not None, fact, "that redemption has no live allotment")
        case "InvoiceReversed":
            invoice.reversed_fen += fact["amount_fen"]


def _contract_lines(history: History, report: Report) -> None:
    holders: dict[str, str] = {}
    lines: defaultdict[str, set[str]] = defaultdict(set)
    ended: dict[str, Fact] = {}
    for transaction in history.transactions("voucher"):
        for fact in transaction:
            _claim(fact, holders, lines, report)
            if fact.type in ENDS - {"VoucherRedeemed"}:
                ended[fact["voucher_id"]] = fact
            if fact.type == "VoucherReinstated":
                ended.pop(fact["voucher_id"], None)
        _contract_is_claimed(transaction, lines, report)
    for voucher, fact in ended.items():
        report.expect("6", not lines[voucher], fact, f"{len(lines[voucher])} contract lines were not released")


def _claim(fact: Fact, holders: dict[str, str], lines: defaultdict[str, set[str]], report: Report) -> None:
    if fact.type == "ContractClaimed":
        holder = holders.setdefault(fact["fingerprint"], fact["voucher_id"])
        report.expect("6", fact["fingerprint"] not in lines[holder], fact, f"the line backs {holder} already")
        lines[fact["voucher_id"]].add(fact["fingerprint"])
    if fact.type == "ClaimReleased":
        mine = holders.get(fact["fingerprint"]) == fact["voucher_id"]
        if report.expect("6", mine, fact, f"the line backs {holders.get(fact['fingerprint'])}"):
            del holders[fact["fingerprint"]]
        lines[fact["voucher_id"]].discard(fact["fingerprint"])


def _contract_is_claimed(transaction: Sequence[Fact], lines: defaultdict[str, set[str]], report: Report) -> None:
    """One claim a line, with the contract; what an amended contract drops is released with it."""
    for fact in transaction:
        if fact.type in ("ContractSubmitted", "ContractAmended"):
            wanted = {line["fingerprint"] for line in fact["lines"]}
            report.expect("6", lines[fact["voucher_id"]] == wanted, fact, "its lines are not what the voucher claims")
