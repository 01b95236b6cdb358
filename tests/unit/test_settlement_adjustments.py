"""A sum that was paid is raised with a notice and a payment of its own, or lowered by a recovery without fault. 三(四), 三(五)"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from tongdui_events.voucher import SupplementAllowed, SupplementRefused

from services.settlement.domain.adjustments import AdjustRedemption
from services.settlement.domain.bank_answers import RecordSettlement
from services.settlement.domain.batches import OpenBatch, ReleaseBatch
from services.settlement.domain.clawbacks import OrderClawback
from services.settlement.domain.notices import PublishNotice
from services.settlement.domain.objections import RaiseObjection, RuleOnObjection
from services.settlement.domain.payouts import PAYOUT, CancelPayout
from services.settlement.domain.redemption import REDEMPTION as REDEMPTIONS
from services.settlement.views import redemption_row
from shared.kernel.decisions import Refusal
from tests.unit.settlement_world import (
    APPROVER,
    ELSEWHERE,
    PAYER,
    PLATFORM,
    PROVIDER,
    PUBLIC,
    PUBLISHER,
    REDEMPTION,
    REGION,
    REVIEWER,
    SHA,
    VOUCHER,
    World,
    an_id,
    names,
    receipt,
)

RISE, NOTICE_2, OBJECTION = 200_000, an_id("rise notice"), an_id("objection")
CLAIMED = 2_500_000


def paid_world() -> World:
    """25,000 of an allocation of 30,000 were claimed, approved and paid."""
    world = World().instructed(claimed_fen=CLAIMED, receipts=[receipt(10_000_000 - CLAIMED)])
    pays(world)
    return world


def pays(world: World) -> list[str]:
    payout = world.get(PAYOUT, world.payout_id)
    settled = RecordSettlement(
        payout_id=payout.payout_id, end_to_end_id=payout.end_to_end_id, amount_fen=payout.amount_fen, settled_on=world.today
    )
    return world.does(PLATFORM, settled)


def adjust(by_fen: int = RISE) -> AdjustRedemption:
    return AdjustRedemption(redemption_id=REDEMPTION, by_fen=by_fen, reason="officer_mistake")


def answered(world: World, allowed: bool = True) -> World:
    about = {"voucher_id": VOUCHER, "redemption_id": REDEMPTION, "amount_fen": RISE}
    event = SupplementAllowed(**about) if allowed else SupplementRefused(**about, reasons=("region_year",))
    world.hears("voucher", VOUCHER, event)
    return world


def publish() -> PublishNotice:
    return PublishNotice(notice_id=NOTICE_2, region=REGION, redemption_ids=(REDEMPTION,), kind="adjustment")


def published_world() -> World:
    world = paid_world()
    world.does(APPROVER, adjust())
    answered(world).does(PUBLISHER, publish())
    return world


def passed_world() -> World:
    world = published_world().days_later(20)
    closed = world.close(NOTICE_2)
    assert names(closed) == ["NoticeClosed", "PublicityPassed", "PayoutScheduled"], names(closed)
    return world


# -- raising -----------------------------------------------------------------------------------


def test_a_rise_is_asked_of_the_voucher_published_and_paid_and_settles_nothing_twice() -> None:
    world = passed_world()
    payout = world.get(PAYOUT, world.payout_id)
    assert (payout.amount_fen, payout.offset_fen, payout.stage) == (RISE, 0, "scheduled")
    batch = an_id("rise batch")
    world.does(PAYER, OpenBatch(batch_id=batch, payer=REGION, channel="treasury"))
    assert world.does(PAYER, ReleaseBatch(batch_id=batch, payout_ids=(world.payout_id,))) == ["BatchReleased", "PayoutInstructed"]
    assert pays(world) == ["PayoutSettled"]
    redemption = world.get(REDEMPTIONS, REDEMPTION)
    assert (redemption.stage, redemption.risen_fen, redemption.supplement_fen) == ("settled", RISE, 0)


def test_the_notice_of_a_rise_says_by_how_much() -> None:
    world = paid_world()
    world.does(APPROVER, adjust())
    numbered, published, linked = answered(world).asks(PUBLISHER, publish())
    assert (published.kind, published.items[0].amount_fen, linked.notice_id) == ("adjustment", RISE, NOTICE_2)
    assert numbered.ordinal == 2
    assert world.refuses(PUBLISHER, publish().model_copy(update={"notice_id": an_id("n3")})) == "already_in_notice"


def test_nothing_is_published_or_scheduled_before_the_voucher_allowed_it() -> None:
    world = paid_world()
    assert world.refuses(PUBLISHER, publish()) == "supplement_not_allowed"
    world.does(APPROVER, adjust())
    assert world.refuses(PUBLISHER, publish()) == "supplement_not_allowed"
    assert answered(world, allowed=False).refuses(PUBLISHER, publish()) == "supplement_not_allowed"


def test_one_rise_at_a_time_within_the_allocation_and_again_after_it_was_refused() -> None:
    world = paid_world()
    assert world.refuses(APPROVER, adjust(500_001)) == "over_allocation"
    world.does(APPROVER, adjust(500_000))
    assert world.refuses(APPROVER, adjust(1)) == "supplement_open"
    answered(world, allowed=False)
    assert world.does(APPROVER, adjust(500_000)) == ["RedemptionAdjusted"]
    passed = passed_world()
    assert passed.refuses(APPROVER, adjust(500_000 - RISE + 1)) == "over_allocation"
    assert passed.does(APPROVER, adjust(500_000 - RISE)) == ["RedemptionAdjusted"]


def test_a_sum_is_mended_after_payment_by_a_person_of_the_region_who_reviewed_nothing() -> None:
    assert World().scheduled().refuses(APPROVER, adjust()) == "out_of_order"
    world = paid_world()
    assert world.refuses(ELSEWHERE, adjust()) == "not_yours"
    assert world.refuses(PUBLISHER.model_copy(update={"sub": REVIEWER.sub}), adjust()) == "same_person"
    with pytest.raises(ValidationError):
        adjust(0)


def test_who_raised_a_sum_does_not_release_its_payment() -> None:
    world = paid_world()
    world.does(PUBLISHER, adjust())
    answered(world).does(PUBLISHER, publish())
    world.days_later(20).close(NOTICE_2)
    batch = an_id("rise batch")
    world.does(PAYER, OpenBatch(batch_id=batch, payer=REGION, channel="treasury"))
    assert world.refuses(PUBLISHER, ReleaseBatch(batch_id=batch, payout_ids=(world.payout_id,))) == "same_person"


# -- objections and ends -----------------------------------------------------------------------


def objects(world: World) -> Any:
    command = RaiseObjection(notice_id=NOTICE_2, objection_id=OBJECTION, item_id=REDEMPTION, reason_sha256=SHA)
    return world.asks(PUBLIC, command)


def rules(world: World, upheld: bool) -> list[str]:
    return world.does(
        PUBLISHER, RuleOnObjection(notice_id=NOTICE_2, objection_id=OBJECTION, upheld=upheld, grounds_sha256=SHA)
    )


@pytest.mark.parametrize("late", [False, True], ids=["during its period", "before its instruction"])
def test_an_objection_to_a_rise_that_is_upheld_ends_the_rise_and_leaves_what_was_paid(late: bool) -> None:
    world = passed_world() if late else published_world()
    assert names(objects(world)) == ["ObjectionRaised", *(["PayoutHeld"] if late else [])]
    told = rules(world, upheld=True)
    assert told == ["ObjectionUpheld", *(["PayoutCancelled"] if late else []), "RedemptionUnpaid"]
    unpaid = world.documents[-1].event
    assert (unpaid.unpaid_fen, unpaid.reason) == (RISE, "objection_upheld")
    redemption = world.get(REDEMPTIONS, REDEMPTION)
    assert (redemption.stage, redemption.risen_fen, redemption.supplement_fen) == ("settled", 0, 0)
    assert world.does(APPROVER, adjust()) == ["RedemptionAdjusted"]


def test_an_objection_to_a_rise_that_is_dismissed_frees_its_payment() -> None:
    world = passed_world()
    objects(world)
    assert rules(world, upheld=False) == ["ObjectionDismissed", "PayoutFreed"]


def test_a_rise_given_up_keeps_the_invoices_of_what_was_paid() -> None:
    world = passed_world()
    gone = world.asks(APPROVER, CancelPayout(payout_id=world.payout_id, reason="payee_dissolved"))
    assert names(gone) == ["PayoutCancelled", "RedemptionUnpaid"] and gone[1].unpaid_fen == RISE


# -- lowering ----------------------------------------------------------------------------------


def test_a_sum_that_was_too_high_is_proposed_to_be_taken_back_and_another_person_orders_it() -> None:
    world = paid_world()
    adjusted, proposed, linked = world.asks(PUBLISHER, adjust(-300_000))
    assert (adjusted.by_fen, proposed.amount_fen) == (-300_000, 300_000)
    assert (proposed.ground, proposed.debtor_uscc) == ("no_fault", PROVIDER)
    assert linked.clawback_id == proposed.clawback_id
    order = OrderClawback(clawback_id=proposed.clawback_id, decision_no="追1号", amount_fen=300_000)
    assert world.refuses(PUBLISHER, order) == "same_person"
    assert world.does(APPROVER, order) == ["ClawbackOrdered", "DebtBooked"]
    answer = world.asks(PUBLISHER, adjust(-(CLAIMED - 300_000) - 1))
    assert isinstance(answer, Refusal) and answer.code == "more_than_paid"


def test_a_redemptions_row_stays_settled_and_shows_the_rise() -> None:
    world = passed_world()
    row: Any = None
    for stamp, event in world.documents:
        shown = stamp.source == "settlement" and stamp.originator_id == REDEMPTION
        if shown and stamp.type.startswith(("Redemption", "Review", "Publicity")):
            row = redemption_row(row, event, stamp)
    assert (row["state"], row["adjusted_fen"], row["approved_fen"], row["notice_id"]) == (
        "settled", RISE, CLAIMED, str(NOTICE_2),
    )  # fmt: skip
    assert world.today > world.documents[0].stamp.business_day + timedelta(days=20)
