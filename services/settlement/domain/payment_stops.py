"""The payments of a case wait for a reason that is a fact of the case, and go on when it is one no more. 二(六)"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from tongdui_events.settlement import PaymentStopLifted, PaymentStopped

from services.settlement.domain.payouts import Payout, freed, held
from shared.kernel.decisions import Decided


def stop_payments(voucher_id: UUID, reason: str, stopped: frozenset[str], payouts: Iterable[Payout]) -> list[Decided]:
    """PaymentStopped, once a reason, and the open payments held."""
    if reason in stopped:
        return []
    event = PaymentStopped(voucher_id=voucher_id, reason=reason)
    waiting = [decided for payout in payouts for decided in held(payout, reason)]
    return [Decided(voucher_id, event, voucher_id), *waiting]


def lift_stops(voucher_id: UUID, reasons: Iterable[str], payouts: Sequence[Payout]) -> list[Decided]:
    """PaymentStopLifted for each, and the payments freed."""
    reasons = sorted(reasons)
    lifted = [Decided(voucher_id, PaymentStopLifted(voucher_id=voucher_id, reason=one), voucher_id) for one in reasons]
    return lifted + [decided for payout in payouts for one in reasons for decided in freed(payout, one)]
