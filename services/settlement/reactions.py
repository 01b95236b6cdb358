"""What settlement does about other services' events, and what falls due by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from tongdui_events.audit import FindingRecorded, InspectionClosed
from tongdui_events.common import DayReached
from tongdui_events.document import Stamp
from tongdui_events.registry import DayOpened
from tongdui_events.streams import days_id, invoice_id
from tongdui_events.voucher import (
    HoldsCarriedOver,
    LocalSupportMatched,
    LocalSupportRecorded,
    PerformanceAllowed,
    PresentationRefused,
    VoucherPassedOn,
    VoucherPresented,
)

from services.settlement.domain import clawback_proposals, endings, local_support, payouts, stops, succession
from services.settlement.domain.bank_answers import RecordUncertainty
from services.settlement.domain.case_facts import CASE
from services.settlement.domain.endings import LapseRedemption
from services.settlement.domain.invoices import INVOICE
from services.settlement.domain.lookups import payouts_of
from services.settlement.domain.notices import CloseNotice
from services.settlement.domain.payment import PORT
from services.settlement.domain.payment_stops import lift_stops, stop_payments
from services.settlement.domain.payouts import CheckPayout
from services.settlement.domain.redemption import REDEMPTION, Redemption
from services.settlement.domain.stops import CASE_STOPS, INSPECTION
from services.settlement.domain.windows import CloseWindow, SettleWindow, last_end
from shared.kernel.decisions import Decided, Refusal
from shared.runtime.desk import Desk
from shared.runtime.sweeps import Sweep


def day_opened(event: DayOpened, stamp: Stamp, desk: Desk) -> list[Decided]:
    if desk.day is not None and event.date <= desk.day:
        return []
    return [Decided(days_id("settlement"), DayReached(date=event.date))]


def voucher_presented(event: VoucherPresented, stamp: Stamp, desk: Desk) -> list[Decided]:
    return endings.presented(desk.get(REDEMPTION, event.redemption_id))


def voucher_passed_on(event: VoucherPassedOn, stamp: Stamp, desk: Desk) -> list[Decided]:
    case = desk.get(CASE, event.voucher_id)
    return succession.pass_on(desk.get(REDEMPTION, case.live), event) if case.live else []


def presentation_refused(event: PresentationRefused, stamp: Stamp, desk: Desk) -> list[Decided]:
    return endings.presentation_refused(desk.get(REDEMPTION, event.redemption_id), event.reasons)


def local_support_recorded(event: LocalSupportRecorded, stamp: Stamp, desk: Desk) -> list[Decided]:
    """An invoice of the list backs a request under way, or one paid already: what is open waits for a person."""
    holders = {holder for number in event.invoices for holder in desk.get(INVOICE, invoice_id(number)).allotted}
    cases = {desk.get(REDEMPTION, holder).voucher_id for holder in sorted(holders)}
    stopped = (_stop_for_support(case, event.local_reference, desk) for case in sorted(filter(None, cases)))
    return [decided for one in stopped for decided in one]


def local_support_matched(event: LocalSupportMatched, stamp: Stamp, desk: Desk) -> list[Decided]:
    return _stop_for_support(event.voucher_id, event.local_reference, desk)


def _stop_for_support(voucher_id: UUID, reference: str, desk: Desk) -> list[Decided]:
    return local_support.stop(voucher_id, reference, desk.get(CASE_STOPS, voucher_id), payouts_of(voucher_id, desk.get))


def holds_carried_over(event: HoldsCarriedOver, stamp: Stamp, desk: Desk) -> list[Decided]:
    """A voucher whose budget of the new year is short is paid once there is room."""
    stopped, payouts_ = desk.get(CASE_STOPS, event.voucher_id), payouts_of(event.voucher_id, desk.get)
    if event.waiting:
        return stop_payments(event.voucher_id, _NO_BUDGET, stopped, payouts_)
    return lift_stops(event.voucher_id, stopped & {_NO_BUDGET}, payouts_)


_NO_BUDGET = "budget_of_the_year"


def performance_allowed(event: PerformanceAllowed, stamp: Stamp, desk: Desk) -> list[Decided]:
    open_payouts = payouts_of(event.voucher_id, desk.get)
    allowed = local_support.allow(event.voucher_id, desk.get(CASE_STOPS, event.voucher_id), open_payouts)
    freed = (payouts.performance_allowed(payout) for payout in open_payouts)
    return allowed + [decided for one in freed for decided in one]


def finding_recorded(event: FindingRecorded, stamp: Stamp, desk: Desk) -> list[Decided]:
    """An inspection nobody opened is about no case here."""
    voucher_id = desk.get(INSPECTION, event.inspection_id)
    if voucher_id is None:
        return []
    stopped = stops.stop(voucher_id, event, desk.get(CASE_STOPS, voucher_id))
    reason = stops.finding(event.inspection_id)
    held = (payouts.held(payout, reason) for payout in payouts_of(voucher_id, desk.get) if stopped)
    return stopped + [decided for one in held for decided in one]


def inspection_closed(event: InspectionClosed, stamp: Stamp, desk: Desk) -> list[Decided]:
    voucher_id = desk.get(INSPECTION, event.inspection_id)
    if voucher_id is None:
        return []
    lifted = stops.lift(voucher_id, event.inspection_id, desk.get(CASE_STOPS, voucher_id))
    reason = stops.finding(event.inspection_id)
    freed = (payouts.freed(payout, reason) for payout in payouts_of(voucher_id, desk.get))
    redemption = desk.get(REDEMPTION, event.redemption_id) if event.redemption_id else Redemption()
    proposed = clawback_proposals.propose(voucher_id, desk.get(CASE, voucher_id).region, redemption, event)
    return [*lifted, *(decided for one in freed for decided in one), *proposed]


REACTIONS: dict[tuple[str, str], Callable[[Any, Stamp, Desk], list[Decided] | Refusal]] = {
    ("registry", "DayOpened"): day_opened,
    ("voucher", "VoucherPresented"): voucher_presented,
    ("voucher", "VoucherPassedOn"): voucher_passed_on,
    ("voucher", "PresentationRefused"): presentation_refused,
    ("voucher", "PerformanceAllowed"): performance_allowed,
    ("voucher", "HoldsCarriedOver"): holds_carried_over,
    ("voucher", "LocalSupportRecorded"): local_support_recorded,
    ("voucher", "LocalSupportMatched"): local_support_matched,
    ("audit", "FindingRecorded"): finding_recorded,
    ("audit", "InspectionClosed"): inspection_closed,
}

def window_close(row: Mapping[str, Any], day: date) -> CloseWindow:
    """The latest window of that length that is over."""
    return CloseWindow(agent_id=row["agent_id"], length=row["length"], closes_on=last_end(row["length"], day))


SWEEPS: list[Sweep] = [
    Sweep("closes", "notices", lambda row, day: CloseNotice(notice_id=row["notice_id"], due_on=row["due_on"])),
    Sweep(
        "lapses",
        "redemptions",
        lambda row, day: LapseRedemption(redemption_id=row["redemption_id"], mend_by=row["mend_by"]),
    ),
    Sweep("window_closes", "window_ends", window_close),
    Sweep("window_settles", "windows", lambda row, day: SettleWindow(window_id=row["window_id"])),
    Sweep(
        "unanswered", "unanswered",
        lambda row, day: RecordUncertainty(payout_id=row["payout_id"], end_to_end_id=row["end_to_end_id"]),
    ),
    Sweep("checks", "payouts", lambda row, day: CheckPayout(payout_id=row["payout_id"])),
]

STAND_IN: list[Sweep] = [Sweep("stand_in_bank", "instructed", lambda row, day: PORT.answer(row, day))]
"""Only where no real bank is told anything."""
