"""Invariant 3: an attempt to pay has an id of its own, and follows only one known to have failed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.invariants.history import Fact, History
from tests.invariants.report import Report

_MAY_BE_TRIED = frozenset({"scheduled", "failed", "returned"})
_AFTER = {"PayoutSettled": "settled", "PayoutFailed": "failed", "PayoutUncertain": "uncertain", "PayoutReturned": "returned"}
_BEFORE = {
    "PayoutSettled": frozenset({"instructed", "uncertain", "failed"}),
    "PayoutFailed": frozenset({"instructed", "uncertain"}),
    "PayoutUncertain": frozenset({"instructed", "uncertain"}),
    "PayoutReturned": frozenset({"settled", "instructed", "uncertain"}),
}


@dataclass
class Payout:
    scheduled: Fact
    state: str = "scheduled"
    attempt: int = 0
    held: set[str] = field(default_factory=set)


class Attempts:
    """Folds the settlement log and reports."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.payouts: dict[str, Payout] = {}
        self.states: dict[str, str] = {}
        self.instructed: dict[str, Fact] = {}

    def apply(self, fact: Fact) -> None:
        if fact.type == "PayoutScheduled":
            is_new = fact["payout_id"] not in self.payouts
            self.report.expect("3", is_new, fact, "the payout was scheduled before")
            self.payouts[fact["payout_id"]] = Payout(fact)
            return
        if not fact.type.startswith("Payout"):
            return
        payout = self.payouts.get(fact["payout_id"])
        if not self.report.expect("3", payout is not None, fact, "no such payout was scheduled"):
            return
        match fact.type:
            case "PayoutHeld":
                payout.held.add(fact["reason"])
            case "PayoutFreed":
                payout.held.discard(fact["reason"])
            case "PayoutCancelled":
                may = payout.state in _MAY_BE_TRIED
                self.report.expect("3", may, fact, f"cancelled while it is {payout.state}")
                payout.state = "cancelled"
            case "PayoutInstructed":
                self._instruct(fact, payout)
            case _:
                self._answer(fact, payout)

    def _instruct(self, fact: Fact, payout: Payout) -> None:
        expect, id_ = self.report.expect, fact["end_to_end_id"]
        expect("3", id_ not in self.instructed, fact, f"{id_} was used by {self.instructed.get(id_)}")
        expect("3", payout.state in _MAY_BE_TRIED, fact, f"a new attempt while the payout is {payout.state}")
        expect("3", fact["attempt"] == payout.attempt + 1, fact, f"attempt {fact['attempt']} after {payout.attempt}")
        expect("3", fact["amount_fen"] == payout.scheduled["amount_fen"] > 0, fact,
               f"{fact['amount_fen']} is told, {payout.scheduled['amount_fen']} was scheduled")
        expect("3", not payout.held, fact, f"it is held: {sorted(payout.held)}")
        self.instructed.setdefault(id_, fact)
        self.states[id_] = payout.state = "instructed"
        payout.attempt += 1

    def _answer(self, fact: Fact, payout: Payout) -> None:
        id_ = fact["end_to_end_id"]
        instructed = self.instructed.get(id_)
        mine = instructed is not None and instructed["payout_id"] == fact["payout_id"]
        if not self.report.expect("3", mine, fact, f"{id_} is no attempt of this payout"):
            return
        before = self.states[id_]
        self.report.expect("3", before in _BEFORE[fact.type], fact, f"{id_} is {before}")
        if fact.type in ("PayoutSettled", "PayoutReturned"):
            self.report.expect("3", fact["amount_fen"] == instructed["amount_fen"], fact,
                               f"{fact['amount_fen']} of {instructed['amount_fen']} instructed")
        self.states[id_] = payout.state = _AFTER[fact.type]


def check(history: History, report: Report) -> None:
    attempts = Attempts(report)
    for transaction in history.transactions("settlement"):
        for fact in transaction:
            attempts.apply(fact)
        _is_released_whole(transaction, report)


def _is_released_whole(transaction: Sequence[Fact], report: Report) -> None:
    """What is instructed was released with its batch at once, and adds up to it."""
    told: defaultdict[str, list[int]] = defaultdict(list)
    for fact in transaction:
        if fact.type == "PayoutInstructed":
            told[fact["batch_id"]].append(fact["amount_fen"])
    released = {fact["batch_id"]: fact for fact in transaction if fact.type == "BatchReleased"}
    for batch in told:
        report.expect("3", batch in released, transaction[0], f"batch {batch} was not released with it")
    for batch, fact in released.items():
        report.expect("3", (fact["count"], fact["total_fen"]) == (len(told[batch]), sum(told[batch])), fact,
                      f"{len(told[batch])} payouts of {sum(told[batch])} were instructed with it")
