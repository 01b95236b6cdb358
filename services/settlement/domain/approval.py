"""The paying region's department agrees, and may take it back until the payment is instructed. 三(四)"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from tongdui_events.document import Code
from tongdui_events.settlement import ApprovalWithdrawn, RedemptionApproved

from services.settlement.domain.accounts import Account
from services.settlement.domain.case_facts import Case
from services.settlement.domain.payouts import Payout, cancelled
from services.settlement.domain.people import acts_for_region, approver_reviewed_nothing
from services.settlement.domain.redemption import Redemption
from services.settlement.domain.refusals import AccountMissing, NoTermsInForce
from services.settlement.domain.registry_facts import Region
from shared.kernel import public_notice
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, OutOfOrder, Refusal
from shared.kernel.public_notice import PublicNotice


class ApproveRedemption(Command):
    """Agree to the reviewed sum, for the paying region. The payee needs a confirmed account."""

    redemption_id: UUID


class WithdrawApproval(Command):
    """Take an approval back before its payment is instructed; the request is under review again."""

    redemption_id: UUID
    reason: Code


def approve(
    redemption: Redemption,
    rounds: Sequence[Redemption],
    case: Case,
    region: Region,
    account: Account,
    today: date,
    principal: Principal,
    command: ApproveRedemption,
) -> list[Decided] | Refusal:
    """RedemptionApproved, by a person who reviewed nothing in any round of the case. ``account``: the payee's."""
    if redemption.request is None:
        return NotFound("redemption_id", what="redemption", id=command.redemption_id)
    refusal = acts_for_region(principal, case.region) or approver_reviewed_nothing(principal, rounds)
    if refusal:
        return refusal
    if redemption.stage != "reviewed":
        return OutOfOrder("redemption_id", state=redemption.stage)
    policy = region.in_force(today)
    if policy is None:
        return NoTermsInForce()
    if account.confirmed is None:
        return AccountMissing(uscc=case.payee_uscc)
    event = RedemptionApproved(
        redemption_id=command.redemption_id,
        voucher_id=redemption.request.voucher_id,
        region=case.region,
        amount_fen=redemption.reviewed_fen,
        payee_uscc=case.payee_uscc,
        mode=case.mode,
        policy_version=policy.version,
    )
    return [Decided(command.redemption_id, event, redemption.voucher_id)]


def withdraw_approval(
    redemption: Redemption,
    case: Case,
    notice: PublicNotice,
    payouts: Sequence[Payout],
    principal: Principal,
    command: WithdrawApproval,
) -> list[Decided] | Refusal:
    """ApprovalWithdrawn, NoticeItemDropped, PayoutCancelled. ``notice``, ``payouts``: of the standing approval."""
    if redemption.request is None:
        return NotFound("redemption_id", what="redemption", id=command.redemption_id)
    refusal = acts_for_region(principal, case.region)
    if refusal:
        return refusal
    if not redemption.is_approved:
        return OutOfOrder("redemption_id", state=redemption.stage)
    return undo_approval(redemption, notice, payouts, command.reason)


def undo_approval(
    redemption: Redemption, notice: PublicNotice, payouts: Sequence[Payout], reason: str
) -> list[Decided] | Refusal:
    """What takes a standing approval back: with it go its place on the list and its payments.

    Nothing where none stands. Refused once a payment is instructed.
    """
    if not redemption.is_approved or redemption.redemption_id is None:
        return []
    gone: list[Decided] = []
    for payout in payouts:
        one = cancelled(payout, reason)
        if isinstance(one, Refusal):
            return one
        gone += one
    event = ApprovalWithdrawn(redemption_id=redemption.redemption_id, reason=reason)
    dropped = public_notice.drop(notice, item_id=redemption.redemption_id, reason=reason)
    case_id = redemption.voucher_id
    return [
        Decided(redemption.redemption_id, event, case_id),
        *([Decided(dropped.notice_id, dropped, case_id)] if dropped else []),
        *gone,
    ]
