"""A redeemed voucher's payment is raised afterwards (补充兑付): its ceilings take the rest too, or it is refused. 三(五)"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from tongdui_events.settlement import RedemptionAdjusted
from tongdui_events.streams import ceiling_id
from tongdui_events.voucher import SupplementAllowed, SupplementRefused

from services.voucher.domain import ceilings
from services.voucher.domain.ceilings import Ceiling, Wanted
from services.voucher.domain.voucher import Hold, Voucher
from shared.kernel.decisions import Decided


def supplement(
    voucher: Voucher, voucher_id: UUID, under: Mapping[UUID, Ceiling], event: RedemptionAdjusted
) -> list[Decided]:
    """HoldPlaced and HoldConsumed under every ceiling the voucher was consumed under, and SupplementAllowed; or
    SupplementRefused with every reason. Nothing where the sum is lowered: what comes back is told by its recovery.

    ``under``: the ceilings of what was consumed, by stream.
    """
    if event.by_fen <= 0:
        return []
    reasons = _reasons(voucher, under, event)
    about = {"voucher_id": voucher_id, "redemption_id": event.redemption_id, "amount_fen": event.by_fen}
    if reasons:
        return [Decided(voucher_id, SupplementRefused(**about, reasons=reasons), voucher_id)]
    return [
        *(decided for hold in voucher.consumed for decided in _taken(voucher_id, hold, under, event.by_fen)),
        Decided(voucher_id, SupplementAllowed(**about), voucher_id),
    ]


def _reasons(voucher: Voucher, under: Mapping[UUID, Ceiling], event: RedemptionAdjusted) -> tuple[str, ...]:
    if voucher.stage != "redeemed" or voucher.redemption_id != event.redemption_id:
        return ("not_redeemed_with_it",)
    short = [hold.kind.replace("-", "_") for hold in voucher.consumed if _place(hold, under).left_fen < event.by_fen]
    return tuple(sorted(set(short)))


def _place(hold: Hold, under: Mapping[UUID, Ceiling]) -> Wanted:
    """The ceiling, with the term that was last set for it."""
    ceiling = under[ceiling_id(hold.kind, hold.key, hold.year)]
    return Wanted(hold.kind, hold.key, hold.year, ceiling.wanted_fen or 0, ceiling)


def _taken(voucher_id: UUID, hold: Hold, under: Mapping[UUID, Ceiling], fen: int) -> list[Decided]:
    held = hold._replace(amount_fen=fen)
    return [_place(hold, under).place(voucher_id, fen), *ceilings.consume(voucher_id, (held,), fen)]
