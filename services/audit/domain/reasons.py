"""Why a decision came out as it did: the terms and the catalogue in force, each step of the sum, what was known, and what
existed elsewhere but had not been seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from tongdui_events.document import Event
from tongdui_events.policy import PolicyAdopted
from tongdui_events.registry import CataloguePublished

DECISIONS = frozenset(
    {
        "VoucherIssued", "ApplicationRefused", "AllocationConfirmed", "AllocationCorrected", "AllocationRefused",
        "PresentationRefused", "VoucherVoided", "PerformanceAllowed", "RedemptionReturned", "RedemptionReviewed",
        "RedemptionApproved", "RedemptionRejected", "RedemptionAdjusted", "ApprovalWithdrawn", "ClawbackProposed",
        "ClawbackOrdered", "InspectionClosed", "SanctionDecided", "SanctionReviewed",
    }
)


class Known(NamedTuple):
    """One event of the case, or of what it rests on: its region, its parties, the catalogues."""

    source: str
    position: int
    type: str
    recorded_at: datetime
    business_day: date
    seen: Mapping[str, int]
    actor: str
    event: Event


class Reason(NamedTuple):
    """One decision, taken apart. ``policy`` and ``catalogue`` are the events whose terms counted, None where there were
    none; ``policy_as_named`` whether the decision names the version that was in force on its day."""

    decision: Known
    policy: Known | None
    policy_as_named: bool | None
    catalogue: Known | None
    known: list[Known]
    not_seen: list[Known]


def reasons(case: Sequence[Known], context: Sequence[Known]) -> list[Reason]:
    """For each decision of the case, in its order. ``context``: region, parties and catalogues, from the registry."""
    return [_reason(decision, [*case, *context]) for decision in case if decision.type in DECISIONS]


def _reason(decision: Known, everything: Sequence[Known]) -> Reason:
    known = [one for one in everything if had_seen(decision, one)]
    not_seen = [one for one in everything if not had_seen(decision, one) and one.recorded_at < decision.recorded_at]
    policy = _latest(one for one in known if _in_force(one, decision))
    catalogue = _latest(one for one in known if _catalogue_of(one, decision))
    named = getattr(decision.event, "policy_version", None)
    as_named = None if named is None or policy is None else policy.event.version == named
    return Reason(decision, policy, as_named, catalogue, known, not_seen)


def had_seen(decision: Known, one: Known) -> bool:
    """Its own log up to itself; of each other what its stamp says had been applied."""
    if one.source == decision.source:
        return one.position < decision.position
    return one.position <= decision.seen.get(one.source, 0)


def _in_force(one: Known, decision: Known) -> bool:
    return isinstance(one.event, PolicyAdopted) and one.event.effective_on <= decision.business_day


def _catalogue_of(one: Known, decision: Known) -> bool:
    return isinstance(one.event, CataloguePublished) and one.event.year == decision.business_day.year


def _latest(found: Iterable[Known]) -> Known | None:
    """The version in force: the last effective; of a region's own list and the common one, the region's own."""
    return max(found, key=_rank, default=None)


def _rank(one: Known) -> tuple[Any, ...]:
    if isinstance(one.event, PolicyAdopted):
        return one.event.effective_on, one.event.version
    return getattr(one.event, "region", None) is not None, one.event.version
