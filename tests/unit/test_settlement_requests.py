"""Asking for payment: who, when, with what evidence; mending, withdrawing, lapsing. 三(四)"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from tongdui_events.voucher import PresentationRefused, VoucherExtended, VoucherWithdrawn

from services.settlement.domain.endings import LapseRedemption, ReturnRedemption, WithdrawRedemption
from services.settlement.domain.refusals import RequestDefective
from services.settlement.domain.request import RequestRedemption, ResubmitRedemption
from services.settlement.domain.review import ReviewRedemption
from shared.kernel.decisions import Refusal
from shared.kernel.keyed_digest import keyed_digest
from shared.runtime.problems import document
from tests.unit.settlement_world import (
    BRANCH,
    COMPANY,
    DAY,
    ENTERPRISE,
    LABORATORY,
    PLATFORM,
    PROVIDER,
    REDEEM_BY,
    REDEMPTION,
    REVIEWER,
    STRANGER,
    VOUCHER,
    World,
    an_id,
    case_facts,
    evidence,
    invoice,
    receipt,
    the_request,
)

RETURN = ReturnRedemption(redemption_id=REDEMPTION, reasons=("receipts_too_low",))


def mended(**changed: Any) -> ResubmitRedemption:
    return ResubmitRedemption.model_validate(evidence(**changed))


# -- who and when --------------------------------------------------------------------------------


def test_either_party_may_request_payment_and_the_invoices_are_claimed_with_it() -> None:
    assert World().does(LABORATORY, the_request()) == ["RedemptionRequested", "InvoiceClaimed"]
    assert World().does(COMPANY, the_request()) == ["RedemptionRequested", "InvoiceClaimed"]


def test_a_stranger_may_not_request_payment() -> None:
    stranger = LABORATORY.model_copy(update={"uscc": STRANGER})
    assert World().refuses(stranger, the_request()) == "not_yours"
    assert World().refuses(COMPANY.model_copy(update={"uscc": PROVIDER}), the_request()) == "not_yours"


def test_payment_of_an_unknown_voucher_is_not_found() -> None:
    assert World().refuses(LABORATORY, the_request(voucher_id=an_id("another"))) == "not_found"


def test_payment_is_requested_up_to_the_vouchers_last_day() -> None:
    world = World()
    world.day = REDEEM_BY + timedelta(days=1)
    assert world.refuses(LABORATORY, the_request()) == "redeem_by_passed"
    world.day = REDEEM_BY
    assert world.does(LABORATORY, the_request())[0] == "RedemptionRequested"


def test_an_extended_voucher_may_be_redeemed_on_its_new_last_day() -> None:
    world = World()
    later = REDEEM_BY + timedelta(days=30)
    world.hears("voucher", VOUCHER, VoucherExtended(voucher_id=VOUCHER, use_by=DAY, redeem_by=later, reason="appeal"))
    world.day = later
    assert world.does(LABORATORY, the_request())[0] == "RedemptionRequested"


def test_an_ended_voucher_is_not_redeemed() -> None:
    world = World()
    world.hears("voucher", VOUCHER, VoucherWithdrawn(voucher_id=VOUCHER))
    assert world.refuses(LABORATORY, the_request()) == "voucher_not_open"


def test_in_tongdui_the_provider_must_have_collected_the_voucher() -> None:
    world = World.without_case()
    world.given(*case_facts()[:-1])
    assert world.refuses(LABORATORY, the_request()) == "voucher_not_handed_over"


def test_a_second_request_is_refused_while_one_is_under_way() -> None:
    world = World().presented()
    second = the_request(redemption_id=an_id("second"), invoices=[invoice("26312000000000000018")])
    assert world.refuses(LABORATORY, second) == "redemption_under_way"


def test_one_id_is_one_request() -> None:
    assert World().requested().refuses(LABORATORY, the_request()) == "out_of_order"


# -- cross-checks ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"claimed_fen": 3_000_001}, "claim_over_allocation", "claimed_fen"),
        ({"lines": [{"line_no": 2, "performed_fen": 1, "invoiced_fen": 1}]}, "unknown_line", "lines.0.line_no"),
        ({"lines": [{"line_no": 1, "performed_fen": 1, "invoiced_fen": 1}] * 2}, "repeated_line", "lines"),
        ({"invoices": [invoice(allotted_fen=9_999_999)]}, "lines_over_allotments", "lines"),
        ({"invoices": [invoice("123")]}, "invalid_invoice_number", "invoices.0.number"),
        ({"invoices": [invoice(fen=5_000_000)] * 2}, "repeated_invoice", "invoices"),
        ({"invoices": [invoice(buyer_uscc=STRANGER)]}, "invoice_of_another_buyer", "invoices.0.buyer_uscc"),
        ({"invoices": [invoice(seller_uscc=STRANGER)]}, "invoice_of_another_seller", "invoices.0.seller_uscc"),
        ({"invoices": [invoice(issued_on="2026-03-01")]}, "invoice_date_outside", "invoices.0.issued_on"),
        ({"invoices": [invoice(issued_on="2026-03-03")]}, "invoice_date_outside", "invoices.0.issued_on"),
        ({"invoices": [invoice(total_fen=9_999_999)]}, "invoice_exhausted", "invoices.0.allotted_fen"),
        ({"receipts": [receipt(payer_uscc=STRANGER)]}, "receipt_between_others", "receipts.0"),
        ({"receipts": [receipt(payee_uscc=STRANGER)]}, "receipt_between_others", "receipts.0"),
        ({"receipts": [receipt(paid_on="2026-03-03")]}, "receipt_date_outside", "receipts.0.paid_on"),
        ({"documents": evidence()["documents"][1:]}, "evidence_missing", "documents"),
    ],
)
def test_a_request_with_one_defect_is_refused_for_it(changed: dict[str, Any], code: str, field: str) -> None:
    refusal = World().asks(LABORATORY, the_request(**changed))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.field) == (code, field)
    assert refusal.text_zh and refusal.text_en and refusal.section


def test_all_defects_are_named_at_once() -> None:
    defective = the_request(
        claimed_fen=3_000_001,
        invoices=[invoice(buyer_uscc=STRANGER, seller_uscc=STRANGER)],
        receipts=[receipt(payer_uscc=STRANGER)],
        documents=evidence()["documents"][:1],
    )
    refusal = World().asks(LABORATORY, defective)
    assert isinstance(refusal, RequestDefective)
    assert [defect.code for defect in refusal.defects] == [
        "claim_over_allocation", "invoice_of_another_buyer", "invoice_of_another_seller", "receipt_between_others",
        "evidence_missing", "evidence_missing", "evidence_missing",
    ]  # fmt: skip


def test_over_http_each_defect_has_an_entry_with_its_field_and_both_texts() -> None:
    refusal = World().asks(LABORATORY, the_request(claimed_fen=3_000_001, invoices=[invoice(buyer_uscc=STRANGER)]))
    assert isinstance(refusal, Refusal)
    problem = document(refusal, "/settlement/v1/redemptions")
    assert (problem["code"], problem["status"]) == ("request_defective", 422)
    assert [(entry["code"], entry["field"]) for entry in problem["errors"]] == [
        ("claim_over_allocation", "claimed_fen"), ("invoice_of_another_buyer", "invoices.0.buyer_uscc"),
    ]  # fmt: skip
    assert all(entry["zh"] and entry["detail"] for entry in problem["errors"])


def test_a_branch_the_provider_declared_may_have_invoiced_and_been_paid() -> None:
    by_branch = the_request(invoices=[invoice(seller_uscc=BRANCH)], receipts=[receipt(payee_uscc=BRANCH)])
    assert World().does(LABORATORY, by_branch)[0] == "RedemptionRequested"


def test_an_invoice_number_is_recorded_as_its_digits() -> None:
    events = World().asks(LABORATORY, the_request(invoices=[invoice("2631 2000-0000 0000 0017")]))
    assert not isinstance(events, Refusal)
    assert events[0].invoices[0].number == events[1].number == "26312000000000000017"


def test_a_banks_reference_goes_into_the_event_as_a_keyed_digest_only() -> None:
    events = World().asks(LABORATORY, the_request())
    assert not isinstance(events, Refusal)
    assert events[0].receipts[0].reference_hmac == keyed_digest("R-1")
    assert "R-1" not in events[0].model_dump_json()


@pytest.mark.parametrize(
    "changed",
    [
        {"claimed_fen": 0},
        {"claimed_fen": -1},
        {"claimed_fen": "3000000"},
        {"claimed_fen": 1.5},
        {"invoices": []},
        {"invoices": [invoice(total_fen=-1)]},
        {"invoices": [invoice(issued_on=20260302)]},
        {"invoices": [invoice(issued_on="2026-02-30")]},
        {"invoices": [invoice(colour="red")]},
        {"documents": [{"kind": "selfie", "size_bytes": 1, "sha256": "ab" * 32}]},
        {"documents": [{"kind": "result", "size_bytes": 50_000_001, "sha256": "ab" * 32}]},
        {"receipts": [receipt(payer_uscc="91310118MA0TEXT04I")]},
        {"surprise": 1},
    ],
)
def test_fields_that_do_not_fit_make_no_command(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RequestRedemption.model_validate(evidence(voucher_id=VOUCHER) | changed)


# -- the voucher's answer ----------------------------------------------------------------------------


def test_a_refused_presentation_rejects_the_request_with_its_reasons_and_frees_the_invoices() -> None:
    world = World().requested()
    refused = PresentationRefused(voucher_id=VOUCHER, redemption_id=REDEMPTION, reasons=("redeem_by_passed",))
    rejected, released = world.hears("voucher", VOUCHER, refused)
    assert rejected.reasons == ("redeem_by_passed",)
    assert released.redemption_id == REDEMPTION
    assert world.does(LABORATORY, the_request(redemption_id=an_id("again")))[0] == "RedemptionRequested"


def test_a_presentation_refused_after_the_request_was_withdrawn_changes_nothing() -> None:
    world = World().requested()
    world.does(LABORATORY, WithdrawRedemption(redemption_id=REDEMPTION))
    refused = PresentationRefused(voucher_id=VOUCHER, redemption_id=REDEMPTION, reasons=("voucher_ended",))
    assert world.hears("voucher", VOUCHER, refused) == []


def test_nothing_is_reviewed_before_the_voucher_was_presented() -> None:
    world = World().requested()
    assert world.refuses(REVIEWER, ReviewRedemption(redemption_id=REDEMPTION)) == "out_of_order"


# -- mending -----------------------------------------------------------------------------------------


def test_a_returned_request_is_mended_by_the_regions_days_included() -> None:
    world = World().presented()
    (returned,) = world.asks(REVIEWER, RETURN)
    assert returned.mend_by == date(2026, 3, 12)
    world.day = returned.mend_by
    assert world.does(LABORATORY, mended()) == ["RedemptionResubmitted"]


def test_a_request_is_not_mended_after_its_last_day() -> None:
    world = World().presented()
    world.does(REVIEWER, RETURN)
    world.day = date(2026, 3, 13)
    assert world.refuses(LABORATORY, mended()) == "mending_over"


def test_a_mended_request_exchanges_its_invoices_in_the_same_transaction() -> None:
    world = World().presented()
    world.does(REVIEWER, RETURN)
    other = mended(invoices=[invoice(allotted_fen=4_000_000), invoice("26312000000000000018", allotted_fen=6_000_000)])
    assert world.does(LABORATORY, other) == [
        "RedemptionResubmitted", "InvoiceReleased", "InvoiceClaimed", "InvoiceClaimed",
    ]  # fmt: skip


def test_a_request_not_mended_lapses_the_day_after_its_last_and_frees_its_invoices() -> None:
    world = World().presented()
    world.does(REVIEWER, RETURN)
    lapse = LapseRedemption(redemption_id=REDEMPTION, mend_by=date(2026, 3, 12))
    world.day = date(2026, 3, 12)
    assert world.refuses(PLATFORM, lapse) == "mending_not_over"
    assert world.days_later().refuses(LABORATORY, lapse) == "not_yours"
    assert world.does(PLATFORM, lapse) == ["RedemptionLapsed", "InvoiceReleased"]


def test_a_party_may_withdraw_its_request_until_it_is_approved() -> None:
    world = World().reviewed()
    assert world.does(COMPANY, WithdrawRedemption(redemption_id=REDEMPTION)) == ["RedemptionWithdrawn", "InvoiceReleased"]
    approved = World().approved()
    assert approved.refuses(COMPANY, WithdrawRedemption(redemption_id=REDEMPTION)) == "out_of_order"


def test_parties_of_the_case_are_in_the_request() -> None:
    events = World().asks(LABORATORY, the_request())
    assert not isinstance(events, Refusal)
    assert (events[0].enterprise_uscc, events[0].provider_uscc, events[0].mode) == (ENTERPRISE, PROVIDER, "tongdui")
