"""The days the audit service has come to."""

from __future__ import annotations

from datetime import date

from tongdui_events.common import DayReached
from tongdui_events.registry import DayOpened
from tongdui_events.streams import days_id

from shared.kernel.decisions import Decided


def reach_day(event: DayOpened, reached: date | None) -> list[Decided]:
    """The registry alone opens days; here each is reached once."""
    if reached is not None and event.date <= reached:
        return []
    return [Decided(days_id("audit"), DayReached(date=event.date))]
