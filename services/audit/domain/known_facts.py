"""What the rules of the signals look up: cases, caps, ages and affiliations, folded before the rules see an event."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple
from uuid import UUID

from tongdui_events.policy import PolicyAdopted
from tongdui_events.registry import AffiliationDeclared, EnterpriseRegistered
from tongdui_events.settlement import RedemptionRequested
from tongdui_events.voucher import ContractAmended, ContractSubmitted, ProviderChanged, VoucherIssued, VoucherPassedOn

from services.audit.domain.signals import Seen

At = tuple[str, int]
Link = tuple[str, str]


@dataclass(frozen=True)
class KnownCase:
    """A voucher: its parties, its last day and when its contract was signed."""

    enterprise_uscc: str
    provider_uscc: str
    region: str
    redeem_by: date
    issued_at: At
    signed_on: date | None = None


class Affiliation(NamedTuple):
    """What a party last declared: (kind, HMAC) of its controller, holders, address and phone."""

    links: frozenset[Link]
    at: At


@dataclass
class Known:
    """Grows with the history; made again by reading it again."""

    cases: dict[UUID, KnownCase] = field(default_factory=dict)
    caps: dict[tuple[str, int], int | None] = field(default_factory=dict)
    registered: dict[str, tuple[date, At]] = field(default_factory=dict)
    affiliations: dict[str, Affiliation] = field(default_factory=dict)
    cases_of: dict[str, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    voucher_of: dict[UUID, UUID] = field(default_factory=dict)

    def fold(self, seen: Seen) -> None:
        event = seen.event
        match event:
            case VoucherIssued():
                case = KnownCase(event.enterprise_uscc, event.provider_uscc, event.region, event.redeem_by, seen.at)
                self._keep(event.voucher_id, case)
            case ProviderChanged() if event.voucher_id in self.cases:
                self._keep(event.voucher_id, replace(self.cases[event.voucher_id], provider_uscc=event.provider_uscc))
            case VoucherPassedOn() if event.voucher_id in self.cases:
                self._keep(event.voucher_id, replace(self.cases[event.voucher_id], enterprise_uscc=event.enterprise_uscc))
            case ContractSubmitted() | ContractAmended() if event.voucher_id in self.cases:
                self._keep(event.voucher_id, replace(self.cases[event.voucher_id], signed_on=event.signed_on))
            case PolicyAdopted():
                self.caps[event.region, event.version] = event.terms.allocation_cap_fen
            case EnterpriseRegistered():
                self.registered[event.uscc] = event.registered_on, seen.at
            case AffiliationDeclared():
                self.affiliations[event.uscc] = Affiliation(_links(event), seen.at)
            case RedemptionRequested():
                self.voucher_of[event.redemption_id] = event.voucher_id

    def _keep(self, voucher_id: UUID, case: KnownCase) -> None:
        self.cases[voucher_id] = case
        self.cases_of[case.enterprise_uscc].add(voucher_id)
        self.cases_of[case.provider_uscc].add(voucher_id)


TYPES = (
    VoucherIssued, ProviderChanged, VoucherPassedOn, ContractSubmitted, ContractAmended, PolicyAdopted, EnterpriseRegistered,
    AffiliationDeclared, RedemptionRequested,
)


def _links(event: AffiliationDeclared) -> frozenset[Link]:
    """A controller who is a holder elsewhere is a link too: both are persons."""
    persons = {event.controller_hmac, *event.holder_hmac}
    links = {("person", hmac) for hmac in persons if hmac}
    links |= {("address", event.address_hmac)} if event.address_hmac else set()
    links |= {("phone", event.phone_hmac)} if event.phone_hmac else set()
    return frozenset(links)
