"""How a voucher ends without payment: withdrawn, expired, voided; extended before. 二(六), 三(四)"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from tongdui_events.document import Code, Event
from tongdui_events.voucher import (
    PerformanceAllowed,
    VoucherExpired,
    VoucherExtended,
    VoucherVoided,
    VoucherWithdrawn,
)

from services.voucher.domain import ceilings, claims
from services.voucher.domain.enterprise_file import EnterpriseFile, unfile
from services.voucher.domain.refusals import DatesTheWrongWayRound, NotPastItsLastDay
from services.voucher.domain.voucher import Voucher
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal


class WithdrawVoucher(Command):
    """The enterprise gives the voucher back, unless it is presented."""

    voucher_id: UUID


class ExpireVoucher(Command):
    """A last day is over and nobody presented the voucher."""

    voucher_id: UUID


class ExtendVoucher(Command):
    """The region gives the voucher later last days."""

    voucher_id: UUID
    use_by: date
    redeem_by: date
    reason: Code


class VoidVoucher(Command):
    """The region ends the voucher by decision."""

    voucher_id: UUID
    reason: Code
    decision_no: Code


class AllowPerformance(Command):
    """By decision the case goes on though a party was barred, suspended or delisted."""

    voucher_id: UUID
    decision_no: Code


def _ended(voucher: Voucher, voucher_id: UUID, event: Event, reason: str) -> list[Decided]:
    """The end, every hold and every claim free."""
    return [
        Decided(voucher_id, event, voucher_id),
        *ceilings.release(voucher_id, voucher.holds, reason),
        *claims.release(voucher_id, voucher.lines),
    ]


def _live(voucher: Voucher, voucher_id: UUID) -> Refusal | None:
    if voucher.stage == "unknown":
        return NotFound("voucher_id", what="voucher", id=voucher_id)
    if voucher.ended or voucher.stage == "presented":
        return OutOfOrder("voucher_id", state=voucher.stage)
    return None


def withdraw(
    voucher: Voucher, file: EnterpriseFile, principal: Principal, command: WithdrawVoucher
) -> list[Decided] | Refusal:
    """VoucherWithdrawn, every hold and every claim free, and the contract off the enterprise's ``file``."""
    refusal = _live(voucher, command.voucher_id)
    if voucher.stage != "unknown" and principal.uscc != voucher.enterprise_uscc:
        refusal = NotYours("voucher_id")
    event = VoucherWithdrawn(voucher_id=command.voucher_id)
    unfiled = unfile(file, voucher.enterprise_uscc, command.voucher_id)
    return refusal or [*_ended(voucher, command.voucher_id, event, "withdrawn"), *unfiled]


def expire(
    voucher: Voucher, heard_until: date | None, appealable_until: date | None, command: ExpireVoucher
) -> list[Decided] | Refusal:
    """``heard_until``: the day settlement has reached; whatever was requested before it has been heard.
    ``appealable_until``: the last day on which the latest decision can be appealed, None where there is none."""
    refusal = _live(voucher, command.voucher_id)
    if refusal is not None:
        return refusal
    last = voucher.last_day()
    if last is not None and appealable_until is not None:
        last = max(last, appealable_until)
    if voucher.open_appeals or last is None or heard_until is None or heard_until <= last:
        return NotPastItsLastDay("voucher_id")
    deadline = "use_by" if voucher.stage == "issued" else "redeem_by"
    event = VoucherExpired(voucher_id=command.voucher_id, deadline=deadline)
    return _ended(voucher, command.voucher_id, event, "expired")


def extend(voucher: Voucher, principal: Principal, command: ExtendVoucher) -> list[Decided] | Refusal:
    refusal = _of_the_region(voucher, principal, command.voucher_id) or _live(voucher, command.voucher_id)
    if refusal is not None:
        return refusal
    earlier = command.use_by < voucher.use_by or command.redeem_by < voucher.redeem_by
    if earlier or command.use_by > command.redeem_by:
        return DatesTheWrongWayRound("redeem_by")
    event = VoucherExtended(**command.model_dump())
    return [Decided(command.voucher_id, event, command.voucher_id)]


def void(voucher: Voucher, principal: Principal, command: VoidVoucher) -> list[Decided] | Refusal:
    refusal = _of_the_region(voucher, principal, command.voucher_id) or _live(voucher, command.voucher_id)
    event = VoucherVoided(**command.model_dump())
    return refusal or _ended(voucher, command.voucher_id, event, "voided")


def allow_performance(voucher: Voucher, principal: Principal, command: AllowPerformance) -> list[Decided] | Refusal:
    refusal = _of_the_region(voucher, principal, command.voucher_id)
    if refusal is not None:
        return refusal
    if voucher.ended:
        return OutOfOrder("voucher_id", state=voucher.stage)
    event = PerformanceAllowed(**command.model_dump())
    return [Decided(command.voucher_id, event, command.voucher_id)]


def _of_the_region(voucher: Voucher, principal: Principal, voucher_id: UUID) -> Refusal | None:
    """Looked at before where the voucher stands: who has no part in it learns nothing of it."""
    if voucher.stage == "unknown":
        return NotFound("voucher_id", what="voucher", id=voucher_id)
    return None if principal.region == voucher.region else NotYours("voucher_id")
