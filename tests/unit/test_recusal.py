"""回避, through a delegate and across services: who stays out of a case stays out of its payment, and nobody acts for them."""

from __future__ import annotations

from tongdui_events.common import RecusalRecorded, Subject

from services.settlement.domain.approval import ApproveRedemption
from services.settlement.domain.payouts import HoldPayout
from services.settlement.domain.recusal import RecordRecusal
from services.settlement.domain.review import ReviewRedemption
from services.voucher.domain.allocation import ConfirmAllocation
from services.voucher.domain.contract import AcknowledgeContract
from services.voucher.domain.recusal import RecordRecusal as StayOutOfTheCase
from tests.unit import voucher_world as vouchers
from tests.unit.settlement_world import APPROVER, PAYER, REDEMPTION, REVIEWER, VOUCHER, World

REVIEW, APPROVE = ReviewRedemption(redemption_id=REDEMPTION), ApproveRedemption(redemption_id=REDEMPTION)


def test_a_recusal_recorded_of_the_case_holds_for_its_redemption() -> None:
    world = World().presented()
    recused = RecusalRecorded(subject=Subject(kind="voucher", id=str(VOUCHER)), recused_actor=REVIEWER.sub, reason="relative")
    world.given(("voucher", VOUCHER, recused))
    assert world.refuses(REVIEWER, REVIEW) == "recused"
    assert world.does(REVIEWER.model_copy(update={"sub": "another"}), REVIEW) == ["RedemptionReviewed"]


def test_nobody_approves_for_a_person_who_stays_out() -> None:
    world = World().reviewed().with_account()
    world.does(APPROVER, RecordRecusal(redemption_id=REDEMPTION, reason="relative"))
    deputy = APPROVER.model_copy(update={"sub": "deputy", "on_behalf_of": APPROVER.sub})
    assert world.refuses(deputy, APPROVE) == "recused"
    assert world.does(APPROVER.model_copy(update={"sub": "another"}), APPROVE) == ["RedemptionApproved"]


def test_nobody_allocates_for_a_person_who_stays_out() -> None:
    desk, case = vouchers.world(), vouchers.voucher(1)
    vouchers.apply(desk)
    vouchers.act(desk, vouchers.laboratory(), vouchers.contract())
    vouchers.act(desk, vouchers.enterprise(), AcknowledgeContract(voucher_id=case))
    vouchers.act(desk, vouchers.CENTRE_OFFICER, StayOutOfTheCase(voucher_id=case, reason="relative"))
    deputy = vouchers.CENTRE_OFFICER.model_copy(update={"sub": "deputy", "on_behalf_of": vouchers.CENTRE_OFFICER.sub})
    refused = vouchers.act(desk, deputy, ConfirmAllocation(voucher_id=case))
    assert getattr(refused, "code", "accepted") == "recused"


def test_who_stays_out_of_a_redemption_neither_holds_nor_answers_its_payment() -> None:
    world = World().scheduled()
    world.does(PAYER, RecordRecusal(redemption_id=REDEMPTION, reason="relative"))
    assert world.refuses(PAYER, HoldPayout(payout_id=world.payout_id, reason="look")) == "recused"
    deputy = PAYER.model_copy(update={"sub": "deputy", "on_behalf_of": PAYER.sub})
    assert world.refuses(deputy, HoldPayout(payout_id=world.payout_id, reason="look")) == "recused"
    another = PAYER.model_copy(update={"sub": "another"})
    assert world.does(another, HoldPayout(payout_id=world.payout_id, reason="look")) == ["PayoutHeld"]
