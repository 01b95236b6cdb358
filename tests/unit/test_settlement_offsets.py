"""What a payee owes its region is set off against its next payment, within one region and fiscal year (invariant 5). 二(六)"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from tongdui_events.document import Event
from tongdui_events.settlement import ClawbackProposed
from tongdui_events.streams import region_id

from services.settlement.domain.approval import ApproveRedemption, WithdrawApproval
from services.settlement.domain.bank_answers import RecordFailure, RecordReturn, RecordSettlement
from services.settlement.domain.batches import OpenBatch, ReleaseBatch
from services.settlement.domain.clawbacks import CLAWBACK, CancelClawback, WriteOffClawback
from services.settlement.domain.payouts import PAYOUT, CancelPayout, CheckPayout, HoldPayout
from services.settlement.domain.redemption import REDEMPTION as REDEMPTIONS
from services.settlement.domain.review import ReviewRedemption
from shared.kernel.decisions import Refusal
from tests.unit.settlement_world import (
    APPROVER,
    ENTERPRISE,
    LABORATORY,
    PAYER,
    PLATFORM,
    PUBLISHER,
    REGION,
    REVIEWER,
    World,
    an_id,
    case_facts,
    invoice,
    names,
    policy,
    the_request,
)
from tests.unit.test_settlement_clawbacks import (
    CLAWBACK_ID,
    PAID,
    SECOND,
    order,
    ordered_world,
    paid_world,
    proposal,
    recovery,
)

VOUCHER_2, REDEMPTION_2, NOTICE_2 = an_id("voucher 2"), an_id("redemption 2"), an_id("notice 2")


def owing_world(fen: int, allowed: bool = True) -> World:
    """The laboratory owes so much of what it was paid; the terms from the next day on allow offsets or not."""
    world = ordered_world(fen)
    terms = policy(2, world.today + timedelta(days=1), offset_allowed=allowed)
    return world.given(("registry", region_id(REGION), terms))


def due_again(world: World) -> list[Event]:
    """Another 30,000 of the same laboratory come to be paid; what the close of their notice led to."""
    world.days_later().given(*case_facts(voucher_id=VOUCHER_2))
    request = the_request(
        voucher_id=VOUCHER_2, redemption_id=REDEMPTION_2, invoices=[invoice("26312000000000000018")]
    )
    world.does(LABORATORY, request)
    world.presented(REDEMPTION_2, VOUCHER_2)
    world.does(REVIEWER, ReviewRedemption(redemption_id=REDEMPTION_2))
    world.does(APPROVER, ApproveRedemption(redemption_id=REDEMPTION_2))
    world.publish(NOTICE_2, [REDEMPTION_2])
    world.days_later(20)
    closed = world.close(NOTICE_2)
    assert not isinstance(closed, Refusal), closed
    return closed


def checked(world: World) -> Any:
    return world.asks(PLATFORM, CheckPayout(payout_id=world.payout_id))


def released(world: World, name: str = "batch 2") -> None:
    batch = an_id(name)
    world.does(PAYER, OpenBatch(batch_id=batch, payer=REGION, channel="treasury"))
    world.does(PAYER, ReleaseBatch(batch_id=batch, payout_ids=(world.payout_id,)))


def paid(world: World) -> Any:
    """What the answer to the latest payment led to."""
    payout = world.get(PAYOUT, world.payout_id)
    settled = RecordSettlement(
        payout_id=payout.payout_id, end_to_end_id=payout.end_to_end_id, amount_fen=payout.amount_fen, settled_on=world.today
    )
    return world.asks(PLATFORM, settled)


def owed(world: World) -> Any:
    return world.get(CLAWBACK, CLAWBACK_ID)


def test_what_is_owed_is_kept_back_of_the_next_payment_and_complete_with_it() -> None:
    world = owing_world(1_000_000)
    events = due_again(world)
    assert names(events) == ["NoticeClosed", "PublicityPassed", "PayoutScheduled", "OffsetPlanned"]
    scheduled = events[2]
    assert (scheduled.amount_fen, scheduled.offset_fen, scheduled.offset_clawback_id) == (2_000_000, 1_000_000, CLAWBACK_ID)
    released(world)
    settled = paid(world)
    assert names(settled) == ["PayoutSettled", "RedemptionSettled", "RecoveryRecorded", "OffsetTaken", "ClawbackClosed"]
    _, done, recovered, _, closed = settled
    assert (done.approved_fen, done.paid_fen, done.offset_fen) == (PAID, 2_000_000, 1_000_000)
    assert (recovered.method, recovered.amount_fen, recovered.fiscal_year, recovered.region) == (
        "offset", 1_000_000, 2026, REGION,
    )  # fmt: skip
    assert (closed.recovered_fen, closed.written_off_fen) == (1_000_000, 0)


def test_a_full_offset_is_never_instructed_and_is_complete_at_the_next_look() -> None:
    world = owing_world(PAID)
    events = due_again(world)
    assert (events[2].amount_fen, events[2].offset_fen) == (0, PAID)
    world.does(PAYER, OpenBatch(batch_id=an_id("b"), payer=REGION, channel="treasury"))
    release = ReleaseBatch(batch_id=an_id("b"), payout_ids=(world.payout_id,))
    assert world.refuses(PAYER, release) == "out_of_order"
    done = checked(world.days_later())
    assert names(done) == ["RedemptionSettled", "RecoveryRecorded", "OffsetTaken", "ClawbackClosed"]
    assert (done[0].paid_fen, done[0].offset_fen) == (0, PAID)
    assert world.get(PAYOUT, world.payout_id).stage == "settled"
    assert names(checked(world)) == ["nothing_to_check"]


def test_a_full_offset_waits_like_any_payment() -> None:
    world = owing_world(PAID)
    due_again(world)
    world.does(APPROVER, HoldPayout(payout_id=world.payout_id, reason="documents_missing"))
    assert names(checked(world.days_later())) == ["nothing_to_check"]


def test_nothing_is_set_off_where_the_terms_do_not_allow_it_or_somebody_else_owes() -> None:
    assert "OffsetPlanned" not in names(due_again(owing_world(1_000_000, allowed=False)))
    other = paid_world()
    other.does(PUBLISHER, proposal(debtor_uscc=ENTERPRISE))
    other.does(APPROVER, order())
    terms = policy(2, other.today + timedelta(days=1), offset_allowed=True)
    assert "OffsetPlanned" not in names(due_again(other.given(("registry", region_id(REGION), terms))))


def test_nothing_is_set_off_across_fiscal_years() -> None:
    world = owing_world(1_000_000)
    world.given(*case_facts(voucher_id=VOUCHER_2))
    for document in world.documents:
        if document.stamp.type == "AllocationConfirmed" and document.stamp.originator_id == VOUCHER_2:
            later = document.event.model_copy(update={"redeem_by": date(2027, 6, 30)})
            world.given(("voucher", VOUCHER_2, later))
            break
    world.does(LABORATORY, the_request(voucher_id=VOUCHER_2, redemption_id=REDEMPTION_2,
                                       invoices=[invoice("26312000000000000018")]))  # fmt: skip
    world.presented(REDEMPTION_2, VOUCHER_2)
    world.does(REVIEWER, ReviewRedemption(redemption_id=REDEMPTION_2))
    world.does(APPROVER, ApproveRedemption(redemption_id=REDEMPTION_2))
    world.publish(NOTICE_2, [REDEMPTION_2])
    world.day = date(2027, 1, 4)
    closed = world.close(NOTICE_2)
    assert "OffsetPlanned" not in names(closed)


def test_the_oldest_debt_comes_first_and_a_planned_one_is_not_planned_twice() -> None:
    world = owing_world(1_000_000)
    world.does(PUBLISHER, proposal(500_000, clawback_id=SECOND))
    world.does(APPROVER, order(500_000, "追9号", clawback_id=SECOND))
    events = due_again(world)
    assert events[2].offset_clawback_id == CLAWBACK_ID
    assert owed(world).free_fen == 0 and owed(world).left_fen == 1_000_000


def approved_again(world: World, number: int) -> Any:
    """One more request of the laboratory for 30,000, approved."""
    voucher, redemption = an_id(f"voucher {number}"), an_id(f"redemption {number}")
    world.given(*case_facts(voucher_id=voucher))
    invoices = [invoice(f"2631200000000000{number:04d}")]
    world.does(LABORATORY, the_request(voucher_id=voucher, redemption_id=redemption, invoices=invoices))
    world.presented(redemption, voucher)
    world.does(REVIEWER, ReviewRedemption(redemption_id=redemption))
    world.does(APPROVER, ApproveRedemption(redemption_id=redemption))
    return redemption


@pytest.mark.parametrize("together", [True, False], ids=["in one notice", "in two"])
def test_two_payments_of_one_payee_share_what_is_owed(together: bool) -> None:
    world = owing_world(1_000_000)
    world.does(PAYER, recovery(600_000))
    world.days_later()
    one, other = approved_again(world, 31), approved_again(world, 32)
    for notice, listed in ((an_id("n1"), [one, other]),) if together else ((an_id("n1"), [one]), (an_id("n2"), [other])):
        world.publish(notice, listed)
    world.days_later(20)
    for notice in (an_id("n1"),) if together else (an_id("n1"), an_id("n2")):
        world.close(notice)
    scheduled = [document.event for document in world.documents if document.stamp.type == "PayoutScheduled"][-2:]
    assert [event.offset_fen for event in scheduled] == [400_000, 0]
    assert owed(world).free_fen == 0


def test_what_an_offset_kept_back_is_paid_when_the_debt_is_gone() -> None:
    for ending, follows in (
        (lambda w: w.asks(APPROVER, CancelClawback(clawback_id=CLAWBACK_ID, decision_no="撤1号")), "ClawbackCancelled"),
        (lambda w: w.asks(APPROVER, WriteOffClawback(clawback_id=CLAWBACK_ID, decision_no="销1号")), "ClawbackClosed"),
        (lambda w: w.asks(APPROVER, order(400_000, "追2号")), "ClawbackOrdered"),
        (lambda w: w.asks(PAYER, recovery(1_000_000)), "RecoveryRecorded"),
    ):
        world = owing_world(1_000_000)
        due_again(world)
        first = world.payout_id
        told = ending(world)
        assert names(told)[0] == follows
        assert names(told)[-4:] == ["OffsetDropped", "OffsetLapsed", "PaymentAdded", "PayoutScheduled"]
        assert (told[-1].amount_fen, told[-1].offset_fen) == (1_000_000, 0)
        assert world.get(REDEMPTIONS, REDEMPTION_2).payouts == (first, world.payout_id)
        assert not owed(world).planned


def test_both_payments_are_paid_after_an_offset_fell_away_and_the_last_settles_the_redemption() -> None:
    world = owing_world(1_000_000)
    due_again(world)
    released(world)
    first = world.get(PAYOUT, world.payout_id)
    world.does(APPROVER, CancelClawback(clawback_id=CLAWBACK_ID, decision_no="撤1号"))
    released(world, "batch 3")
    assert names(paid(world)) == ["PayoutSettled"]
    settled = RecordSettlement(
        payout_id=first.payout_id, end_to_end_id=first.end_to_end_id, amount_fen=2_000_000, settled_on=world.today
    )
    paid_first, done = world.asks(PLATFORM, settled)
    assert (done.paid_fen, done.offset_fen) == (PAID, 0) and paid_first.amount_fen == 2_000_000


def test_an_offset_alone_that_falls_away_is_cancelled_and_paid_in_full() -> None:
    world = owing_world(PAID)
    due_again(world)
    told = world.asks(APPROVER, CancelClawback(clawback_id=CLAWBACK_ID, decision_no="撤1号"))
    assert names(told) == [
        "ClawbackCancelled", "PayoutCancelled", "OffsetDropped", "OffsetLapsed", "PaymentAdded", "PayoutScheduled",
    ]  # fmt: skip
    released(world)
    assert names(paid(world)) == ["PayoutSettled", "RedemptionSettled"]


def test_an_offset_falls_away_when_the_year_turns_before_it_is_complete() -> None:
    waiting, out = owing_world(1_000_000), owing_world(1_000_000)
    due_again(waiting)
    waiting.day = date(2027, 1, 1)
    assert names(checked(waiting)) == ["OffsetDropped", "OffsetLapsed", "PaymentAdded", "PayoutScheduled"]
    due_again(out)
    released(out)
    out.day = date(2027, 1, 1)
    assert names(paid(out)) == ["PayoutSettled", "OffsetDropped", "OffsetLapsed", "PaymentAdded", "PayoutScheduled"]


def test_a_payment_given_up_or_whose_approval_falls_sets_nothing_off() -> None:
    world = owing_world(1_000_000)
    due_again(world)
    gone = world.asks(APPROVER, CancelPayout(payout_id=world.payout_id, reason="payee_dissolved"))
    assert names(gone) == ["PayoutCancelled", "OffsetDropped", "RedemptionUnpaid", "InvoiceReleased"]
    assert gone[2].unpaid_fen == PAID and owed(world).free_fen == 1_000_000
    other = owing_world(1_000_000)
    due_again(other)
    other.does(APPROVER, CancelClawback(clawback_id=CLAWBACK_ID, decision_no="撤1号"))
    fallen = other.does(APPROVER, WithdrawApproval(redemption_id=REDEMPTION_2, reason="mistake"))
    assert fallen == ["ApprovalWithdrawn", "PayoutCancelled", "PayoutCancelled"]


def test_a_payment_with_an_offset_that_failed_is_tried_again_and_sets_off_once() -> None:
    world = owing_world(1_000_000)
    due_again(world)
    released(world)
    payout = world.get(PAYOUT, world.payout_id)
    world.does(PLATFORM, RecordFailure(payout_id=payout.payout_id, end_to_end_id=payout.end_to_end_id, reason_code="AC04"))
    released(world, "batch 3")
    assert names(paid(world)).count("RecoveryRecorded") == 1
    payout = world.get(PAYOUT, world.payout_id)
    returned = RecordReturn(
        payout_id=payout.payout_id, end_to_end_id=payout.end_to_end_id, reason_code="AC04", amount_fen=2_000_000,
        returned_on=world.today,
    )  # fmt: skip
    assert world.does(PLATFORM, returned) == ["PayoutReturned"]
    released(world, "batch 4")
    assert names(paid(world)) == ["PayoutSettled"]


def test_what_was_set_off_can_be_ordered_back_too() -> None:
    world = owing_world(1_000_000)
    due_again(world)
    released(world)
    paid(world)
    again = proposal(PAID, clawback_id=SECOND, redemption_id=REDEMPTION_2)
    assert world.does(PUBLISHER, again) == ["ClawbackProposed", "RecoverySought"]
    assert world.refuses(PUBLISHER, proposal(1, clawback_id=an_id("x"), redemption_id=an_id("none"))) == "not_found"


@pytest.mark.parametrize("fen", [1, 999_999, PAID])
def test_a_proposal_alone_is_no_debt(fen: int) -> None:
    world = paid_world()
    world.does(PUBLISHER, proposal(fen))
    terms = policy(2, world.today + timedelta(days=1), offset_allowed=True)
    assert "OffsetPlanned" not in names(due_again(world.given(("registry", region_id(REGION), terms))))
    assert any(isinstance(document.event, ClawbackProposed) for document in world.documents)
