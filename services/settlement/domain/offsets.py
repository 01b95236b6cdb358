"""What a payee owes the region is set off against a new payment, where the region's terms allow it. 二(六)

Never across paying regions or fiscal years. The offset is planned with the payment, complete with the redemption
(``RecoveryRecorded`` and ``RedemptionSettled`` in one transaction), and falls away when the year turns before that or the
debt is otherwise gone: its sum is then paid by one more payment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID, uuid5

from tongdui_events.payments import OffsetLapsed, OffsetTaken, PayoutHeld, PayoutScheduled
from tongdui_events.settlement import OffsetPlanned, PaymentAdded, RecoveryRecorded

from services.settlement.domain.accounts import Account
from services.settlement.domain.clawbacks import Clawback, closed_when_whole
from services.settlement.domain.payouts import Payout, cancelled, offset_dropped
from services.settlement.domain.windows import booked
from shared.kernel.decisions import Decided, Refusal
from shared.kernel.region_terms import Policy


class Debt(NamedTuple):
    """A recovery its debtor owes a region. ``paid_in``: the year its redemption was paid in."""

    clawback: Clawback
    paid_in: int | None


class Offset(NamedTuple):
    """How much of which debt a payment sets off; nothing: 0."""

    clawback_id: UUID | None
    fen: int


NOTHING = Offset(None, 0)
OTHER_YEAR = "offset_of_another_year"
DEBT_GONE = "debt_gone"


def chosen(
    debts: Iterable[Debt], policy: Policy | None, amount_fen: int, today: date, taken: dict[UUID, int]
) -> Offset:
    """The oldest debt of this fiscal year of which something is free, as far as the payment reaches.

    ``taken``: what payments decided in the same breath have taken of each; added to.
    """
    if policy is None or not policy.terms.offset_allowed:
        return NOTHING
    for clawback, paid_in in debts:
        if clawback.clawback_id is None or paid_in != today.year:
            continue
        fen = min(clawback.free_fen - taken.get(clawback.clawback_id, 0), amount_fen)
        if fen > 0:
            taken[clawback.clawback_id] = taken.get(clawback.clawback_id, 0) + fen
            return Offset(clawback.clawback_id, fen)
    return NOTHING


def planned(offset: Offset, payout_id: UUID, voucher_id: UUID | None) -> list[Decided]:
    """OffsetPlanned, beside the PayoutScheduled."""
    if offset.clawback_id is None:
        return []
    event = OffsetPlanned(clawback_id=offset.clawback_id, payout_id=payout_id, amount_fen=offset.fen)
    return [Decided(offset.clawback_id, event, voucher_id)]


def taken_by(payouts: Sequence[Payout], clawbacks: Mapping[UUID, Clawback], today: date) -> list[Decided]:
    """The redemption of these payments is complete: RecoveryRecorded and OffsetTaken of each offset, ClawbackClosed of a
    debt that is whole by it."""
    decided: list[Decided] = []
    recovered = {id_: clawback.recovered_fen for id_, clawback in clawbacks.items()}
    for payout in payouts:
        if not payout.offset_pending_fen or payout.offset_clawback_id is None:
            continue
        clawback = clawbacks[payout.offset_clawback_id]
        recovered[payout.offset_clawback_id] += payout.offset_fen
        decided += _taken(payout, payout.offset_clawback_id, clawback, today)
        decided += closed_when_whole(clawback, clawback.ordered_fen, recovered[payout.offset_clawback_id])
    return decided


def _taken(payout: Payout, clawback_id: UUID, clawback: Clawback, today: date) -> list[Decided]:
    if payout.payout_id is None or payout.redemption_id is None:
        return []
    recovered = RecoveryRecorded(
        clawback_id=clawback_id,
        region=payout.region,
        amount_fen=payout.offset_fen,
        method="offset",
        fiscal_year=today.year,
        reference=str(payout.payout_id),
        received_on=today,
        payout_id=payout.payout_id,
    )
    complete = OffsetTaken(
        payout_id=payout.payout_id,
        redemption_id=payout.redemption_id,
        clawback_id=clawback_id,
        amount_fen=payout.offset_fen,
    )
    return [
        Decided(clawback_id, recovered, clawback.voucher_id),
        Decided(payout.payout_id, complete, payout.voucher_id),
    ]


def year_turned(payout: Payout, today: date) -> bool:
    """The offset was planned in a fiscal year that is over."""
    return bool(payout.offset_pending_fen) and payout.scheduled_on is not None and payout.scheduled_on.year != today.year


def lapsed(payout: Payout, account: Account, reason: str) -> list[Decided]:
    """OffsetDropped, OffsetLapsed; and the payment of what was kept back: PaymentAdded and PayoutScheduled, held for what
    its payment is held for. A payment that was an offset alone is cancelled."""
    clawback_id, payout_id, redemption_id = payout.offset_clawback_id, payout.payout_id, payout.redemption_id
    fen = payout.offset_pending_fen
    if not fen or clawback_id is None or payout_id is None or redemption_id is None or payout.voucher_id is None:
        return []
    if account.confirmed is None:
        raise ValueError(f"payout {payout_id} was scheduled without an account")
    added = uuid5(payout_id, "offset lapsed")
    scheduled = PayoutScheduled(
        payout_id=added,
        redemption_id=redemption_id,
        voucher_id=payout.voucher_id,
        region=payout.region,
        payee_uscc=payout.payee_uscc,
        amount_fen=fen,
        offset_fen=0,
        channel=payout.channel,
        account_hmac=account.confirmed.account_hmac,
        last4=account.confirmed.last4,
    )
    gone = OffsetLapsed(payout_id=payout_id, clawback_id=clawback_id, amount_fen=fen, reason=reason)
    return [
        *_empty(payout, reason),
        Decided(payout_id, gone, payout.voucher_id),
        Decided(redemption_id, PaymentAdded(redemption_id=redemption_id, payout_id=added), payout.voucher_id),
        Decided(added, scheduled, payout.voucher_id),
        *booked(added, payout.region, payout.channel, fen, payout.voucher_id),
        *(Decided(added, PayoutHeld(payout_id=added, reason=one), payout.voucher_id) for one in payout.holds),
    ]


def _empty(payout: Payout, reason: str) -> list[Decided]:
    """What becomes of the payment itself: nothing, unless it was an offset alone."""
    if payout.amount_fen:
        return offset_dropped(payout)
    gone = cancelled(payout, reason)
    if isinstance(gone, Refusal):
        raise ValueError(f"payout {payout.payout_id} is {payout.stage}")
    return gone
