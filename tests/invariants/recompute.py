"""Invariant 8: decisions name the policy in force on their day, and their sums follow from the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tests.invariants.ceilings import TERM_OF, Ceilings
from tests.invariants.history import Fact, History
from tests.invariants.policies_in_force import Policies
from tests.invariants.report import Report
from tests.invariants.sums import Case, cases_of

_DECISIONS = ("VoucherIssued", "AllocationConfirmed", "AllocationCorrected", "AllocationRefused", "RedemptionApproved")
_ORDER = tuple(TERM_OF)


class Line(NamedTuple):
    """One contract line as it must have been counted."""

    eligible_fen: int
    ratio_bp: int

    @property
    def amount_fen(self) -> int:
        return self.eligible_fen * self.ratio_bp // 10_000


def check(history: History, report: Report) -> None:
    policies = Policies(history)
    _adoptions(history, report)
    _versions(history, policies, report)
    Allocations(history, policies, report).check()
    _reviews(history, policies, report)


# -- policies ----------------------------------------------------------------------------------


def _adoptions(history: History, report: Report) -> None:
    """Versions count from 1; each is adopted for a later day, a region's first excepted."""
    last: dict[str, Fact] = {}
    for fact in history.of("registry", "PolicyAdopted"):
        before = last.get(fact["region"])
        expected = before["version"] + 1 if before else 1
        report.expect("8", fact["version"] == expected, fact, f"version {fact['version']}, {expected} was expected")
        if before is not None:
            report.expect("8", fact["effective_on"] > fact.day, fact, f"adopted on {fact.day} for {fact['effective_on']}")
        last[fact["region"]] = fact


def _versions(history: History, policies: Policies, report: Report) -> None:
    region_of = {fact["voucher_id"]: fact["region"] for fact in history.of("voucher", "VoucherApplied", "VoucherIssued")}
    for source in ("voucher", "settlement"):
        for fact in history.of(source, *_DECISIONS):
            region = fact.get("region") or region_of.get(fact["voucher_id"], "")
            in_force = policies.in_force(region, fact.day, fact.saw("registry"))
            report.expect("8", fact["policy_version"] == in_force, fact,
                          f"decided under version {fact['policy_version']} of {region}, {in_force} was in force")


# -- allocations -------------------------------------------------------------------------------


class Allocations:
    """Computes every allocation again: lines by the year's list and ratio, the cap, what was left, rounding."""

    def __init__(self, history: History, policies: Policies, report: Report) -> None:
        self.history = history
        self.policies = policies
        self.report = report
        self.ceilings = Ceilings()
        self.contracts: dict[str, Fact] = {}
        self.issued: dict[str, Fact] = {}

    def check(self) -> None:
        for transaction in self.history.transactions("voucher"):
            for fact in transaction:
                match fact.type:
                    case "ContractSubmitted" | "ContractAmended":
                        self.contracts[fact["voucher_id"]] = fact
                    case "VoucherIssued":
                        self.issued[fact["voucher_id"]] = fact
                    case "AllocationConfirmed" | "AllocationCorrected":
                        self._confirmed(fact)
                    case "AllocationRefused":
                        self._refused(fact)
            # What was left is what was left before this decision.
            for fact in transaction:
                self.ceilings.apply(fact)

    def _confirmed(self, fact: Fact) -> None:
        terms = self.policies.terms(fact["region"], fact["policy_version"])
        contract = self.contracts.get(fact["voucher_id"])
        if not self.report.expect("8", bool(terms and contract), fact, "no such terms, or no contract"):
            return
        lines = self._lines(fact, contract, terms, fact["catalogue_version"])
        if self.report.expect("8", len(fact["lines"]) == len(contract["lines"]), fact, "not all lines of the contract"):
            for line in fact["lines"]:
                self._line(fact, line, lines.get(line["line_no"], Line(0, 0)))
        total = sum(line["eligible_fen"] * line["ratio_bp"] // 10_000 for line in fact["lines"])
        left = [self._left(hold, terms, fact["voucher_id"]) for hold in sorted(fact["holds"], key=_by_kind)]
        expected = _allocation(total, terms, left)
        self.report.expect("8", fact["amount_fen"] == expected, fact, f"{fact['amount_fen']} allocated, {expected} computed")
        self._steps(fact)
        kinds = {hold["kind"] for hold in fact["holds"]}
        needed = {kind for kind in ("enterprise-year", "region-year", "provider-year") if terms.get(TERM_OF[kind]) is not None}
        self.report.expect("8", needed <= kinds, fact, f"it holds under {sorted(kinds)}, the terms name {sorted(needed)}")

    def _line(self, fact: Fact, line: Mapping[str, Any], expected: Line) -> None:
        """A line may be left out with a reason; what is counted is counted as the terms say."""
        where = f"line {line['line_no']}"
        if line["eligible_fen"] == 0 and line.get("reason"):
            self.report.expect("8", line["amount_fen"] == 0, fact, f"{where} is not eligible and carries {line['amount_fen']}")
            return
        counted = Line(line["eligible_fen"], line["ratio_bp"])
        self.report.expect("8", counted == expected, fact, f"{where} is counted as {tuple(counted)}, not {tuple(expected)}")
        self.report.expect("8", line["amount_fen"] <= counted.amount_fen, fact,
                           f"{where} carries {line['amount_fen']} of {counted.amount_fen}")

    def _steps(self, fact: Fact) -> None:
        last = fact["steps"][-1]["fen"] if fact["steps"] else None
        self.report.expect("8", last == fact["amount_fen"], fact, f"its steps end at {last}, not {fact['amount_fen']}")

    def _refused(self, fact: Fact) -> None:
        """Refused means that nothing could be carried, or that the same project was supported elsewhere. Where a ceiling is
        keyed by more than we know, not looked at."""
        if fact["reasons"] == ["supported_locally"]:
            return
        issued, contract = self.issued.get(fact["voucher_id"]), self.contracts.get(fact["voucher_id"])
        if not self.report.expect("8", bool(issued and contract), fact, "no voucher or no contract"):
            return
        terms = self.policies.terms(issued["region"], fact["policy_version"])
        if terms is None or terms.get("provider_year_cap_fen") is not None or terms.get("controller_year_cap_fen") is not None:
            self.report.leave_out("allocations refused under a provider's or controller's ceiling: not computed again")
            return
        lines = self._lines(fact, contract, terms, None, issued["region"])
        year = int(fact.day[:4])
        names = [("enterprise-year", issued["enterprise_uscc"]), ("region-year", issued["region"])]
        holds = [{"kind": kind, "key": key, "year": year} for kind, key in names]
        left = [self._left(hold, terms, fact["voucher_id"]) for hold in holds]
        could = _allocation(sum(line.amount_fen for line in lines.values()), terms, left)
        self.report.expect("8", could == 0, fact, f"refused ({', '.join(fact['reasons'])}), though {could} could be carried")

    def _lines(
        self, fact: Fact, contract: Fact, terms: Mapping[str, Any], version: int | None, region: str | None = None
    ) -> dict[int, Line]:
        items = self._items(fact, region or fact["region"], version)
        return {line["line_no"]: _line(line, items.get(line["item_code"]), terms) for line in contract["lines"]}

    def _items(self, fact: Fact, region: str, version: int | None) -> dict[str, Mapping[str, Any]]:
        """The year's list as far as it was seen: the region's own where there is one, else everybody's."""
        found = [
            one for one in self.history.of("registry", "CataloguePublished")
            if one["year"] == int(fact.day[:4]) and one.get("region") in (None, region)
            and one.position <= fact.saw("registry") and version in (None, one["version"])
        ]
        if not found:
            return {}
        listed = max(found, key=lambda one: (one.get("region") is not None, one["version"]))
        return {item["code"]: item for item in listed["items"]}

    def _left(self, hold: Mapping[str, Any], terms: Mapping[str, Any], voucher: str) -> int:
        """The term less what others hold and have consumed."""
        ceiling = self.ceilings.named(hold["kind"], hold["key"], hold["year"])
        used = ceiling.used_fen - ceiling.held.get(voucher, 0) if ceiling else 0
        return max((terms.get(TERM_OF[hold["kind"]]) or 0) - used, 0)


def _by_kind(hold: Mapping[str, Any]) -> int:
    return _ORDER.index(hold["kind"])


def _line(line: Mapping[str, Any], item: Mapping[str, Any] | None, terms: Mapping[str, Any]) -> Line:
    """Only items on the year's list count, up to their unit cap, on the policy's tax basis."""
    if item is None:
        return Line(0, 0)
    cap = item.get("unit_cap_fen")
    price = line["amount_fen"] if cap is None else min(line["amount_fen"], cap)
    by_item, by_category = terms.get("item_ratio_bp") or {}, terms["ratio_bp"]
    return Line(_on_basis(price, line["tax_bp"], terms), by_item.get(item["code"], by_category.get(item["category"], 0)))


def _on_basis(fen: int, tax_bp: int, terms: Mapping[str, Any]) -> int:
    return fen if terms["amount_basis"] == "tax_inclusive" else fen * 10_000 // (10_000 + tax_bp)


def _allocation(total: int, terms: Mapping[str, Any], left: Sequence[int]) -> int:
    """At most the cap per use, at most what is left of each ceiling, last down to the unit of rounding."""
    cap = terms.get("allocation_cap_fen")
    amount = total if cap is None else min(total, cap)
    for rest in left:
        if rest < amount and not terms["partial_allocation"]:
            return 0
        amount = min(amount, rest)
    return _rounded(amount, terms)


def _rounded(fen: int, terms: Mapping[str, Any]) -> int:
    return fen - fen % 100 if terms["rounding"] == "yuan" else fen


# -- reviews -----------------------------------------------------------------------------------


def _reviews(history: History, policies: Policies, report: Report) -> None:
    """Payable = min(allocation, claimed, Σ ratio × base by line), by what AllocationConfirmed froze."""
    cases = cases_of(history, Report())
    requests: dict[str, Fact] = {}
    for fact in history.of("settlement", "RedemptionRequested", "RedemptionResubmitted", "RedemptionReviewed"):
        if fact.type != "RedemptionReviewed":
            requests[fact["redemption_id"]] = fact
            continue
        request = requests.get(fact["redemption_id"])
        case = cases.get(request["voucher_id"], Case()) if request else Case()
        allocation = case.allocation_at(fact.saw("voucher"))
        terms = allocation and policies.terms(allocation["region"], allocation["policy_version"])
        if report.expect("8", bool(request and terms and case.contract), fact, "no request, allocation, terms or contract"):
            _review(fact, request, allocation, case, terms, report)


def _review(
    fact: Fact, request: Fact, allocation: Fact, case: Case, terms: Mapping[str, Any], report: Report
) -> None:
    taxes = {line["line_no"]: line["tax_bp"] for line in case.contract["lines"]}
    counted = {line["line_no"]: line for line in allocation["lines"]}
    base, total = 0, 0
    for line in request["lines"]:
        frozen = counted.get(line["line_no"])
        if not report.expect("8", frozen is not None, fact, f"line {line['line_no']} is in no allocation"):
            return
        done = _on_basis(min(line["performed_fen"], line["invoiced_fen"]), taxes[line["line_no"]], terms)
        part = Line(min(done, frozen["eligible_fen"]), frozen["ratio_bp"])
        base, total = base + part.eligible_fen, total + part.amount_fen
    expected = _rounded(min(total, allocation["amount_fen"], request["claimed_fen"]), terms)
    report.expect("8", fact["amount_fen"] == expected, fact, f"{fact['amount_fen']} reviewed, {expected} computed")
    report.expect("8", fact["base_fen"] == base, fact, f"a base of {fact['base_fen']}, {base} computed")
    received = sum(receipt["amount_fen"] for receipt in request["receipts"])
    needed = base if allocation["mode"] == "tongyong" else base - fact["amount_fen"]
    report.expect("8", received >= needed, fact, f"receipts of {received}, {needed} are needed")
