"""Settlement asks whether a voucher backs a redemption, and tells how it ended. 三(四), 三(五)"""

from __future__ import annotations

from uuid import UUID

from tongdui_events.document import Stamp
from tongdui_events.settlement import RedemptionRequested, RedemptionSettled, RedemptionUnpaid
from tongdui_events.voucher import (
    PresentationEnded,
    PresentationRefused,
    VoucherPresented,
    VoucherRedeemed,
    VoucherVoided,
)

from services.voucher.domain import ceilings, claims
from services.voucher.domain.registry_facts import Policy
from services.voucher.domain.voucher import Voucher
from shared.kernel.decisions import Decided


def present(voucher: Voucher, event: RedemptionRequested, stamp: Stamp) -> list[Decided]:
    """VoucherPresented, or PresentationRefused with every reason; judged by the request's own business day."""
    voucher_id, redemption_id = event.voucher_id, event.redemption_id
    late = voucher.redeem_by is not None and stamp.business_day > voucher.redeem_by
    reasons = tuple(
        code
        for code, holds in (
            ("voucher_unknown", voucher.stage != "unknown"),
            ("voucher_already_presented", voucher.stage != "presented"),
            ("voucher_ended", not voucher.ended),
            ("voucher_not_handed_over", voucher.handed_over or voucher.stage == "presented" or voucher.ended),
            ("redeem_by_passed", not late),
            ("claim_over_allocation", event.claimed_fen <= voucher.allocation_fen),
        )
        if not holds
    )
    answer = (
        PresentationRefused(voucher_id=voucher_id, redemption_id=redemption_id, reasons=reasons)
        if reasons
        else VoucherPresented(
            voucher_id=voucher_id, redemption_id=redemption_id, allocation_fen=voucher.allocation_fen
        )
    )
    return [Decided(voucher_id, answer, voucher_id)]


def end(voucher: Voucher, voucher_id: UUID, redemption_id: UUID) -> list[Decided]:
    """The redemption came to nothing: open again until its last day, if it is the one presented."""
    if voucher.stage != "presented" or voucher.redemption_id != redemption_id:
        return []
    return [Decided(voucher_id, PresentationEnded(voucher_id=voucher_id, redemption_id=redemption_id), voucher_id)]


def settle(voucher: Voucher, event: RedemptionSettled) -> list[Decided]:
    """The approved sum is consumed, the rest freed. Money that moved is recorded, never refused."""
    redeemed = VoucherRedeemed(
        voucher_id=event.voucher_id, redemption_id=event.redemption_id, amount_fen=event.approved_fen
    )
    consumed = ceilings.consume(event.voucher_id, voucher.holds, event.approved_fen)
    return [*consumed, Decided(event.voucher_id, redeemed, event.voucher_id)]


def unpaid(voucher: Voucher, event: RedemptionUnpaid) -> list[Decided]:
    """Finally not payable: before it was settled the case is over; after it the ceilings get it back."""
    if voucher.stage == "redeemed":
        return ceilings.reverse(event.voucher_id, voucher.consumed, event.unpaid_fen, "not_payable")
    if voucher.stage != "presented" or voucher.redemption_id != event.redemption_id:
        return []
    return [
        *end(voucher, event.voucher_id, event.redemption_id),
        *ceilings.release(event.voucher_id, voucher.holds, "not_payable"),
        *claims.release(event.voucher_id, voucher.lines),
        Decided(event.voucher_id, VoucherVoided(voucher_id=event.voucher_id, reason="not_payable"), event.voucher_id),
    ]


def recovered(voucher: Voucher, voucher_id: UUID, policy: Policy | None, amount_fen: int) -> list[Decided]:
    """Quota comes back with recovered money where the region's terms say so."""
    if policy is None or not policy.terms.clawback_restores_quota:
        return []
    return ceilings.reverse(voucher_id, voucher.consumed, amount_fen, "recovered")
