"""What the voucher service does about other services' events, and what falls due by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tongdui_events.common import DayReached
from tongdui_events.document import Stamp
from tongdui_events.registry import DayOpened, EnterpriseSucceeded
from tongdui_events.settlement import (
    RecoveryRecorded,
    RedemptionAdjusted,
    RedemptionLapsed,
    RedemptionRejected,
    RedemptionRequested,
    RedemptionSettled,
    RedemptionUnpaid,
    RedemptionWithdrawn,
)
from tongdui_events.streams import ceiling_id, days_id, region_id, succession_id

from services.voucher.domain import presentation, succession, supplements
from services.voucher.domain.carry_over import CarryOver
from services.voucher.domain.ceilings import CEILING
from services.voucher.domain.endings import ExpireVoucher
from services.voucher.domain.registry_facts import REGION
from services.voucher.domain.succession import SUCCESSION, PassOnVoucher
from services.voucher.domain.voucher import ENDED, VOUCHER
from shared.kernel.decisions import Decided, Refusal
from shared.runtime.desk import Desk
from shared.runtime.sweeps import Cases, Sweep


def day_opened(event: DayOpened, stamp: Stamp, desk: Desk) -> list[Decided]:
    if desk.day is not None and event.date <= desk.day:
        return []
    return [Decided(days_id("voucher"), DayReached(date=event.date))]


def enterprise_succeeded(event: EnterpriseSucceeded, stamp: Stamp, desk: Desk) -> list[Decided]:
    return succession.note(desk.get(SUCCESSION, succession_id(event.uscc)), event)


def redemption_requested(event: RedemptionRequested, stamp: Stamp, desk: Desk) -> list[Decided]:
    return presentation.present(desk.get(VOUCHER, event.voucher_id), event, stamp)


def redemption_ended(
    event: RedemptionRejected | RedemptionWithdrawn | RedemptionLapsed, stamp: Stamp, desk: Desk
) -> list[Decided]:
    if stamp.case_id is None:
        return []
    return presentation.end(desk.get(VOUCHER, stamp.case_id), stamp.case_id, event.redemption_id)


def redemption_settled(event: RedemptionSettled, stamp: Stamp, desk: Desk) -> list[Decided]:
    return presentation.settle(desk.get(VOUCHER, event.voucher_id), event)


def redemption_unpaid(event: RedemptionUnpaid, stamp: Stamp, desk: Desk) -> list[Decided]:
    return presentation.unpaid(desk.get(VOUCHER, event.voucher_id), event)


def recovery_recorded(event: RecoveryRecorded, stamp: Stamp, desk: Desk) -> list[Decided]:
    if stamp.case_id is None:
        return []
    policy = desk.get(REGION, region_id(event.region)).in_force(stamp.business_day)
    return presentation.recovered(desk.get(VOUCHER, stamp.case_id), stamp.case_id, policy, event.amount_fen)


def redemption_adjusted(event: RedemptionAdjusted, stamp: Stamp, desk: Desk) -> list[Decided]:
    if stamp.case_id is None:
        return []
    voucher = desk.get(VOUCHER, stamp.case_id)
    streams = (ceiling_id(hold.kind, hold.key, hold.year) for hold in voucher.consumed)
    return supplements.supplement(voucher, stamp.case_id, {id_: desk.get(CEILING, id_) for id_ in streams}, event)


REACTIONS: dict[tuple[str, str], Callable[[Any, Stamp, Desk], list[Decided] | Refusal]] = {
    ("registry", "DayOpened"): day_opened,
    ("registry", "EnterpriseSucceeded"): enterprise_succeeded,
    ("settlement", "RedemptionRequested"): redemption_requested,
    ("settlement", "RedemptionRejected"): redemption_ended,
    ("settlement", "RedemptionWithdrawn"): redemption_ended,
    ("settlement", "RedemptionLapsed"): redemption_ended,
    ("settlement", "RedemptionSettled"): redemption_settled,
    ("settlement", "RedemptionUnpaid"): redemption_unpaid,
    ("settlement", "RecoveryRecorded"): recovery_recorded,
    ("settlement", "RedemptionAdjusted"): redemption_adjusted,
}

SWEEPS: list[Sweep] = [
    Sweep(
        "successions", "successions", lambda row, day: PassOnVoucher(voucher_id=row["voucher_id"]),
        cases=Cases("vouchers", "enterprise_uscc", "uscc", lambda row: row["state"] not in ENDED),
    ),
    Sweep(
        "year_end", "year_ends", lambda row, day: CarryOver(voucher_id=row["voucher_id"], year=row["year"]), day_of="settlement"
    ),
    Sweep("expiry", "deadlines", lambda row, day: ExpireVoucher(voucher_id=row["voucher_id"]), day_of="settlement"),
]
