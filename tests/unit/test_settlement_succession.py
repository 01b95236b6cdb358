"""A merged or dissolved enterprise's money: what counts of the predecessor, who is paid, what waits for a decision. 三(五)"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from tongdui_events.registry import EnterpriseDissolved, EnterpriseRegistered
from tongdui_events.samples import sample
from tongdui_events.settlement import RedemptionPassedOn
from tongdui_events.streams import enterprise_file_id, enterprise_id
from tongdui_events.voucher import LocalSupportRecorded, PerformanceAllowed, VoucherPassedOn

from services.settlement.domain.approval import ApproveRedemption, WithdrawApproval
from services.settlement.domain.payouts import PAYOUT, CheckPayout
from services.settlement.domain.redemption import REDEMPTION as REDEMPTION_FOLD
from services.settlement.domain.review import ReviewRedemption
from services.settlement.views import VIEWS
from tests.unit.settlement_world import (
    APPROVER,
    COMPANY,
    DAY,
    ENTERPRISE,
    LABORATORY,
    LAST_DAY,
    PLATFORM,
    REDEMPTION,
    REGION,
    REVIEWER,
    VOUCHER,
    World,
    an_id,
    names,
    receipt,
    the_request,
)

SUCCESSOR = "91330421MA0TEXT04A"
HEIR = COMPANY.model_copy(update={"sub": "heir", "uscc": SUCCESSOR})
PASSED_ON = VoucherPassedOn(
    voucher_id=VOUCHER, enterprise_uscc=SUCCESSOR, predecessor_uscc=ENTERPRISE, decision_no="并1号"
)
REVIEW, APPROVE = ReviewRedemption(redemption_id=REDEMPTION), ApproveRedemption(redemption_id=REDEMPTION)
REQUEST = the_request(receipts=[receipt(10_000_000)])


def passed_on(world: World) -> World:
    registered = EnterpriseRegistered(
        uscc=SUCCESSOR, name="嘉善示例科技有限公司", region=REGION, division_code=REGION, legal_form="limited_company",
        registered_on=DAY,
    )  # fmt: skip
    return world.given(("registry", enterprise_id(SUCCESSOR), registered), ("voucher", VOUCHER, PASSED_ON))


def dissolved(world: World) -> World:
    return world.given(("registry", enterprise_id(ENTERPRISE), EnterpriseDissolved(uscc=ENTERPRISE, on=world.today)))


def held(world: World, payout_id: UUID) -> tuple[str, ...]:
    return world.get(PAYOUT, payout_id).holds


def test_what_was_invoiced_to_and_paid_by_the_predecessor_counts_for_the_successor() -> None:
    world = passed_on(World()).presented()
    assert world.does(REVIEWER, REVIEW) == ["RedemptionReviewed"]
    mixed = passed_on(World()).presented(receipts=[receipt(4_000_000), receipt(3_000_000, payer_uscc=SUCCESSOR)])
    assert mixed.does(REVIEWER, REVIEW) == ["RedemptionReviewed"]
    stranger = the_request(receipts=[receipt(), receipt(1, payer_uscc=SUCCESSOR)])
    assert World().refuses(LABORATORY, stranger) == "receipt_between_others"


def test_a_request_under_way_is_the_successors_to_read() -> None:
    world = World().presented()
    view = next(view for view in VIEWS if view.name == "redemptions")
    (passed,) = world.hears("voucher", VOUCHER, PASSED_ON)
    assert isinstance(passed, RedemptionPassedOn) and passed.redemption_id == REDEMPTION
    assert view.evolve({"enterprise_uscc": ENTERPRISE, "state": "under_review"}, passed, world.documents[-1].stamp) == {
        "enterprise_uscc": SUCCESSOR, "predecessor_uscc": ENTERPRISE, "state": "under_review",
        "redemption_id": str(REDEMPTION), "voucher_id": str(VOUCHER),
    }  # fmt: skip


def test_an_invoice_the_predecessor_had_local_support_for_is_not_paid_to_the_successor() -> None:
    supported = sample(LocalSupportRecorded).model_copy(
        update={"enterprise_uscc": ENTERPRISE, "invoices": ("26312000000000000017",), "local_reference": "本地1"}
    )
    world = passed_on(World()).given(("voucher", enterprise_file_id(ENTERPRISE), supported))
    assert world.refuses(LABORATORY, the_request()) == "invoice_supported_locally"


def test_what_was_approved_for_a_predecessor_is_approved_anew_for_the_successor() -> None:
    world = World("tongyong").with_account(COMPANY).presented(receipts=[receipt(10_000_000)])
    world.does(REVIEWER, REVIEW)
    world.does(APPROVER, APPROVE)
    world.publish()
    world.day = LAST_DAY + timedelta(days=1)
    world.close()
    first = world.payout_id
    passed_on(world)
    assert names(world.release()) == ["payout_on_hold"]
    assert world.does(PLATFORM, CheckPayout(payout_id=first)) == ["PayoutHeld"]
    assert held(world, first) == ("payee_succeeded",)
    assert "PayoutCancelled" in world.does(APPROVER, WithdrawApproval(redemption_id=REDEMPTION, reason="succession"))
    world.with_account(HEIR)
    world.does(REVIEWER, REVIEW)
    world.does(APPROVER, APPROVE)
    assert world.get(REDEMPTION_FOLD, REDEMPTION).payee_uscc == SUCCESSOR
    world.publish(an_id("second notice"))


def test_a_dissolved_enterprises_case_waits_for_a_decision_and_the_laboratory_is_paid_by_it() -> None:
    world = World().scheduled()
    dissolved(world)
    check = CheckPayout(payout_id=world.payout_id)
    assert names(world.release()) == ["payout_on_hold"]
    assert world.does(PLATFORM, check) == ["PayoutHeld"]
    assert held(world, world.payout_id) == ("enterprise_gone",)
    allowed = PerformanceAllowed(voucher_id=VOUCHER, decision_no="续1号")
    assert names(world.hears("voucher", VOUCHER, allowed)) == ["PayoutFreed"]
    assert names(world.release(batch_id=an_id("second batch"))) == ["BatchReleased", "PayoutInstructed"]


def test_the_successor_asks_for_payment_and_the_predecessor_no_more() -> None:
    world = passed_on(World("tongyong"))
    assert names(world.asks(COMPANY, REQUEST)) == ["not_yours"]
    assert names(world.asks(LABORATORY, REQUEST)) != ["not_yours"]
    assert "RedemptionRequested" in names(passed_on(World("tongyong")).asks(HEIR, REQUEST))
