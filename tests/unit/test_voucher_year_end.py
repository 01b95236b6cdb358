"""The year's turn: what is charged in the year of payment is carried over, freed, or waits. 二(四)"""

from __future__ import annotations

from datetime import date, timedelta

from tongdui_events.common import DayReached
from tongdui_events.registry import CataloguePublished, EnterpriseQualified
from tongdui_events.settlement import RedemptionRequested, RedemptionSettled
from tongdui_events.streams import catalogue_id, ceiling_id, days_id, enterprise_id

from services.voucher.domain.carry_over import CarryOver
from services.voucher.domain.ceilings import CEILING, Ceiling
from services.voucher.domain.endings import WithdrawVoucher
from services.voucher.domain.presentation import present, settle
from services.voucher.domain.voucher import VOUCHER
from shared.kernel.commands import Principal
from shared.kernel.decisions import Refusal
from tests.unit.desk import FakeDesk
from tests.unit.voucher_world import ENTERPRISE, OTHER, REGION, act, allocated, handed_over, voucher, world

NEW_YEAR = date(2026, 1, 1)
PLATFORM = Principal(sub="voucher", role="service")


def names(answer: object) -> list[str]:
    assert not isinstance(answer, Refusal), answer
    return [type(event).__name__ for event in answer]


def ceiling(desk: FakeDesk, kind: str, year: int, key: str = REGION) -> Ceiling:
    return desk.get(CEILING, ceiling_id(kind, key, year))


def years(desk: FakeDesk, number: int = 1) -> dict[str, int]:
    return {hold.kind: hold.year for hold in desk.get(VOUCHER, voucher(number)).holds}


def turn(desk: FakeDesk, number: int = 1, day: date = NEW_YEAR) -> object:
    """Settlement has reached the new year, and the voucher is looked at."""
    desk.given(("settlement", days_id("settlement"), DayReached(date=day)))
    desk.day = day
    return act(desk, PLATFORM, CarryOver(voucher_id=voucher(number), year=day.year))


def presented(desk: FakeDesk, number: int = 1) -> None:
    handed_over(desk, number)
    event = RedemptionRequested(redemption_id=voucher(900), voucher_id=voucher(number), submitted_by="provider", claimed_fen=1)
    stamp = desk.fold("settlement", voucher(900), event, voucher(number))
    desk.record(present(desk.get(VOUCHER, voucher(number)), event, stamp))


def test_a_budget_charged_in_the_year_of_payment_is_carried_over_and_a_quota_of_the_allocations_year_is_not() -> None:
    desk = world(budget_year_basis="payment")
    allocated(desk)
    assert names(turn(desk)) == ["CeilingSet", "HoldReleased", "HoldsCarriedOver", "HoldPlaced"]
    assert years(desk) == {"enterprise-year": 2025, "region-year": 2026}
    assert (ceiling(desk, "region-year", 2025).held_fen, ceiling(desk, "region-year", 2026).held_fen) == (0, 3_000_000)
    assert ceiling(desk, "enterprise-year", 2025, ENTERPRISE).held_fen == 3_000_000


def test_a_quota_charged_in_the_year_of_payment_is_carried_over_too() -> None:
    desk = world(quota_year_basis="payment")
    allocated(desk)
    turn(desk)
    assert years(desk) == {"enterprise-year": 2026, "region-year": 2025}


def test_where_the_year_of_allocation_counts_nothing_moves() -> None:
    desk = world()
    allocated(desk)
    assert names(turn(desk)) == ["HoldsCarriedOver"]
    assert years(desk) == {"enterprise-year": 2025, "region-year": 2025}


def test_what_is_paid_in_the_new_year_is_consumed_there() -> None:
    desk = world(budget_year_basis="payment")
    allocated(desk)
    presented(desk)
    turn(desk)
    event = RedemptionSettled(
        redemption_id=voucher(900), voucher_id=voucher(1), region=REGION, enterprise_uscc=ENTERPRISE, provider_uscc=OTHER,
        approved_fen=2_000_000, paid_fen=2_000_000, offset_fen=0,
    )  # fmt: skip
    desk.record(settle(desk.get(VOUCHER, voucher(1)), event))
    assert ceiling(desk, "region-year", 2026).consumed_fen == 2_000_000
    assert ceiling(desk, "region-year", 2025).consumed_fen == 0


def test_what_does_not_fit_into_the_new_year_stays_and_waits_and_is_asked_again() -> None:
    desk = world(budget_year_basis="payment", region_year_budget_fen=4_000_000)
    allocated(desk, 1)
    desk.day = NEW_YEAR
    status = EnterpriseQualified(
        uscc=OTHER, basis="sme_number", year=2026, valid_from_on=NEW_YEAR, valid_until=date(2026, 12, 31)
    )
    items = [{"code": "T01", "name": "分析", "category": "testing", "exclusions": []}]
    listed = CataloguePublished.model_validate({"year": 2026, "version": 1, "items": items})
    desk.given(("registry", enterprise_id(OTHER), status), ("registry", catalogue_id(2026), listed))
    assert "AllocationConfirmed" in names(allocated(desk, 2, OTHER))
    waiting = turn(desk)
    assert names(waiting) == ["HoldsCarriedOver"] and waiting[0].waiting
    assert years(desk)["region-year"] == 2025
    assert turn(desk, day=NEW_YEAR + timedelta(days=1)) == []
    act(desk, Principal(sub="x", role="enterprise", uscc=OTHER), WithdrawVoucher(voucher_id=voucher(2)))
    moved = turn(desk, day=NEW_YEAR + timedelta(days=2))
    assert names(moved)[-1] == "HoldPlaced" and not desk.get(VOUCHER, voucher(1)).waits_for_budget


def test_terms_that_release_at_the_years_end_free_the_holds_of_what_is_not_presented() -> None:
    desk = world(budget_year_basis="payment", year_end="release")
    allocated(desk)
    assert names(turn(desk)) == ["VoucherVoided", "HoldReleased", "HoldReleased", "ClaimReleased"]
    assert ceiling(desk, "region-year", 2025).held_fen == 0


def test_what_is_presented_is_carried_over_whatever_the_terms_release() -> None:
    desk = world(budget_year_basis="payment", year_end="release")
    allocated(desk)
    presented(desk)
    assert "HoldsCarriedOver" in names(turn(desk))


def test_nothing_moves_before_settlement_has_reached_the_new_year_and_nobody_but_the_platform_moves_it() -> None:
    desk = world(budget_year_basis="payment")
    allocated(desk)
    desk.given(("settlement", days_id("settlement"), DayReached(date=date(2025, 12, 31))))
    early = act(desk, PLATFORM, CarryOver(voucher_id=voucher(1), year=2026))
    assert isinstance(early, Refusal) and early.code == "not_past_its_last_day"
    person = Principal(sub="officer-1", role="regional_officer", region=REGION)
    other = act(desk, person, CarryOver(voucher_id=voucher(1), year=2026))
    assert isinstance(other, Refusal) and other.code == "not_yours"
