"""Invariant 1: what is held and consumed under a ceiling never exceeds it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.invariants.history import Fact, History
from tests.invariants.policies_in_force import Policies
from tests.invariants.report import Report

CEILING_TYPES = frozenset(
    {"CeilingSet", "HoldPlaced", "HoldReduced", "HoldReleased", "HoldConsumed", "ConsumptionReversed"}
)
TERM_OF = {
    "enterprise-year": "enterprise_year_cap_fen",
    "region-year": "region_year_budget_fen",
    "provider-year": "provider_year_cap_fen",
    "controller-year": "controller_year_cap_fen",
}
ENDS = frozenset({"VoucherWithdrawn", "VoucherExpired", "VoucherVoided", "VoucherRedeemed"})


@dataclass
class Ceiling:
    """One ceiling's stream, folded."""

    name: tuple[str, str, int] | None = None
    wanted_fen: int = 0
    limit_fen: int = 0
    #: all holds and what was consumed and not reversed
    used_fen: int = 0
    held: dict[str, int] = field(default_factory=dict)
    consumed: Counter[str] = field(default_factory=Counter)

    def apply(self, fact: Fact) -> list[str]:
        """Fold one event; what is wrong with it."""
        if fact.type == "CeilingSet":
            return self._set(fact)
        wrong = [] if self.name else ["the first event of a ceiling is its CeilingSet"]
        match fact.type:
            case "HoldPlaced":
                wrong += self._place(fact)
            case "HoldReduced":
                wrong += self._reduce(fact)
            case "HoldReleased" | "HoldConsumed":
                wrong += self._end(fact)
            case "ConsumptionReversed":
                self.consumed[fact["voucher_id"]] -= fact["amount_fen"]
                self.used_fen -= fact["amount_fen"]
                if self.consumed[fact["voucher_id"]] < 0:
                    wrong.append("more is reversed than was consumed")
        if self.used_fen > self.limit_fen:
            wrong.append(f"{self.used_fen} held and consumed of a limit of {self.limit_fen}")
        return wrong

    def _set(self, fact: Fact) -> list[str]:
        name = (fact["kind"], fact["key"], fact["year"])
        wrong = [] if self.name in (None, name) else [f"the ceiling of {self.name} becomes that of {name}"]
        self.name, self.wanted_fen, self.limit_fen = name, fact["wanted_fen"], fact["limit_fen"]
        expected = max(self.wanted_fen, self.used_fen)
        if self.limit_fen != expected:
            wrong.append(f"the limit is {self.limit_fen}, not max(wanted, used) = {expected}")
        return wrong

    def _place(self, fact: Fact) -> list[str]:
        wrong = []
        voucher, amount = fact["voucher_id"], fact["amount_fen"]
        if self.name != (fact["kind"], fact["key"], fact["year"]):
            wrong.append(f"a hold of {fact['kind']} {fact['key']} {fact['year']} in the stream of {self.name}")
        if amount <= 0:
            wrong.append(f"a hold of {amount}")
        if voucher in self.held:
            wrong.append(f"{voucher} has a live hold here already")
        self.held[voucher] = self.held.get(voucher, 0) + amount
        self.used_fen += amount
        if self.used_fen > self.wanted_fen:
            wrong.append(f"{self.used_fen} held and consumed of {self.wanted_fen} wanted")
        return wrong

    def _reduce(self, fact: Fact) -> list[str]:
        held = self.held.get(fact["voucher_id"], 0)
        self.held[fact["voucher_id"]] = held - fact["by_fen"]
        self.used_fen -= fact["by_fen"]
        return [] if 0 < fact["by_fen"] <= held else [f"a hold of {held} reduced by {fact['by_fen']}"]

    def _end(self, fact: Fact) -> list[str]:
        held = self.held.pop(fact["voucher_id"], None)
        self.used_fen -= held or 0
        wrong = [] if held == fact["held_fen"] else [f"{fact['held_fen']} said to be held, {held} was"]
        if fact.type == "HoldConsumed":
            self.consumed[fact["voucher_id"]] += fact["amount_fen"]
            self.used_fen += fact["amount_fen"]
            if fact["amount_fen"] > (held or 0):
                wrong.append(f"{fact['amount_fen']} consumed of {held} held")
        return wrong


class Ceilings:
    """Every ceiling, by its stream and by its name."""

    def __init__(self) -> None:
        self.by_stream: defaultdict[str, Ceiling] = defaultdict(Ceiling)
        self._by_name: dict[tuple[str, str, int], Ceiling] = {}

    def apply(self, fact: Fact) -> list[str]:
        if fact.type not in CEILING_TYPES:
            return []
        ceiling = self.by_stream[fact.stream]
        wrong = ceiling.apply(fact)
        if fact.type == "CeilingSet":
            other = self._by_name.setdefault((fact["kind"], fact["key"], fact["year"]), ceiling)
            if other is not ceiling:
                wrong.append("another stream has the ceiling of this name")
        return wrong

    def named(self, kind: str, key: str, year: int) -> Ceiling | None:
        return self._by_name.get((kind, key, year))


def check(history: History, report: Report) -> None:
    ceilings, policies = Ceilings(), Policies(history)
    ended: dict[str, Fact] = {}
    for transaction in history.transactions("voucher"):
        for fact in transaction:
            if fact.type in CEILING_TYPES:
                wrong = ceilings.apply(fact)
                report.expect("1", not wrong, fact, "; ".join(wrong))
            if fact.type in ENDS:
                ended[fact["voucher_id"]] = fact
            if fact.type == "VoucherReinstated":
                ended.pop(fact["voucher_id"], None)
        for fact in transaction:
            if fact.type == "AllocationConfirmed":
                _holds_are_placed(fact, transaction, report)
                _terms_are_set(fact, ceilings, policies, report)
    for ceiling in ceilings.by_stream.values():
        for voucher in ceiling.held:
            report.expect("1", voucher not in ended, ended.get(voucher, "end"), f"{voucher} still holds under {ceiling.name}")


def _holds_are_placed(fact: Fact, transaction: Sequence[Fact], report: Report) -> None:
    named = sorted((hold["kind"], hold["key"], hold["year"], hold["amount_fen"]) for hold in fact["holds"])
    placed = sorted(
        (hold["kind"], hold["key"], hold["year"], hold["amount_fen"])
        for hold in transaction
        if hold.type == "HoldPlaced" and hold["voucher_id"] == fact["voucher_id"]
    )
    report.expect("1", named == placed, fact, f"it names the holds {named}; placed with it were {placed}")


def _terms_are_set(fact: Fact, ceilings: Ceilings, policies: Policies, report: Report) -> None:
    """A decision under a new version records its CeilingSet first."""
    terms = policies.terms(fact["region"], fact["policy_version"])
    for hold in fact["holds"]:
        ceiling = ceilings.named(hold["kind"], hold["key"], hold["year"])
        term = None if terms is None else terms.get(TERM_OF[hold["kind"]])
        if ceiling is not None and term is not None:
            report.expect("1", ceiling.wanted_fen == term, fact,
                          f"{ceiling.name} wants {ceiling.wanted_fen}; the policy's term is {term}")
