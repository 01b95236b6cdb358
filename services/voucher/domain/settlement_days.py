"""How far settlement has come: whatever was requested before its day has been heard."""

from __future__ import annotations

from datetime import date

from tongdui_events.common import DayReached
from tongdui_events.document import Event, Stamp

from shared.kernel.folding import Fold


def _reached(day: date | None, event: Event, stamp: Stamp) -> date | None:
    return event.date


SETTLEMENT_DAYS: Fold[date | None] = Fold("settlement_days", "settlement", (DayReached,), None, _reached)
"""Keyed by ``days_id("settlement")``."""
