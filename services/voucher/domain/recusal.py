"""An officer stays out of a case of the voucher service. 二(六)"""

from __future__ import annotations

from uuid import UUID

from tongdui_events.document import Code

from services.voucher.domain.voucher import Voucher
from shared.kernel import recusal
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, Refusal


class RecordRecusal(Command):
    """Stay out of a case (回避), or, as its region's department, keep somebody else out of it."""

    voucher_id: UUID
    recused_actor: Code | None = None
    reason: Code


def record(voucher: Voucher, principal: Principal, command: RecordRecusal) -> list[Decided] | Refusal:
    if voucher.stage == "unknown":
        return NotFound("voucher_id", what="voucher", id=command.voucher_id)
    if principal.role == "regional_officer" and principal.region != voucher.region:
        return NotYours("voucher_id")
    return recusal.recuse(
        "voucher", command.voucher_id, command.voucher_id, voucher.recused, principal, command.recused_actor, command.reason
    )
