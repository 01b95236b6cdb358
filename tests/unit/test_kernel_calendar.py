"""Working days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tongdui_events import Actor, CalendarSet, Stamp
from tongdui_events.streams import calendar_id

from shared.kernel.calendar import (
    BUILT_IN_YEARS,
    WORKING_DAYS,
    Calendar,
    UnknownYear,
    add_days,
    calendar_from,
)
from shared.kernel.folding import Fold

BUILT_IN = Calendar()
UNKNOWN = max(BUILT_IN_YEARS) + 1
ZERO = UUID(int=0)
NOW = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "day, working",
    [
        (date(2026, 1, 5), True),
        (date(2026, 1, 1), False),
        (date(2026, 1, 4), True),
        (date(2025, 10, 1), False),
        (date(2025, 10, 11), True),
        (date(2026, 1, 10), False),
    ],
)
def test_holidays_and_the_weekends_worked_instead_are_known(day: date, working: bool) -> None:
    assert BUILT_IN.is_working(day) is working


def test_an_unknown_year_is_an_error_and_never_a_guess() -> None:
    assert not BUILT_IN.knows(UNKNOWN)
    with pytest.raises(UnknownYear) as refused:
        BUILT_IN.is_working(date(UNKNOWN, 6, 1))
    assert (refused.value.code, refused.value.status) == ("unknown_year", 409)
    assert str(UNKNOWN) in refused.value.text_zh


def test_counting_into_an_unknown_year_is_an_error() -> None:
    with pytest.raises(UnknownYear):
        BUILT_IN.next_working_day(date(max(BUILT_IN_YEARS), 12, 31))


def test_a_table_extends_the_calendar() -> None:
    monday = date(UNKNOWN, 1, 4)
    calendar = Calendar({UNKNOWN: frozenset({monday})})
    assert calendar.knows(UNKNOWN)
    assert calendar.next_working_day(date(max(BUILT_IN_YEARS), 12, 31)) == monday
    assert not calendar.is_working(date(UNKNOWN, 1, 5))


def test_a_table_overrides_the_built_in_year() -> None:
    calendar = Calendar({2026: frozenset({date(2026, 1, 1)})})
    assert calendar.is_working(date(2026, 1, 1))
    assert not calendar.is_working(date(2026, 1, 5))
    assert calendar.is_working(date(2025, 1, 2))


def test_the_next_working_day_is_after_the_day_itself() -> None:
    assert BUILT_IN.next_working_day(date(2026, 1, 5)) == date(2026, 1, 6)
    assert BUILT_IN.next_working_day(date(2025, 9, 30)) == date(2025, 10, 9)
    assert BUILT_IN.first_working_day(date(2026, 1, 5)) == date(2026, 1, 5)
    assert BUILT_IN.first_working_day(date(2025, 10, 1)) == date(2025, 10, 9)


def test_adding_no_working_day_is_the_day_itself_even_a_holiday() -> None:
    assert BUILT_IN.add_working_days(date(2025, 10, 1), 0) == date(2025, 10, 1)
    assert BUILT_IN.add_working_days(date(2025, 10, 1), 1) == date(2025, 10, 9)
    with pytest.raises(ValueError, match="forwards"):
        BUILT_IN.add_working_days(date(2025, 10, 1), -1)


@given(st.dates(min_value=date(2025, 1, 1), max_value=date(2026, 6, 30)), st.integers(min_value=0, max_value=60))
def test_so_many_working_days_lie_between(day: date, count: int) -> None:
    end = BUILT_IN.add_working_days(day, count)
    passed = [day + timedelta(days=n) for n in range(1, (end - day).days + 1)]
    assert sum(BUILT_IN.is_working(each) for each in passed) == count
    assert not count or BUILT_IN.is_working(end)


def test_calendar_days_are_added() -> None:
    assert add_days(date(2025, 12, 31), 1) == date(2026, 1, 1)


def test_the_calendar_around_a_day_takes_the_tables_that_were_set() -> None:
    monday = date(UNKNOWN, 1, 4)
    tables = {calendar_id(UNKNOWN): _folded(CalendarSet(year=UNKNOWN, working_days=(monday,)))}

    def get(fold: Fold[Any], stream_id: UUID) -> Any:
        return tables.get(stream_id, fold.initial)

    assert calendar_from(get, date(UNKNOWN - 1, 12, 31)).is_working(monday)


def _folded(event: CalendarSet) -> frozenset[date] | None:
    return WORKING_DAYS.evolve(WORKING_DAYS.initial, event, _stamp())


def _stamp() -> Stamp:
    return Stamp(
        source="registry",
        type="CalendarSet",
        event_id=ZERO,
        originator_id=ZERO,
        originator_version=1,
        business_day=NOW.date(),
        occurred_at=NOW,
        recorded_at=NOW,
        actor=Actor(id="operator-01", role="operator"),
        causation_id=ZERO,
    )
