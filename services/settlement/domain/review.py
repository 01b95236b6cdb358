"""The centre reviews: the evidence once more, the sum step by step. 三(四)"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from tongdui_events.settlement import RedemptionReviewed

from services.settlement.domain.cross_checks import Grounds, defects_of, receipt_defects
from services.settlement.domain.payable import payable
from services.settlement.domain.people import reviewer_approves_nothing, reviews_for_region
from services.settlement.domain.redemption import Redemption
from services.settlement.domain.refusals import NoTermsInForce, NothingPayable, RequestDefective, defective
from services.settlement.domain.registry_facts import Region
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, OutOfOrder, Refusal


class ReviewRedemption(Command):
    """Review a request; the sum is computed, never given. Receipts too small: return it for mending instead."""

    redemption_id: UUID


def review(
    redemption: Redemption,
    rounds: Sequence[Redemption],
    grounds: Grounds,
    region: Region,
    principal: Principal,
    command: ReviewRedemption,
) -> list[Decided] | Refusal:
    """RedemptionReviewed, by a person who approved nothing in any round of the case.

    The terms are those frozen at the allocation; ``policy_version`` in the event is the one in force today.
    """
    if redemption.request is None:
        return NotFound("redemption_id", what="redemption", id=command.redemption_id)
    refusal = reviews_for_region(principal, region, grounds.today) or reviewer_approves_nothing(principal, rounds)
    if refusal:
        return refusal
    if redemption.stage not in ("under_review", "reviewed"):
        return OutOfOrder("redemption_id", state=redemption.stage)
    return _computed(redemption, grounds, region, grounds.today)


def _computed(redemption: Redemption, grounds: Grounds, region: Region, today: date) -> list[Decided] | Refusal:
    request, case = redemption.request, grounds.case
    frozen, in_force = region.version(case.policy_version), region.in_force(today)
    if request is None or frozen is None or in_force is None:
        return NoTermsInForce()
    sum_ = payable(case, request.lines, request.claimed_fen, frozen.terms)
    refusal = defective(RequestDefective, [*defects_of(request, grounds), *receipt_defects(request, case, sum_)])
    if refusal is None and sum_.amount_fen == 0:
        refusal = NothingPayable("redemption_id")
    if refusal:
        return refusal
    event = RedemptionReviewed(
        redemption_id=request.redemption_id,
        amount_fen=sum_.amount_fen,
        base_fen=sum_.base_fen,
        steps=sum_.steps,
        policy_version=in_force.version,
    )
    return [Decided(request.redemption_id, event, redemption.voucher_id)]
