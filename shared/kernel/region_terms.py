"""A region's dated terms and the centres it entrusts, as every service that decides by them reads them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple
from uuid import UUID

from tongdui_events.policy import PolicyTerms
from tongdui_events.registry import CentreReleased


class Policy(NamedTuple):
    """One version of a region's terms."""

    version: int
    effective_on: date
    terms: PolicyTerms


class Entrusted(NamedTuple):
    """One entrustment of a centre; ``until`` is its last day, None while it has none. 三(三)"""

    centre_id: UUID
    scope: tuple[str, ...]
    from_on: date
    until: date | None
    released_on: date | None = None

    def holds(self, day: date) -> bool:
        begun = self.from_on <= day
        over = (self.until is not None and day > self.until) or (
            self.released_on is not None and day >= self.released_on
        )
        return begun and not over


def in_force(policies: Iterable[Policy], day: date) -> Policy | None:
    """The version in force on a day: the latest effective one."""
    begun = [policy for policy in policies if policy.effective_on <= day]
    return max(begun, key=lambda policy: (policy.effective_on, policy.version), default=None)


def entrusts(centres: Iterable[Entrusted], centre_id: UUID | None, scope: str, day: date) -> bool:
    """Whether one of the entrustments lets the centre act in that scope on that day. 三(三)"""
    return any(centre.centre_id == centre_id and scope in centre.scope and centre.holds(day) for centre in centres)


def released(centres: Iterable[Entrusted], event: CentreReleased) -> tuple[Entrusted, ...]:
    """The entrustments after a centre was released: those of it that were not yet, are."""
    return tuple(
        centre._replace(released_on=event.on)
        if centre.centre_id == event.centre_id and centre.released_on is None
        else centre
        for centre in centres
    )
