"""When a redemption is complete: every payment made, every offset taken. 三(五)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from tongdui_events.settlement import RedemptionSettled

from services.settlement.domain.case_facts import Case
from services.settlement.domain.clawbacks import Clawback
from services.settlement.domain.offsets import taken_by
from services.settlement.domain.payouts import Payout
from services.settlement.domain.redemption import Redemption
from shared.kernel.decisions import Decided


def completed(
    payout: Payout,
    others: Sequence[Payout],
    redemption: Redemption,
    case: Case,
    clawbacks: Mapping[UUID, Clawback],
    today: date,
    paid_now_fen: int = 0,
) -> list[Decided]:
    """RedemptionSettled with what its payments set off; nothing where it was settled before, or where another payment is
    still to come.

    ``payout`` is the one that was just paid ``paid_now_fen``, or is an offset alone; ``others`` the redemption's other
    payments; ``clawbacks`` the debts they set off.
    """
    live = [other for other in others if other.stage not in ("cancelled", "unknown")]
    if redemption.settled or any(other.stage != "settled" for other in live):
        return []
    if redemption.redemption_id is None or redemption.voucher_id is None:
        return []
    event = RedemptionSettled(
        redemption_id=redemption.redemption_id,
        voucher_id=redemption.voucher_id,
        region=payout.region,
        enterprise_uscc=case.enterprise_uscc,
        provider_uscc=case.provider_uscc,
        approved_fen=redemption.approved_fen,
        paid_fen=payout.paid_fen + paid_now_fen + sum(other.paid_fen for other in live),
        offset_fen=payout.offset_fen + sum(other.offset_fen for other in live),
    )
    settled = Decided(redemption.redemption_id, event, redemption.voucher_id)
    return [settled, *taken_by([payout, *live], clawbacks, today)]
