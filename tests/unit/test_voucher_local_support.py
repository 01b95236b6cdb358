"""The same project is not supported twice: local support blocks on a strong match and flags the rest. 三"""

from __future__ import annotations

from datetime import timedelta

import pytest
from tongdui_events.streams import ceiling_id, enterprise_file_id

from services.voucher.domain.allocation import ConfirmAllocation
from services.voucher.domain.ceilings import CEILING
from services.voucher.domain.contract import AcknowledgeContract, AmendContract, DisputeContract
from services.voucher.domain.endings import WithdrawVoucher
from services.voucher.domain.enterprise_file import ENTERPRISE_FILE
from services.voucher.domain.local_support import RecordLocalSupport
from services.voucher.domain.voucher import VOUCHER
from shared.kernel.commands import Principal
from shared.kernel.decisions import Refusal
from tests.unit.desk import FakeDesk
from tests.unit.voucher_world import (
    CENTRE_OFFICER,
    DAY,
    ENTERPRISE,
    PROVIDER,
    REGION,
    act,
    allocated,
    apply,
    contract,
    enterprise,
    handed_over,
    laboratory,
    voucher,
    world,
)

OFFICER = Principal(sub="officer-1", role="regional_officer", region=REGION)


def support(
    contract_no: str | None = "yx－ 1", provider: str = PROVIDER, reference: str = "L-1", **stated: object
) -> RecordLocalSupport:
    return RecordLocalSupport(
        enterprise_uscc=ENTERPRISE, provider_uscc=provider, contract_no=contract_no, amount_fen=1_000_000, year=2025,
        local_reference=reference, supported_on=DAY, **stated,
    )  # fmt: skip


def names(answer: object) -> list[str]:
    assert not isinstance(answer, Refusal), answer
    return [type(event).__name__ for event in answer]


def submitted(desk: FakeDesk, number: int = 1, **stated: object) -> object:
    apply(desk, number)
    return act(desk, laboratory(), contract(number, **stated))


def flags(answer: object) -> tuple[str, ...]:
    return answer[-1].flags


def test_a_contract_with_local_support_backs_no_voucher() -> None:
    desk = world()
    act(desk, OFFICER, support())
    refused = submitted(desk, contract_no="YX-1")
    assert isinstance(refused, Refusal) and refused.code == "supported_locally"


def test_local_support_that_arrives_before_the_allocation_ends_the_voucher() -> None:
    desk = world()
    submitted(desk)
    recorded = act(desk, OFFICER, support("YX-1"))
    assert names(recorded) == ["LocalSupportRecorded", "LocalSupportMatched", "VoucherVoided", "ClaimReleased"]
    assert recorded[2].reason == "supported_locally" and recorded[2].decision_no == "L-1"


def test_local_support_that_arrives_after_the_allocation_frees_what_was_held() -> None:
    desk = world()
    allocated(desk)
    handed_over(desk)
    assert names(act(desk, OFFICER, support("YX-1")))[3:] == ["HoldReleased", "HoldReleased", "ClaimReleased"]
    assert desk.get(CEILING, ceiling_id("enterprise-year", ENTERPRISE, 2025)).held_fen == 0


def test_a_voucher_that_is_over_is_not_ended_again() -> None:
    desk = world()
    submitted(desk)
    act(desk, OFFICER, support("YX-1"))
    assert names(act(desk, OFFICER, support("YX-1", reference="L-2"))) == ["LocalSupportRecorded"]


def test_support_of_another_contract_of_the_pair_is_flagged_for_the_reviewer() -> None:
    desk = world()
    act(desk, OFFICER, support("another"))
    assert flags(submitted(desk)) == ("local_support_of_the_pair",)


def test_support_with_another_laboratory_flags_nothing() -> None:
    desk = world()
    act(desk, OFFICER, support("another", provider="91330421MA0TEXT04A"))
    assert flags(submitted(desk)) == ()


def test_the_same_local_reference_is_recorded_once() -> None:
    desk = world()
    act(desk, OFFICER, support())
    again = act(desk, OFFICER, support())
    assert isinstance(again, Refusal) and again.code == "support_already_recorded"


def test_only_the_enterprises_own_region_reports_its_support() -> None:
    elsewhere = Principal(sub="officer-9", role="regional_officer", region="320509")
    refused = act(world(), elsewhere, support())
    assert isinstance(refused, Refusal) and refused.code == "not_yours"


def test_support_of_a_later_day_is_refused() -> None:
    refused = act(world(), OFFICER, support().model_copy(update={"supported_on": DAY + timedelta(days=1)}))
    assert isinstance(refused, Refusal) and refused.code == "supported_in_the_future"


def test_an_invoice_number_is_evened_out_and_one_that_is_none_is_refused() -> None:
    desk = world()
    act(desk, OFFICER, support(invoices=("1234 5678 9012 3456 7890",)))
    assert desk.get(ENTERPRISE_FILE, enterprise_file_id(ENTERPRISE)).supports[0].invoices == ("12345678901234567890",)
    refused = act(desk, OFFICER, support(reference="L-2", invoices=("12",)))
    assert isinstance(refused, Refusal) and refused.code == "invalid_invoice_number"


@pytest.mark.parametrize("counts, allocation", [(False, 3_000_000), (True, 2_000_000)])
def test_local_support_counts_towards_the_enterprises_year_where_the_terms_say_so(counts: bool, allocation: int) -> None:
    desk = world(local_support_counts=counts, enterprise_year_cap_fen=3_000_000)
    act(desk, OFFICER, support("another"))
    confirmed = next(e for e in allocated(desk) if type(e).__name__ == "AllocationConfirmed")
    assert confirmed.amount_fen == allocation


# -- near duplicates --------------------------------------------------------------------------------


def test_the_same_item_at_the_same_price_within_90_days_is_flagged() -> None:
    desk = world()
    submitted(desk, 1, amount_fen=5_000_000)
    desk.day = DAY + timedelta(days=90)
    apply(desk, 2)
    assert flags(act(desk, laboratory(), contract(2, amount_fen=5_000_000))) == ("same_item_and_price",)


def test_after_90_days_or_at_another_price_it_is_not() -> None:
    desk = world()
    submitted(desk, 1, amount_fen=5_000_000)
    assert flags(submitted(desk, 2, amount_fen=5_000_001)) == ()
    desk.day = DAY + timedelta(days=91)
    apply(desk, 3)
    assert flags(act(desk, laboratory(), contract(3, amount_fen=5_000_000))) == ()


def test_a_contract_split_to_stay_under_the_cap_is_flagged() -> None:
    """Shares of 2,700,000 and 2,700,001 under a cap of 5,400,000: together one fen over."""
    desk = world(allocation_cap_fen=5_400_000)
    assert flags(submitted(desk, 1, amount_fen=9_000_000)) == ()
    assert flags(submitted(desk, 2, amount_fen=9_000_004)) == ("split_under_the_cap",)


def test_contracts_that_reach_the_cap_together_and_do_not_pass_it_are_not_flagged() -> None:
    desk = world(allocation_cap_fen=5_400_000)
    submitted(desk, 1, amount_fen=9_000_000)
    assert flags(submitted(desk, 2, amount_fen=9_000_003)) == ()


def test_a_pair_whose_sum_passes_the_enterprises_year_is_flagged() -> None:
    desk = world(enterprise_year_cap_fen=5_400_000)
    submitted(desk, 1, amount_fen=9_000_000)
    assert flags(submitted(desk, 2, amount_fen=9_000_004)) == ("pair_over_the_year",)


def test_a_contract_amended_is_compared_with_others_not_with_itself() -> None:
    desk = world()
    submitted(desk, 1, amount_fen=5_000_000)
    amended = act(desk, laboratory(), AmendContract(**contract(1, amount_fen=5_000_000).model_dump()))
    assert flags(amended) == ()
    assert len(desk.get(ENTERPRISE_FILE, enterprise_file_id(ENTERPRISE)).contracts) == 1


def test_a_contract_whose_voucher_was_given_back_is_on_file_no_more() -> None:
    desk = world(allocation_cap_fen=5_400_000)
    allocated(desk, 1)
    answer = act(desk, enterprise(), WithdrawVoucher(voucher_id=voucher(1)))
    assert names(answer) == ["VoucherWithdrawn", "HoldReleased", "HoldReleased", "ClaimReleased", "ContractUnfiled"]
    assert desk.get(ENTERPRISE_FILE, enterprise_file_id(ENTERPRISE)).contracts == ()
    assert flags(submitted(desk, 2)) == ()


def test_a_voucher_given_back_before_its_contract_takes_nothing_off_the_file() -> None:
    desk = world()
    submitted(desk, 1)
    apply(desk, 2)
    assert names(act(desk, enterprise(), WithdrawVoucher(voucher_id=voucher(2)))) == ["VoucherWithdrawn"]
    assert len(desk.get(ENTERPRISE_FILE, enterprise_file_id(ENTERPRISE)).contracts) == 1


def test_a_disputed_contract_leaves_the_file_when_its_voucher_is_given_back() -> None:
    desk = world()
    submitted(desk, 1)
    act(desk, enterprise(), DisputeContract(voucher_id=voucher(1), reason_sha256="0" * 64))
    assert names(act(desk, enterprise(), WithdrawVoucher(voucher_id=voucher(1)))) == ["VoucherWithdrawn", "ContractUnfiled"]


def test_a_flag_hinders_nothing() -> None:
    desk = world()
    allocated(desk, 1)
    apply(desk, 2)
    assert flags(act(desk, laboratory(), contract(2))) == ("same_item_and_price",)
    act(desk, enterprise(), AcknowledgeContract(voucher_id=voucher(2)))
    act(desk, CENTRE_OFFICER, ConfirmAllocation(voucher_id=voucher(2)))
    assert desk.get(VOUCHER, voucher(2)).stage == "allocated"
