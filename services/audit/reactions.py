"""What the audit service does about other services' events: it archives all, and reaches the days."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tongdui_events.document import Stamp
from tongdui_events.registry import DayOpened

from services.audit.domain.days import reach_day
from services.audit.domain.sanctions import EndSanction
from shared.kernel.decisions import Decided, Refusal
from shared.runtime.desk import Desk
from shared.runtime.sweeps import Sweep


def day_opened(event: DayOpened, stamp: Stamp, desk: Desk) -> list[Decided]:
    return reach_day(event, desk.day)


REACTIONS: dict[tuple[str, str], Callable[[Any, Stamp, Desk], list[Decided] | Refusal]] = {
    ("registry", "DayOpened"): day_opened,
}

SWEEPS: list[Sweep] = [
    Sweep("ends_sanctions", "sanctions", lambda row, day: EndSanction(sanction_id=row["sanction_id"])),
]
