"""What a region's stream says: its membership, reach, centres and terms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple
from uuid import UUID

from tongdui_events.document import Event, Stamp
from tongdui_events.policy import PolicyAdopted, PolicyTerms
from tongdui_events.registry import CentreEntrusted, CentreReleased, RegionJoined, RegionLeft, RegionReachChanged

from shared.kernel.folding import Fold


class Reach(NamedTuple):
    """The division prefixes a region pays for, from a day on."""

    from_on: date
    prefixes: tuple[str, ...]


class Policy(NamedTuple):
    """One version of a region's terms."""

    version: int
    effective_on: date
    terms: PolicyTerms


class Entrustment(NamedTuple):
    """A centre acts for the region from ``from_on``; ``until`` is its last day, None while it has none;
    from ``released_on`` it acts no more."""

    centre_id: UUID
    name: str
    scope: tuple[str, ...]
    from_on: date
    until: date | None
    released_on: date | None = None

    def holds_on(self, day: date) -> bool:
        over = self.until is not None and day > self.until
        released = self.released_on is not None and day >= self.released_on
        return self.from_on <= day and not over and not released

    def ends_before(self, day: date) -> bool:
        over = self.until is not None and self.until < day
        return over or (self.released_on is not None and self.released_on <= day)


@dataclass(frozen=True, slots=True)
class Region:
    """A region of the pilot. ``joins_on`` is None before it joined; from ``leaves_on`` it is out."""

    region: str = ""
    name: str = ""
    joins_on: date | None = None
    leaves_on: date | None = None
    run_off_until: date | None = None
    reaches: tuple[Reach, ...] = ()
    centres: tuple[Entrustment, ...] = ()
    policies: tuple[Policy, ...] = ()

    @property
    def state(self) -> str:
        if self.joins_on is None:
            return "not joined"
        return "joined" if self.leaves_on is None else "leaving"

    def is_member(self, day: date) -> bool:
        """Whether it takes part on that day."""
        joined = self.joins_on is not None and self.joins_on <= day
        return joined and (self.leaves_on is None or day < self.leaves_on)

    def policy_on(self, day: date) -> Policy | None:
        """The terms in force on a business day: of those begun, the one that began last."""
        begun = [policy for policy in self.policies if policy.effective_on <= day]
        return max(begun, key=lambda policy: policy.effective_on, default=None)


def _evolve(region: Region, event: Event, stamp: Stamp) -> Region:
    match event:
        case RegionJoined():
            reach = Reach(event.joins_on, event.prefixes)
            return replace(
                region, region=event.region, name=event.name, joins_on=event.joins_on, leaves_on=None,
                run_off_until=None, reaches=(*region.reaches, reach),
            )
        case RegionReachChanged():
            return replace(region, reaches=(*region.reaches, Reach(event.from_on, event.prefixes)))
        case RegionLeft():
            return replace(region, leaves_on=event.leaves_on, run_off_until=event.run_off_until)
        case CentreEntrusted():
            entrusted = Entrustment(event.centre_id, event.name, event.scope, event.from_on, event.until)
            return replace(region, centres=(*region.centres, entrusted))
        case CentreReleased():
            return replace(region, centres=tuple(_released(centre, event) for centre in region.centres))
        case PolicyAdopted():
            policy = Policy(event.version, event.effective_on, event.terms)
            return replace(region, policies=(*region.policies, policy))
    return region


def _released(centre: Entrustment, event: CentreReleased) -> Entrustment:
    if centre.centre_id != event.centre_id or centre.released_on is not None or centre.ends_before(event.on):
        return centre
    return centre._replace(released_on=event.on)


REGION: Fold[Region] = Fold(
    "region",
    "registry",
    (RegionJoined, RegionReachChanged, RegionLeft, CentreEntrusted, CentreReleased, PolicyAdopted),
    Region(),
    _evolve,
)
"""Keyed by ``region_id(region)``."""
