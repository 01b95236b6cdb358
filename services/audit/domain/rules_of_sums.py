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
from tongdui_events.voucher import AllocationConfirmed

from services.audit.domain.known_facts import Known
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
        self._near: dict[tuple[str, int], list[tuple[At, UUID]]] = defaultdict(list)

    def see(self, seen: Seen, known: Known, terms: SignalTerms) -> Iterator[Signal]:
        event: AllocationConfirmed = seen.event
        cap = known.caps.get((event.region, event.policy_version))
        if not cap or not cap * (10_000 - terms.near_cap_bp) <= asked_fen(event) * 10_000 <= cap * 10_000:
            return
        key = event.provider_uscc, seen.day.year
        self._near[key].append((seen.at, event.voucher_id))
        if len(self._near[key]) >= terms.near_cap_cases:
            evidence, cases = zip(*self._near[key], strict=True)
            yield signal(self.name, "provider", event.provider_uscc, key, evidence, cases)


class ShareOfARegion:
    """份额集中: one provider has more than a share of what a region allocated in a year."""

    name = "share_of_a_region"
    types: tuple[Any, ...] = (AllocationConfirmed,)

    def __init__(self) -> None:
        self._allocated: dict[tuple[str, int], dict[str, list[tuple[At, UUID, int]]]] = defaultdict(lambda: defaultdict(list))
        self._total: dict[tuple[str, int], tuple[int, int]] = defaultdict(lambda: (0, 0))

    def see(self, seen: Seen, known: Known, terms: SignalTerms) -> Iterator[Signal]:
        event: AllocationConfirmed = seen.event
        year = event.region, seen.day.year
        own = self._allocated[year][event.provider_uscc]
        own.append((seen.at, event.voucher_id, event.amount_fen))
        cases, total = self._total[year]
        cases, total = self._total[year] = cases + 1, total + event.amount_fen
        if cases >= terms.provider_share_cases and sum(fen for *_, fen in own) * 10_000 > total * terms.provider_share_bp:
            cause = (event.provider_uscc, *year)
            yield signal(self.name, "provider", event.provider_uscc, cause, [a for a, *_ in own], [v for _, v, _ in own])


class SamePairAgain:
    """固定搭配: the same enterprise and provider again and again."""

    name = "same_pair_again"
    types: tuple[Any, ...] = (AllocationConfirmed,)

    def __init__(self) -> None:
        self._pairs: dict[tuple[str, str, int], list[tuple[At, UUID]]] = defaultdict(list)

    def see(self, seen: Seen, known: Known, terms: SignalTerms) -> Iterator[Signal]:
        event: AllocationConfirmed = seen.event
        key = event.enterprise_uscc, event.provider_uscc, seen.day.year
        self._pairs[key].append((seen.at, event.voucher_id))
        if len(self._pairs[key]) >= terms.same_pair_cases:
            evidence, cases = zip(*self._pairs[key], strict=True)
            yield signal(self.name, "pair", "/".join(key[:2]), key, evidence, cases)


class Part(NamedTuple):
    """One contract of a pair that alone stays below the cap."""

    signed_on: date
    asked_fen: int
    at: At
    voucher_id: UUID


class ContractsSplit:
    """拆分合同: contracts of one pair within some days, each below the cap per use, together above it."""

    name = "contracts_split"
    types: tuple[Any, ...] = (AllocationConfirmed,)

    def __init__(self) -> None:
        self._parts: dict[tuple[str, str], list[Part]] = defaultdict(list)
        self._told: set[UUID] = set()

    def see(self, seen: Seen, known: Known, terms: SignalTerms) -> Iterator[Signal]:
        event: AllocationConfirmed = seen.event
        cap = known.caps.get((event.region, event.policy_version))
        case = known.cases.get(event.voucher_id)
        asked = asked_fen(event)
        if not cap or asked >= cap or case is None or case.signed_on is None:
            return
        pair = event.enterprise_uscc, event.provider_uscc
        self._parts[pair].append(Part(case.signed_on, asked, seen.at, event.voucher_id))
        near = [
            part for part in self._parts[pair]
            if abs((part.signed_on - case.signed_on).days) <= terms.split_days and part.voucher_id not in self._told
        ]
        if len(near) >= terms.split_contracts and sum(part.asked_fen for part in near) > cap:
            self._told.update(part.voucher_id for part in near)
            cause = (*pair, near[0].voucher_id)
            yield signal(self.name, "pair", "/".join(pair), cause, [p.at for p in near], [p.voucher_id for p in near])
