"""An invoice with local support is not paid here; a late list stops what is under way until a person decides. 三"""

from __future__ import annotations

from typing import Any

from tongdui_events.streams import enterprise_file_id
from tongdui_events.voucher import LocalSupportMatched, LocalSupportRecorded, PerformanceAllowed

from services.settlement.domain.stops import CASE_STOPS
from tests.unit.settlement_world import DAY, ENTERPRISE, LABORATORY, REGION, VOUCHER, World, names, the_request

NUMBER = "26312000000000000017"
ALLOWED = PerformanceAllowed(voucher_id=VOUCHER, decision_no="决3号")


def supported(world: World, *invoices: str, reference: str = "L-1") -> list[Any]:
    event = LocalSupportRecorded(
        region=REGION, enterprise_uscc=ENTERPRISE, invoices=invoices, amount_fen=1, year=2026, local_reference=reference,
        supported_on=DAY,
    )  # fmt: skip
    return world.hears("voucher", enterprise_file_id(ENTERPRISE), event)


def matched(world: World, reference: str = "L-1") -> list[Any]:
    return world.hears("voucher", VOUCHER, LocalSupportMatched(voucher_id=VOUCHER, local_reference=reference, match="contract"))


def test_an_invoice_with_local_support_backs_no_request() -> None:
    world = World()
    assert supported(world, NUMBER) == []
    assert world.refuses(LABORATORY, the_request()) == "invoice_supported_locally"


def test_another_invoice_of_the_enterprise_does() -> None:
    world = World()
    supported(world, "26312000000000000099")
    assert "RedemptionRequested" in names(world.asks(LABORATORY, the_request()))


def test_a_late_list_stops_the_case_its_invoice_backs() -> None:
    world = World().presented()
    assert names(supported(world, NUMBER)) == ["PaymentStopped"]
    assert world.get(CASE_STOPS, VOUCHER) == {"local_support:L-1"}


def test_a_payment_that_is_due_is_held_and_one_the_list_does_not_name_is_not() -> None:
    world = World().scheduled()
    assert supported(world, "26312000000000000099") == []
    assert names(supported(world, NUMBER, reference="L-2")) == ["PaymentStopped", "PayoutHeld"]


def test_a_contract_matched_by_the_voucher_service_stops_the_case_once_a_list() -> None:
    world = World().scheduled()
    assert names(matched(world)) == ["PaymentStopped", "PayoutHeld"]
    assert matched(world) == []
    assert names(matched(world, "L-2")) == ["PaymentStopped", "PayoutHeld"]


def test_a_person_may_decide_that_the_case_goes_on() -> None:
    world = World().scheduled()
    matched(world)
    assert names(world.hears("voucher", VOUCHER, ALLOWED)) == ["PaymentStopLifted", "PayoutFreed"]
    assert world.get(CASE_STOPS, VOUCHER) == frozenset()
