"""The one clock handed in."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from shared.runtime.settings import Settings

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    """``instant`` is the aware UTC time of an act on ``business_day``; ``today`` the calendar's date."""

    simulated: bool

    def instant(self, business_day: date | None) -> datetime: ...

    def today(self) -> date: ...


class RealClock:
    """The machine's clock."""

    simulated = False

    def instant(self, business_day: date | None) -> datetime:
        return datetime.now(UTC)

    def today(self) -> date:
        return datetime.now(SHANGHAI).date()


class SimulatedClock:
    """Business days opened by a caller. Each begins at 09:00 in Shanghai; the seconds since the
    run's epoch go on within it, so instants of one run order the same in every process."""

    simulated = True

    def __init__(self, epoch: float) -> None:
        self._epoch = epoch

    def instant(self, business_day: date | None) -> datetime:
        return _opening(business_day or date(2000, 1, 1)) + timedelta(seconds=time.time() - self._epoch)

    def today(self) -> date:
        raise RuntimeError("a simulated day is opened by a caller, not by the clock")


@lru_cache(maxsize=16)
def _opening(day: date) -> datetime:
    """09:00 in Shanghai, in UTC."""
    return datetime(day.year, day.month, day.day, 9, tzinfo=SHANGHAI).astimezone(UTC)


def clock_of(settings: Settings) -> Clock:
    return SimulatedClock(settings.simulated_epoch) if settings.clock == "simulated" else RealClock()
