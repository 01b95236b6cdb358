"""Business days and calendars."""

from __future__ import annotations

from datetime import date, timedelta

from tongdui_events.registry import DayOpened

from services.registry.domain.days import OpenDay, SetCalendar
from tests.unit.registry_world import OPERATOR, a_desk, ask, code_of, done


def test_the_first_day_of_a_log_may_be_any() -> None:
    desk = a_desk(today=None)
    assert done(desk, OPERATOR, OpenDay(date=date(2025, 3, 3))) == [DayOpened(date=date(2025, 3, 3), working=True)]
    assert desk.today == date(2025, 3, 3)


def test_days_open_one_after_another() -> None:
    desk = a_desk(today=date(2025, 3, 3))
    assert code_of(ask(desk, OPERATOR, OpenDay(date=date(2025, 3, 3)))) == "day_out_of_turn"
    assert code_of(ask(desk, OPERATOR, OpenDay(date=date(2025, 3, 5)))) == "day_out_of_turn"
    assert code_of(ask(desk, OPERATOR, OpenDay(date=date(2025, 3, 4)))) == "accepted"


def test_a_day_says_whether_people_work_on_it() -> None:
    desk = a_desk(today=date(2025, 9, 30))
    opened = [done(desk, OPERATOR, OpenDay(date=date(2025, 9, 30) + timedelta(days=n)))[0] for n in range(1, 12)]
    # 1 to 8 October 2025 were holidays, Saturday 11 October was worked.
    assert [event.working for event in opened] == [False] * 8 + [True, True, True]


def test_a_day_of_an_unknown_year_is_refused_until_an_operator_sets_its_calendar() -> None:
    desk = a_desk(today=date(2029, 12, 31))
    refusal = ask(desk, OPERATOR, OpenDay(date=date(2030, 1, 1)))
    assert code_of(refusal) == "unknown_year"
    assert "an operator must set its calendar" in refusal.text_en
    done(desk, OPERATOR, SetCalendar(year=2030, working_days=(date(2030, 1, 2), date(2030, 1, 3))))
    opened = [done(desk, OPERATOR, OpenDay(date=date(2030, 1, n)))[0] for n in (1, 2, 3, 4)]
    assert [event.working for event in opened] == [False, True, True, False]


def test_a_calendar_may_be_set_again_only_before_its_year_begins() -> None:
    desk = a_desk(today=date(2029, 12, 30))
    done(desk, OPERATOR, SetCalendar(year=2030, working_days=(date(2030, 1, 2),)))
    again = SetCalendar(year=2030, working_days=(date(2030, 1, 1), date(2030, 1, 2)))
    done(desk, OPERATOR, again)
    desk.day = date(2030, 1, 1)
    assert code_of(ask(desk, OPERATOR, again)) == "calendar_known"


def test_a_calendar_may_be_set_before_any_day_and_in_a_year_that_has_none_yet() -> None:
    set_2030 = SetCalendar(year=2030, working_days=(date(2030, 1, 2),))
    desk = a_desk(today=None)
    done(desk, OPERATOR, set_2030)
    done(desk, OPERATOR, set_2030)
    assert code_of(ask(a_desk(today=date(2030, 1, 5)), OPERATOR, set_2030)) == "accepted"


def test_a_year_the_built_in_calendar_knows_is_not_set() -> None:
    set_2025 = SetCalendar(year=2025, working_days=(date(2025, 1, 2),))
    assert code_of(ask(a_desk(), OPERATOR, set_2025)) == "calendar_known"


def test_a_working_day_of_another_year_is_refused() -> None:
    stray = SetCalendar(year=2030, working_days=(date(2030, 1, 2), date(2031, 1, 2)))
    assert code_of(ask(a_desk(), OPERATOR, stray)) == "date_not_in_year"
