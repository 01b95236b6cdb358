"""An officer stays out of a redemption. 二(六)"""

from __future__ import annotations

from uuid import UUID

from tongdui_events.document import Code

from services.settlement.domain.case_facts import Case
from services.settlement.domain.redemption import Redemption
from shared.kernel import recusal
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, Refusal


class RecordRecusal(Command):
    """Stay out of a redemption (回避), or, as its region's department, keep somebody else out of it."""

    redemption_id: UUID
    recused_actor: Code | None = None
    reason: Code


def record(redemption: Redemption, case: Case, principal: Principal, command: RecordRecusal) -> list[Decided] | Refusal:
    if redemption.redemption_id is None:
        return NotFound("redemption_id", what="redemption", id=command.redemption_id)
    if principal.role == "regional_officer" and principal.region != case.region:
        return NotYours("redemption_id")
    return recusal.recuse(
        "redemption", command.redemption_id, redemption.voucher_id, redemption.recused, principal, command.recused_actor,
        command.reason,
    )  # fmt: skip
