"""What the registry publishes and vouchers are decided by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple
from uuid import UUID

from tongdui_events.document import Event, Stamp
from tongdui_events.policy import PolicyAdopted
from tongdui_events.registry import (
    AffiliationDeclared,
    CataloguePublished,
    CentreEntrusted,
    CentreReleased,
    EnterpriseBarred,
    EnterpriseDissolved,
    EnterpriseMoved,
    EnterpriseQualificationRevoked,
    EnterpriseQualified,
    EnterpriseRegistered,
    EnterpriseReinstated,
    EnterpriseSucceeded,
    ProviderDelisted,
    ProviderListed,
    ProviderReinstated,
    ProviderSuspended,
    RegionJoined,
    RegionLeft,
)

from shared.kernel import region_terms
from shared.kernel.folding import Fold
from shared.kernel.region_terms import Entrusted, Policy


@dataclass(frozen=True, slots=True)
class Region:
    """When a region takes part, its terms oldest first, its centres."""

    joins_on: date | None = None
    leaves_on: date | None = None
    run_off_until: date | None = None
    policies: tuple[Policy, ...] = ()
    centres: tuple[Entrusted, ...] = ()

    def takes_part(self, day: date) -> bool:
        return self.joins_on is not None and self.joins_on <= day and (self.leaves_on is None or day < self.leaves_on)

    def in_force(self, day: date) -> Policy | None:
        """The version in force on a day."""
        return region_terms.in_force(self.policies, day)

    def entrusts(self, centre_id: UUID | None, scope: str, day: date) -> bool:
        """Whether the centre acts for this region in that scope on that day. 三(三)"""
        return region_terms.entrusts(self.centres, centre_id, scope, day)


def _region(region: Region, event: Event, stamp: Stamp) -> Region:
    match event:
        case RegionJoined():
            return replace(region, joins_on=event.joins_on, leaves_on=None, run_off_until=None)
        case RegionLeft():
            return replace(region, leaves_on=event.leaves_on, run_off_until=event.run_off_until)
        case PolicyAdopted():
            return replace(region, policies=(*region.policies, Policy(event.version, event.effective_on, event.terms)))
        case CentreEntrusted():
            entrusted = Entrusted(event.centre_id, event.scope, event.from_on, event.until)
            return replace(region, centres=(*region.centres, entrusted))
        case CentreReleased():
            return replace(region, centres=region_terms.released(region.centres, event))
    return region


class Address(NamedTuple):
    """The region that pays for an enterprise, from a day on."""

    region: str
    from_on: date


class Qualification(NamedTuple):
    """Days, both included, on which an enterprise is a technology-based SME. 二(二)"""

    valid_from_on: date
    valid_until: date


class Succession(NamedTuple):
    """Who takes over by decision, from a day on."""

    successor_uscc: str
    decision_no: str
    from_on: date


@dataclass(frozen=True, slots=True)
class Enterprise:
    """An enterprise's paying region by day, its standing and its qualifications."""

    addresses: tuple[Address, ...] = ()
    qualifications: tuple[Qualification, ...] = ()
    bars: tuple[tuple[date, date | None], ...] = ()
    dissolved_on: date | None = None
    succession: Succession | None = None
    #: keyed digests: who controls it, and everything it may share with another party
    controller: str = ""
    ties: frozenset[str] = frozenset()

    def is_related_to(self, other: Enterprise) -> bool:
        """A controller, holder, address or phone in common."""
        return bool(self.ties & other.ties)

    def region_on(self, day: date) -> str | None:
        begun = [address.region for address in self.addresses if address.from_on <= day]
        return begun[-1] if begun else None

    def qualified_on(self, day: date) -> bool:
        return any(q.valid_from_on <= day <= q.valid_until for q in self.qualifications)

    def gone_on(self, day: date) -> bool:
        """Dissolved, or merged into another."""
        ends = (self.dissolved_on, self.succession.from_on if self.succession else None)
        return any(end is not None and end <= day for end in ends)

    def barred_on(self, day: date) -> bool:
        """By any of its bars: of two at once the later end counts."""
        return any(from_on <= day and (until is None or day <= until) for from_on, until in self.bars)


def _enterprise(enterprise: Enterprise, event: Event, stamp: Stamp) -> Enterprise:
    match event:
        case EnterpriseRegistered():
            return replace(enterprise, addresses=(*enterprise.addresses, Address(event.region, stamp.business_day)))
        case EnterpriseMoved():
            return replace(enterprise, addresses=(*enterprise.addresses, Address(event.region, event.from_on)))
        case EnterpriseQualified():
            qualification = Qualification(event.valid_from_on, event.valid_until)
            return replace(enterprise, qualifications=(*enterprise.qualifications, qualification))
        case EnterpriseQualificationRevoked():
            kept = tuple(q._replace(valid_until=min(q.valid_until, _day_before(event.on))) for q in enterprise.qualifications)
            return replace(enterprise, qualifications=kept)
        case EnterpriseBarred():
            return replace(enterprise, bars=(*enterprise.bars, (event.from_on, event.until)))
        case EnterpriseReinstated():
            return replace(enterprise, bars=())
        case EnterpriseDissolved():
            return replace(enterprise, dissolved_on=event.on)
        case EnterpriseSucceeded():
            return replace(enterprise, succession=Succession(event.successor_uscc, event.decision_no, event.from_on))
        case AffiliationDeclared():
            stated = (event.controller_hmac, *event.holder_hmac, event.address_hmac, event.phone_hmac)
            return replace(enterprise, controller=event.controller_hmac, ties=frozenset(filter(None, stated)))
    return enterprise


def _day_before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)


@dataclass(frozen=True, slots=True)
class Provider:
    """Whether a laboratory is on the list, and of which province."""

    province: str = ""
    listed_on: date | None = None
    suspended: bool = False
    delisted_on: date | None = None

    def serves(self, day: date) -> bool:
        """Listed, not suspended, not delisted. 二(三)"""
        listed = self.listed_on is not None and self.listed_on <= day
        return listed and not self.suspended and (self.delisted_on is None or day < self.delisted_on)


def _provider(provider: Provider, event: Event, stamp: Stamp) -> Provider:
    match event:
        case ProviderListed():
            return Provider(event.province, event.on)
        case ProviderSuspended():
            return replace(provider, suspended=True)
        case ProviderReinstated():
            return replace(provider, suspended=False, delisted_on=None)
        case ProviderDelisted():
            return replace(provider, delisted_on=event.on)
    return provider


class Item(NamedTuple):
    """One service item of a year's list."""

    category: str
    unit_cap_fen: int | None


@dataclass(frozen=True)
class Catalogue:
    """The latest version of one list; version 0 before the first."""

    version: int = 0
    items: dict[str, Item] | None = None

    def item(self, code: str) -> Item | None:
        return (self.items or {}).get(code)


def _catalogue(catalogue: Catalogue, event: Event, stamp: Stamp) -> Catalogue:
    return Catalogue(event.version, {item.code: Item(item.category, item.unit_cap_fen) for item in event.items})


REGION = Fold(
    "region", "registry", (RegionJoined, RegionLeft, PolicyAdopted, CentreEntrusted, CentreReleased), Region(), _region
)
"""Keyed by ``region_id(region)``."""
ENTERPRISE = Fold(
    "enterprise",
    "registry",
    (
        EnterpriseRegistered,
        EnterpriseMoved,
        EnterpriseQualified,
        EnterpriseQualificationRevoked,
        EnterpriseBarred,
        EnterpriseReinstated,
        EnterpriseDissolved,
        EnterpriseSucceeded,
        AffiliationDeclared,
    ),
    Enterprise(),
    _enterprise,
)
"""Keyed by ``enterprise_id(uscc)``."""
PROVIDER = Fold(
    "provider",
    "registry",
    (ProviderListed, ProviderSuspended, ProviderReinstated, ProviderDelisted),
    Provider(),
    _provider,
)
"""Keyed by ``provider_id(uscc)``."""
CATALOGUE = Fold("catalogue", "registry", (CataloguePublished,), Catalogue(), _catalogue)
"""Keyed by ``catalogue_id(year, region)``."""
