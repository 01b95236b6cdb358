"""A merger passes vouchers on by decision, which is no transfer; who is dissolved gets nothing new. 二(四), 三(五)"""

from __future__ import annotations

from datetime import timedelta

from tongdui_events.registry import EnterpriseDissolved, EnterpriseSucceeded
from tongdui_events.samples import sample
from tongdui_events.streams import ceiling_id, enterprise_file_id, enterprise_id
from tongdui_events.voucher import LocalSupportRecorded

from services.voucher.domain.allocation import ConfirmAllocation
from services.voucher.domain.ceilings import CEILING
from services.voucher.domain.contract import AcknowledgeContract
from services.voucher.domain.endings import AllowPerformance, WithdrawVoucher
from services.voucher.domain.handover import TenderVoucher
from services.voucher.domain.succession import PassOnVoucher
from services.voucher.domain.voucher import VOUCHER
from services.voucher.reactions import enterprise_succeeded
from shared.kernel.commands import Principal
from tests.unit.desk import FakeDesk
from tests.unit.settlement_world import names
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
    laboratory,
    voucher,
    world,
)

PLATFORM = Principal(sub="voucher", role="service")
OFFICER = Principal(sub="officer-1", role="regional_officer", region=REGION)
PASS_ON = PassOnVoucher(voucher_id=voucher(1))


def succeeded(desk: FakeDesk, successor: str = OTHER, after: int = 0) -> EnterpriseSucceeded:
    from_on = DAY + timedelta(days=after)
    event = EnterpriseSucceeded(uscc=ENTERPRISE, successor_uscc=successor, decision_no="并1号", from_on=from_on)
    desk.given(("registry", enterprise_id(ENTERPRISE), event))
    return event


def test_a_voucher_of_a_merged_enterprise_is_its_successors_with_what_it_holds() -> None:
    desk = world()
    allocated(desk)
    succeeded(desk)
    assert names(act(desk, PLATFORM, PASS_ON)) == ["VoucherPassedOn", "ContractFiled"]
    passed = desk.get(VOUCHER, voucher(1))
    assert (passed.enterprise_uscc, passed.stage, passed.allocation_fen) == (OTHER, "allocated", 3_000_000)
    assert desk.get(CEILING, ceiling_id("enterprise-year", ENTERPRISE, 2025)).held_fen == 3_000_000
    assert names(act(desk, enterprise(ENTERPRISE), TenderVoucher(voucher_id=voucher(1)))) == ["not_yours"]
    assert names(act(desk, enterprise(OTHER), TenderVoucher(voucher_id=voucher(1)))) == ["VoucherTendered"]


def test_nothing_passes_on_before_the_day_of_the_decision_or_without_one_or_after_the_end() -> None:
    desk = world()
    apply(desk)
    assert names(act(desk, PLATFORM, PASS_ON)) == ["out_of_order"]
    succeeded(desk, after=1)
    assert names(act(desk, PLATFORM, PASS_ON)) == ["out_of_order"]
    act(desk, enterprise(), WithdrawVoucher(voucher_id=voucher(1)))
    desk.day = DAY + timedelta(days=1)
    assert names(act(desk, PLATFORM, PASS_ON)) == ["out_of_order"]


def test_only_the_platform_passes_a_voucher_on() -> None:
    desk = world()
    apply(desk)
    succeeded(desk)
    for person in (OFFICER, enterprise(OTHER), laboratory()):
        assert names(act(desk, person, PASS_ON)) == ["not_yours"]


def test_a_voucher_does_not_pass_on_to_the_laboratory_it_is_spent_at() -> None:
    desk = world()
    apply(desk)
    succeeded(desk, PROVIDER)
    assert names(act(desk, PLATFORM, PASS_ON)) == ["enterprise_is_provider"]


def test_the_same_contract_on_the_successors_own_file_is_flagged_when_a_voucher_passes_on() -> None:
    desk = world()
    allocated(desk, 2, OTHER)
    allocated(desk, 1, ENTERPRISE)
    succeeded(desk)
    _, filed = act(desk, PLATFORM, PASS_ON)
    assert (filed.enterprise_uscc, filed.flags) == (OTHER, ("same_item_and_price",))


def test_local_support_of_the_predecessor_still_stands_in_the_way_of_an_allocation() -> None:
    desk = world()
    apply(desk)
    act(desk, laboratory(), contract())
    act(desk, enterprise(), AcknowledgeContract(voucher_id=voucher(1)))
    supported = sample(LocalSupportRecorded).model_copy(
        update={"enterprise_uscc": ENTERPRISE, "provider_uscc": PROVIDER, "contract_no": "YX-1", "invoices": ()}
    )
    desk.given(("voucher", enterprise_file_id(ENTERPRISE), supported))
    succeeded(desk)
    act(desk, PLATFORM, PASS_ON)
    refused = act(desk, CENTRE_OFFICER, ConfirmAllocation(voucher_id=voucher(1)))
    assert names(refused) == ["AllocationRefused"] and refused[0].reasons == ("supported_locally",)


def test_a_merger_is_noted_once() -> None:
    desk = world()
    event = succeeded(desk)
    stamp = desk.documents[-1].stamp
    assert names(desk.record(enterprise_succeeded(event, stamp, desk))) == ["SuccessionNoted"]
    assert enterprise_succeeded(event, stamp, desk) == []


def test_a_merged_enterprise_applies_for_nothing_more() -> None:
    desk = world()
    succeeded(desk)
    refused = apply(desk)
    assert names(refused) == ["VoucherApplied", "ApplicationRefused"]
    assert refused[1].reasons == ("enterprise_dissolved",)


def test_a_dissolved_enterprises_contract_is_allocated_only_by_decision() -> None:
    desk = world()
    apply(desk)
    act(desk, laboratory(), contract())
    act(desk, enterprise(), AcknowledgeContract(voucher_id=voucher(1)))
    desk.given(("registry", enterprise_id(ENTERPRISE), EnterpriseDissolved(uscc=ENTERPRISE, on=DAY)))
    confirm = ConfirmAllocation(voucher_id=voucher(1))
    assert names(act(desk, CENTRE_OFFICER, confirm)) == ["party_suspended"]
    act(desk, OFFICER, AllowPerformance(voucher_id=voucher(1), decision_no="续1号"))
    assert "AllocationConfirmed" in names(act(desk, CENTRE_OFFICER, confirm))
