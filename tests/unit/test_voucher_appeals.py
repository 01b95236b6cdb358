"""Appeals, corrections and reinstatement: officers make mistakes, and every refusal can be appealed. 二(六), 三(三)"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from tongdui_events.streams import ceiling_id, claim_id

from services.voucher.domain.allocation import ConfirmAllocation
from services.voucher.domain.appeals import DecideAppeal, LodgeAppeal
from services.voucher.domain.ceilings import CEILING
from services.voucher.domain.claims import CLAIM
from services.voucher.domain.contract import AcknowledgeContract
from services.voucher.domain.correction import CorrectAllocation
from services.voucher.domain.endings import VoidVoucher
from services.voucher.domain.reinstatement import ReinstateVoucher
from services.voucher.domain.voucher import VOUCHER
from shared.kernel.commands import Principal
from shared.kernel.decisions import Refusal
from tests.unit.desk import FakeDesk
from tests.unit.voucher_world import (
    CENTRE_OFFICER,
    DAY,
    ENTERPRISE,
    OTHER,
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

APPEAL = UUID("00000000-0000-4000-8000-00000000a99e")
ONE, TWO = (Principal(sub=f"officer-{n}", role="regional_officer", region=REGION) for n in (1, 2))
SHA = "e" * 64


def names(answer: object) -> list[str]:
    assert not isinstance(answer, Refusal), answer
    return [type(event).__name__ for event in answer]


def code(answer: object) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


def lodge(desk: FakeDesk, who: Principal | None = None) -> object:
    command = LodgeAppeal(voucher_id=voucher(1), appeal_id=APPEAL, grounds_sha256=SHA)
    return act(desk, who or enterprise(), command)


def decide(desk: FakeDesk, outcome: str = "upheld", who: Principal = TWO) -> object:
    command = DecideAppeal(voucher_id=voucher(1), appeal_id=APPEAL, outcome=outcome, grounds_sha256=SHA)
    return act(desk, who, command)


def voided(desk: FakeDesk) -> object:
    return act(desk, ONE, VoidVoucher(voucher_id=voucher(1), reason="mistake", decision_no="D-1"))


def held(desk: FakeDesk) -> int:
    return desk.get(CEILING, ceiling_id("enterprise-year", ENTERPRISE, 2025)).held_fen


# -- appeals ------------------------------------------------------------------------------------


def test_a_refused_application_is_issued_when_the_appeal_is_upheld() -> None:
    desk = world(modes=["tongyong"])
    assert names(apply(desk)) == ["VoucherApplied", "ApplicationRefused"]
    assert names(lodge(desk)) == ["AppealLodged"]
    decided = decide(desk)
    assert names(decided) == ["AppealDecided", "VoucherIssued"]
    assert decided[1].use_by == DAY + timedelta(days=30)


def test_a_dismissed_appeal_changes_nothing_and_is_the_last_word() -> None:
    desk = world(modes=["tongyong"])
    apply(desk)
    lodge(desk)
    assert names(decide(desk, "dismissed")) == ["AppealDecided"]
    assert desk.get(VOUCHER, voucher(1)).stage == "refused"
    assert code(lodge(desk)) == "nothing_to_appeal"


def test_a_refused_allocation_can_be_asked_for_again_after_the_appeal() -> None:
    desk = world(enterprise_year_cap_fen=3_000_000, partial_allocation=False)
    allocated(desk, 2)
    assert "AllocationRefused" in names(allocated(desk, 1))
    lodge(desk)
    assert names(decide(desk)) == ["AppealDecided"]
    act(desk, ONE, VoidVoucher(voucher_id=voucher(2), reason="mistake", decision_no="D-2"))
    assert "AllocationConfirmed" in names(act(desk, CENTRE_OFFICER, ConfirmAllocation(voucher_id=voucher(1))))


def test_a_voided_voucher_lives_on_with_new_holds_of_its_original_year_when_the_appeal_is_upheld() -> None:
    desk = world()
    allocated(desk)
    before = held(desk)
    voided(desk)
    assert held(desk) == 0
    lodge(desk)
    assert names(decide(desk)) == ["AppealDecided", "VoucherReinstated", "HoldPlaced", "HoldPlaced", "ContractClaimed"]
    assert held(desk) == before
    assert desk.get(VOUCHER, voucher(1)).stage == "allocated"


def test_an_appeal_is_decided_by_another_person_than_the_one_it_is_against() -> None:
    desk = world()
    allocated(desk)
    voided(desk)
    lodge(desk)
    assert code(decide(desk, who=ONE)) == "same_person"


def test_an_appeal_against_what_a_delegate_decided_is_decided_by_neither_person() -> None:
    desk = world()
    allocated(desk)
    deputy = ONE.model_copy(update={"sub": "deputy", "on_behalf_of": "chief"})
    act(desk, deputy, VoidVoucher(voucher_id=voucher(1), reason="mistake", decision_no="D-1"))
    lodge(desk)
    for sub in ("deputy", "chief"):
        assert code(decide(desk, who=ONE.model_copy(update={"sub": sub}))) == "same_person"
    assert "AppealDecided" in names(decide(desk))


def test_an_appeal_is_lodged_by_a_party_and_decided_by_the_paying_region() -> None:
    desk = world(modes=["tongyong"])
    apply(desk)
    assert code(lodge(desk, enterprise(OTHER))) == "not_yours"
    assert names(lodge(desk, laboratory())) == ["AppealLodged"]
    elsewhere = Principal(sub="officer-9", role="regional_officer", region="320509")
    assert code(decide(desk, who=elsewhere)) == "not_yours"


@pytest.mark.parametrize("days, answer", [(10, "AppealLodged"), (11, "appeal_too_late")])
def test_an_appeal_is_lodged_within_the_regions_days_the_last_one_included(days: int, answer: str) -> None:
    desk = world(modes=["tongyong"])
    apply(desk)
    desk.day = DAY + timedelta(days=days)
    said = lodge(desk)
    assert (said.code if isinstance(said, Refusal) else names(said)[0]) == answer


def test_there_is_nothing_to_appeal_where_nothing_was_refused() -> None:
    desk = world()
    apply(desk)
    assert code(lodge(desk)) == "nothing_to_appeal"


def test_one_appeal_at_a_time() -> None:
    desk = world(modes=["tongyong"])
    apply(desk)
    lodge(desk)
    assert code(lodge(desk)) == "nothing_to_appeal"


# -- correction ---------------------------------------------------------------------------------


def correct(desk: FakeDesk, *lines: int, who: Principal = CENTRE_OFFICER) -> object:
    return act(desk, who, CorrectAllocation(voucher_id=voucher(1), without_lines=lines, reason="wrong_line"))


def two_lines(desk: FakeDesk) -> int:
    """An allocation over two lines; its amount."""
    apply(desk)
    command = contract()
    second = command.lines[0].model_copy(update={"line_no": 2, "amount_fen": 4_000_000})
    act(desk, laboratory(), command.model_copy(update={"lines": (*command.lines, second)}))
    act(desk, enterprise(), AcknowledgeContract(voucher_id=voucher(1)))
    confirmed = act(desk, CENTRE_OFFICER, ConfirmAllocation(voucher_id=voucher(1)))
    return next(event.amount_fen for event in confirmed if type(event).__name__ == "AllocationConfirmed")


def test_a_line_counted_by_mistake_is_taken_out_and_the_holds_follow() -> None:
    desk = world()
    assert two_lines(desk) == 4_200_000
    corrected = correct(desk, 2)
    assert names(corrected) == ["HoldReleased", "HoldReleased", "AllocationCorrected", "HoldPlaced", "HoldPlaced"]
    assert (corrected[2].amount_fen, held(desk)) == (3_000_000, 3_000_000)
    assert desk.get(VOUCHER, voucher(1)).allocation_fen == 3_000_000


def test_a_correction_names_the_event_it_corrects() -> None:
    desk = world()
    two_lines(desk)
    before = desk.get(VOUCHER, voucher(1)).allocated_by
    assert correct(desk, 2)[2].corrects == before


def test_a_correction_may_use_what_its_own_hold_had_taken() -> None:
    desk = world(enterprise_year_cap_fen=4_200_000)
    two_lines(desk)
    assert correct(desk)[2].amount_fen == 4_200_000


def test_a_correction_that_leaves_nothing_is_refused_for_the_region_to_void() -> None:
    desk = world()
    two_lines(desk)
    assert code(correct(desk, 1, 2)) == "nothing_eligible"


def test_a_correction_is_by_the_centre_entrusted_and_before_payment_is_asked_for() -> None:
    desk = world()
    two_lines(desk)
    assert code(correct(desk, 2, who=Principal(sub="centre-9", role="centre", member_of=APPEAL))) == "not_entrusted"
    handed_over(desk)
    assert names(correct(desk, 2))[2] == "AllocationCorrected"
    assert desk.get(VOUCHER, voucher(1)).stage == "collected"


# -- reinstatement ------------------------------------------------------------------------------


def reinstate(desk: FakeDesk, who: Principal = ONE) -> object:
    return act(desk, who, ReinstateVoucher(voucher_id=voucher(1), reason="mistake", decision_no="D-2"))


def test_a_reinstated_voucher_goes_on_where_it_stood() -> None:
    desk = world()
    allocated(desk)
    handed_over(desk)
    voided(desk)
    reinstate(desk)
    assert desk.get(VOUCHER, voucher(1)).stage == "collected"
    assert desk.get(CLAIM, claim_id(desk.get(VOUCHER, voucher(1)).lines[0].fingerprint)).voucher_id == voucher(1)


def test_a_voucher_whose_room_was_taken_meanwhile_is_not_reinstated() -> None:
    desk = world(enterprise_year_cap_fen=3_000_000)
    allocated(desk, 1)
    voided(desk)
    allocated(desk, 2)
    assert code(reinstate(desk)) == "ceiling_exhausted"


def test_a_voucher_whose_contract_line_backs_another_is_not_reinstated() -> None:
    desk = world()
    apply(desk, 1)
    act(desk, laboratory(), contract(1, contract_no="YX-9"))
    voided(desk)
    apply(desk, 2)
    act(desk, laboratory(), contract(2, contract_no="YX-9"))
    assert code(reinstate(desk)) == "contract_line_already_claimed"


def test_only_the_paying_region_reinstates_and_only_what_is_over() -> None:
    desk = world()
    allocated(desk)
    assert code(reinstate(desk)) == "out_of_order"
    voided(desk)
    assert code(reinstate(desk, Principal(sub="o", role="regional_officer", region="320509"))) == "not_yours"
    assert names(reinstate(desk))[0] == "VoucherReinstated"
