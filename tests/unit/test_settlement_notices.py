"""Public notices and objections: nothing is paid that was not public for its time (invariant 2). 三(四), 三(五)"""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from pydantic import ValidationError
from tongdui_events.registry import EnterpriseRenamed
from tongdui_events.streams import enterprise_id

from services.settlement.domain.approval import ApproveRedemption, WithdrawApproval
from services.settlement.domain.endings import RejectRedemption
from services.settlement.domain.notices import NOTICE as NOTICE_FOLD
from services.settlement.domain.notices import CloseNotice, CorrectNotice, PublishNotice, WithdrawNotice
from services.settlement.domain.objections import RaiseObjection, RuleOnObjection
from services.settlement.domain.review import ReviewRedemption
from shared.kernel.decisions import Refusal
from tests.unit.settlement_world import (
    APPROVER,
    COMPANY,
    DAY,
    ELSEWHERE,
    ENTERPRISE,
    LAST_DAY,
    NOTICE,
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
)

AFTER = LAST_DAY + timedelta(days=1)
OBJECTION, SECOND_NOTICE = an_id("objection"), an_id("second notice")
PUBLISH = PublishNotice(notice_id=NOTICE, region=REGION, redemption_ids=(REDEMPTION,))


def objects(objection_id: UUID = OBJECTION, notice_id: UUID = NOTICE) -> RaiseObjection:
    return RaiseObjection(notice_id=notice_id, objection_id=objection_id, item_id=REDEMPTION, reason_sha256=SHA)


def rules(upheld: bool, objection_id: UUID = OBJECTION, notice_id: UUID = NOTICE) -> RuleOnObjection:
    return RuleOnObjection(notice_id=notice_id, objection_id=objection_id, upheld=upheld, grounds_sha256=SHA)


def approved_again(world: World) -> World:
    world.does(REVIEWER, ReviewRedemption(redemption_id=REDEMPTION))
    world.does(APPROVER, ApproveRedemption(redemption_id=REDEMPTION))
    return world


# -- publishing --------------------------------------------------------------------------------------


def test_a_notice_is_numbered_by_year_and_names_parties_region_item_and_amount_only() -> None:
    world = World().approved()
    numbered, published, stands = world.asks(PUBLISHER, PUBLISH)
    assert (numbered.year, numbered.ordinal, published.number) == (2026, 1, "公示〔2026〕第1号")
    (item,) = published.items
    assert item.name == "青浦示例科技有限公司 / 吴江示例实验室"
    assert (item.item_id, item.region, item.amount_fen) == (REDEMPTION, REGION, 3_000_000)
    assert (published.opens_on, published.last_day_on) == (DAY, LAST_DAY)
    assert (stands.redemption_id, stands.notice_id) == (REDEMPTION, NOTICE)


def test_the_next_notice_has_the_next_number() -> None:
    world = World().published()
    world.does(APPROVER, WithdrawApproval(redemption_id=REDEMPTION, reason="officer_mistake"))
    approved_again(world)
    _, published, _ = world.asks(PUBLISHER, PUBLISH.model_copy(update={"notice_id": SECOND_NOTICE}))
    assert published.number == "公示〔2026〕第2号"


def test_a_notice_is_as_long_as_its_regions_terms_say() -> None:
    world = World(notice_calendar_days=3, notice_working_days=8).approved()
    published = world.asks(PUBLISHER, PUBLISH)[1]
    assert published.last_day_on == date(2026, 3, 11)


def test_only_the_paying_region_publishes_what_it_pays() -> None:
    world = World().approved()
    assert world.refuses(ELSEWHERE, PUBLISH) == "not_yours"
    assert world.refuses(ELSEWHERE, PUBLISH.model_copy(update={"region": "320509"})) == "not_yours"


def test_only_what_is_approved_is_published() -> None:
    assert World().reviewed().refuses(PUBLISHER, PUBLISH) == "out_of_order"
    unknown = PUBLISH.model_copy(update={"redemption_ids": (an_id("nothing"),)})
    assert World().refuses(PUBLISHER, unknown) == "not_found"


def test_an_item_stands_in_one_notice_at_a_time() -> None:
    world = World().published()
    second = PUBLISH.model_copy(update={"notice_id": SECOND_NOTICE})
    assert world.refuses(PUBLISHER, second) == "already_in_notice"
    world.does(PUBLISHER, WithdrawNotice(notice_id=NOTICE, reason="wrong_list"))
    assert world.does(PUBLISHER, second) == ["NoticeNumbered", "NoticePublished", "RedemptionPublished"]


def test_a_list_names_nothing_twice_and_is_not_empty() -> None:
    for ids in ((), (REDEMPTION, REDEMPTION)):
        with pytest.raises(ValidationError):
            PublishNotice(notice_id=NOTICE, region=REGION, redemption_ids=ids)


def test_a_corrected_item_has_a_whole_period_again() -> None:
    world = World().published().days_later(2)
    correct = CorrectNotice(notice_id=NOTICE, redemption_ids=(REDEMPTION,))
    assert world.refuses(PUBLISHER, correct) == "unchanged_item"
    renamed = EnterpriseRenamed(uscc=ENTERPRISE, name="青浦更名科技有限公司", from_on=DAY)
    world.given(("registry", enterprise_id(ENTERPRISE), renamed))
    (corrected,) = world.asks(PUBLISHER, correct)
    assert (corrected.opens_on, corrected.last_day_on) == (date(2026, 3, 4), date(2026, 3, 10))
    world.day = AFTER
    assert names(world.close()) == ["nothing_to_close"]
    world.day = date(2026, 3, 11)
    assert "PayoutScheduled" in names(world.close())


def test_a_notice_with_an_open_objection_is_not_withdrawn() -> None:
    world = World().published()
    world.does(PUBLIC, objects())
    assert world.refuses(PUBLISHER, WithdrawNotice(notice_id=NOTICE, reason="wrong_list")) == "objections_open"


# -- closing -------------------------------------------------------------------------------------------


def test_nothing_passes_on_the_last_day_and_everything_the_day_after() -> None:
    world = World().published()
    world.day = LAST_DAY
    assert names(world.close()) == ["nothing_to_close"]
    world.day = AFTER
    closed, passed, scheduled = world.close()
    assert closed.passed == (REDEMPTION,) and closed.held == ()
    assert (passed.redemption_id, passed.notice_id) == (REDEMPTION, NOTICE)
    assert (scheduled.redemption_id, scheduled.amount_fen, scheduled.channel) == (REDEMPTION, 3_000_000, "treasury")
    assert scheduled.last4 == "0173"


def test_a_notice_is_closed_by_the_platform_only() -> None:
    world = World().published()
    world.day = AFTER
    assert world.refuses(PUBLISHER, CloseNotice(notice_id=NOTICE, due_on=AFTER)) == "not_yours"


def test_an_objection_holds_its_item_which_passes_at_a_later_close_once_it_is_dismissed() -> None:
    world = World().published()
    world.does(PUBLIC, objects())
    world.day = AFTER
    (closed,) = world.close()
    assert closed.held == (REDEMPTION,) and closed.passed == ()
    assert names(world.close()) == ["nothing_to_close"]
    assert world.does(APPROVER, rules(upheld=False)) == ["ObjectionDismissed"]
    assert names(world.close()) == ["NoticeClosed", "PublicityPassed", "PayoutScheduled"]


def test_an_item_passes_only_when_every_objection_is_dismissed() -> None:
    world = World().published()
    world.does(PUBLIC, objects())
    world.does(COMPANY, objects(an_id("another")))
    world.does(APPROVER, rules(upheld=False))
    world.day = AFTER
    assert names(world.close()) == ["NoticeClosed"]
    world.does(APPROVER, rules(upheld=False, objection_id=an_id("another")))
    assert "PublicityPassed" in names(world.close())


def test_an_upheld_objection_takes_the_approval_back_and_a_new_approval_needs_a_new_notice() -> None:
    world = World().published()
    world.does(PUBLIC, objects())
    assert world.does(APPROVER, rules(upheld=True)) == ["ObjectionUpheld", "ApprovalWithdrawn"]
    approved_again(world).day = AFTER
    assert names(world.close()) == ["nothing_to_close"]
    assert world.publish(SECOND_NOTICE) == ["NoticeNumbered", "NoticePublished", "RedemptionPublished"]
    assert world.refuses(PUBLIC, objects(an_id("late"))) == "out_of_order"


def test_only_the_paying_region_rules_on_an_objection() -> None:
    world = World().published()
    world.does(PUBLIC, objects())
    assert world.refuses(ELSEWHERE, rules(upheld=True)) == "not_yours"
    assert world.refuses(APPROVER, rules(upheld=True, objection_id=an_id("unknown"))) == "not_found"
    world.does(APPROVER, rules(upheld=False))
    assert world.refuses(APPROVER, rules(upheld=True)) == "out_of_order"


# -- after it passed, before it is instructed --------------------------------------------------------------


def test_an_objection_counts_until_the_payment_is_instructed_and_holds_it() -> None:
    world = World().scheduled()
    raised, held = world.asks(PUBLIC, objects())
    assert held.reason == f"objection:{OBJECTION}"
    assert names(world.release()) == ["payout_on_hold"]
    assert world.does(APPROVER, rules(upheld=False)) == ["ObjectionDismissed", "PayoutFreed"]
    assert "PayoutInstructed" in names(world.release())
    assert world.refuses(PUBLIC, objects(an_id("too late"))) == "too_late_to_object"
    assert raised.item_id == REDEMPTION


def test_an_objection_upheld_after_the_notice_passed_cancels_the_payment() -> None:
    world = World().scheduled()
    world.does(PUBLIC, objects())
    assert world.does(APPROVER, rules(upheld=True)) == ["ObjectionUpheld", "ApprovalWithdrawn", "PayoutCancelled"]
    assert isinstance(world.release(), Refusal)


def test_two_objections_one_upheld_the_redemption_is_not_published_again_before_both_are_ruled_on() -> None:
    world = World().published()
    world.does(PUBLIC, objects())
    world.does(PUBLIC, objects(an_id("another")))
    world.does(APPROVER, rules(upheld=True))
    approved_again(world)
    second = PUBLISH.model_copy(update={"notice_id": SECOND_NOTICE})
    assert world.refuses(PUBLISHER, second) == "objections_open"
    assert world.does(APPROVER, rules(upheld=True, objection_id=an_id("another"))) == ["ObjectionUpheld"]
    assert world.does(PUBLISHER, second)[1] == "NoticePublished"


# -- an approval taken back --------------------------------------------------------------------------------


def test_an_approval_withdrawn_takes_its_item_off_the_list() -> None:
    world = World().published()
    withdraw = WithdrawApproval(redemption_id=REDEMPTION, reason="officer_mistake")
    assert world.refuses(ELSEWHERE, withdraw) == "not_yours"
    assert world.does(APPROVER, withdraw) == ["ApprovalWithdrawn", "NoticeItemDropped"]
    world.day = AFTER
    assert names(world.close()) == ["nothing_to_close"]
    assert world.get(NOTICE_FOLD, NOTICE).state == "closed"


def test_an_approval_withdrawn_before_instruction_cancels_the_payment_and_afterwards_not_any_more() -> None:
    withdraw = WithdrawApproval(redemption_id=REDEMPTION, reason="officer_mistake")
    assert World().scheduled().does(APPROVER, withdraw) == ["ApprovalWithdrawn", "PayoutCancelled"]
    assert World().instructed().refuses(APPROVER, withdraw) == "out_of_order"


def test_a_rejection_by_decision_undoes_approval_notice_and_payment_at_once() -> None:
    reject = RejectRedemption(redemption_id=REDEMPTION, reasons=("provider_delisted",), decision_no="决1号")
    assert World().scheduled().does(APPROVER, reject) == [
        "ApprovalWithdrawn", "PayoutCancelled", "RedemptionRejected", "InvoiceReleased",
    ]  # fmt: skip
    assert World().published().does(APPROVER, reject) == [
        "ApprovalWithdrawn", "NoticeItemDropped", "RedemptionRejected", "InvoiceReleased",
    ]  # fmt: skip


def test_events_about_one_item_carry_its_case() -> None:
    world = World().published()
    world.does(PUBLIC, objects())
    stamps = {one.stamp.type: one.stamp.case_id for one in world.documents}
    assert stamps["ObjectionRaised"] == stamps["RedemptionPublished"] == stamps["InvoiceClaimed"] == VOUCHER
    assert stamps["NoticePublished"] is None
