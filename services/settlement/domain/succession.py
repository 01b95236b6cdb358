"""A request under way follows its voucher to the enterprise that another was merged into. 三(五)"""

from __future__ import annotations

from tongdui_events.settlement import RedemptionPassedOn
from tongdui_events.voucher import VoucherPassedOn

from services.settlement.domain.redemption import Redemption
from shared.kernel.decisions import Decided


def pass_on(redemption: Redemption, event: VoucherPassedOn) -> list[Decided]:
    """RedemptionPassedOn, of the request the voucher backs."""
    if redemption.redemption_id is None:
        return []
    passed = RedemptionPassedOn(
        redemption_id=redemption.redemption_id,
        voucher_id=event.voucher_id,
        enterprise_uscc=event.enterprise_uscc,
        predecessor_uscc=event.predecessor_uscc,
    )
    return [Decided(redemption.redemption_id, passed, event.voucher_id)]
