"""Redemption, review and payment: what is payable, who may act, what an invoice still carries. 三(四), 三(五)"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tongdui_events.settlement import Invoice, InvoiceClaimed, PerformedLine, Receipt

from services.settlement.domain import invoices, payouts, review
from services.settlement.domain.case_facts import AllocatedLine, Case
from services.settlement.domain.cross_checks import Request, defects
from services.settlement.domain.invoices import INVOICE, InvoiceState
from services.settlement.domain.payouts import Due, Payout, RecordPayment, ReleaseBatch
from services.settlement.domain.redemption import Redemption
from services.settlement.domain.registry_facts import Entrusted, Policy, Provider, Region
from shared.kernel.commands import Principal
from shared.kernel.decisions import Refusal
from tests.unit.voucher_world import CENTRE, DAY, ENTERPRISE, OTHER, PROVIDER, REGION, policy

VOUCHER, REDEMPTION = uuid4(), uuid4()
CENTRE_OFFICER = Principal(sub="centre-1", role="centre", member_of=CENTRE)


def officer(sub: str) -> Principal:
    return Principal(sub=sub, role="regional_officer", region=REGION)


def region(**changed: Any) -> Region:
    adopted = policy(**changed)
    terms = Policy(adopted.version, adopted.effective_on, adopted.terms)
    return Region("青浦", (terms,), (Entrusted(CENTRE, ("review", "allocate"), DAY, None),))


def case(**changed: Any) -> Case:
    """100,000 yuan at 30 %: the company pays 70,000, the laboratory is paid 30,000."""
    known = Case(
        voucher_id=VOUCHER, enterprise_uscc=ENTERPRISE, provider_uscc=PROVIDER, region=REGION, mode="tongdui",
        redeem_by=date(2025, 6, 1), tax_bp=((1, 600),), allocation_fen=3_000_000,
        lines=(AllocatedLine(1, 10_000_000, 3000),), policy_version=1, tendered=True, collected=True, live=REDEMPTION,
    )  # fmt: skip
    return replace(known, **changed)


def requested(performed_fen: int = 10_000_000, paid_fen: int = 7_000_000, **changed: Any) -> Redemption:
    receipt = Receipt(payer_uscc=ENTERPRISE, payee_uscc=PROVIDER, amount_fen=paid_fen, paid_on=DAY, reference_hmac="a" * 64)
    line = PerformedLine(line_no=1, performed_fen=performed_fen, invoiced_fen=performed_fen)
    known = Redemption(
        "requested", VOUCHER, "provider", (invoice(performed_fen),), (receipt,), (line,), claimed_fen=3_000_000
    )
    return replace(known, **changed)


def invoice(total_fen: int, allotted_fen: int | None = None, number: str = "25000000000000000001") -> Invoice:
    return Invoice(
        number=number, issued_on=DAY, buyer_uscc=ENTERPRISE, seller_uscc=PROVIDER, total_fen=total_fen,
        allotted_fen=total_fen if allotted_fen is None else allotted_fen,
    )  # fmt: skip


def reviewed(redemption: Redemption, known: Case | None = None, principal: Principal = CENTRE_OFFICER, **terms: Any) -> Any:
    command = review.ReviewRedemption(redemption_id=REDEMPTION)
    return review.review(redemption, known or case(), region(**terms), DAY, principal, command)


# -- what is payable -------------------------------------------------------------------------------


def test_less_work_is_less_money_never_more() -> None:
    assert reviewed(requested(8_000_000, 5_600_000))[0].event.amount_fen == 2_400_000
    assert reviewed(requested(12_000_000, 9_000_000))[0].event.amount_fen == 3_000_000


def test_in_tongdui_the_company_must_have_paid_the_rest_and_one_fen_less_is_returned() -> None:
    assert not isinstance(reviewed(requested(8_000_000, 5_600_000)), Refusal)
    short = reviewed(requested(8_000_000, 5_599_999))
    assert isinstance(short, Refusal) and short.code == "receipts_too_low"


def test_in_tongyong_the_company_must_have_paid_the_whole_base() -> None:
    assert not isinstance(reviewed(requested(paid_fen=10_000_000), case(mode="tongyong")), Refusal)
    assert isinstance(reviewed(requested(paid_fen=9_999_999), case(mode="tongyong")), Refusal)


def test_the_steps_of_a_review_lead_to_its_sum() -> None:
    event = reviewed(requested(8_000_000, 5_600_000))[0].event
    assert [(step.rule, step.fen) for step in event.steps] == [
        ("line_1_base", 8_000_000), ("line_1_ratio", 2_400_000), ("allocation", 2_400_000), ("claimed", 2_400_000),
        ("rounding", 2_400_000),
    ]  # fmt: skip


# -- who may ---------------------------------------------------------------------------------------


def test_nothing_is_reviewed_before_the_voucher_has_answered() -> None:
    refused = reviewed(requested(), case(live=None))
    assert isinstance(refused, Refusal) and refused.status == 409


def test_a_centre_that_is_not_entrusted_reviews_nothing() -> None:
    refused = reviewed(requested(), principal=Principal(sub="x", role="centre", member_of=uuid4()))
    assert isinstance(refused, Refusal) and refused.code == "not_entrusted"


def test_who_reviewed_does_not_approve_and_who_approved_does_not_review_in_a_later_round() -> None:
    command = review.ApproveRedemption(redemption_id=REDEMPTION)
    ready = requested(stage="reviewed", amount_fen=3_000_000, reviewers=frozenset({"officer-1"}))
    refused = review.approve(ready, case(), region(), DAY, officer("officer-1"), command)
    assert isinstance(refused, Refusal) and refused.code == "same_person"
    assert not isinstance(review.approve(ready, case(), region(), DAY, officer("officer-2"), command), Refusal)
    again = reviewed(requested(approvers=frozenset({"centre-1"})))
    assert isinstance(again, Refusal) and again.code == "same_person"


# -- payment ---------------------------------------------------------------------------------------


def due(**changed: Any) -> tuple[UUID, Due]:
    payout_id = uuid4()
    payout = Payout("scheduled", payout_id, REDEMPTION, REGION, PROVIDER, 3_000_000, 0, "agent", "a" * 64, "0088")
    passed = requested(stage="passed", amount_fen=3_000_000, reviewers=frozenset({"r"}), approvers=frozenset({"a"}))
    return payout_id, replace_due(Due(payout, passed, False, None), **changed)


def replace_due(known: Due, **changed: Any) -> Due:
    return known._replace(**changed)


@pytest.mark.parametrize(
    ("changed", "person", "code"),
    [
        ({}, "r", "same_person"),
        ({}, "a", "same_person"),
        ({"objection_open": True}, "payer", "objection_open"),
        ({"barred_uscc": PROVIDER}, "payer", "party_held"),
    ],
)
def test_a_batch_does_not_go_out(changed: dict[str, Any], person: str, code: str) -> None:
    payout_id, known = due(**changed)
    command = ReleaseBatch(batch_id=uuid4(), region=REGION, payout_ids=(payout_id,))
    refused = payouts.release({payout_id: known}, officer(person), command)
    assert isinstance(refused, Refusal) and refused.code == code


def test_a_release_and_its_instructions_are_one_transaction_with_an_id_of_their_own() -> None:
    payout_id, known = due()
    command = ReleaseBatch(batch_id=uuid4(), region=REGION, payout_ids=(payout_id,))
    decided = payouts.release({payout_id: known}, officer("payer"), command)
    assert [type(d.event).__name__ for d in decided] == ["BatchOpened", "BatchReleased", "PayoutInstructed"]
    assert len(decided[2].event.end_to_end_id) <= 35 and decided[2].event.attempt == 1
    failed = known._replace(payout=replace(known.payout, stage="failed", attempt=1))
    again = payouts.release({payout_id: failed}, officer("payer"), command)
    assert again[2].event.end_to_end_id != decided[2].event.end_to_end_id


def test_an_uncertain_payment_is_not_tried_again() -> None:
    payout_id, known = due()
    uncertain = known._replace(payout=replace(known.payout, stage="uncertain", attempt=1))
    command = ReleaseBatch(batch_id=uuid4(), region=REGION, payout_ids=(payout_id,))
    assert isinstance(payouts.release({payout_id: uncertain}, officer("payer"), command), Refusal)


def test_the_settled_payment_settles_its_redemption_once_and_an_old_attempts_answer_does_nothing() -> None:
    payout_id, known = due()
    out = replace(known.payout, stage="instructed", attempt=1, end_to_end_id="T1A1")
    answer = RecordPayment(payout_id=payout_id, end_to_end_id="T1A1", result="settled")
    decided = payouts.record_payment(out, known.redemption, case(), DAY, answer)
    assert [type(d.event).__name__ for d in decided] == ["PayoutSettled", "RedemptionSettled"]
    other = answer.model_copy(update={"end_to_end_id": "T1A0"})
    assert isinstance(payouts.record_payment(out, known.redemption, case(), DAY, other), Refusal)


# -- cross-checks and invoices ----------------------------------------------------------------------


def checked(today: date = DAY, known: Case | None = None, **changed: Any) -> list[str]:
    redemption = requested()
    kinds = frozenset({"contract", "receipt", "invoice", "result"})
    request = Request(
        REDEMPTION, today, known or case(), Provider(), redemption.invoices, redemption.receipts, redemption.lines, 3_000_000,
        kinds, lambda number: InvoiceState(),
    )  # fmt: skip
    return defects(request._replace(**changed))


def test_a_request_in_order_has_no_defect_on_its_last_day_and_one_the_day_after() -> None:
    assert checked(date(2025, 6, 1)) == []
    assert checked(date(2025, 6, 2)) == ["redeem_by_passed"]


def test_all_defects_are_named_at_once() -> None:
    strange = invoice(10_000_000).model_copy(update={"buyer_uscc": OTHER})
    found = checked(invoices=(strange,), claimed_fen=3_000_001, kinds=frozenset(), known=case(collected=False))
    assert found == ["voucher_not_handed_over", "claim_over_allocation", "invoice_parties", "evidence_missing"]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 600), st.booleans()), max_size=30))
def test_live_allotments_never_exceed_an_invoices_total(steps: list[tuple[int, int, bool]]) -> None:
    total, state, live = 1000, InvoiceState(), {}
    takers = [UUID(int=number + 1) for number in range(6)]
    for taker, fen, releases in steps:
        redemption_id = takers[taker]
        if releases:
            decided = invoices.release(redemption_id, VOUCHER, [invoice(total)] if redemption_id in live else [])
            live.pop(redemption_id, None)
        else:
            left = state.left_fen(redemption_id)
            fits = fen <= (total if left is None else left) and redemption_id not in live
            decided = invoices.claim(redemption_id, VOUCHER, [invoice(total, fen)]) if fits else []
            live.update({redemption_id: fen} if fits else {})
        for one in decided:
            state = INVOICE.evolve(state, one.event, None)
        assert sum(state.allotted.values()) == sum(live.values()) <= total


def test_the_first_claim_fixes_the_total() -> None:
    claimed = InvoiceClaimed(number="1", redemption_id=uuid4(), allotted_fen=10, total_fen=100)
    known = INVOICE.evolve(InvoiceState(), claimed, None)
    assert "invoice_total_differs" in checked(invoice_of=lambda number: known)
