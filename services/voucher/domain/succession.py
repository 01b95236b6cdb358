"""A merger passes vouchers on by decision; that is no transfer. 二(四), 三(五)

The registry's decision is noted once; from its day on each voucher of the predecessor that has not ended becomes the
successor's, with its contract, its dates and what it holds.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from tongdui_events.document import Event, Stamp
from tongdui_events.registry import EnterpriseSucceeded
from tongdui_events.streams import succession_id
from tongdui_events.voucher import SuccessionNoted, VoucherPassedOn

from services.voucher.domain.near_duplicates import Look, file_contract
from services.voucher.domain.refusals import EnterpriseIsProvider
from services.voucher.domain.registry_facts import Enterprise
from services.voucher.domain.voucher import Voucher
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal
from shared.kernel.folding import Fold


def _noted(noted: bool, event: Event, stamp: Stamp) -> bool:
    return True


SUCCESSION: Fold[bool] = Fold("succession", "voucher", (SuccessionNoted,), False, _noted)
"""Whether it was noted; keyed by ``succession_id(uscc)`` of the predecessor."""


class PassOnVoucher(Command):
    """The voucher of an enterprise that another has succeeded is the successor's. Asked by the platform."""

    voucher_id: UUID


def note(noted: bool, event: EnterpriseSucceeded) -> list[Decided]:
    """SuccessionNoted, once for a predecessor."""
    if noted:
        return []
    fact = SuccessionNoted(
        uscc=event.uscc, successor_uscc=event.successor_uscc, decision_no=event.decision_no, from_on=event.from_on
    )
    return [Decided(succession_id(event.uscc), fact)]


def pass_on(
    voucher: Voucher, enterprise: Enterprise, look: Look, today: date, principal: Principal, command: PassOnVoucher
) -> list[Decided] | Refusal:
    """VoucherPassedOn; its contract comes on the successor's file, with whatever looks like the same project there.

    Refused where the successor is the voucher's own provider: a person decides about that one. ``look``: at the
    successor's file.
    """
    if principal.role != "service":
        return NotYours("voucher_id")
    if voucher.stage == "unknown":
        return NotFound("voucher_id", what="voucher", id=command.voucher_id)
    succession = enterprise.succession
    if voucher.ended or succession is None or today < succession.from_on:
        return OutOfOrder("voucher_id", state=voucher.stage)
    if succession.successor_uscc == voucher.provider_uscc:
        return EnterpriseIsProvider("voucher_id")
    event = VoucherPassedOn(
        voucher_id=command.voucher_id,
        enterprise_uscc=succession.successor_uscc,
        predecessor_uscc=voucher.enterprise_uscc,
        decision_no=succession.decision_no,
    )
    passed = [Decided(command.voucher_id, event, command.voucher_id)]
    if not voucher.lines:
        return passed
    its_own = voucher._replace(enterprise_uscc=succession.successor_uscc)
    return [*passed, file_contract(its_own, command.voucher_id, voucher.contract_no, voucher.lines, look, today)]
