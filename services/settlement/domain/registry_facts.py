"""What the registry publishes and settlement decides by: regions, their terms and centres, parties."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple
from uuid import UUID

from tongdui_events.document import Event, Stamp
from tongdui_events.policy import PolicyAdopted
from tongdui_events.registry import (
    CentreEntrusted,
    CentreReleased,
    EnterpriseBarred,
    EnterpriseDissolved,
    EnterpriseRegistered,
    EnterpriseReinstated,
    EnterpriseRenamed,
    EnterpriseSucceeded,
    ProviderApplied,
    ProviderDelisted,
    ProviderReinstated,
    ProviderRenamed,
    ProviderSuspended,
    RegionJoined,
)

from shared.kernel import region_terms
from shared.kernel.folding import Fold
from shared.kernel.region_terms import Entrusted, Policy


@dataclass(frozen=True, slots=True)
class Region:
    """A region's policies, oldest first, and the centres it entrusts."""

    name: str = ""
    policies: tuple[Policy, ...] = ()
    centres: tuple[Entrusted, ...] = ()

    def in_force(self, day: date) -> Policy | None:
        """The version in force on a day."""
        return region_terms.in_force(self.policies, day)

    def version(self, number: int) -> Policy | None:
        return next((policy for policy in self.policies if policy.version == number), None)

    def entrusts(self, centre_id: UUID | None, scope: str, day: date) -> bool:
        """Whether the centre acts for this region in that scope on that day. 三(三)"""
        return region_terms.entrusts(self.centres, centre_id, scope, day)


def _region(region: Region, event: Event, stamp: Stamp) -> Region:
    match event:
        case RegionJoined():
            return replace(region, name=event.name)
        case PolicyAdopted():
            policy = Policy(event.version, event.effective_on, event.terms)
            return replace(region, policies=(*region.policies, policy))
        case CentreEntrusted():
            entrusted = Entrusted(event.centre_id, event.scope, event.from_on, event.until)
            return replace(region, centres=(*region.centres, entrusted))
        case CentreReleased():
            return replace(region, centres=region_terms.released(region.centres, event))
    return region


class Name(NamedTuple):
    """A registered name, from a day on."""

    text: str
    from_on: date


def name_on(names: tuple[Name, ...], day: date) -> str:
    """The registered name on a day; the first one before any began, "" for a party unknown."""
    begun = [name.text for name in names if name.from_on <= day]
    return begun[-1] if begun else next((name.text for name in names), "")


class Bar(NamedTuple):
    """A bar on an enterprise. ``known_on`` is the business day it was recorded on."""

    from_on: date
    until: date | None
    known_on: date


@dataclass(frozen=True, slots=True)
class Enterprise:
    """An enterprise's names and the bars on it. ``ends``: its dissolution, its merger into another."""

    names: tuple[Name, ...] = ()
    bars: tuple[Bar, ...] = ()
    ends: tuple[Bar, ...] = ()

    def gone_on(self, day: date) -> date | None:
        """The day on which it was recorded that the enterprise is no more, None while it is."""
        return max((end.known_on for end in self.ends if end.from_on <= day), default=None)

    def barred_on(self, day: date) -> date | None:
        """The last day on which a bar in force on ``day`` was recorded, None where there is none."""
        standing = (bar for bar in self.bars if bar.from_on <= day and (bar.until is None or day <= bar.until))
        return max((bar.known_on for bar in standing), default=None)


def _enterprise(enterprise: Enterprise, event: Event, stamp: Stamp) -> Enterprise:
    match event:
        case EnterpriseRegistered():
            return replace(enterprise, names=(*enterprise.names, Name(event.name, stamp.business_day)))
        case EnterpriseRenamed():
            return replace(enterprise, names=(*enterprise.names, Name(event.name, event.from_on)))
        case EnterpriseBarred():
            return replace(enterprise, bars=(*enterprise.bars, Bar(event.from_on, event.until, stamp.business_day)))
        case EnterpriseDissolved():
            return replace(enterprise, ends=(*enterprise.ends, Bar(event.on, None, stamp.business_day)))
        case EnterpriseSucceeded():
            return replace(enterprise, ends=(*enterprise.ends, Bar(event.from_on, None, stamp.business_day)))
        case EnterpriseReinstated():
            return replace(enterprise, bars=())
    return enterprise


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider's names and declared branches, and since when it is suspended or delisted by decision.

    One that left by its own wish is neither: that voids nothing.
    """

    names: tuple[Name, ...] = ()
    branches: tuple[str, ...] = ()
    suspended_on: date | None = None
    delisted_on: date | None = None


def _provider(provider: Provider, event: Event, stamp: Stamp) -> Provider:
    match event:
        case ProviderApplied():
            names = (*provider.names, Name(event.name, stamp.business_day))
            return replace(provider, names=names, branches=event.branch_uscc)
        case ProviderRenamed():
            return replace(provider, names=(*provider.names, Name(event.name, event.from_on)))
        case ProviderSuspended():
            return replace(provider, suspended_on=stamp.business_day)
        case ProviderDelisted():
            return provider if event.voluntary else replace(provider, delisted_on=stamp.business_day)
        case ProviderReinstated():
            return replace(provider, suspended_on=None, delisted_on=None)
    return provider


REGION = Fold(
    "region", "registry", (RegionJoined, PolicyAdopted, CentreEntrusted, CentreReleased), Region(), _region
)
"""Keyed by ``region_id(region)``."""
ENTERPRISE = Fold(
    "enterprise",
    "registry",
    (
        EnterpriseRegistered, EnterpriseRenamed, EnterpriseBarred, EnterpriseReinstated, EnterpriseDissolved, EnterpriseSucceeded,
    ),
    Enterprise(),
    _enterprise,
)
"""Keyed by ``enterprise_id(uscc)``."""
PROVIDER = Fold(
    "provider",
    "registry",
    (ProviderApplied, ProviderRenamed, ProviderSuspended, ProviderDelisted, ProviderReinstated),
    Provider(),
    _provider,
)
"""Keyed by ``provider_id(uscc)``."""
