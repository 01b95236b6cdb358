"""Rules about what is allocated: at a cap, to whom, how often, and split.

Each rule is a memory and ``see``: given what was recorded next, in one order everywhere, the signals it now has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from tongdui_events.audit import SignalTerms
from tongdui_events.voucher import AllocationConfirmed, VoucherRedeemed, VoucherWithdrawn

from services.audit.domain.known_facts import Known
from services.audit.domain.remembered import Greatest, SoMany, UntilTold
from services.audit.domain.signals import Seen, Signal, signal

At = tuple[str, int]


def asked_fen(event: AllocationConfirmed) -> int:
    """Ratio × price before any cap: the step named «sum», fen."""
    return next((step.fen for step in event.steps if step.rule == "sum"), event.amount_fen)


class ClaimsAtTheCap:
    """按上限定价: a provider's contracts priced so that the share comes out at the cap per use, or just below."""

    name = "claims_at_the_cap"
    types: tuple[Any, ...] = (AllocationConfirmed,)

    def __init__(self) -> None:
        self._near: SoMany[str] = SoMany()

    def see(self, seen: Seen, known: Known, terms: SignalTerms) -> Iterator[Signal]:
        event: AllocationConfirmed = seen.event
        cap = known.caps.get((event.region, event.policy_version))
        if not cap or not cap * (10_000 - terms.near_cap_bp) <= asked_fen(event) * 10_000 <= cap * 10_000:
            return
        provider, year = event.provider_uscc, seen.day.year
        near = self._near.told(year, provider, seen, terms.near_cap_cases)
        if near is not None:
            yield signal(self.name, "provider", provider, (provider, year), *near)


class Share:
    """What one provider's cases were allocated in a region and year, fen."""

    def __init__(self) -> None:
        self.fen = 0
        self.evidence: Greatest[At] = Greatest()
        self.cases: Greatest[UUID] = Greatest()

    def add(self, at: At, voucher_id: UUID, fen: int) -> None:
        self.fen += fen
        self.evidence.add(at)
        self.cases.add(voucher_id)


class ShareOfARegion:
    """份额集中: one provider has more than a share of what a region allocated in a year."""

    name = "share_of_a_region"
    types: tuple[Any, ...] = (AllocationConfirmed,)

    def __init__(self) -> None:
        self._shares: UntilTold[tuple[str, str], Share] = UntilTold(Share)
        #: of a region and year: how many allocations, of how much together, fen
        self._total: dict[tuple[str, int], tuple[int, int]] = defaultdict(lambda: (0, 0))

    def see(self, seen: Seen, known: Known, terms: SignalTerms) -> Iterator[Signal]:
        event: AllocationConfirmed = seen.event
        year = event.region, seen.day.year
        cases, total = self._total[year]
        cases, total = self._total[year] = cases + 1, total + event.amount_fen
        key = event.region, event.provider_uscc
        own = self._shares.of(seen.day.year, key)
        if own is None:
            return
        own.add(seen.at, event.voucher_id, event.amount_fen)
        if cases >= terms.provider_share_cases and own.fen * 10_000 > total * terms.provider_share_bp:
            self._shares.tell(key)
            cause = (event.provider_uscc, *year)
            yield signal(self.name, "provider", event.provider_uscc, cause, own.evidence, own.cases)


class SamePairAgain:
    """固定搭配: the same enterprise and provider again and again."""

    name = "same_pair_again"
    types: tuple[Any, ...] = (AllocationConfirmed,)

    def __init__(self) -> None:
        self._pairs: SoMany[tuple[str, str]] = SoMany()

    def see(self, seen: Seen, known: Known, terms: SignalTerms) -> Iterator[Signal]:
        event: AllocationConfirmed = seen.event
        pair, year = (event.enterprise_uscc, event.provider_uscc), seen.day.year
        again = self._pairs.told(year, pair, seen, terms.same_pair_cases)
        if again is not None:
            yield signal(self.name, "pair", "/".join(pair), (*pair, year), *again)


class Part(NamedTuple):
    """One contract of a pair that alone stays below the cap; its allocation stands at ``position`` of the vouchers' log."""

    signed_on: date
    asked_fen: int
    position: int
    voucher_id: UUID


class ContractsSplit:
    """拆分合同: contracts of one pair within some days, each below the cap per use, together above it.

    A contract may be handed in long after it was signed, so a part is remembered until it is told, or until its voucher is
    given back: that contract got nothing, and may stand in another voucher.
    """

    name = "contracts_split"
    types: tuple[Any, ...] = (AllocationConfirmed, VoucherWithdrawn, VoucherRedeemed)

    def __init__(self) -> None:
        self._parts: dict[tuple[str, str], list[Part]] = {}
        #: of vouchers that may still be given back
        self._pair_of: dict[UUID, tuple[str, str]] = {}

    def see(self, seen: Seen, known: Known, terms: SignalTerms) -> Iterator[Signal]:
        if isinstance(seen.event, AllocationConfirmed):
            yield from self._allocated(seen, known, terms)
            return
        pair = self._pair_of.pop(seen.event.voucher_id, None)
        if pair is not None and isinstance(seen.event, VoucherWithdrawn):
            self._keep(pair, [part for part in self._parts[pair] if part.voucher_id != seen.event.voucher_id])

    def _keep(self, pair: tuple[str, str], parts: list[Part]) -> None:
        if parts:
            self._parts[pair] = parts
        else:
            self._parts.pop(pair, None)

    def _allocated(self, seen: Seen, known: Known, terms: SignalTerms) -> Iterator[Signal]:
        event: AllocationConfirmed = seen.event
        cap = known.caps.get((event.region, event.policy_version))
        case = known.cases.get(event.voucher_id)
        asked = asked_fen(event)
        if not cap or asked >= cap or case is None or case.signed_on is None:
            return
        pair, signed_on = (event.enterprise_uscc, event.provider_uscc), case.signed_on
        parts = self._parts.setdefault(pair, [])
        parts.append(Part(signed_on, asked, seen.position, event.voucher_id))
        self._pair_of[event.voucher_id] = pair
        near = [part for part in parts if abs((part.signed_on - signed_on).days) <= terms.split_days]
        if len(near) >= terms.split_contracts and sum(part.asked_fen for part in near) > cap:
            told = set(near)
            self._keep(pair, [part for part in parts if part not in told])
            for part in told:
                self._pair_of.pop(part.voucher_id, None)
            cause = (*pair, near[0].voucher_id)
            evidence = [(seen.source, part.position) for part in near]
            yield signal(self.name, "pair", "/".join(pair), cause, evidence, [p.voucher_id for p in near])
