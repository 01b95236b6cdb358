"""The voucher changes hands once, to be redeemed; it is never transferred. 二(六), 三(四)"""

from __future__ import annotations

from uuid import UUID

from tongdui_events.voucher import VoucherCollected, VoucherTendered

from services.voucher.domain.voucher import Voucher
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal


class TenderVoucher(Command):
    """The enterprise accepts the result and hands the voucher over."""

    voucher_id: UUID


class CollectVoucher(Command):
    """The laboratory has the voucher (通兑)."""

    voucher_id: UUID


def tender(voucher: Voucher, principal: Principal, command: TenderVoucher) -> list[Decided] | Refusal:
    if voucher.stage == "unknown":
        return NotFound("voucher_id", what="voucher", id=command.voucher_id)
    if voucher.party_of(principal.uscc) != "enterprise":
        return NotYours("voucher_id")
    if voucher.stage != "allocated":
        return OutOfOrder("voucher_id", state=voucher.stage)
    return [Decided(command.voucher_id, VoucherTendered(voucher_id=command.voucher_id), command.voucher_id)]


def collect(voucher: Voucher, principal: Principal, command: CollectVoucher) -> list[Decided] | Refusal:
    if voucher.stage == "unknown":
        return NotFound("voucher_id", what="voucher", id=command.voucher_id)
    if voucher.party_of(principal.uscc) != "provider":
        return NotYours("voucher_id")
    if voucher.stage != "tendered" or voucher.mode != "tongdui":
        return OutOfOrder("voucher_id", state=voucher.stage)
    return [Decided(command.voucher_id, VoucherCollected(voucher_id=command.voucher_id), command.voucher_id)]
