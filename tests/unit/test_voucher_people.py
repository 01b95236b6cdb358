"""Who is related to whom, who shares a ceiling, who stays out. 二(四), 二(六)"""

from __future__ import annotations

from tongdui_events.registry import AffiliationDeclared
from tongdui_events.streams import ceiling_id, enterprise_id

from services.voucher.domain.allocation import ConfirmAllocation
from services.voucher.domain.appeals import LodgeAppeal
from services.voucher.domain.application import PrecheckApplication
from services.voucher.domain.ceilings import CEILING
from services.voucher.domain.contract import AcknowledgeContract
from services.voucher.domain.recusal import RecordRecusal
from shared.kernel.commands import Principal
from shared.kernel.decisions import Refusal
from tests.unit.desk import FakeDesk
from tests.unit.voucher_world import (
    CENTRE,
    CENTRE_OFFICER,
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

ONE, TWO, HOUSE = "1" * 64, "2" * 64, "3" * 64
OFFICER = Principal(sub="officer-1", role="regional_officer", region=REGION)


def declared(desk: FakeDesk, uscc: str, controller: str, **stated: object) -> None:
    event = AffiliationDeclared(uscc=uscc, controller_hmac=controller, **stated)
    desk.given(("registry", enterprise_id(uscc), event))


def names(answer: object) -> list[str]:
    assert not isinstance(answer, Refusal), answer
    return [type(event).__name__ for event in answer]


def code(answer: object) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


# -- related parties ----------------------------------------------------------------------------


def test_related_parties_are_refused_where_the_terms_say_so() -> None:
    desk = world(related_parties="refuse")
    declared(desk, ENTERPRISE, ONE)
    declared(desk, PROVIDER, TWO, holder_hmac=(ONE,))
    assert apply(desk)[-1].reasons == ("related_parties",)


def test_parties_without_a_tie_are_not_related() -> None:
    desk = world(related_parties="refuse")
    declared(desk, ENTERPRISE, ONE)
    declared(desk, PROVIDER, TWO)
    assert names(apply(desk)) == ["VoucherApplied", "VoucherIssued"]


def test_related_parties_are_flagged_at_the_contract_where_the_terms_only_flag() -> None:
    desk = world()
    declared(desk, ENTERPRISE, ONE, address_hmac=HOUSE)
    declared(desk, PROVIDER, TWO, address_hmac=HOUSE)
    assert names(apply(desk))[-1] == "VoucherIssued"
    assert act(desk, laboratory(), contract())[-1].flags == ("related_parties",)


# -- a controller's ceiling ---------------------------------------------------------------------


def test_enterprises_of_one_controller_share_its_years_ceiling() -> None:
    desk = world(controller_year_cap_fen=4_000_000)
    declared(desk, ENTERPRISE, ONE)
    declared(desk, OTHER, ONE)
    first = next(event for event in allocated(desk, 1) if type(event).__name__ == "AllocationConfirmed")
    second = next(event for event in allocated(desk, 2, OTHER) if type(event).__name__ == "AllocationConfirmed")
    assert (first.amount_fen, second.amount_fen) == (3_000_000, 1_000_000)
    assert second.reduced_because == ("controller_year",)
    assert desk.get(CEILING, ceiling_id("controller-year", f"{REGION}-{ONE}", 2025)).held_fen == 4_000_000


def test_nothing_left_of_the_controllers_year_refuses_by_its_name() -> None:
    desk = world(controller_year_cap_fen=3_000_000)
    declared(desk, ENTERPRISE, ONE)
    declared(desk, OTHER, ONE)
    allocated(desk, 1)
    assert allocated(desk, 2, OTHER)[-1].reasons == ("controller_exhausted",)


# -- staying out --------------------------------------------------------------------------------


def recuse(desk: FakeDesk, who: Principal = CENTRE_OFFICER, actor: str | None = None) -> object:
    return act(desk, who, RecordRecusal(voucher_id=voucher(1), recused_actor=actor, reason="relative"))


def acknowledged(desk: FakeDesk) -> None:
    apply(desk)
    act(desk, laboratory(), contract())
    act(desk, enterprise(), AcknowledgeContract(voucher_id=voucher(1)))


def confirm(desk: FakeDesk, who: Principal = CENTRE_OFFICER) -> object:
    return act(desk, who, ConfirmAllocation(voucher_id=voucher(1)))


def test_an_officer_who_recused_himself_decides_nothing_of_the_case() -> None:
    desk = world()
    acknowledged(desk)
    assert names(recuse(desk)) == ["RecusalRecorded"]
    assert code(confirm(desk)) == "recused"


def test_a_colleague_of_the_same_centre_does() -> None:
    desk = world()
    acknowledged(desk)
    recuse(desk)
    colleague = Principal(sub="centre-2", role="centre", member_of=CENTRE)
    assert "AllocationConfirmed" in names(confirm(desk, colleague))


def test_the_region_keeps_somebody_else_out_and_nobody_else_does() -> None:
    desk = world()
    acknowledged(desk)
    assert code(recuse(desk, CENTRE_OFFICER, "centre-2")) == "recuses_another"
    elsewhere = Principal(sub="officer-9", role="regional_officer", region="320509")
    assert code(recuse(desk, elsewhere, "centre-1")) == "not_yours"
    recuse(desk, OFFICER, "centre-1")
    assert code(confirm(desk)) == "recused"


def test_a_recusal_is_recorded_once() -> None:
    desk = world()
    acknowledged(desk)
    recuse(desk)
    assert names(recuse(desk, OFFICER, "centre-1")) == []


def test_a_case_nobody_applied_for_is_not_found() -> None:
    assert code(recuse(world())) == "not_found"


# -- pre-check ----------------------------------------------------------------------------------


def precheck(desk: FakeDesk, *reasons: str, who: Principal = OFFICER) -> object:
    return act(desk, who, PrecheckApplication(voucher_id=voucher(1), reasons=reasons))


def test_where_the_terms_ask_for_a_pre_check_the_region_looks_before_the_voucher_is_issued() -> None:
    desk = world(precheck=True)
    assert names(apply(desk)) == ["VoucherApplied"]
    assert names(precheck(desk)) == ["VoucherIssued"]


def test_a_pre_check_refuses_with_its_reasons_and_can_be_appealed() -> None:
    desk = world(precheck=True)
    apply(desk)
    assert precheck(desk, "no_premises")[0].reasons == ("no_premises",)
    lodged = LodgeAppeal(voucher_id=voucher(1), appeal_id=voucher(901), grounds_sha256="e" * 64)
    assert names(act(desk, enterprise(), lodged)) == ["AppealLodged"]


def test_what_the_rules_refuse_is_refused_without_a_pre_check() -> None:
    assert names(apply(world(precheck=True, modes=["tongyong"]))) == ["VoucherApplied", "ApplicationRefused"]


def test_a_pre_check_is_the_paying_regions_and_happens_once() -> None:
    desk = world(precheck=True)
    apply(desk)
    elsewhere = Principal(sub="officer-9", role="regional_officer", region="320509")
    assert code(precheck(desk, who=elsewhere)) == "not_yours"
    precheck(desk)
    assert code(precheck(desk)) == "out_of_order"
