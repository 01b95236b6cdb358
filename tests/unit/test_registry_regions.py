"""Regions join, change their reach and leave; addresses find the region that pays. 一(一), 一(二)"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tongdui_events.registry import RegionJoined

from services.registry.commands import _region
from services.registry.domain import reach
from services.registry.domain.jurisdiction import acts_for_province, acts_for_region, is_the_party, oversees_region
from services.registry.domain.reach import Assignment
from services.registry.domain.regions import ChangeRegionReach, JoinRegion, LeaveRegion
from shared.kernel.commands import Principal
from shared.kernel.decisions import Refusal
from tests.unit.desk import FakeDesk
from tests.unit.registry_world import (
    COMPANY,
    JIASHAN,
    MONDAY,
    OPERATOR,
    QINGPU,
    QINGPU_OFFICER,
    SHANGHAI,
    ZHEJIANG,
    a_desk,
    ask,
    code_of,
    done,
    joining,
    names,
)

TUESDAY = MONDAY + timedelta(days=1)


def who_pays(desk: FakeDesk, division_code: str, day: date) -> str | None:
    held = reach.read(desk.get, reach.prefixes_of(division_code))
    return reach.region_on(division_code, held, day)


def changing(**changed: Any) -> ChangeRegionReach:
    return ChangeRegionReach.model_validate({"region": QINGPU, "prefixes": ["3101"], "from_on": TUESDAY} | changed)


def test_a_region_joins_through_its_province_with_its_prefixes() -> None:
    desk = a_desk()
    joined = RegionJoined(region=QINGPU, name="青浦区", province="31", prefixes=(QINGPU,), joins_on=MONDAY)
    answer = done(desk, SHANGHAI, joining())
    assert answer[0] == joined
    assert who_pays(desk, QINGPU, MONDAY) == QINGPU
    assert who_pays(desk, QINGPU, MONDAY - timedelta(days=1)) is None


@pytest.mark.parametrize("who", [ZHEJIANG, QINGPU_OFFICER, OPERATOR])
def test_only_its_own_province_lets_a_region_join(who: Any) -> None:
    assert code_of(ask(a_desk(), who, joining())) == "not_yours"


def test_a_region_outside_the_delta_does_not_join() -> None:
    beijing = SHANGHAI.model_copy(update={"region": "11"})
    assert code_of(ask(a_desk(), beijing, joining("110108"))) == "outside_the_delta"


def test_a_region_joins_once() -> None:
    desk = a_desk()
    done(desk, SHANGHAI, joining())
    assert ask(desk, SHANGHAI, joining(prefixes=["310104"])).details == {"state": "joined"}


def test_a_region_that_left_may_join_again_on_the_very_day_it_is_out() -> None:
    desk = a_desk()
    done(desk, SHANGHAI, joining())
    done(desk, SHANGHAI, LeaveRegion(region=QINGPU, leaves_on=TUESDAY, run_off_until=TUESDAY))
    done(desk, SHANGHAI, joining(joins_on=TUESDAY))
    assert who_pays(desk, QINGPU, TUESDAY) == QINGPU
    assert _region(desk, QINGPU).leaves_on is None


def test_only_the_province_changes_a_reach_or_lets_a_region_leave() -> None:
    desk = a_desk()
    done(desk, SHANGHAI, joining())
    leaving = LeaveRegion(region=QINGPU, leaves_on=TUESDAY, run_off_until=TUESDAY)
    for who in (ZHEJIANG, QINGPU_OFFICER):
        assert code_of(ask(desk, who, changing())) == "not_yours"
        assert code_of(ask(desk, who, leaving)) == "not_yours"


def test_a_region_pays_for_its_own_province_only() -> None:
    assert code_of(ask(a_desk(), SHANGHAI, joining(prefixes=["3304"]))) == "prefix_outside_province"


def test_a_prefecture_takes_part_whole() -> None:
    anhui = SHANGHAI.model_copy(update={"region": "34"})
    desk = a_desk()
    done(desk, anhui, joining("340500", prefixes=["3405"]))
    assert [who_pays(desk, code, MONDAY) for code in ("340503", "340521", "340403")] == ["340500", "340500", None]


def test_shanghai_and_zhejiang_may_take_part_whole_six_months_after_the_notice() -> None:
    whole = joining("310000", prefixes=["31"], joins_on=date(2021, 7, 9))
    assert code_of(ask(a_desk(), SHANGHAI, whole)) == "accepted"
    early = joining("310000", prefixes=["31"], joins_on=date(2021, 7, 8))
    assert code_of(ask(a_desk(), SHANGHAI, early)) == "whole_province_not_yet"


def test_jiangsu_and_anhui_do_not_take_part_whole() -> None:
    jiangsu = SHANGHAI.model_copy(update={"region": "32"})
    assert code_of(ask(a_desk(), jiangsu, joining("320000", prefixes=["32"]))) == "whole_province_not_yet"


def test_the_longest_prefix_on_the_day_wins() -> None:
    desk = a_desk()
    done(desk, ZHEJIANG, joining("330000", name="浙江省", prefixes=["33"]))
    done(desk, ZHEJIANG, joining(JIASHAN, joins_on=TUESDAY))
    assert [who_pays(desk, JIASHAN, day) for day in (MONDAY, TUESDAY)] == ["330000", JIASHAN]
    assert who_pays(desk, "330402", TUESDAY) == "330000"


def test_no_two_regions_hold_one_prefix() -> None:
    desk = a_desk()
    done(desk, SHANGHAI, joining())
    other = joining("310104", prefixes=["310104", QINGPU])
    assert code_of(ask(desk, SHANGHAI, other)) == "prefix_taken"


def test_a_reach_is_widened_from_a_later_day_and_what_it_gives_up_is_nobodys() -> None:
    desk = a_desk()
    done(desk, SHANGHAI, joining(prefixes=[QINGPU, "310117"]))
    assert code_of(ask(desk, SHANGHAI, changing(from_on=MONDAY))) == "date_too_early"
    assert names(ask(desk, SHANGHAI, changing(prefixes=[QINGPU, "310112"]))) == [
        "RegionReachChanged", "ReachAssigned", "ReachAssigned",
    ]
    assert [who_pays(desk, "310117", day) for day in (MONDAY, TUESDAY)] == [QINGPU, None]
    assert [who_pays(desk, "310112", day) for day in (MONDAY, TUESDAY)] == [None, QINGPU]
    assert who_pays(desk, QINGPU, TUESDAY) == QINGPU


def test_a_region_that_left_reaches_nobody_and_another_may_take_its_prefix_from_then_on() -> None:
    desk = a_desk()
    done(desk, SHANGHAI, joining())
    leaving = LeaveRegion(region=QINGPU, leaves_on=TUESDAY, run_off_until=date(2025, 12, 31))
    done(desk, SHANGHAI, leaving)
    assert [who_pays(desk, QINGPU, day) for day in (MONDAY, TUESDAY)] == [QINGPU, None]
    assert not _region(desk, QINGPU).is_member(TUESDAY)
    assert code_of(ask(desk, SHANGHAI, leaving)) == "out_of_order"
    assert code_of(ask(desk, SHANGHAI, joining("310000", prefixes=[QINGPU], joins_on=MONDAY))) == "prefix_taken"
    done(desk, SHANGHAI, joining("310000", prefixes=[QINGPU], joins_on=TUESDAY))


def test_a_region_that_left_may_join_again() -> None:
    desk = a_desk()
    done(desk, SHANGHAI, joining())
    done(desk, SHANGHAI, LeaveRegion(region=QINGPU, leaves_on=TUESDAY, run_off_until=TUESDAY))
    assert [_region(desk, QINGPU).is_member(day) for day in (MONDAY, TUESDAY)] == [True, False]
    assert ask(desk, SHANGHAI, joining(joins_on=MONDAY)).details == {"state": "leaving"}
    done(desk, SHANGHAI, joining(joins_on=date(2025, 6, 1)))
    assert [_region(desk, QINGPU).is_member(day) for day in (date(2025, 5, 31), date(2025, 6, 1))] == [False, True]


@pytest.mark.parametrize(
    ("leaves_on", "run_off_until"), [(MONDAY, date(2025, 12, 31)), (date(2025, 6, 1), date(2025, 5, 31))]
)
def test_a_region_leaves_later_and_its_run_off_ends_after_that(leaves_on: date, run_off_until: date) -> None:
    desk = a_desk()
    done(desk, SHANGHAI, joining())
    leaving = LeaveRegion(region=QINGPU, leaves_on=leaves_on, run_off_until=run_off_until)
    assert code_of(ask(desk, SHANGHAI, leaving)) == "date_too_early"


def test_a_region_nobody_knows_is_not_found() -> None:
    assert code_of(ask(a_desk(), SHANGHAI, changing())) == "not_found"
    leaving = LeaveRegion(region=QINGPU, leaves_on=TUESDAY, run_off_until=TUESDAY)
    assert code_of(ask(a_desk(), SHANGHAI, leaving)) == "not_found"


@pytest.mark.parametrize("role", ["centre", "auditor", "regional_officer"])
def test_a_token_that_names_a_province_is_not_enough_to_act_for_it(role: str) -> None:
    assert code_of(ask(a_desk(), SHANGHAI.model_copy(update={"role": role}), joining())) == "not_yours"


@pytest.mark.parametrize("region", [QINGPU, "31"])
def test_another_role_of_the_same_place_is_no_officer(region: str) -> None:
    auditor = Principal(sub="a-1", role="auditor", region=region)
    for rule in (acts_for_region, oversees_region, acts_for_province):
        assert rule(auditor, region) is not None
    assert oversees_region(auditor, QINGPU) is not None
    assert is_the_party(Principal(sub="a-1", role="auditor", uscc=COMPANY), COMPANY) is not None


def test_a_joining_is_read_from_json() -> None:
    assert joining(joins_on="2025-03-03") == joining()


@pytest.mark.parametrize(
    "wrong",
    [
        {"prefixes": []}, {"prefixes": [QINGPU, QINGPU]}, {"region": "31"}, {"joins_on": 20250303},
        {"joins_on": "1740960000"}, {"joins_on": "2025-02-30"}, {"colour": "red"}, {"name": ""},
    ],
)
def test_a_joining_of_another_shape_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        joining(**wrong)


CODES = st.sampled_from(["310118", "310117", "3101", "31"])


@given(st.lists(st.tuples(CODES, st.sampled_from(["310118", "310000", "310117"]), st.integers(0, 5)), max_size=12))
def test_whatever_regions_do_a_prefix_has_one_holder_and_changes_forward(
    wishes: list[tuple[str, str, int]],
) -> None:
    desk = a_desk()
    for prefix, region, offset in wishes:
        day = MONDAY + timedelta(days=offset)
        step = ask(desk, SHANGHAI, JoinRegion(region=region, name="某区", prefixes=(prefix,), joins_on=day))
        if isinstance(step, Refusal):
            ask(desk, SHANGHAI, ChangeRegionReach(region=region, prefixes=(prefix,), from_on=day))
    for prefix, assignments in reach.read(desk.get, ["310118", "310117", "3101", "31"]).items():
        days = [assignment.from_on for assignment in assignments]
        assert days == sorted(days), prefix
        holders = [assignment.region for assignment in assignments]
        assert all(None in pair or pair[0] == pair[1] for pair in pairwise(holders))


def test_the_holder_of_a_prefix_is_the_last_that_began() -> None:
    held = (Assignment(MONDAY, QINGPU), Assignment(TUESDAY, None))
    assert [reach.holder_on(held, MONDAY + timedelta(days=n)) for n in (-1, 0, 1, 9)] == [None, QINGPU, None, None]
