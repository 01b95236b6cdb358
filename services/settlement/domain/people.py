"""Who may do what to a redemption, and who may not do two things. 三(四), 三(五)"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal

from services.settlement.domain.case_facts import Case
from services.settlement.domain.redemption import Redemption
from services.settlement.domain.refusals import NotEntrusted, SamePerson
from services.settlement.domain.registry_facts import Region
from shared.kernel.commands import Principal
from shared.kernel.decisions import NotYours, Refusal
from shared.kernel.recusal import Recused


def party_of(case: Case, principal: Principal) -> Literal["enterprise", "provider"] | None:
    """Which side of the case the caller is."""
    if principal.role == "enterprise" and principal.uscc == case.enterprise_uscc:
        return "enterprise"
    if principal.role == "provider" and principal.uscc == case.provider_uscc:
        return "provider"
    return None


def acts_for_region(principal: Principal, region: str) -> Refusal | None:
    """An officer of the paying region."""
    mine = principal.role == "regional_officer" and principal.region == region
    return None if mine else NotYours("region")


def reviews_for_region(principal: Principal, region: Region, today: date) -> Refusal | None:
    """A person of a centre the paying region entrusted with reviewing on that day."""
    if principal.role != "centre":
        return NotYours("region")
    return None if region.entrusts(principal.member_of, "review", today) else NotEntrusted()


def is_the_platform(principal: Principal) -> Refusal | None:
    """The service itself, at what falls due."""
    return None if principal.role == "service" else NotYours()


def reviewers_of(rounds: Iterable[Redemption]) -> frozenset[str]:
    return frozenset().union(*(redemption.reviewers for redemption in rounds))


def approvers_of(rounds: Iterable[Redemption]) -> frozenset[str]:
    return frozenset().union(*(redemption.approvers for redemption in rounds))


def reviewer_approves_nothing(principal: Principal, rounds: Iterable[Redemption]) -> Refusal | None:
    """Over all rounds of the case, its earlier redemptions included."""
    return SamePerson(step="approval") if principal.persons & approvers_of(rounds) else None


def approver_reviewed_nothing(principal: Principal, rounds: Iterable[Redemption]) -> Refusal | None:
    return SamePerson(step="review") if principal.persons & reviewers_of(rounds) else None


def releaser_took_no_part(principal: Principal, rounds: Iterable[Redemption]) -> Refusal | None:
    """Whoever releases a batch reviewed and approved nothing of what is in it."""
    rounds = tuple(rounds)
    if any(principal.persons & redemption.recused for redemption in rounds):
        return Recused()
    return approver_reviewed_nothing(principal, rounds) or reviewer_approves_nothing(principal, rounds)
