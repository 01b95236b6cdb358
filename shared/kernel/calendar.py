"""Working days: the calendar of the state council's office, as far as it is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import chinese_calendar
from chinese_calendar import constants
from tongdui_events.document import Event, Stamp
from tongdui_events.registry import CalendarSet
from tongdui_events.streams import calendar_id

from shared.kernel.decisions import Refusal
from shared.kernel.folding import Fold

_DAY = timedelta(days=1)
BUILT_IN_YEARS = frozenset(day.year for day in constants.holidays)
"""The years the built-in calendar knows; it learns a year only by a new release."""


class UnknownYear(Refusal):
    """Nobody has said which days of that year are working days; an operator sets a calendar."""

    status = 409
    section = "三(四)"
    zh = "尚无{year}年的工作日历,请运营人员先设定"
    en = "the working days of {year} are not known; an operator must set its calendar first"


@dataclass(frozen=True)
class Calendar:
    """Working days by year: a table where there is one, else the built-in calendar."""

    tables: Mapping[int, frozenset[date]] = field(default_factory=dict)

    def knows(self, year: int) -> bool:
        return year in self.tables or year in BUILT_IN_YEARS

    def is_working(self, day: date) -> bool:
        """Whether people work on that day. Raises UnknownYear."""
        if day.year in self.tables:
            return day in self.tables[day.year]
        if day.year not in BUILT_IN_YEARS:
            raise UnknownYear(year=day.year)
        return bool(chinese_calendar.is_workday(day))

    def first_working_day(self, day: date) -> date:
        """That day, or the first working day after it. Raises UnknownYear."""
        while not self.is_working(day):
            day += _DAY
        return day

    def next_working_day(self, day: date) -> date:
        """The first working day after that day. Raises UnknownYear."""
        return self.first_working_day(day + _DAY)

    def add_working_days(self, day: date, count: int) -> date:
        """The working day ``count`` working days after that day; for 0 the day itself.

        Raises UnknownYear, or ValueError for a negative count.
        """
        if count < 0:
            raise ValueError("working days are counted forwards only")
        for _ in range(count):
            day = self.next_working_day(day)
        return day


def add_days(day: date, count: int) -> date:
    """The day so many calendar days later."""
    return day + timedelta(days=count)


def _working_days(working_days: frozenset[date] | None, event: Event, stamp: Stamp) -> frozenset[date] | None:
    return frozenset(event.working_days) if isinstance(event, CalendarSet) else working_days


WORKING_DAYS: Fold[frozenset[date] | None] = Fold("working_days", "registry", (CalendarSet,), None, _working_days)
"""Keyed by ``calendar_id(year)``; None where no table was set."""


def calendar_from(get: Callable[[Fold[Any], UUID], Any], day: date) -> Calendar:
    """The calendar around a day: the tables set for its year and the next, by ``desk.get``."""
    tables = {year: get(WORKING_DAYS, calendar_id(year)) for year in (day.year, day.year + 1)}
    return Calendar({year: table for year, table in tables.items() if table is not None})
