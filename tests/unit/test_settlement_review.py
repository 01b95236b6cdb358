"""Review and approval: the sum step by step, and who may not do both. 二(四), 三(四)"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tongdui_events.registry import CentreReleased
from tongdui_events.settlement import PerformedLine
from tongdui_events.streams import region_id
from tongdui_events.voucher import PresentationEnded, VoucherPresented

from services.settlement.domain.approval import ApproveRedemption, WithdrawApproval
from services.settlement.domain.case_facts import AllocatedLine, Case
from services.settlement.domain.endings import RejectRedemption, ReturnRedemption, WithdrawRedemption
from services.settlement.domain.payable import payable
from services.settlement.domain.recusal import RecordRecusal
from services.settlement.domain.review import ReviewRedemption
from shared.kernel.commands import Principal
from shared.kernel.decisions import Refusal
from tests.unit.settlement_world import (
    APPROVER,
    CENTRE,
    COMPANY,
    DAY,
    ELSEWHERE,
    LABORATORY,
    PAYER,
    PROVIDER,
    REDEMPTION,
    REGION,
    REVIEWER,
    VOUCHER,
    World,
    an_id,
    case_facts,
    invoice,
    names,
    policy,
    receipt,
    terms,
    the_request,
)

REVIEW = ReviewRedemption(redemption_id=REDEMPTION)
APPROVE = ApproveRedemption(redemption_id=REDEMPTION)


def performed(fen: int, paid_fen: int) -> dict[str, Any]:
    """So much performed and invoiced, so much of it paid by the company."""
    return {
        "lines": [{"line_no": 1, "performed_fen": fen, "invoiced_fen": fen}],
        "invoices": [invoice(fen=fen)],
        "receipts": [receipt(paid_fen)],
    }


def reviewed(world: World) -> Any:
    events = world.asks(REVIEWER, REVIEW)
    assert not isinstance(events, Refusal), events
    return events[0]


# -- the sum -----------------------------------------------------------------------------------------


def test_less_work_is_less_money() -> None:
    event = reviewed(World().presented(**performed(8_000_000, 5_600_000)))
    assert (event.base_fen, event.amount_fen) == (8_000_000, 2_400_000)


def test_more_work_is_not_more_money() -> None:
    event = reviewed(World().presented(**performed(12_000_000, 9_000_000)))
    assert (event.base_fen, event.amount_fen) == (10_000_000, 3_000_000)


def test_what_was_performed_but_not_invoiced_carries_nothing() -> None:
    lines = [{"line_no": 1, "performed_fen": 10_000_000, "invoiced_fen": 4_000_000}]
    event = reviewed(World().presented(lines=lines, invoices=[invoice(fen=4_000_000)], receipts=[receipt(2_800_000)]))
    assert (event.base_fen, event.amount_fen) == (4_000_000, 1_200_000)


def test_nobody_is_paid_more_than_was_claimed() -> None:
    assert reviewed(World().presented(claimed_fen=2_000_000, receipts=[receipt(8_000_000)])).amount_fen == 2_000_000


def test_every_step_of_the_sum_is_in_the_event() -> None:
    event = reviewed(World().presented(**performed(8_000_000, 5_600_000)))
    assert [(step.rule, step.fen) for step in event.steps] == [
        ("line_1_performed_and_invoiced", 8_000_000),
        ("line_1_base", 8_000_000),
        ("line_1_by_ratio", 2_400_000),
        ("sum_by_ratio", 2_400_000),
        ("within_allocation", 2_400_000),
        ("within_claim", 2_400_000),
        ("rounded_to_fen", 2_400_000),
    ]


def test_the_terms_are_those_frozen_at_the_allocation_and_the_version_named_is_the_one_in_force() -> None:
    world = World(rounding="yuan", amount_basis="tax_exclusive").presented(claimed_fen=3_000_000)
    world.given(("registry", region_id(REGION), policy(2, DAY, rounding="fen")))
    event = reviewed(world)
    # 100,000.00 with 6 % tax is 94,339.62 without; 30 % of it 28,301.88, down to the yuan.
    assert (event.base_fen, event.amount_fen) == (9_433_962, 2_830_100)
    assert event.policy_version == 2


def test_a_sum_of_nothing_is_not_approved_but_returned_or_rejected() -> None:
    world = World().presented(**performed(3, 3))
    assert world.refuses(REVIEWER, REVIEW) == "nothing_payable"


@given(
    st.lists(st.tuples(*[st.integers(0, 10**9)] * 3, st.integers(0, 10_000), st.integers(0, 1300)), max_size=5),
    st.integers(0, 10**9),
    st.integers(1, 10**9),
    st.sampled_from(["fen", "yuan"]),
    st.sampled_from(["tax_inclusive", "tax_exclusive"]),
)
def test_the_sum_never_exceeds_ratio_allocation_or_claim_and_its_last_step_is_the_sum(
    lines: list[tuple[int, int, int, int, int]], allocation_fen: int, claimed_fen: int, rounding: str, basis: str
) -> None:
    numbered = list(enumerate(lines, 1))
    case = Case(
        allocation_fen=allocation_fen,
        lines=tuple(AllocatedLine(n, eligible, ratio) for n, (eligible, _, _, ratio, _) in numbered),
        tax_bp=tuple((n, tax) for n, (_, _, _, _, tax) in numbered),
    )
    done = [PerformedLine(line_no=n, performed_fen=line[1], invoiced_fen=line[2]) for n, line in numbered]
    result = payable(case, done, claimed_fen, terms(rounding=rounding, amount_basis=basis))
    most = sum(min(line[0], line[1], line[2]) * line[3] // 10_000 for line in lines)
    assert 0 <= result.amount_fen <= min(most, allocation_fen, claimed_fen)
    assert result.steps[-1].fen == result.amount_fen
    assert result.base_fen <= sum(min(line[:3]) for line in lines)
    assert rounding == "fen" or result.amount_fen % 100 == 0


# -- receipts ----------------------------------------------------------------------------------------


def test_in_tongdui_the_company_must_have_paid_the_rest() -> None:
    assert World().presented(**performed(8_000_000, 5_599_999)).refuses(REVIEWER, REVIEW) == "receipts_too_low"
    assert reviewed(World().presented(**performed(8_000_000, 5_600_000)))


def test_in_tongdui_the_provider_is_not_paid_twice_and_refunds_first() -> None:
    too_much = World().presented(receipts=[receipt(7_000_001)])
    assert too_much.refuses(REVIEWER, REVIEW) == "receipts_too_high"
    refund = receipt(1, payer_uscc=PROVIDER, payee_uscc=receipt()["payer_uscc"])
    assert reviewed(World().presented(receipts=[receipt(7_000_001), refund]))


def test_in_tongyong_the_company_must_have_paid_everything() -> None:
    world = World("tongyong")
    world.does(COMPANY, the_request(receipts=[receipt(9_999_999)]))
    world.hears("voucher", VOUCHER, presented())
    assert world.refuses(REVIEWER, REVIEW) == "receipts_too_low"
    paid = World("tongyong")
    paid.does(COMPANY, the_request(receipts=[receipt(10_000_000)]))
    paid.hears("voucher", VOUCHER, presented())
    assert reviewed(paid).amount_fen == 3_000_000


def presented(redemption_id: Any = REDEMPTION) -> VoucherPresented:
    return VoucherPresented(voucher_id=VOUCHER, redemption_id=redemption_id, allocation_fen=3_000_000)


# -- who may -----------------------------------------------------------------------------------------


def test_only_a_centre_entrusted_with_reviewing_today_reviews() -> None:
    world = World().presented()
    stranger = REVIEWER.model_copy(update={"member_of": an_id("another centre")})
    assert world.refuses(stranger, REVIEW) == "not_entrusted"
    assert world.refuses(APPROVER, REVIEW) == "not_yours"
    world.given(("registry", region_id(REGION), CentreReleased(region=REGION, centre_id=CENTRE, on=DAY)))
    assert world.refuses(REVIEWER, REVIEW) == "not_entrusted"


def test_only_the_paying_regions_department_approves() -> None:
    world = World().with_account().reviewed()
    assert world.refuses(ELSEWHERE, APPROVE) == "not_yours"
    assert world.does(APPROVER, APPROVE) == ["RedemptionApproved"]


def test_an_approval_names_the_policy_in_force_and_the_payee_of_the_mode() -> None:
    world = World().with_account().reviewed()
    world.given(("registry", region_id(REGION), policy(2, DAY)))
    (event,) = world.asks(APPROVER, APPROVE)
    assert (event.policy_version, event.payee_uscc, event.amount_fen) == (2, PROVIDER, 3_000_000)


def test_nothing_is_approved_for_a_payee_without_a_confirmed_account() -> None:
    assert World().reviewed().refuses(APPROVER, APPROVE) == "account_missing"


def test_whoever_reviewed_a_case_does_not_approve_it() -> None:
    world = World().with_account().presented()
    both = Principal(sub="both", role="centre", member_of=CENTRE)
    world.does(both, REVIEW)
    assert world.refuses(APPROVER.model_copy(update={"sub": "both"}), APPROVE) == "same_person"


def test_whoever_approved_one_round_does_not_review_the_next() -> None:
    world = World().approved()
    world.does(APPROVER, WithdrawApproval(redemption_id=REDEMPTION, reason="officer_mistake"))
    assert world.refuses(REVIEWER.model_copy(update={"sub": APPROVER.sub}), REVIEW) == "same_person"
    assert world.does(REVIEWER, REVIEW) == ["RedemptionReviewed"]


def test_whoever_reviewed_an_earlier_round_does_not_approve_a_later_one() -> None:
    world = World().with_account().reviewed()
    world.does(REVIEWER.model_copy(update={"sub": "centre-2"}), REVIEW)
    for sub in (REVIEWER.sub, "centre-2"):
        assert world.refuses(APPROVER.model_copy(update={"sub": sub}), APPROVE) == "same_person"
    assert world.does(APPROVER, APPROVE) == ["RedemptionApproved"]


def test_whoever_reviewed_a_cases_earlier_redemption_does_not_approve_its_later_one() -> None:
    world = World().with_account().presented()
    world.does(REVIEWER, REVIEW)
    world.does(COMPANY, WithdrawRedemption(redemption_id=REDEMPTION))
    world.hears("voucher", VOUCHER, PresentationEnded(voucher_id=VOUCHER, redemption_id=REDEMPTION))
    again = an_id("again")
    world.does(LABORATORY, the_request(redemption_id=again))
    world.hears("voucher", VOUCHER, presented(again))
    world.does(REVIEWER.model_copy(update={"sub": "centre-2"}), ReviewRedemption(redemption_id=again))
    approve = ApproveRedemption(redemption_id=again)
    assert world.refuses(APPROVER.model_copy(update={"sub": REVIEWER.sub}), approve) == "same_person"
    assert world.does(APPROVER, approve) == ["RedemptionApproved"]


# -- rejection -----------------------------------------------------------------------------------------


def test_a_rejected_request_frees_its_invoices_in_the_same_transaction() -> None:
    reject = RejectRedemption(redemption_id=REDEMPTION, reasons=("no_result",))
    assert World().presented().does(REVIEWER, reject) == ["RedemptionRejected", "InvoiceReleased"]


def test_a_centre_rejects_nothing_that_the_region_approved() -> None:
    world = World().approved()
    reject = RejectRedemption(redemption_id=REDEMPTION, reasons=("no_result",))
    assert world.refuses(REVIEWER, reject) == "out_of_order"
    assert world.does(APPROVER, reject) == ["ApprovalWithdrawn", "RedemptionRejected", "InvoiceReleased"]


@pytest.mark.parametrize("principal", [REVIEWER, APPROVER])
def test_centre_and_region_may_return_a_request_for_mending(principal: Principal) -> None:
    command = ReturnRedemption(redemption_id=REDEMPTION, reasons=("report_unsigned",))
    assert World().presented().does(principal, command) == ["RedemptionReturned"]


def test_a_line_that_is_not_on_the_list_carries_nothing() -> None:
    world = World.without_case()
    world.given(*case_facts(eligible_fen=0))
    world.does(LABORATORY, the_request(claimed_fen=1))
    world.hears("voucher", VOUCHER, presented())
    assert world.refuses(REVIEWER, REVIEW) == "nothing_payable"


def test_an_officer_who_stays_out_of_a_redemption_neither_reviews_nor_approves_nor_pays_it() -> None:
    world = World().presented()
    assert world.does(REVIEWER, RecordRecusal(redemption_id=REDEMPTION, reason="relative")) == ["RecusalRecorded"]
    assert world.refuses(REVIEWER, ReviewRedemption(redemption_id=REDEMPTION)) == "recused"
    world = World().scheduled()
    world.does(APPROVER, RecordRecusal(redemption_id=REDEMPTION, recused_actor=PAYER.sub, reason="relative"))
    assert names(world.release()) == ["recused"]
