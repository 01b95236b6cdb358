"""Whose case it is, from its history, and who may read it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from tongdui_events.document import Event
from tongdui_events.registry import CentreEntrusted, CentreReleased
from tongdui_events.voucher import ProviderChanged, VoucherApplied, VoucherIssued, VoucherPassedOn

from shared.kernel.commands import Principal

PARTY_EVENTS = (VoucherApplied, VoucherIssued, ProviderChanged, VoucherPassedOn)
READS_ALL = frozenset({"auditor", "operator"})


@dataclass(frozen=True)
class Parties:
    """The enterprise, its provider, and the two jurisdictions: paying region and listing province."""

    enterprise_uscc: str = ""
    provider_uscc: str = ""
    region: str = ""
    listing_province: str = ""

    @property
    def places(self) -> tuple[str, ...]:
        """The jurisdictions that are known."""
        return tuple(place for place in (self.region, self.listing_province) if place)


def parties_of(events: Iterable[Event], parties: Parties = Parties()) -> Parties:
    """As the last of the case's events names them; ``parties``: as known before these events."""
    for event in events:
        match event:
            case VoucherIssued():
                parties = Parties(event.enterprise_uscc, event.provider_uscc, event.region, event.listing_province)
            case VoucherApplied():
                parties = replace(
                    parties, enterprise_uscc=event.enterprise_uscc, provider_uscc=event.provider_uscc, region=event.region
                )
            case ProviderChanged():
                parties = replace(parties, provider_uscc=event.provider_uscc)
            case VoucherPassedOn():
                parties = replace(parties, enterprise_uscc=event.enterprise_uscc)
    return parties


def entrusted_centres(events: Iterable[Event], day: date) -> frozenset[UUID]:
    """The centres a region entrusts on a day, from its CentreEntrusted and CentreReleased."""
    entrusted: set[UUID] = set()
    for event in events:
        if isinstance(event, CentreEntrusted) and event.from_on <= day and (event.until is None or day <= event.until):
            entrusted.add(event.centre_id)
        if isinstance(event, CentreReleased) and event.on <= day:
            entrusted.discard(event.centre_id)
    return frozenset(entrusted)


def may_read(principal: Principal, parties: Parties, centres: Collection[UUID]) -> bool:
    """Auditors and operators read all; the others the cases they have a part in."""
    match principal.role:
        case "enterprise":
            return principal.uscc == parties.enterprise_uscc
        case "provider":
            return principal.uscc == parties.provider_uscc
        case "centre":
            return principal.member_of in centres
        case "regional_officer":
            return principal.region == parties.region
        case "provincial_officer":
            return principal.region == parties.listing_province
    return principal.role in READS_ALL


def is_outside(principal: Principal, parties: Parties) -> bool:
    """Whether a reading by this person is recorded: auditors, operators, officers of another region."""
    if principal.role in ("regional_officer", "provincial_officer"):
        return not parties.region.startswith(principal.region or "-")
    return principal.role in READS_ALL
