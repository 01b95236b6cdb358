"""What if (政策推演): the history of allocations and payments under other terms, and whose outcome differs.

Two books are kept side by side: the one that was, from the recorded sums, and the one that would have been, from the same
contracts in the same order under the other terms. Every recorded allocation is computed again under its own terms first:
one that does not come out as recorded rests on something not known here, is named, and is left out. It touches nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from tongdui_events.document import Event
from tongdui_events.policy import PolicyAdopted, PolicyTerms
from tongdui_events.registry import AffiliationDeclared, CatalogueItem, CataloguePublished
from tongdui_events.settlement import RedemptionApproved, RedemptionRejected, RedemptionRequested, RedemptionResubmitted
from tongdui_events.voucher import (
    AllocationConfirmed,
    AllocationCorrected,
    AllocationRefused,
    ConsumptionReversed,
    ContractAmended,
    ContractLine,
    ContractSubmitted,
    LocalSupportRecorded,
    ProviderChanged,
    SupplementAllowed,
    VoucherExpired,
    VoucherIssued,
    VoucherPassedOn,
    VoucherRedeemed,
    VoucherVoided,
    VoucherWithdrawn,
)

from shared.kernel.money import rounded_down, share_of, without_tax

OtherTerms = Callable[[str, date, PolicyTerms], PolicyTerms]
"""(region, business day, terms in force) → the terms to try."""
TYPES = (
    PolicyAdopted, CataloguePublished, AffiliationDeclared,
    RedemptionApproved, RedemptionRejected, RedemptionRequested, RedemptionResubmitted,
    AllocationConfirmed, AllocationCorrected, AllocationRefused, ConsumptionReversed, ContractAmended, ContractSubmitted,
    LocalSupportRecorded, ProviderChanged, SupplementAllowed,
    VoucherExpired, VoucherIssued, VoucherPassedOn, VoucherRedeemed, VoucherVoided,
    VoucherWithdrawn,
)
#: a refusal that no terms change
_FIXED = frozenset({"supported_locally"})


class Counted(NamedTuple):
    """One line as some terms count it, fen on their tax basis and basis points."""

    line_no: int
    eligible_fen: int
    ratio_bp: int


class Came(NamedTuple):
    """What an allocation comes to: fen, 0 when refused; its lines; the ceilings it is held under; the terms it froze."""

    amount_fen: int
    lines: tuple[Counted, ...]
    keys: tuple[tuple[str, str, int], ...]
    terms: PolicyTerms | None = None


@dataclass
class Book:
    """One world: what is used of each ceiling, what each voucher holds, and what became of it."""

    used: dict[tuple[str, str, int], int] = field(default_factory=lambda: defaultdict(int))
    came: dict[UUID, Came] = field(default_factory=dict)
    held: dict[UUID, int] = field(default_factory=dict)

    def release(self, voucher_id: UUID) -> None:
        self._move(voucher_id, -self.held.pop(voucher_id, 0))

    def hold(self, voucher_id: UUID, came: Came) -> None:
        self.release(voucher_id)
        self.came[voucher_id], self.held[voucher_id] = came, came.amount_fen
        self._move(voucher_id, came.amount_fen)

    def consume(self, voucher_id: UUID, amount_fen: int) -> None:
        """What was held and is not consumed is free again."""
        self._move(voucher_id, amount_fen - self.held.pop(voucher_id, 0))

    def give_back(self, key: tuple[str, str, int], amount_fen: int) -> None:
        self.used[key] -= amount_fen

    def _move(self, voucher_id: UUID, by_fen: int) -> None:
        for key in self.came[voucher_id].keys if voucher_id in self.came else ():
            self.used[key] += by_fen


@dataclass
class Outcome:
    """One case in both worlds, fen; ``would_pay_fen`` None where nobody knows what would have been claimed."""

    voucher_id: UUID
    region: str
    enterprise_uscc: str
    was_fen: int = 0
    would_fen: int = 0
    paid_fen: int = 0
    would_pay_fen: int | None = 0
    reproduced: bool = True

    @property
    def differs(self) -> bool:
        return (self.was_fen, self.paid_fen) != (self.would_fen, self.would_pay_fen)


class Trial:
    """Fed with the registry's events, then settlement's, then the voucher service's; each log in its order."""

    def __init__(self, other_terms: OtherTerms) -> None:
        self._other_terms = other_terms
        self._policies: dict[str, list[tuple[int, PolicyAdopted]]] = defaultdict(list)
        self._lists: list[tuple[int, CataloguePublished]] = []
        self._items: dict[int, Mapping[str, CatalogueItem]] = {}
        self._controllers: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self._requests: dict[UUID, RedemptionRequested | RedemptionResubmitted] = {}
        self._approved: dict[UUID, tuple[UUID, int]] = {}
        self._cases: dict[UUID, VoucherIssued] = {}
        self._contracts: dict[UUID, tuple[ContractLine, ...]] = {}
        self._supported: dict[tuple[str, int], int] = defaultdict(int)
        self.was, self.would = Book(), Book()
        self.outcomes: dict[UUID, Outcome] = {}

    def feed(self, position: int, stamp: Any, event: Event) -> None:
        match event:
            case PolicyAdopted():
                self._policies[event.region].append((position, event))
            case CataloguePublished():
                self._lists.append((position, event))
                self._items[position] = {item.code: item for item in event.items}
            case AffiliationDeclared():
                self._controllers[event.uscc].append((position, event.controller_hmac))
            case RedemptionRequested() | RedemptionResubmitted():
                self._requests[event.redemption_id] = event
            case RedemptionApproved():
                self._approved[event.voucher_id] = event.redemption_id, event.amount_fen
            case RedemptionRejected():
                self._approved.pop(event.voucher_id, None)
            case _:
                self._of_the_voucher(stamp, event)

    def _of_the_voucher(self, stamp: Any, event: Any) -> None:
        match event:
            case VoucherIssued():
                self._cases[event.voucher_id] = event
            case ProviderChanged() if event.voucher_id in self._cases:
                changed = {"provider_uscc": event.provider_uscc}
                self._cases[event.voucher_id] = self._cases[event.voucher_id].model_copy(update=changed)
            case VoucherPassedOn() if event.voucher_id in self._cases:
                changed = {"enterprise_uscc": event.enterprise_uscc}
                self._cases[event.voucher_id] = self._cases[event.voucher_id].model_copy(update=changed)
            case ContractSubmitted() | ContractAmended():
                self._contracts[event.voucher_id] = event.lines
            case LocalSupportRecorded():
                self._supported[event.enterprise_uscc, event.year] += event.amount_fen
            case AllocationConfirmed() | AllocationCorrected():
                self._allocated(stamp, event)
            case AllocationRefused():
                self._refused(stamp, event)
            case VoucherWithdrawn() | VoucherExpired() | VoucherVoided():
                self.was.release(event.voucher_id)
                self.would.release(event.voucher_id)
            case VoucherRedeemed():
                self.was.consume(event.voucher_id, event.amount_fen)
                self.would.consume(event.voucher_id, self._payable(event.voucher_id, event.redemption_id))
            case SupplementAllowed():
                self._raised(event)
            case ConsumptionReversed():
                self._reversed(event)

    def _raised(self, event: SupplementAllowed) -> None:
        """A rise after payment counts where the voucher was consumed, under whatever terms."""
        for book in (self.was, self.would):
            came = book.came.get(event.voucher_id)
            for key in came.keys if came is not None else ():
                book.give_back(key, -event.amount_fen)

    def _reversed(self, event: ConsumptionReversed) -> None:
        """Whatever came back of the one comes back of the other, as far as there was anything."""
        for book, fen in ((self.was, event.amount_fen), (self.would, event.amount_fen)):
            came = book.came.get(event.voucher_id)
            if came is not None:
                for key in came.keys:
                    book.give_back(key, min(fen, book.used[key]))

    # -- allocations -------------------------------------------------------------------------------

    def _allocated(self, stamp: Any, event: AllocationConfirmed | AllocationCorrected) -> None:
        out = frozenset(line.line_no for line in event.lines if line.reason == "taken_out")
        outcome = self._outcome(event.voucher_id)
        self.was.release(event.voucher_id)
        came, would = self._both(stamp, event.voucher_id, out)
        outcome.was_fen = event.amount_fen
        outcome.reproduced = came is not None and came.amount_fen == event.amount_fen
        keys = tuple((hold.kind, hold.key, hold.year) for hold in event.holds)
        lines = tuple(Counted(line.line_no, line.eligible_fen, line.ratio_bp) for line in event.lines)
        self.was.hold(event.voucher_id, Came(event.amount_fen, lines, keys, came.terms if came else None))
        self._try(event.voucher_id, would, outcome)

    def _refused(self, stamp: Any, event: AllocationRefused) -> None:
        outcome = self._outcome(event.voucher_id)
        outcome.was_fen = 0
        if _FIXED.intersection(event.reasons):
            outcome.would_fen = 0
            return
        came, would = self._both(stamp, event.voucher_id, frozenset())
        outcome.reproduced = came is not None and came.amount_fen == 0
        self._try(event.voucher_id, would, outcome)

    def _try(self, voucher_id: UUID, would: Came | None, outcome: Outcome) -> None:
        if would is None or not outcome.reproduced:
            # what cannot be computed goes on as it went, so that later cases meet the same ceilings
            would = self.was.came.get(voucher_id, Came(0, (), ()))
        outcome.would_fen = would.amount_fen
        self.would.hold(voucher_id, would)

    def _both(self, stamp: Any, voucher_id: UUID, out: frozenset[int]) -> tuple[Came | None, Came | None]:
        """Under the terms in force, against the book that was; under the others, against the book that would be."""
        case, contract = self._cases.get(voucher_id), self._contracts.get(voucher_id)
        seen = stamp.seen.get("registry", 0)
        terms = self._in_force(case.region, stamp.business_day, seen) if case else None
        if case is None or contract is None or terms is None:
            return None, None
        self.would.release(voucher_id)
        items = self._listed(case.region, stamp.business_day.year, seen)
        other = self._other_terms(case.region, stamp.business_day, terms)
        year = stamp.business_day.year
        lines = [line for line in contract if line.line_no not in out]
        declared = [controller for at, controller in self._controllers[case.enterprise_uscc] if at <= seen]
        controller = declared[-1] if declared else None
        return tuple(
            self._compute(case, lines, items, tried, _ceilings(case, controller, tried, year), book, year)
            for tried, book in ((terms, self.was), (other, self.would))
        )

    def _compute(
        self, case: VoucherIssued, contract: Sequence[ContractLine], items: Mapping[str, CatalogueItem], terms: PolicyTerms,
        ceilings: Sequence[tuple[tuple[str, str, int], int]], book: Book, year: int,
    ) -> Came:
        lines = tuple(_counted(line, items.get(line.item_code), terms) for line in contract)
        keys = tuple(key for key, _ in ceilings)
        amount = sum(share_of(line.eligible_fen, line.ratio_bp) for line in lines)
        if terms.allocation_cap_fen is not None:
            amount = min(amount, terms.allocation_cap_fen)
        for key, limit in ceilings:
            elsewhere = self._supported[case.enterprise_uscc, year] if key[0] == "enterprise-year" else 0
            left = max(limit - book.used[key] - (elsewhere if terms.local_support_counts else 0), 0)
            if left < amount and not terms.partial_allocation:
                return Came(0, lines, (), terms)
            amount = min(amount, left)
        amount = rounded_down(amount, terms.rounding)
        return Came(amount, lines, keys if amount else (), terms)

    def _in_force(self, region: str, day: date, seen: int) -> PolicyTerms | None:
        found = [(p.effective_on, p.version, p) for at, p in self._policies[region] if at <= seen and p.effective_on <= day]
        return max(found, key=lambda one: one[:2])[2].terms if found else None

    def _listed(self, region: str, year: int, seen: int) -> Mapping[str, CatalogueItem]:
        found = [
            (one.region is not None, one.version, at)
            for at, one in self._lists
            if at <= seen and one.year == year and one.region in (None, region)
        ]
        return self._items[max(found)[2]] if found else {}

    # -- payments ----------------------------------------------------------------------------------

    def _payable(self, voucher_id: UUID, redemption_id: UUID) -> int:
        """What would be paid for the work that was done, within what would have been allocated; fen."""
        came, request = self.would.came.get(voucher_id), self._requests.get(redemption_id)
        if came is None or came.terms is None or request is None:
            return 0
        terms = came.terms
        taxes = {line.line_no: line.tax_bp for line in self._contracts.get(voucher_id, ())}
        done = {line.line_no: min(line.performed_fen, line.invoiced_fen) for line in request.lines}
        total = 0
        for line in came.lines:
            if line.line_no in done:
                base = _on_basis(done[line.line_no], taxes.get(line.line_no, 0), terms)
                total += share_of(min(base, line.eligible_fen), line.ratio_bp)
        return rounded_down(min(total, came.amount_fen), terms.rounding)

    def finish(self) -> list[Outcome]:
        """Every case that came to an allocation or a refusal, in the order of ids."""
        for voucher_id, outcome in self.outcomes.items():
            redemption_id, paid = self._approved.get(voucher_id, (None, 0))
            outcome.paid_fen = paid
            if not outcome.reproduced:
                outcome.would_pay_fen = paid
            elif redemption_id is not None:
                outcome.would_pay_fen = self._payable(voucher_id, redemption_id)
            else:
                outcome.would_pay_fen = None if outcome.would_fen and not outcome.was_fen else 0
        return [self.outcomes[voucher_id] for voucher_id in sorted(self.outcomes)]

    def _outcome(self, voucher_id: UUID) -> Outcome:
        if voucher_id not in self.outcomes:
            case = self._cases.get(voucher_id)
            self.outcomes[voucher_id] = Outcome(
                voucher_id, case.region if case else "", case.enterprise_uscc if case else ""
            )
        return self.outcomes[voucher_id]


def _counted(line: ContractLine, item: CatalogueItem | None, terms: PolicyTerms) -> Counted:
    """Only items on the year's list count, up to their unit cap, on the terms' tax basis. 三(三)"""
    if item is None:
        return Counted(line.line_no, 0, 0)
    price = line.amount_fen if item.unit_cap_fen is None else min(line.amount_fen, item.unit_cap_fen)
    ratio_bp = (terms.item_ratio_bp or {}).get(line.item_code, terms.ratio_bp.get(item.category, 0))
    return Counted(line.line_no, _on_basis(price, line.tax_bp, terms), ratio_bp)


def _on_basis(fen: int, tax_bp: int, terms: PolicyTerms) -> int:
    return fen if terms.amount_basis == "tax_inclusive" else without_tax(fen, tax_bp)


def _ceilings(
    case: VoucherIssued, controller: str | None, terms: PolicyTerms, year: int
) -> list[tuple[tuple[str, str, int], int]]:
    stated = [
        (("enterprise-year", case.enterprise_uscc, year), terms.enterprise_year_cap_fen),
        (("region-year", case.region, year), terms.region_year_budget_fen),
    ]
    if terms.provider_year_cap_fen is not None:
        key = ("provider-year", f"{case.region}-{case.provider_uscc}", year)
        stated.append((key, terms.provider_year_cap_fen))
    if terms.controller_year_cap_fen is not None and controller:
        stated.append((("controller-year", f"{case.region}-{controller}", year), terms.controller_year_cap_fen))
    return stated
