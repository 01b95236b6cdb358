"""国科发政〔2017〕115号, self-evaluation of a technology-based SME."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.registry.domain.assessment import SelfEvaluation, assess, assess_document
from tests.unit.registry_world import FIGURES


def points(**changed: Any) -> dict[str, int]:
    return assess_document(FIGURES | changed)["points"]


def reasons(**changed: Any) -> list[str]:
    return assess_document(FIGURES | changed)["reasons"]


def test_a_company_with_at_least_60_points_and_technical_staff_qualifies() -> None:
    assert assess_document(FIGURES) == {
        "qualifies": True,
        "score": 70,
        "points": {"staff": 20, "rd": 50, "ip": 0},
        "reasons": [],
    }


@pytest.mark.parametrize(
    ("technical_staff", "expected"),
    [(30, 20), (29, 16), (25, 16), (24, 12), (20, 12), (19, 8), (15, 8), (14, 4), (10, 4), (9, 0), (0, 0)],
)
def test_technical_staff_give_points_by_their_share_and_exactly_a_step_counts(
    technical_staff: int, expected: int
) -> None:
    assert points(technical_staff=technical_staff)["staff"] == expected


def test_three_of_ten_are_exactly_thirty_percent_in_integers() -> None:
    assert points(staff=10, technical_staff=3)["staff"] == 20
    assert points(staff=11, technical_staff=3)["staff"] == 16


@pytest.mark.parametrize(
    ("rd_fen", "expected"),
    [(60, 50), (59, 40), (50, 40), (49, 30), (40, 30), (39, 20), (30, 20), (29, 10), (20, 10), (19, 0)],
)
def test_research_gives_points_by_its_share_of_sales(rd_fen: int, expected: int) -> None:
    assert points(sales_fen=1000, cost_fen=10**9, rd_fen=rd_fen)["rd"] == expected


@pytest.mark.parametrize(
    ("rd_fen", "expected"),
    [(300, 50), (299, 40), (250, 40), (249, 30), (200, 30), (199, 20), (150, 20), (149, 10), (100, 10), (99, 0)],
)
def test_research_gives_points_by_its_share_of_cost(rd_fen: int, expected: int) -> None:
    assert points(sales_fen=10**9, cost_fen=1000, rd_fen=rd_fen)["rd"] == expected


def test_the_better_of_the_two_measures_of_research_counts() -> None:
    assert points(sales_fen=1000, cost_fen=1000, rd_fen=60)["rd"] == 50
    assert points(sales_fen=10_000, cost_fen=100, rd_fen=30)["rd"] == 50


def test_without_sales_research_is_measured_by_cost_and_without_cost_by_sales() -> None:
    assert points(sales_fen=0, cost_fen=1000, rd_fen=300)["rd"] == 50
    assert points(sales_fen=1000, cost_fen=0, rd_fen=60)["rd"] == 50


def test_with_neither_sales_nor_cost_research_gives_no_points() -> None:
    assert points(sales_fen=0, cost_fen=0, rd_fen=60)["rd"] == 0


@pytest.mark.parametrize(
    ("class_one", "class_two", "expected"),
    [(1, 0, 30), (3, 9, 30), (0, 5, 24), (0, 4, 24), (0, 3, 18), (0, 2, 12), (0, 1, 6), (0, 0, 0)],
)
def test_rights_in_force_give_points_by_their_class_and_number(class_one: int, class_two: int, expected: int) -> None:
    assert points(class_one_ip=class_one, class_two_ip=class_two)["ip"] == expected


def test_60_points_are_enough_and_less_is_not() -> None:
    below = {"technical_staff": 10, "rd_fen": 50_000_000, "cost_fen": 10**12, "class_two_ip": 2}
    assert (assess_document(FIGURES | below)["score"], reasons(**below)) == (56, ["score_below_60"])
    enough = assess_document(FIGURES | below | {"technical_staff": 15})
    assert (enough["score"], enough["qualifies"]) == (60, True)


def test_no_staff_points_fail_whatever_the_score() -> None:
    result = assess_document(FIGURES | {"technical_staff": 0, "class_one_ip": 1})
    assert (result["score"], result["qualifies"], result["reasons"]) == (80, False, ["no_staff_points"])


def test_a_company_without_staff_has_no_staff_points() -> None:
    assert points(staff=0, technical_staff=0)["staff"] == 0


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        ({"staff": 501, "technical_staff": 300}, "too_many_staff"),
        ({"sales_fen": 20_000_000_001, "rd_fen": 2_000_000_000}, "sales_over_limit"),
        ({"assets_fen": 20_000_000_001}, "assets_over_limit"),
        ({"prohibited_trade": True}, "prohibited_trade"),
        ({"incidents": ["safety"]}, "incident_on_record"),
        ({"listed_abnormal": True}, "listed_abnormal"),
    ],
)
def test_each_condition_fails_a_company_and_its_points_are_given_all_the_same(
    figures: dict[str, Any], reason: str
) -> None:
    result = assess_document(FIGURES | figures)
    assert (result["qualifies"], result["reasons"], result["score"]) == (False, [reason], 70)


def test_500_staff_and_200_million_yuan_of_sales_and_assets_are_still_small() -> None:
    at_the_limit = {
        "staff": 500, "technical_staff": 150, "sales_fen": 20_000_000_000, "assets_fen": 20_000_000_000,
        "rd_fen": 1_200_000_000,
    }
    assert assess_document(FIGURES | at_the_limit)["qualifies"] is True


@pytest.mark.parametrize(
    "shortcut", ["high_tech_certificate", "national_award", "research_institution", "led_standard"]
)
def test_a_shortcut_qualifies_whatever_the_score_but_not_without_the_conditions(shortcut: str) -> None:
    poor = FIGURES | {"technical_staff": 0, "rd_fen": 0, "shortcuts": [shortcut]}
    assert assess_document(poor) == {
        "qualifies": True, "score": 0, "points": {"staff": 0, "rd": 0, "ip": 0}, "reasons": [],
    }
    assert assess_document(poor | {"prohibited_trade": True})["reasons"] == ["prohibited_trade"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"staff": -1}, {"staff": 1.5}, {"staff": "100"}, {"listed_abnormal": "no"}, {"shortcuts": ["famous"]},
        {"technical_staff": 101}, {"profit_fen": 1},
    ],
)
def test_figures_of_another_shape_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        assess_document(FIGURES | wrong)


@given(
    staff=st.integers(0, 600), technical=st.integers(0, 600), sales=st.integers(0, 10**15),
    cost=st.integers(0, 10**15), rd=st.integers(0, 10**15), one=st.integers(0, 3), two=st.integers(0, 9),
)
def test_points_add_up_and_more_research_or_rights_never_give_less(
    staff: int, technical: int, sales: int, cost: int, rd: int, one: int, two: int
) -> None:
    base = FIGURES | {
        "staff": staff, "technical_staff": min(staff, technical), "sales_fen": sales, "cost_fen": cost,
        "rd_fen": rd, "class_one_ip": one, "class_two_ip": two,
    }
    result = assess(SelfEvaluation.model_validate(base))
    more = assess(SelfEvaluation.model_validate(base | {"rd_fen": min(rd + 1, 10**15), "class_two_ip": two + 1}))
    assert result.score == result.points.staff + result.points.rd + result.points.ip <= 100
    assert more.points.rd >= result.points.rd and more.points.ip >= result.points.ip
    assert result.qualifies is (result.reasons == ())
