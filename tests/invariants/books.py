"""The books of every region, by totals and not entry by entry: what the fund paid is what payees keep and debtors owe."""

from __future__ import annotations

from collections import Counter, defaultdict

from tests.invariants.history import Fact, History
from tests.invariants.report import Report

Balances = Counter[tuple[str, str, str]]
"""Debits less credits in fen, by (account, region, party)."""


class Books:
    """Totals of the settlement log, by payout and by clawback."""

    def __init__(self, history: History) -> None:
        self.payouts: dict[str, Fact] = {}
        self.paid: Counter[str] = Counter()
        self.debts: dict[str, Fact] = {}
        self.ordered: Counter[str] = Counter()
        self.back: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.funded: Counter[str] = Counter()
        self.closed: dict[str, Fact] = {}
        for fact in history.of("settlement"):
            self._apply(fact)

    def _apply(self, fact: Fact) -> None:
        match fact.type:
            case "PayoutScheduled":
                self.payouts[fact["payout_id"]] = fact
            case "PayoutSettled":
                self.paid[fact["payout_id"]] += fact["amount_fen"]
            case "PayoutReturned":
                self.paid[fact["payout_id"]] -= fact["amount_fen"]
            case "ClawbackOrdered":
                self.debts[fact["clawback_id"]] = fact
                self.ordered[fact["clawback_id"]] = fact["amount_fen"]
            case "ClawbackCancelled":
                self.ordered[fact["clawback_id"]] = 0
            case "RecoveryRecorded":
                self.back[fact["clawback_id"]][fact["method"]] += fact["amount_fen"]
            case "ClawbackClosed":
                self.back[fact["clawback_id"]]["written off"] += fact["written_off_fen"]
                self.closed[fact["clawback_id"]] = fact
            case "FundingReceived":
                self.funded[fact["region"]] += fact["amount_fen"]
            case "FundingReturned":
                self.funded[fact["region"]] -= fact["amount_fen"]

    def balances(self) -> Balances:
        """Accounts that stand at nothing are left out."""
        found: Balances = Counter()
        for id_, fen in self.paid.items():
            payout = self.payouts.get(id_)
            if payout is None:
                continue
            source = "agent_clearing" if payout.get("channel") == "agent" else "region_fund"
            found[source, payout["region"], ""] -= fen
            found["payee", payout["region"], payout["payee_uscc"]] += fen
        for id_, debt in self.debts.items():
            region, debtor, back = debt["region"], debt.get("debtor_uscc", ""), self.back[id_]
            cash = back["repaid"] + back["treasury"]
            found["recovery", region, debtor] += self.ordered[id_] - back.total()
            found["payee", region, debtor] += back["offset"] + back["written off"] - self.ordered[id_]
            found["region_fund", region, ""] += cash
        for region, fen in self.funded.items():
            found["region_fund", region, ""] -= fen
            found["agent_clearing", region, ""] += fen
        return Counter({account: fen for account, fen in found.items() if fen})


def check(history: History, report: Report) -> None:
    books = Books(history)
    by_region: Counter[str] = Counter()
    for (kind, region, party), fen in books.balances().items():
        by_region[region] += fen
        report.expect("books", kind != "recovery" or fen >= 0, f"{kind} {region} {party}", f"{fen} fen are owed")
    for region, fen in by_region.items():
        report.expect("books", fen == 0, region, f"debits less credits are {fen} fen")
    for id_ in books.paid:
        report.expect("books", id_ in books.payouts, f"payout {id_}", "it was paid and not scheduled")
    for id_, fact in books.closed.items():
        _closed_as_it_stands(books, id_, fact, report)


def _closed_as_it_stands(books: Books, id_: str, fact: Fact, report: Report) -> None:
    """A closed clawback says what came back, and writes off the rest and nothing else."""
    back = books.back[id_].total() - books.back[id_]["written off"]
    report.expect("books", fact["recovered_fen"] == back, fact, f"it says {fact['recovered_fen']} came back; {back} did")
    left = books.ordered[id_] - back
    report.expect("books", fact["written_off_fen"] == left, fact, f"{fact['written_off_fen']} written off, {left} were owed")
