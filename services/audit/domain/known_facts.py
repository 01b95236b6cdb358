"""What the rules of the signals look up: cases, caps, ages and affiliations, folded before the rules see an event."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date
from heapq import heappop, heappush
from sys import intern
from typing import Any, NamedTuple
from uuid import UUID

from tongdui_events.policy import PolicyAdopted
from tongdui_events.registry import AffiliationDeclared, EnterpriseRegistered
from tongdui_events.voucher import (
    ContractAmended,
    ContractSubmitted,
    ProviderChanged,
    VoucherIssued,
    VoucherPassedOn,
    VoucherRedeemed,
    VoucherTendered,
    VoucherWithdrawn,
)

from services.audit.domain.signals import Seen

At = tuple[str, int]
Link = tuple[str, str]


@dataclass(frozen=True, slots=True)
class KnownCase:
    """A voucher: its parties, its last day and when its contract was signed."""

    enterprise_uscc: str
    provider_uscc: str
    redeem_by: date
    issued_at: At
    signed_on: date | None = None
    tendered: bool = False
    passed_on: bool = False
    former_providers: tuple[str, ...] = ()


class Together(NamedTuple):
    """Two parties of one case, and where it was issued."""

    voucher_id: UUID
    enterprise_uscc: str
    provider_uscc: str
    issued_at: At


class Affiliation(NamedTuple):
    """What a party last declared: (kind, HMAC) of its controller, holders, address and phone."""

    links: frozenset[Link]
    at: At


@dataclass
class Known:
    """Of the cases that are not over, of every party and of every pair that had a case; made again by reading the history
    again.

    A case that is over is forgotten: at once where nobody can have asked for its payment, else after the last day on
    which a request counts. Of the forgotten cases of a pair the one with the lowest id stands for all. A case that was
    passed on, and one that a decision may revive, stays.
    """

    cases: dict[UUID, KnownCase] = field(default_factory=dict)
    caps: dict[tuple[str, int], int | None] = field(default_factory=dict)
    registered: dict[str, tuple[date, At]] = field(default_factory=dict)
    affiliations: dict[str, Affiliation] = field(default_factory=dict)
    _cases_of: dict[str, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    _over: list[tuple[date, UUID]] = field(default_factory=list)
    _pairs_of: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    _first_of: dict[tuple[str, str], Together] = field(default_factory=dict)

    def cases_with(self, uscc: str) -> list[Together]:
        """The cases a party has or had a part in, by id; those of a pair that are over stand together."""
        live = [self.together(voucher_id) for voucher_id in self._cases_of.get(uscc, ())]
        return sorted([*live, *(self._first_of[pair] for pair in self._pairs_of.get(uscc, ()))])

    def together(self, voucher_id: UUID) -> Together:
        case = self.cases[voucher_id]
        return Together(voucher_id, case.enterprise_uscc, case.provider_uscc, case.issued_at)

    def fold(self, seen: Seen) -> None:
        """Days come in their order."""
        self._forget_before(seen.day)
        event = seen.event
        match event:
            case VoucherIssued():
                parties = intern(event.enterprise_uscc), intern(event.provider_uscc)
                self._keep(event.voucher_id, KnownCase(*parties, event.redeem_by, seen.at))
            case PolicyAdopted():
                self.caps[event.region, event.version] = event.terms.allocation_cap_fen
            case EnterpriseRegistered():
                self.registered[event.uscc] = event.registered_on, seen.at
            case AffiliationDeclared():
                self.affiliations[event.uscc] = Affiliation(_links(event), seen.at)
            case _ if isinstance(event, _LATER) and event.voucher_id in self.cases:
                self._later(event, self.cases[event.voucher_id])

    def _later(self, event: Any, case: KnownCase) -> None:
        match event:
            case ProviderChanged():
                former = *case.former_providers, case.provider_uscc
                case = replace(case, provider_uscc=intern(event.provider_uscc), former_providers=former)
                self._keep(event.voucher_id, case)
            case VoucherPassedOn():
                self._keep(event.voucher_id, replace(case, enterprise_uscc=intern(event.enterprise_uscc), passed_on=True))
            case ContractSubmitted() | ContractAmended():
                self.cases[event.voucher_id] = replace(case, signed_on=event.signed_on)
            case VoucherTendered():
                self.cases[event.voucher_id] = replace(case, tendered=True)
            case VoucherWithdrawn() | VoucherRedeemed() if case.tendered:
                # who asked for payment meanwhile had not heard of it
                heappush(self._over, (case.redeem_by, event.voucher_id))
            case VoucherWithdrawn() | VoucherRedeemed():
                self._forget(event.voucher_id)

    def _keep(self, voucher_id: UUID, case: KnownCase) -> None:
        self.cases[voucher_id] = case
        self._cases_of[case.enterprise_uscc].add(voucher_id)
        self._cases_of[case.provider_uscc].add(voucher_id)

    def _forget_before(self, day: date) -> None:
        while self._over and self._over[0][0] < day:
            self._forget(heappop(self._over)[1])

    def _forget(self, voucher_id: UUID) -> None:
        if self.cases[voucher_id].passed_on:
            return
        together = self.together(voucher_id)
        case = self.cases.pop(voucher_id)
        pair = case.enterprise_uscc, case.provider_uscc
        self._first_of[pair] = min(together, self._first_of.get(pair, together))
        for uscc in pair:
            self._pairs_of[uscc].add(pair)
        for uscc in (*pair, *case.former_providers):
            self._cases_of[uscc].discard(voucher_id)


_LATER = (
    ProviderChanged, VoucherPassedOn, ContractSubmitted, ContractAmended, VoucherTendered, VoucherWithdrawn, VoucherRedeemed,
)
TYPES = (VoucherIssued, PolicyAdopted, EnterpriseRegistered, AffiliationDeclared, *_LATER)


def _links(event: AffiliationDeclared) -> frozenset[Link]:
    """A controller who is a holder elsewhere is a link too: both are persons."""
    persons = {event.controller_hmac, *event.holder_hmac}
    links = {("person", hmac) for hmac in persons if hmac}
    links |= {("address", event.address_hmac)} if event.address_hmac else set()
    links |= {("phone", event.phone_hmac)} if event.phone_hmac else set()
    return frozenset(links)
