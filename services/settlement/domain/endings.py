"""How a request comes back or comes to nothing: withdrawn, returned and lapsed, rejected. 三(四)

Wherever it ends unpaid its invoices are free again in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field
from tongdui_events.document import Code
from tongdui_events.settlement import (
    RedemptionLapsed,
    RedemptionRejected,
    RedemptionReturned,
    RedemptionWithdrawn,
    ReviewOpened,
)

from services.settlement.domain import invoices
from services.settlement.domain.approval import undo_approval
from services.settlement.domain.case_facts import Case
from services.settlement.domain.payouts import Payout
from services.settlement.domain.people import acts_for_region, is_the_platform, party_of, reviews_for_region
from services.settlement.domain.redemption import Redemption
from services.settlement.domain.refusals import MendingNotOver, NoTermsInForce
from services.settlement.domain.registry_facts import Region
from shared.kernel.calendar import add_days
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal
from shared.kernel.fields import Day, each_once
from shared.kernel.public_notice import PublicNotice

Reasons = Annotated[tuple[Code, ...], Field(min_length=1, max_length=50), AfterValidator(each_once)]


class WithdrawRedemption(Command):
    """Take the request back before it is approved; the voucher is open again until its last day."""

    redemption_id: UUID


class ReturnRedemption(Command):
    """Return a request for mending, with every reason. The last day follows from the region's terms."""

    redemption_id: UUID
    reasons: Reasons


class LapseRedemption(Command):
    """End a request that was not mended in time. Asked by the platform the day after ``mend_by``."""

    redemption_id: UUID
    mend_by: Day


class RejectRedemption(Command):
    """Reject a request, with every reason; by the centre before the approval, by the region before the
    payment is instructed. ``decision_no`` where it follows a decision about a party."""

    redemption_id: UUID
    reasons: Reasons
    decision_no: Code | None = None


def withdraw(
    redemption: Redemption, case: Case, principal: Principal, command: WithdrawRedemption
) -> list[Decided] | Refusal:
    """RedemptionWithdrawn, InvoiceReleased."""
    if redemption.request is None:
        return _unknown(command.redemption_id)
    if party_of(case, principal) is None:
        return NotYours("redemption_id")
    if redemption.stage not in ("requested", "under_review", "returned", "reviewed"):
        return OutOfOrder("redemption_id", state=redemption.stage)
    event = RedemptionWithdrawn(redemption_id=command.redemption_id)
    return [Decided(command.redemption_id, event, redemption.voucher_id), *invoices.release_all(redemption)]


def return_for_mending(
    redemption: Redemption, case: Case, region: Region, today: date, principal: Principal, command: ReturnRedemption
) -> list[Decided] | Refusal:
    """RedemptionReturned; ``mend_by`` = today + the mending days of the terms in force, included."""
    if redemption.request is None:
        return _unknown(command.redemption_id)
    refusal = _handled_by(principal, case, region, today)
    if refusal:
        return refusal
    if redemption.stage not in ("under_review", "reviewed"):
        return OutOfOrder("redemption_id", state=redemption.stage)
    policy = region.in_force(today)
    if policy is None:
        return NoTermsInForce()
    mend_by = add_days(today, policy.terms.mending_days)
    event = RedemptionReturned(redemption_id=command.redemption_id, reasons=command.reasons, mend_by=mend_by)
    return [Decided(command.redemption_id, event, redemption.voucher_id)]


def lapse(
    redemption: Redemption, today: date, principal: Principal, command: LapseRedemption
) -> list[Decided] | Refusal:
    """RedemptionLapsed, InvoiceReleased."""
    refusal = is_the_platform(principal)
    if refusal:
        return refusal
    if redemption.stage != "returned" or redemption.mend_by is None:
        return OutOfOrder("redemption_id", state=redemption.stage)
    if today <= redemption.mend_by:
        return MendingNotOver(mend_by=redemption.mend_by)
    event = RedemptionLapsed(redemption_id=command.redemption_id)
    return [Decided(command.redemption_id, event, redemption.voucher_id), *invoices.release_all(redemption)]


def reject(
    redemption: Redemption,
    case: Case,
    region: Region,
    notice: PublicNotice,
    payouts: Sequence[Payout],
    today: date,
    principal: Principal,
    command: RejectRedemption,
) -> list[Decided] | Refusal:
    """RedemptionRejected, InvoiceReleased; before them what undoes an approval and its payment.

    ``notice``, ``payouts``: of the standing approval.
    """
    if redemption.request is None:
        return _unknown(command.redemption_id)
    refusal = _handled_by(principal, case, region, today)
    if refusal:
        return refusal
    by_centre = principal.role == "centre"
    stages = ("under_review", "returned", "reviewed") if by_centre else (
        "under_review", "returned", "reviewed", "approved", "payable"
    )
    if redemption.stage not in stages:
        return OutOfOrder("redemption_id", state=redemption.stage)
    undone = undo_approval(redemption, notice, payouts, "rejected")
    if isinstance(undone, Refusal):
        return undone
    return [*undone, *_rejected(redemption, command.reasons, command.decision_no)]


def presentation_refused(redemption: Redemption, reasons: Sequence[str]) -> list[Decided]:
    """The voucher service says no: RedemptionRejected with its reasons, InvoiceReleased. Nothing where the
    request has ended meanwhile."""
    return _rejected(redemption, tuple(reasons), None) if redemption.stage == "requested" else []


def presented(redemption: Redemption) -> list[Decided]:
    """The voucher backs the request: ReviewOpened. Nothing where it has ended meanwhile."""
    if redemption.stage != "requested" or redemption.redemption_id is None or redemption.voucher_id is None:
        return []
    event = ReviewOpened(redemption_id=redemption.redemption_id, voucher_id=redemption.voucher_id)
    return [Decided(redemption.redemption_id, event, redemption.voucher_id)]


def _rejected(redemption: Redemption, reasons: tuple[str, ...], decision_no: str | None) -> list[Decided]:
    if redemption.redemption_id is None or redemption.voucher_id is None:
        return []
    event = RedemptionRejected(
        redemption_id=redemption.redemption_id,
        voucher_id=redemption.voucher_id,
        reasons=reasons,
        decision_no=decision_no,
    )
    return [Decided(redemption.redemption_id, event, redemption.voucher_id), *invoices.release_all(redemption)]


def _handled_by(principal: Principal, case: Case, region: Region, today: date) -> Refusal | None:
    """The entrusted centre, or an officer of the paying region."""
    if principal.role == "centre":
        return reviews_for_region(principal, region, today)
    return acts_for_region(principal, case.region)


def _unknown(redemption_id: UUID) -> NotFound:
    return NotFound("redemption_id", what="redemption", id=redemption_id)
