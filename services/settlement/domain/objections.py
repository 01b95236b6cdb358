"""Anyone may object to one item until its payment is instructed; the paying region rules. 三(四), 三(五)"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from tongdui_events.common import Flag
from tongdui_events.document import Sha256

from services.settlement.domain.adjustments import given_up
from services.settlement.domain.approval import undo_approval
from services.settlement.domain.notices import region_of
from services.settlement.domain.payouts import Payout, freed, held
from services.settlement.domain.people import acts_for_region
from services.settlement.domain.redemption import Redemption
from services.settlement.domain.refusals import TooLateToObject
from shared.kernel import public_notice
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, Refusal
from shared.kernel.public_notice import PublicNotice


class RaiseObjection(Command):
    """Object to one item. Contact and text stay outside; their digest is recorded."""

    notice_id: UUID
    objection_id: UUID
    item_id: UUID
    reason_sha256: Sha256


class RuleOnObjection(Command):
    """The paying region rules on an objection; upheld, the approval is withdrawn and its payment cancelled."""

    notice_id: UUID
    objection_id: UUID
    upheld: Flag
    grounds_sha256: Sha256


def raise_objection(
    notice: PublicNotice, redemption: Redemption, payouts: Sequence[Payout], today: date, command: RaiseObjection
) -> list[Decided] | Refusal:
    """ObjectionRaised, and PayoutHeld where the payment is scheduled already.

    ``redemption``: the item's; ``payouts``: of its standing approval.
    """
    if notice.number is None:
        return NotFound("notice_id", what="notice", id=command.notice_id)
    payouts = _about(redemption, payouts, command.notice_id)
    stands = bool(payouts) or (redemption.notice_id == command.notice_id and redemption.is_approved)
    if stands and any(payout.attempts > 0 for payout in payouts):
        return TooLateToObject("item_id", item_id=command.item_id)
    raised = public_notice.raise_objection(
        notice,
        objection_id=command.objection_id,
        item_id=command.item_id,
        reason_sha256=command.reason_sha256,
        today=today,
        after_last_day=stands,
    )
    if isinstance(raised, Refusal):
        return raised
    waits = [held(payout, objection(command.objection_id)) for payout in payouts if stands]
    return [Decided(command.notice_id, raised, redemption.voucher_id), *(one for waiting in waits for one in waiting)]


def rule_on_objection(
    notice: PublicNotice,
    redemption: Redemption,
    payouts: Sequence[Payout],
    principal: Principal,
    command: RuleOnObjection,
) -> list[Decided] | Refusal:
    """ObjectionDismissed and PayoutFreed; or ObjectionUpheld with ApprovalWithdrawn and PayoutCancelled."""
    if notice.number is None:
        return NotFound("notice_id", what="notice", id=command.notice_id)
    refusal = acts_for_region(principal, region_of(notice))
    ruled = refusal or public_notice.rule_on_objection(
        notice, objection_id=command.objection_id, upheld=command.upheld, grounds_sha256=command.grounds_sha256
    )
    if isinstance(ruled, Refusal):
        return ruled
    follows = _follows(redemption, payouts, command)
    if isinstance(follows, Refusal):
        return follows
    return [Decided(command.notice_id, ruled, redemption.voucher_id), *follows]


def _follows(redemption: Redemption, payouts: Sequence[Payout], command: RuleOnObjection) -> list[Decided] | Refusal:
    if redemption.supplement_notice_id == command.notice_id:
        return _follows_for_a_rise(redemption, payouts, command)
    if redemption.notice_id != command.notice_id:
        # The approval it was about fell before the ruling; a later one is another matter.
        return []
    if not command.upheld:
        return [one for payout in payouts for one in freed(payout, objection(command.objection_id))]
    # The ruling itself takes the item off the list: nothing is dropped besides.
    return undo_approval(redemption, PublicNotice(), payouts, "objection_upheld")


def _about(redemption: Redemption, payouts: Sequence[Payout], notice_id: UUID) -> Sequence[Payout]:
    """The payments that notice led to: of the approval that stands; or, of a rise that has passed, its own."""
    if redemption.supplement_notice_id == notice_id:
        return [] if redemption.supplement_fen else payouts[-1:]
    return payouts if redemption.notice_id == notice_id and redemption.is_approved else []


def _follows_for_a_rise(
    redemption: Redemption, payouts: Sequence[Payout], command: RuleOnObjection
) -> list[Decided] | Refusal:
    if command.upheld:
        return given_up(redemption, payouts)
    about = _about(redemption, payouts, command.notice_id)
    return [one for payout in about for one in freed(payout, objection(command.objection_id))]


def objection(objection_id: UUID) -> str:
    """The reason by which an objection holds a payment."""
    return f"objection:{objection_id}"
