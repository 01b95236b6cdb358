"""Business days and the calendars that say which are working days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field
from tongdui_events.document import Year
from tongdui_events.registry import CalendarSet, DayOpened
from tongdui_events.streams import calendar_id, days_id

from services.registry.domain.fields import Day, each_once
from services.registry.domain.refusals import CalendarKnown, DateNotInYear, DayOutOfTurn
from shared.kernel.calendar import BUILT_IN_YEARS, Calendar
from shared.kernel.commands import Command
from shared.kernel.decisions import Decided, Refusal


class OpenDay(Command):
    """Open the next business day. The first may be any; later ones follow one by one.

    Only a simulated clock takes days from a caller; by the real clock they open by themselves.
    """

    date: Day


class SetCalendar(Command):
    """State all working days of a year that the built-in calendar does not know, before it begins."""

    year: Year
    working_days: Annotated[tuple[Day, ...], Field(min_length=1, max_length=366), AfterValidator(each_once)]


def open_day(last: date | None, calendar: Calendar, command: OpenDay) -> list[Decided] | Refusal:
    """DayOpened, marked by the calendar. Raises UnknownYear for a year without a calendar."""
    if last is not None and command.date != last + timedelta(days=1):
        return DayOutOfTurn("date", expected=last + timedelta(days=1), date=command.date)
    working = calendar.is_working(command.date)
    return [Decided(days_id("registry"), DayOpened(date=command.date, working=working))]


def set_calendar(
    last: date | None, known: frozenset[date] | None, command: SetCalendar
) -> list[Decided] | Refusal:
    """CalendarSet; a table is replaced only until its year begins, so no opened day is judged anew."""
    begun = known is not None and last is not None and last.year >= command.year
    if command.year in BUILT_IN_YEARS or begun:
        return CalendarKnown("year", year=command.year)
    stray = next((day for day in command.working_days if day.year != command.year), None)
    if stray is not None:
        return DateNotInYear("working_days", date=stray, year=command.year)
    event = CalendarSet(year=command.year, working_days=tuple(sorted(command.working_days)))
    return [Decided(calendar_id(command.year), event)]
