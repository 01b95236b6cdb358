"""A voucher that ended by decision or by its last day lives on by decision: new holds, of the original year. 二(四)"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from tongdui_events.document import Code
from tongdui_events.voucher import VoucherReinstated

from services.voucher.domain import claims
from services.voucher.domain.ceilings import Ceiling, Wanted
from services.voucher.domain.refusals import CeilingExhausted, ContractLineAlreadyClaimed
from services.voucher.domain.voucher import Voucher
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal


class ReinstateVoucher(Command):
    """Let a voided or expired voucher live on, by decision. Its last days may need an extension."""

    voucher_id: UUID
    reason: Code
    decision_no: Code


class Again(NamedTuple):
    """Whether there is room: ``ceiling_of(kind, key, year)`` and ``claimant_of(fingerprint)``."""

    ceiling_of: Callable[[str, str, int], Ceiling]
    claimant_of: Callable[[str], UUID | None]


def reinstate(voucher: Voucher, again: Again, principal: Principal, command: ReinstateVoucher) -> list[Decided] | Refusal:
    if voucher.stage == "unknown":
        return NotFound("voucher_id", what="voucher", id=command.voucher_id)
    if principal.region != voucher.region:
        return NotYours("voucher_id")
    if voucher.stage not in ("voided", "expired"):
        return OutOfOrder("voucher_id", state=voucher.stage)
    return reinstated(voucher, command.voucher_id, again, command.reason, command.decision_no)


def reinstated(voucher: Voucher, voucher_id: UUID, again: Again, reason: str, decision_no: str) -> list[Decided] | Refusal:
    """VoucherReinstated, a hold under each ceiling it had held under, its contract lines claimed again."""
    for line in voucher.lines:
        if again.claimant_of(line.fingerprint) not in (None, voucher_id):
            return ContractLineAlreadyClaimed("voucher_id", contract_no=voucher.contract_no, line_no=line.line_no)
    holds = []
    for hold in voucher.held:
        ceiling = again.ceiling_of(hold.kind, hold.key, hold.year)
        wanted = Wanted(hold.kind, hold.key, hold.year, ceiling.wanted_fen or 0, ceiling)
        if wanted.left_fen < hold.amount_fen:
            return CeilingExhausted("voucher_id", kind=hold.kind, year=hold.year, left_fen=wanted.left_fen)
        holds.append(wanted.place(voucher_id, hold.amount_fen))
    event = VoucherReinstated(voucher_id=voucher_id, reason=reason, decision_no=decision_no)
    return [Decided(voucher_id, event, voucher_id), *holds, *claims.claim(voucher_id, voucher.lines)]
