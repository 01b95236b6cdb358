"""What settlement does about other services' events, and what falls due by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tongdui_events.common import DayReached
from tongdui_events.document import Stamp
from tongdui_events.registry import DayOpened
from tongdui_events.streams import days_id
from tongdui_events.voucher import PresentationRefused

from services.settlement.domain import request
from services.settlement.domain.notices import CloseNotice
from services.settlement.domain.payment import stand_in_answer
from services.settlement.domain.redemption import REDEMPTION
from services.settlement.domain.request import LapseRedemption
from shared.kernel.decisions import Decided, Refusal
from shared.runtime.desk import Desk
from shared.runtime.sweeps import Sweep


def day_opened(event: DayOpened, stamp: Stamp, desk: Desk) -> list[Decided]:
    if desk.day is not None and event.date <= desk.day:
        return []
    return [Decided(days_id("settlement"), DayReached(date=event.date))]


def presentation_refused(event: PresentationRefused, stamp: Stamp, desk: Desk) -> list[Decided]:
    redemption = desk.get(REDEMPTION, event.redemption_id)
    if redemption.ended or redemption.stage == "unknown":
        return []
    return request.rejected(redemption, event.redemption_id, event.reasons)


REACTIONS: dict[tuple[str, str], Callable[[Any, Stamp, Desk], list[Decided] | Refusal]] = {
    ("registry", "DayOpened"): day_opened,
    ("voucher", "PresentationRefused"): presentation_refused,
}

SWEEPS: list[Sweep] = [
    Sweep("close_notices", "notice_deadlines", lambda row, day: CloseNotice(notice_id=row["notice_id"])),
    Sweep("lapses", "mending", lambda row, day: LapseRedemption(redemption_id=row["redemption_id"])),
    Sweep("stand_in_bank", "instructed", stand_in_answer),
]
