"""A rise after payment counts under every ceiling the voucher was consumed under, or is refused whole. 三(五)"""

from __future__ import annotations

from uuid import UUID

import pytest
from tongdui_events.settlement import RedemptionAdjusted
from tongdui_events.streams import ceiling_id

from services.voucher.domain.ceilings import Ceiling
from services.voucher.domain.supplements import supplement
from services.voucher.domain.voucher import Hold, Voucher

VOUCHER, REDEMPTION = UUID(int=1), UUID(int=2)
HOLDS = (Hold("enterprise-year", "A", 2026, 100), Hold("region-year", "310118", 2026, 100))
REDEEMED = Voucher(stage="redeemed", redemption_id=REDEMPTION, consumed=HOLDS)


def ceilings(left_fen: int, other_fen: int = 1_000) -> dict[UUID, Ceiling]:
    """The company's year has so much left, the region's so much."""
    lefts = (left_fen, other_fen)
    return {
        ceiling_id(hold.kind, hold.key, hold.year): Ceiling(100 + left, 100 + left, 0, 100)
        for hold, left in zip(HOLDS, lefts, strict=True)
    }


def raised(by_fen: int = 50) -> RedemptionAdjusted:
    return RedemptionAdjusted(redemption_id=REDEMPTION, by_fen=by_fen, reason="officer_mistake")


def test_a_rise_that_fits_is_held_and_consumed_under_every_ceiling_at_once() -> None:
    decided = supplement(REDEEMED, VOUCHER, ceilings(50), raised())
    assert [type(one.event).__name__ for one in decided] == [
        "HoldPlaced", "HoldConsumed", "HoldPlaced", "HoldConsumed", "SupplementAllowed",
    ]  # fmt: skip
    placed, consumed = decided[0].event, decided[1].event
    assert (placed.amount_fen, consumed.amount_fen, consumed.held_fen) == (50, 50, 50)
    assert decided[0].originator_id == ceiling_id("enterprise-year", "A", 2026)


def test_a_rise_one_fen_too_high_is_refused_whole_with_every_reason() -> None:
    [refused] = supplement(REDEEMED, VOUCHER, ceilings(49), raised())
    assert (type(refused.event).__name__, refused.event.reasons) == ("SupplementRefused", ("enterprise_year",))
    [both] = supplement(REDEEMED, VOUCHER, ceilings(0, 0), raised())
    assert both.event.reasons == ("enterprise_year", "region_year")


@pytest.mark.parametrize("voucher", [Voucher(), Voucher(stage="redeemed", redemption_id=UUID(int=9), consumed=HOLDS)])
def test_a_rise_of_another_redemption_is_refused(voucher: Voucher) -> None:
    [refused] = supplement(voucher, VOUCHER, ceilings(50), raised())
    assert refused.event.reasons == ("not_redeemed_with_it",)


def test_a_sum_that_is_lowered_changes_no_ceiling() -> None:
    assert supplement(REDEEMED, VOUCHER, ceilings(50), raised(-50)) == []
