"""What an inspection recommends to recover becomes a proposal; a person decides on it. 二(六)"""

from __future__ import annotations

from uuid import UUID, uuid5

from tongdui_events.audit import InspectionClosed
from tongdui_events.settlement import ClawbackProposed

from services.settlement.domain.clawbacks import sought
from services.settlement.domain.redemption import Redemption
from shared.kernel.decisions import Decided


def clawback_id(inspection_id: UUID) -> UUID:
    """The recovery an inspection led to: there is one, whoever computes it."""
    return uuid5(inspection_id, "clawback")


def propose(voucher_id: UUID, region: str, redemption: Redemption, event: InspectionClosed) -> list[Decided]:
    """ClawbackProposed and RecoverySought, where that was recommended. Who owes it is whom the inspection names, else
    who was paid."""
    if event.recommendation != "clawback" or event.redemption_id is None or not event.amount_fen:
        return []
    proposed = ClawbackProposed(
        clawback_id=clawback_id(event.inspection_id),
        redemption_id=event.redemption_id,
        debtor_uscc=event.debtor_uscc or redemption.payee_uscc,
        amount_fen=event.amount_fen,
        ground=event.ground or "no_fault",
        inspection_id=event.inspection_id,
        region=region,
    )
    linked = [sought(redemption, proposed.clawback_id)] if redemption.redemption_id else []
    return [Decided(proposed.clawback_id, proposed, voucher_id), *linked]
