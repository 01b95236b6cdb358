"""The checker finds nothing in a history that holds, and finds what was spoiled."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.invariants.checker import check
from tests.invariants.history import Unreadable, history_of, read_history
from tests.invariants.report import TITLES
from tests.invariants.small_history import (
    ENTERPRISE,
    PRICE,
    SUM,
    TERMS,
    Small,
    id_of,
    small_history,
)

Spoil = Callable[[Small], None]
VOUCHER, OTHER, REDEMPTION = id_of("voucher", 1), id_of("voucher", 2), id_of("redemption")

SPOILED: dict[str, dict[str, Spoil]] = {
    "log": {
        "an event is missing": lambda h: h.entries.pop(20),
        "an event is there twice": lambda h: h.again("HoldConsumed", event_id=h.find("HoldConsumed")["event_id"]),
        "two events of a stream have one version": lambda h: h.change("VoucherIssued", originator_version=1),
        "a business day goes back": lambda h: h.change("VoucherRedeemed", business_day="2025-03-03"),
        "a day is reached before it was opened": lambda h: h.change("DayReached", -1, date="2025-03-14"),
        "a day is opened twice": lambda h: h.change("DayOpened", 3, date="2025-03-05"),
        "less was seen than before": lambda h: h.change("VoucherRedeemed", seen={"registry": 1}),
        "more was seen than there is": lambda h: h.change("VoucherRedeemed", seen={"registry": 99, "settlement": 99}),
        "a log counts itself among those seen": lambda h: h.find("VoucherRedeemed")["seen"].update(voucher=1),
        "an effect had not seen its cause": lambda h: h.find("VoucherRedeemed")["seen"].update(
            settlement=h.find("HoldConsumed", 1)["seen"]["settlement"] - 1),
        "an effect came before its cause": lambda h: h.change(
            "VoucherApplied", causation_id=h.find("VoucherRedeemed")["event_id"]),
        "an event has no cause": lambda h: h.change("VoucherIssued", causation_id=None),
        "an event lacks a field of its type": lambda h: h.find("HoldPlaced").pop("amount_fen"),
        "an event is in another log than its own": lambda h: h.find("VoucherIssued").update(source="audit"),
    },
    "1": {
        "more is held than the limit": lambda h: h.change("CeilingSet", wanted_fen=SUM - 1, limit_fen=SUM - 1),
        "the limit is not what it comes to": lambda h: h.change("CeilingSet", limit_fen=TERMS["enterprise_year_cap_fen"] + 1),
        "a limit is lowered below what is committed": lambda h: h.again(
            "CeilingSet", after="HoldPlaced", after_nth=1, wanted_fen=0, limit_fen=0),
        "a hold goes beyond what is wanted, within the limit": lambda h: (
            h.again("CeilingSet", after="HoldPlaced", after_nth=0, wanted_fen=0, limit_fen=SUM)),
        "a ceiling begins with a hold": lambda h: h.drop("CeilingSet"),
        "a voucher holds twice": lambda h: h.again("HoldPlaced"),
        "what was not held is consumed": lambda h: h.drop("HoldPlaced"),
        "more is consumed than was held": lambda h: h.change("HoldConsumed", amount_fen=SUM + 1),
        "another sum is said to be held": lambda h: h.change("HoldReleased", held_fen=1),
        "more is reversed than was consumed": lambda h: h.again("HoldConsumed", type="ConsumptionReversed", amount_fen=SUM + 1),
        "a hold is reduced below nothing": lambda h: h.again("HoldPlaced", type="HoldReduced", by_fen=SUM + 1),
        "an ended voucher still holds": lambda h: h.drop("HoldReleased"),
        "an allocation names a hold that was not placed": lambda h: h.find("AllocationConfirmed")["holds"].pop(),
        "the ceiling is not the policy's term": lambda h: h.change("CeilingSet", wanted_fen=2 * SUM, limit_fen=2 * SUM),
    },
    "2": {
        "paid without publicity": lambda h: h.drop("PublicityPassed"),
        "publicity passed on the last day": lambda h: h.change("NoticePublished", 1, last_day_on="2025-03-11"),
        "paid under an open objection": lambda h: h.drop("ObjectionDismissed"),
        "paid after an objection was upheld": lambda h: h.change("ObjectionDismissed", type="ObjectionUpheld"),
        "an objection is upheld and the approval stands": lambda h: h.again(
            "ObjectionDismissed", after="PayoutScheduled", type="ObjectionUpheld"),
        "paid after the approval was withdrawn": lambda h: h.again("PublicityPassed", type="ApprovalWithdrawn", reason="x"),
        "approved anew without a new notice": lambda h: h.again("RedemptionApproved", after="ObjectionDismissed"),
        "approved anew after the publicity": lambda h: h.again("RedemptionApproved", after="PublicityPassed"),
        "settled without an approval": lambda h: h.again("PayoutSettled", type="ApprovalWithdrawn"),
        "the notice does not name it": lambda h: h.find("NoticePublished", 1)["items"][0].update(item_id=OTHER),
        "the notice was too short": lambda h: h.change("NoticePublished", 1, last_day_on="2025-03-09"),
        "the notice had too few working days": lambda h: h.change("DayOpened", 2, working=False),
        "an adjustment is paid without a notice of its own": lambda h: h.again(
            "PublicityPassed", after="PayoutFreed", type="RedemptionAdjusted", by_fen=1, reason="x"),
        "a provider is listed during its publicity": lambda h: h.change("NoticePublished", 0, last_day_on="2025-03-11"),
        "a provider is listed by no notice": lambda h: h.change("ProviderListed", notice_id=OTHER),
    },
    "3": {
        "an end-to-end id is used twice": lambda h: _second_attempt(h, "PayoutFailed", end_to_end_id="E1"),
        "a new attempt while the first is under way": lambda h: _second_attempt(h, None),
        "a new attempt while the first is uncertain": lambda h: _second_attempt(h, "PayoutUncertain"),
        "a new attempt after the first was paid": lambda h: h.again(
            "PayoutInstructed", after="RedemptionSettled", end_to_end_id="E2", attempt=2),
        "attempts are not counted": lambda h: h.change("PayoutInstructed", attempt=2),
        "another sum is told than scheduled": lambda h: h.change("PayoutInstructed", amount_fen=SUM - 1),
        "a held payout is instructed": lambda h: h.drop("PayoutFreed"),
        "a cancelled payout is instructed": lambda h: h.again("PayoutFreed", type="PayoutCancelled"),
        "an instructed payout is cancelled": lambda h: h.again("PayoutInstructed", type="PayoutCancelled", reason="x"),
        "another sum is paid than told": lambda h: h.change("PayoutSettled", amount_fen=SUM - 1),
        "paid twice": lambda h: h.again("PayoutSettled"),
        "an answer to no attempt": lambda h: h.change("PayoutSettled", end_to_end_id="E9"),
        "instructed without its batch": lambda h: h.drop("BatchReleased"),
        "a batch of another sum": lambda h: h.change("BatchReleased", total_fen=SUM + 1),
        "a payout nobody scheduled": lambda h: h.drop("PayoutScheduled"),
    },
    "4": {
        "more is allocated than ratio times eligible": lambda h: h.change("AllocationConfirmed", amount_fen=SUM + 1),
        "more is eligible than the contract's line": lambda h: h.find("AllocationConfirmed")["lines"][0].update(
            eligible_fen=PRICE + 1),
        "a contract that does not add up": lambda h: h.change("ContractSubmitted", amount_fen=PRICE + 1),
        "more is presented than allocated": lambda h: h.change("VoucherPresented", allocation_fen=SUM + 1),
        "two live redemptions": lambda h: h.again("VoucherPresented", redemption_id=OTHER),
        "reviewed before it was presented": lambda h: h.drop("VoucherPresented"),
        "more is reviewed than presented": lambda h: h.change("RedemptionReviewed", amount_fen=SUM + 1),
        "more is approved than reviewed": lambda h: h.change("RedemptionApproved", amount_fen=SUM + 1),
        "approved for another payee": lambda h: h.change("RedemptionApproved", payee_uscc=ENTERPRISE),
        "approved without a review": lambda h: h.drop("RedemptionReviewed"),
        "more is scheduled than approved": lambda h: h.change("PayoutScheduled", offset_fen=1),
        "scheduled for another payee": lambda h: h.change("PayoutScheduled", payee_uscc=ENTERPRISE),
        "more is paid than approved": lambda h: h.change("PayoutSettled", amount_fen=SUM + 1),
        "more came back than was paid": lambda h: h.again("PayoutSettled", type="PayoutReturned", amount_fen=SUM + 1),
        "settled twice": lambda h: h.again("RedemptionSettled"),
        "settled with another sum than paid": lambda h: h.change("RedemptionSettled", paid_fen=SUM - 1),
        "another sum is consumed than approved": lambda h: h.change("VoucherRedeemed", amount_fen=SUM - 1),
        "redeemed before it was settled": lambda h: h.drop("RedemptionSettled"),
    },
    "5": {
        "more is ordered back than was paid": lambda h: h.change("ClawbackOrdered", amount_fen=SUM + 1),
        "two orders together exceed what was paid": lambda h: h.again("ClawbackOrdered", clawback_id=OTHER, amount_fen=SUM),
        "more is recovered than ordered": lambda h: h.change("RecoveryRecorded", amount_fen=SUM),
        "recovered after the order was cancelled": lambda h: h.again("ClawbackOrdered", type="ClawbackCancelled"),
        "recovered without an order": lambda h: h.drop("ClawbackOrdered"),
        "recovered for another region": lambda h: h.change("RecoveryRecorded", region="320509"),
        "a payment came back and the order stands": lambda h: h.again(
            "PayoutSettled", after="RecoveryRecorded", type="PayoutReturned"),
        "an offset without its settlement": lambda h: h.change("RecoveryRecorded", method="offset"),
        "an offset settled without its recovery": lambda h: h.change("RedemptionSettled", offset_fen=1),
        "an offset across regions": lambda h: _offset(h, region="320509"),
        "an offset across fiscal years": lambda h: _offset(h, fiscal_year=2024),
    },
    "books": {
        "less is owed than nothing": lambda h: h.change("RecoveryRecorded", amount_fen=SUM),
        "something is paid that was not scheduled": lambda h: h.change("PayoutSettled", payout_id=OTHER),
        "closed with another sum than came back": lambda h: _close(h, SUM // 4 + 1, SUM // 4),
        "less is written off than was owed": lambda h: _close(h, SUM // 4, SUM // 4 - 1),
    },
    "6": {
        "an invoice is allotted beyond its total": lambda h: h.again("InvoiceClaimed", redemption_id=OTHER, allotted_fen=1),
        "an invoice has two totals": lambda h: h.again(
            "InvoiceClaimed", redemption_id=OTHER, allotted_fen=0, total_fen=2 * PRICE),
        "a redemption allots an invoice twice": lambda h: h.again("InvoiceClaimed", allotted_fen=0),
        "an invoice is reversed and the allotment stays": lambda h: h.again(
            "InvoiceClaimed", type="InvoiceReversed", amount_fen=1),
        "what was not allotted is released": lambda h: h.again("InvoiceClaimed", type="InvoiceReleased", redemption_id=OTHER),
        "a contract line backs two vouchers": lambda h: h.change("ContractClaimed", 1, fingerprint=id_of("line", VOUCHER)),
        "a line is released by another": lambda h: h.change("ClaimReleased", voucher_id=VOUCHER),
        "an ended voucher keeps its lines": lambda h: h.drop("ClaimReleased"),
        "a contract claims nothing": lambda h: h.drop("ContractClaimed"),
    },
    "7": {
        "the reviewer approves": lambda h: _by(h, "RedemptionApproved", "centre-1"),
        "an earlier reviewer of the case approves": lambda h: h.again(
            "RedemptionReviewed", actor={"id": "officer-1", "role": "centre"}),
        "the approver releases the batch": lambda h: _by(h, "BatchReleased", "officer-1"),
        "the reviewer releases the batch": lambda h: _by(h, "BatchReleased", "centre-1"),
        "who proposed a clawback orders it": lambda h: _by(h, "ClawbackOrdered", "officer-4"),
        "who proposed a sanction decides it": lambda h: _by(h, "SanctionDecided", "auditor-1"),
        "who refused decides the appeal": lambda h: _by(h, "AppealDecided", "centre-1"),
    },
    "8": {
        "issued under a version to come": lambda h: h.change("VoucherIssued", policy_version=2),
        "allocated under a version to come": lambda h: h.change("AllocationConfirmed", policy_version=2),
        "approved under a version that is no more": lambda h: h.change("PolicyAdopted", 1, effective_on="2025-03-03"),
        "a policy is adopted for the past": lambda h: h.change("PolicyAdopted", 1, effective_on="2025-03-02"),
        "a version is skipped": lambda h: h.change("PolicyAdopted", 1, version=3),
        "another ratio": lambda h: h.find("PolicyAdopted")["terms"]["ratio_bp"].update(testing=2999),
        "a service not on the year's list is counted": lambda h: h.find("CataloguePublished")["items"].pop(),
        "a list of another year": lambda h: h.change("CataloguePublished", year=2024),
        "a unit cap is passed over": lambda h: h.find("CataloguePublished")["items"][0].update(unit_cap_fen=PRICE - 1),
        "the tax is passed over": lambda h: h.find("PolicyAdopted")["terms"].update(amount_basis="tax_exclusive"),
        "the cap per use is passed over": lambda h: h.find("PolicyAdopted")["terms"].update(allocation_cap_fen=SUM - 100),
        "what is left of the year is passed over": lambda h: h.find("PolicyAdopted")["terms"].update(
            enterprise_year_cap_fen=SUM - 100),
        "the rounding is passed over": lambda h: (h.change("ContractSubmitted", 0, amount_fen=PRICE + 10),
                                                  h.find("ContractSubmitted")["lines"][0].update(amount_fen=PRICE + 10),
                                                  h.find("AllocationConfirmed")["lines"][0].update(eligible_fen=PRICE + 10),
                                                  h.change("AllocationConfirmed", amount_fen=SUM + 3)),
        "less is allocated than could be": lambda h: h.change("AllocationConfirmed", amount_fen=SUM - 100),
        "the steps lead elsewhere": lambda h: h.find("AllocationConfirmed")["steps"][-1].update(fen=1),
        "a ceiling of the terms takes no part": lambda h: h.find("PolicyAdopted")["terms"].update(provider_year_cap_fen=SUM),
        "refused though it could be carried": lambda h: h.again(
            "VoucherWithdrawn", type="AllocationRefused", policy_version=1, reasons=["quota_exhausted"]),
        "another sum is reviewed than computed": lambda h: h.change("RedemptionReviewed", amount_fen=SUM - 100),
        "another base is reviewed than performed": lambda h: h.find("RedemptionRequested")["lines"][0].update(
            performed_fen=PRICE // 2),
        "the receipts do not suffice": lambda h: h.find("RedemptionRequested")["receipts"][0].update(amount_fen=PRICE - SUM - 1),
    },
}


def _by(history: Small, type_: str, person: str) -> None:
    history.find(type_)["actor"]["id"] = person


def _second_attempt(history: Small, answer: str | None, end_to_end_id: str = "E2") -> None:
    history.again("PayoutInstructed", end_to_end_id=end_to_end_id, attempt=2)
    if answer:
        history.again("PayoutInstructed", type=answer, reason_code="x")


def _close(history: Small, recovered_fen: int, written_off_fen: int) -> None:
    history.again("RecoveryRecorded", type="ClawbackClosed", recovered_fen=recovered_fen, written_off_fen=written_off_fen)


def _offset(history: Small, **fields: object) -> None:
    """The recovery becomes an offset within the settlement, which says so."""
    history.again("RecoveryRecorded", after="PayoutSettled", method="offset", amount_fen=1,
                  causation_id=history.find("RedemptionSettled")["causation_id"], **fields)
    history.change("RedemptionSettled", offset_fen=1)


def test_nothing_is_found_in_a_history_that_holds() -> None:
    report = check(small_history().history)
    assert report.findings == []
    assert [invariant for invariant in TITLES if not report.checked[invariant]] == ["9"]
    assert [text.split(",")[0] for text in report.not_checked] == ["9"]


@pytest.mark.parametrize(
    "invariant, what", [(invariant, what) for invariant, spoiled in SPOILED.items() for what in spoiled]
)
def test_what_does_not_hold_is_found(invariant: str, what: str) -> None:
    history = small_history()
    SPOILED[invariant][what](history)
    report = check(history.history)
    assert invariant in {finding.invariant for finding in report.findings}, report.table()


def test_every_invariant_but_the_ninth_has_been_spoiled() -> None:
    assert set(SPOILED) == set(TITLES) - {"9"}


def test_a_history_without_clawbacks_says_that_none_was_looked_at() -> None:
    history = small_history()
    for type_ in ("RecoveryRecorded", "ClawbackOrdered", "ClawbackProposed"):
        history.drop(type_)
    assert any(text.startswith("5, ") for text in check(history.history).not_checked)


def _write(path: Path, history: Small) -> Path:
    path.write_text("".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in history.entries), encoding="utf-8")
    return path


@pytest.mark.parametrize("spoil, code, said", [
    (lambda history: None, 0, "not checked: 9"),
    (lambda history: history.change("HoldReleased", held_fen=1), 1, "1 said to be held"),
])
def test_the_command_prints_a_table_and_exits_by_what_it_found(tmp_path: Path, spoil: Spoil, code: int, said: str) -> None:
    history = small_history()
    spoil(history)
    path = _write(tmp_path / "events.jsonl", history)
    done = subprocess.run([sys.executable, "-m", "tests.invariants.checker", str(path)], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert said in done.stdout
    assert "ceilings and holds" in done.stdout


@pytest.mark.parametrize("line", ["{", "[]", '{"source": "voucher"}', '{"source": "voucher", "position": 1, "event": []}'])
def test_a_file_that_is_no_history_is_said_to_be_none(tmp_path: Path, line: str) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(Unreadable):
        read_history(path)
    done = subprocess.run([sys.executable, "-m", "tests.invariants.checker", str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")


def test_an_empty_history_holds_and_nothing_of_it_was_looked_at() -> None:
    report = check(history_of([]))
    assert report.findings == []
    assert len(report.not_checked) == len(TITLES) - 1


def test_the_checker_shares_no_code_with_the_services() -> None:
    for path in Path(__file__).parent.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        for root in ("services", "shared", "tongdui_events"):
            assert f"from {root}" not in text.replace('f"from {root}"', "") and f"import {root}" not in text, path.name
