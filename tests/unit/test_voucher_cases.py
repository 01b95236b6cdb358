"""Given events, when a command, then events or a refusal: the case and its ceilings."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tongdui_events.common import DayReached
from tongdui_events.registry import EnterpriseBarred, ProviderSuspended
from tongdui_events.settlement import RedemptionSettled
from tongdui_events.streams import ceiling_id, claim_id, days_id, enterprise_id, provider_id, region_id

from services.voucher.domain.allocation import ConfirmAllocation
from services.voucher.domain.ceilings import CEILING
from services.voucher.domain.claims import CLAIM
from services.voucher.domain.contract import AcknowledgeContract, DisputeContract
from services.voucher.domain.endings import ExpireVoucher, WithdrawVoucher
from services.voucher.domain.handover import CollectVoucher, TenderVoucher
from services.voucher.domain.presentation import settle
from services.voucher.domain.voucher import VOUCHER
from shared.kernel.decisions import Refusal
from tests.unit.desk import FakeDesk
from tests.unit.voucher_world import (
    CENTRE_OFFICER,
    DAY,
    ENTERPRISE,
    OTHER,
    PROVIDER,
    REGION,
    act,
    allocated,
    apply,
    contract,
    enterprise,
    handed_over,
    laboratory,
    policy,
    voucher,
    world,
)


def types(answer: object) -> list[str]:
    assert not isinstance(answer, Refusal), answer
    return [type(event).__name__ for event in answer]


def year_of(desk: FakeDesk, uscc: str = ENTERPRISE):
    return desk.get(CEILING, ceiling_id("enterprise-year", uscc, 2025))


def test_an_application_in_order_is_issued_with_its_last_days() -> None:
    applied, issued = apply(world())
    assert (type(applied).__name__, type(issued).__name__) == ("VoucherApplied", "VoucherIssued")
    assert (issued.use_by, issued.redeem_by) == (DAY + timedelta(days=30), DAY + timedelta(days=90))
    assert issued.listing_province == "32"


def test_a_suspended_laboratory_and_a_barred_enterprise_are_both_named_in_the_refusal() -> None:
    desk = world().given(
        ("registry", provider_id(PROVIDER), ProviderSuspended(uscc=PROVIDER, reason="检查")),
        ("registry", enterprise_id(ENTERPRISE), EnterpriseBarred(
            uscc=ENTERPRISE, from_on=DAY, decision_no="决1", sanction_id=uuid4())),
    )  # fmt: skip
    assert apply(desk)[-1].reasons == ("enterprise_barred", "provider_not_listed")


def test_a_mode_the_region_does_not_offer_is_refused_with_its_reason() -> None:
    assert apply(world(modes=["tongyong"]))[-1].reasons == ("mode_not_offered",)


def test_one_contract_line_backs_one_live_voucher_and_is_free_again_when_that_ends() -> None:
    desk = world()
    apply(desk, 1)
    apply(desk, 2)
    act(desk, laboratory(), contract(1, contract_no="YX-7"))
    refused = act(desk, laboratory(), contract(2, contract_no=" yx-7 "))
    assert isinstance(refused, Refusal) and refused.code == "contract_line_already_claimed"
    act(desk, enterprise(), WithdrawVoucher(voucher_id=voucher(1)))
    assert "ContractClaimed" in types(act(desk, laboratory(), contract(2, contract_no="YX-7")))


def test_only_the_other_party_acknowledges_and_a_dispute_frees_the_lines() -> None:
    desk = world()
    apply(desk)
    act(desk, laboratory(), contract())
    refused = act(desk, laboratory(), AcknowledgeContract(voucher_id=voucher(1)))
    assert isinstance(refused, Refusal) and refused.status == 403
    disputed = act(desk, enterprise(), DisputeContract(voucher_id=voucher(1), reason_sha256="c" * 64))
    assert types(disputed) == ["ContractDisputed", "ClaimReleased"]


def test_a_service_that_is_not_on_this_years_list_carries_nothing() -> None:
    desk = world()
    apply(desk)
    act(desk, laboratory(), contract(item="X99"))
    act(desk, enterprise(), AcknowledgeContract(voucher_id=voucher(1)))

    refused = act(desk, CENTRE_OFFICER, ConfirmAllocation(voucher_id=voucher(1)))
    assert types(refused) == ["AllocationRefused"] and refused[0].reasons == ("not_on_this_years_list",)


def test_a_confirmed_allocation_holds_under_every_ceiling() -> None:
    answer = allocated(world())
    assert types(answer) == ["CeilingSet", "CeilingSet", "AllocationConfirmed", "HoldPlaced", "HoldPlaced"]
    confirmed = answer[2]
    assert confirmed.amount_fen == 3_000_000
    assert {hold.kind for hold in confirmed.holds} == {"enterprise-year", "region-year"}


def test_a_budget_cut_below_what_is_committed_allocates_nothing_new_and_keeps_what_is_held() -> None:
    desk = world()
    allocated(desk, 1)
    lower = policy(2, DAY, region_year_budget_fen=1_000_000)
    desk.given(("registry", region_id(REGION), lower))
    assert allocated(desk, 2, OTHER)[-1].reasons == ("budget_exhausted",)
    assert desk.get(CEILING, ceiling_id("region-year", REGION, 2025)).held_fen == 3_000_000


def test_an_expired_voucher_frees_its_holds_only_after_settlement_has_heard_of_the_day() -> None:
    desk = world()
    allocated(desk)
    last = DAY + timedelta(days=90)
    early = act(desk, enterprise(), ExpireVoucher(voucher_id=voucher(1)))
    assert isinstance(early, Refusal) and early.code == "not_past_its_last_day"
    desk.given(("settlement", days_id("settlement"), DayReached(date=last)))
    assert isinstance(act(desk, enterprise(), ExpireVoucher(voucher_id=voucher(1))), Refusal)
    desk.given(("settlement", days_id("settlement"), DayReached(date=last + timedelta(days=1))))
    expired = act(desk, enterprise(), ExpireVoucher(voucher_id=voucher(1)))
    assert types(expired) == ["VoucherExpired", "HoldReleased", "HoldReleased", "ClaimReleased"]
    assert year_of(desk).held_fen == 0


def test_a_voucher_goes_only_from_the_enterprise_to_its_laboratory() -> None:
    desk = world()
    allocated(desk)
    stranger = act(desk, enterprise(OTHER), TenderVoucher(voucher_id=voucher(1)))
    assert isinstance(stranger, Refusal) and stranger.status == 403
    early = act(desk, laboratory(), CollectVoucher(voucher_id=voucher(1)))
    assert isinstance(early, Refusal) and early.status == 409
    handed_over(desk)
    assert desk.get(VOUCHER, voucher(1)).handed_over


def test_a_settled_redemption_consumes_what_was_approved_and_frees_the_rest() -> None:
    desk = world()
    allocated(desk)
    settled = RedemptionSettled(
        redemption_id=uuid4(),
        voucher_id=voucher(1),
        region=REGION,
        enterprise_uscc=ENTERPRISE,
        provider_uscc=PROVIDER,
        approved_fen=2_000_000,
        paid_fen=2_000_000,
        offset_fen=0,
    )
    desk.record(settle(desk.get(VOUCHER, voucher(1)), settled))
    assert (year_of(desk).held_fen, year_of(desk).consumed_fen) == (0, 2_000_000)


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["allocate", "withdraw", "settle"]), st.integers(1, 8), st.integers(1, 10**8))
    ),
    cap=st.integers(1, 10**7),
)
def test_no_ceiling_is_ever_exceeded_and_no_line_backs_two_live_vouchers(
    steps: list[tuple[str, int, int]], cap: int
) -> None:
    desk = world(enterprise_year_cap_fen=cap, region_year_budget_fen=cap * 2)
    for what, number, amount in steps:
        if what == "allocate":
            allocated(desk, number, (ENTERPRISE, OTHER)[number % 2], amount)
        elif what == "withdraw":
            act(desk, enterprise((ENTERPRISE, OTHER)[number % 2]), WithdrawVoucher(voucher_id=voucher(number)))
        elif desk.get(VOUCHER, voucher(number)).stage == "allocated":
            case = desk.get(VOUCHER, voucher(number))
            paid = min(amount, case.allocation_fen)
            event = RedemptionSettled(
                redemption_id=uuid4(),
                voucher_id=voucher(number),
                region=REGION,
                enterprise_uscc=case.enterprise_uscc,
                provider_uscc=PROVIDER,
                approved_fen=paid,
                paid_fen=paid,
                offset_fen=0,
            )
            desk.record(settle(case, event))
        for kind, key, limit in (
            ("enterprise-year", ENTERPRISE, cap),
            ("enterprise-year", OTHER, cap),
            ("region-year", REGION, cap * 2),
        ):
            ceiling = desk.get(CEILING, ceiling_id(kind, key, 2025))
            assert ceiling.held_fen >= 0 and ceiling.consumed_fen >= 0
            assert ceiling.held_fen + ceiling.consumed_fen <= limit
        _lines_back_one(desk)


def _lines_back_one(desk: FakeDesk) -> None:

    for number in range(1, 9):
        case = desk.get(VOUCHER, voucher(number))
        for line in case.lines:
            holder = desk.get(CLAIM, claim_id(line.fingerprint)).voucher_id
            live = case.stage not in ("withdrawn", "expired", "voided")
            assert (holder == voucher(number)) is live


@pytest.mark.parametrize("day", [date(2025, 4, 2), date(2025, 4, 3)])
def test_the_contract_comes_until_use_by_included(day: date) -> None:
    desk = world()
    apply(desk)
    desk.day = day
    answer = act(desk, laboratory(), contract())
    assert isinstance(answer, Refusal) is (day == date(2025, 4, 3))
