"""One payment (拨付): scheduled when publicity has passed, held and freed, instructed, answered. 三(五)"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal, NamedTuple
from uuid import UUID

from tongdui_events.common import Channel
from tongdui_events.document import Code, Event, Stamp
from tongdui_events.payments import (
    OffsetLapsed,
    OffsetTaken,
    PayableDropped,
    PayoutCancelled,
    PayoutFailed,
    PayoutFreed,
    PayoutHeld,
    PayoutInstructed,
    PayoutReturned,
    PayoutScheduled,
    PayoutSettled,
    PayoutUncertain,
)
from tongdui_events.settlement import OffsetDropped, RedemptionUnpaid
from tongdui_events.streams import position_id

from services.settlement.domain import invoices
from services.settlement.domain.people import acts_for_region, is_the_platform
from services.settlement.domain.redemption import Redemption
from services.settlement.domain.refusals import HeldByFacts, NothingToCheck
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, OutOfOrder, Refusal
from shared.kernel.folding import Fold

Stage = Literal["unknown", "scheduled", "instructed", "uncertain", "failed", "settled", "returned", "cancelled"]
OPEN: frozenset[Stage] = frozenset({"scheduled", "failed", "returned"})
"""Nothing is under way at the bank: it may be instructed, held or cancelled."""


class Attempt(NamedTuple):
    """What became of an attempt, and the batch it went out with."""

    stage: Stage
    batch_id: UUID | None


@dataclass(frozen=True, slots=True)
class Payout:
    """One payment. ``holds`` are the reasons it waits for; ``attempts`` how often it was instructed;
    ``end_to_end_id`` and ``batch_id`` are the latest attempt's; ``earlier`` is what became of those before, by their
    end-to-end ids. ``offset_fen`` is what is set off against the debt ``offset_clawback_id``, ``offset_taken`` whether that
    is complete. Sums in fen."""

    payout_id: UUID | None = None
    redemption_id: UUID | None = None
    voucher_id: UUID | None = None
    region: str = ""
    payee_uscc: str = ""
    amount_fen: int = 0
    offset_fen: int = 0
    offset_clawback_id: UUID | None = None
    offset_taken: bool = False
    scheduled_on: date | None = None
    channel: Channel = "treasury"
    stage: Stage = "unknown"
    holds: tuple[str, ...] = ()
    attempts: int = 0
    end_to_end_id: str = ""
    batch_id: UUID | None = None
    paid_fen: int = 0
    earlier: Mapping[str, Attempt] = field(default_factory=dict)

    def attempt(self, end_to_end_id: str) -> Attempt:
        """The latest attempt or one before; unknown where there was none of that id."""
        if self.attempts and end_to_end_id == self.end_to_end_id:
            return Attempt(self.stage, self.batch_id)
        return self.earlier.get(end_to_end_id, Attempt("unknown", None))

    @property
    def is_open(self) -> bool:
        return self.stage in OPEN

    @property
    def offset_pending_fen(self) -> int:
        """What is to be set off once the redemption is complete."""
        return 0 if self.offset_taken or self.stage == "cancelled" else self.offset_fen


def evolve(payout: Payout, event: Event, stamp: Stamp) -> Payout:
    match event:
        case PayoutScheduled():
            return Payout(
                payout_id=event.payout_id,
                redemption_id=event.redemption_id,
                voucher_id=event.voucher_id,
                region=event.region,
                payee_uscc=event.payee_uscc,
                amount_fen=event.amount_fen,
                offset_fen=event.offset_fen,
                offset_clawback_id=event.offset_clawback_id,
                scheduled_on=stamp.business_day,
                channel=event.channel,
                stage="scheduled",
            )
        case PayoutHeld():
            return replace(payout, holds=(*payout.holds, event.reason))
        case PayoutFreed():
            return replace(payout, holds=tuple(reason for reason in payout.holds if reason != event.reason))
        case PayoutCancelled():
            return replace(payout, stage="cancelled")
        case OffsetTaken():
            return replace(payout, offset_taken=True, stage=payout.stage if payout.amount_fen else "settled")
        case OffsetLapsed():
            return replace(payout, offset_fen=0, offset_clawback_id=None)
    return _answered(payout, event)


def _answered(payout: Payout, event: Event) -> Payout:
    match event:
        case PayoutInstructed():
            before = {payout.end_to_end_id: Attempt(payout.stage, payout.batch_id)} if payout.attempts else {}
            return replace(
                payout,
                earlier={**payout.earlier, **before},
                stage="instructed",
                attempts=event.attempt,
                end_to_end_id=event.end_to_end_id,
                batch_id=event.batch_id,
            )
        case PayoutSettled():
            return replace(payout, stage="settled", paid_fen=payout.paid_fen + event.amount_fen)
        case PayoutFailed():
            return replace(payout, stage="failed")
        case PayoutUncertain():
            return replace(payout, stage="uncertain")
        case PayoutReturned():
            return replace(payout, stage="returned", paid_fen=payout.paid_fen - event.amount_fen)
    return payout


PAYOUT = Fold(
    "payout",
    "settlement",
    (
        PayoutScheduled,
        PayoutHeld,
        PayoutFreed,
        PayoutCancelled,
        PayoutInstructed,
        PayoutSettled,
        PayoutFailed,
        PayoutUncertain,
        PayoutReturned,
        OffsetTaken,
        OffsetLapsed,
    ),
    Payout(),
    evolve,
)
"""Keyed by ``payout_id``."""

PARTY_STOPS = frozenset({"enterprise_barred", "enterprise_gone", "provider_suspended", "provider_delisted"})
"""Holds that come and go with a party's standing."""
OFFICER = "officer:"
"""What begins the reason of a hold that an officer placed, and an officer may lift."""


class HoldPayout(Command):
    """Let a payment wait that is not instructed yet."""

    payout_id: UUID
    reason: Code


class FreePayout(Command):
    """Lift a hold an officer placed. One that a finding, an objection or a bar placed ends with its cause."""

    payout_id: UUID
    reason: Code


class CancelPayout(Command):
    """Give a payment up for good: the redemption is finally not payable, its invoices are free again."""

    payout_id: UUID
    reason: Code


class CheckPayout(Command):
    """Hold what must wait by now, free what need not wait any longer. Asked by the platform each day."""

    payout_id: UUID


# -- deciding ----------------------------------------------------------------------------------


def held(payout: Payout, reason: str) -> list[Decided]:
    """PayoutHeld, where the payment is open and does not wait for that reason already."""
    if not payout.is_open or payout.payout_id is None or reason in payout.holds:
        return []
    return [Decided(payout.payout_id, PayoutHeld(payout_id=payout.payout_id, reason=reason), payout.voucher_id)]


def freed(payout: Payout, reason: str) -> list[Decided]:
    """PayoutFreed, where the payment waits for that reason."""
    if payout.payout_id is None or payout.stage == "cancelled" or reason not in payout.holds:
        return []
    return [Decided(payout.payout_id, PayoutFreed(payout_id=payout.payout_id, reason=reason), payout.voucher_id)]


def cancelled(payout: Payout, reason: str) -> list[Decided] | Refusal:
    """PayoutCancelled, and OffsetDropped of what it was to set off; nothing where there is no payment, or it was
    cancelled before. Refused once instructed."""
    if payout.payout_id is None or payout.stage == "cancelled":
        return []
    if not payout.is_open:
        return OutOfOrder("payout_id", state=payout.stage)
    event = PayoutCancelled(payout_id=payout.payout_id, reason=reason)
    return [Decided(payout.payout_id, event, payout.voucher_id), *offset_dropped(payout), *_payable_dropped(payout)]


def _payable_dropped(payout: Payout) -> list[Decided]:
    """PayableDropped, of a payment the agent was to make."""
    if payout.channel != "agent" or not payout.amount_fen or payout.payout_id is None:
        return []
    event = PayableDropped(region=payout.region, payout_id=payout.payout_id)
    return [Decided(position_id(payout.region), event, payout.voucher_id)]


def offset_dropped(payout: Payout) -> list[Decided]:
    """OffsetDropped, where something of a debt was planned to be set off against the payment."""
    if not payout.offset_pending_fen or payout.offset_clawback_id is None or payout.payout_id is None:
        return []
    event = OffsetDropped(clawback_id=payout.offset_clawback_id, payout_id=payout.payout_id)
    return [Decided(payout.offset_clawback_id, event, payout.voucher_id)]


def hold(payout: Payout, principal: Principal, command: HoldPayout) -> list[Decided] | Refusal:
    refusal = _open_to(payout, principal, command.payout_id)
    if refusal:
        return refusal
    reason = f"{OFFICER}{command.reason}"[:80]
    return held(payout, reason) or OutOfOrder("reason", state="held")


def free(payout: Payout, principal: Principal, command: FreePayout) -> list[Decided] | Refusal:
    refusal = _open_to(payout, principal, command.payout_id)
    if refusal:
        return refusal
    reason = command.reason if command.reason.startswith(OFFICER) else f"{OFFICER}{command.reason}"[:80]
    if command.reason in payout.holds and not command.reason.startswith(OFFICER):
        return HeldByFacts("reason", reason=command.reason)
    return freed(payout, reason) or OutOfOrder("reason", state="not held for that reason")


def cancel(
    payout: Payout, redemption: Redemption, principal: Principal, command: CancelPayout
) -> list[Decided] | Refusal:
    """PayoutCancelled, RedemptionUnpaid of what is not paid, InvoiceReleased."""
    refusal = _open_to(payout, principal, command.payout_id)
    if refusal:
        return refusal
    gone = cancelled(payout, command.reason)
    if isinstance(gone, Refusal) or redemption.redemption_id is None or redemption.voucher_id is None:
        return gone
    unpaid = RedemptionUnpaid(
        redemption_id=redemption.redemption_id,
        voucher_id=redemption.voucher_id,
        unpaid_fen=payout.amount_fen + payout.offset_pending_fen - payout.paid_fen,
        reason=command.reason,
    )
    # the invoices still back what was paid, where this is the payment of a rise
    freed_ = [] if redemption.supplement_notice_id else invoices.release_all(redemption)
    return [*gone, Decided(redemption.redemption_id, unpaid, redemption.voucher_id), *freed_]


def check(payout: Payout, stops: frozenset[str], principal: Principal, command: CheckPayout) -> list[Decided] | Refusal:
    """PayoutHeld for each stop the payment does not wait for yet, PayoutFreed for each party stop that is over.

    ``stops``: every reason for which this case's payments wait today (``stops.stops_of``).
    """
    refusal = is_the_platform(principal)
    if refusal:
        return refusal
    over = [reason for reason in payout.holds if reason in PARTY_STOPS and reason not in stops]
    decided = [one for reason in sorted(stops) for one in held(payout, reason)]
    decided += [one for reason in over for one in freed(payout, reason)]
    return decided or NothingToCheck("payout_id")


def performance_allowed(payout: Payout) -> list[Decided]:
    """PayoutFreed from whatever a party's standing held: by decision the case goes on."""
    return [one for reason in payout.holds if reason in PARTY_STOPS for one in freed(payout, reason)]


def _open_to(payout: Payout, principal: Principal, payout_id: UUID) -> Refusal | None:
    """The payment exists, is the officer's region's, and is not under way."""
    if payout.payout_id is None:
        return NotFound("payout_id", what="payout", id=payout_id)
    refusal = acts_for_region(principal, payout.region)
    if refusal is None and not payout.is_open:
        refusal = OutOfOrder("payout_id", state=payout.stage)
    return refusal
