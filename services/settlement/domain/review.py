"""The centre reviews; the paying region agrees. 三(四)"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple
from uuid import UUID

from tongdui_events.common import Step
from tongdui_events.policy import PolicyTerms
from tongdui_events.settlement import (
    ApprovalWithdrawn,
    RedemptionApproved,
    RedemptionReviewed,
)

from services.settlement.domain.case_facts import Case
from services.settlement.domain.redemption import Redemption
from services.settlement.domain.refusals import NotEntrusted, NoTermsKnown, NothingPayable, ReceiptsTooLow, SamePerson
from services.settlement.domain.registry_facts import Region
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal
from shared.kernel.money import rounded_down, share_of, without_tax


class ReviewRedemption(Command):
    """The centre finds the request in order; the sum payable is computed, every step recorded."""

    redemption_id: UUID


class ApproveRedemption(Command):
    """The paying region's department agrees to the reviewed sum."""

    redemption_id: UUID


class Payable(NamedTuple):
    """The base of what was performed and invoiced, with tax and on the policy's basis; the sum payable."""

    base_fen: int
    gross_fen: int
    amount_fen: int
    steps: tuple[Step, ...]


def payable(redemption: Redemption, case: Case, terms: PolicyTerms) -> Payable:
    """min(allocation, claimed, Σ ratio × base by line), rounded as frozen in the allocation."""
    ratios = {line.line_no: line for line in case.lines}
    steps, base, gross, amount = [], 0, 0, 0
    for line in redemption.lines:
        allocated = ratios[line.line_no]
        with_tax = min(line.performed_fen, line.invoiced_fen)
        on_basis = with_tax if terms.amount_basis == "tax_inclusive" else without_tax(with_tax, case.tax_of(line.line_no))
        counted = min(on_basis, allocated.eligible_fen)
        part = share_of(counted, allocated.ratio_bp)
        steps += [Step(rule=f"line_{line.line_no}_base", fen=counted), Step(rule=f"line_{line.line_no}_ratio", fen=part)]
        base, gross, amount = base + counted, gross + with_tax, amount + part
    for rule, limit in (("allocation", case.allocation_fen or 0), ("claimed", redemption.claimed_fen)):
        amount = min(amount, limit)
        steps.append(Step(rule=rule, fen=amount))
    amount = rounded_down(amount, terms.rounding)
    return Payable(base, gross, amount, (*steps, Step(rule="rounding", fen=amount)))


def review(
    redemption: Redemption, case: Case, region: Region, today: date, principal: Principal, command: ReviewRedemption
) -> list[Decided] | Refusal:
    """RedemptionReviewed with base, sum and steps."""
    refusal = _may_review(redemption, case, region, today, principal, command)
    policy = region.version(case.policy_version)
    if refusal is not None or policy is None:
        return refusal or NoTermsKnown("redemption_id")
    due = payable(redemption, case, policy.terms)
    if due.amount_fen == 0:
        return NothingPayable("redemption_id")
    needed = due.gross_fen if case.mode == "tongyong" else due.gross_fen - due.amount_fen
    received = sum(receipt.amount_fen for receipt in redemption.receipts)
    if received < needed:
        return ReceiptsTooLow("redemption_id", received_fen=received, needed_fen=needed)
    event = RedemptionReviewed(
        redemption_id=command.redemption_id, amount_fen=due.amount_fen, base_fen=due.base_fen, steps=due.steps
    )
    return [Decided(command.redemption_id, event, redemption.voucher_id)]


def _may_review(
    redemption: Redemption, case: Case, region: Region, today: date, principal: Principal, command: ReviewRedemption
) -> Refusal | None:
    if redemption.stage == "unknown":
        return NotFound("redemption_id", what="redemption", id=command.redemption_id)
    if not region.entrusts(principal.member_of, "review", today):
        return NotEntrusted("redemption_id")
    # Nothing is reviewed before the voucher answered that it backs this redemption.
    if redemption.stage != "requested" or case.live != command.redemption_id:
        return OutOfOrder("redemption_id", state="not_presented" if redemption.stage == "requested" else redemption.stage)
    return SamePerson("redemption_id") if principal.sub in redemption.approvers else None


def approve(
    redemption: Redemption, case: Case, region: Region, today: date, principal: Principal, command: ApproveRedemption
) -> list[Decided] | Refusal:
    """RedemptionApproved, by the paying region and another person than any reviewer of the case."""
    if redemption.stage == "unknown":
        return NotFound("redemption_id", what="redemption", id=command.redemption_id)
    if principal.region != case.region:
        return NotYours("redemption_id")
    if redemption.stage != "reviewed":
        return OutOfOrder("redemption_id", state=redemption.stage)
    if principal.sub in redemption.reviewers:
        return SamePerson("redemption_id")
    policy = region.in_force(today)
    if policy is None:
        return NoTermsKnown("redemption_id")
    event = RedemptionApproved(
        redemption_id=command.redemption_id,
        voucher_id=redemption.voucher_id,
        region=case.region,
        amount_fen=redemption.amount_fen,
        payee_uscc=case.payee_uscc,
        mode=case.mode,
        policy_version=policy.version,
    )
    return [Decided(command.redemption_id, event, redemption.voucher_id)]


def approval_withdrawn(redemption: Redemption, redemption_id: UUID, reason: str) -> Decided:
    event = ApprovalWithdrawn(redemption_id=redemption_id, reason=reason)
    return Decided(redemption_id, event, redemption.voucher_id)
