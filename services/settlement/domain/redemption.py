"""One redemption (兑付申请): its state, folded from its own stream."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal
from uuid import UUID

from tongdui_events.document import Event, Stamp
from tongdui_events.settlement import (
    ApprovalWithdrawn,
    Invoice,
    PerformedLine,
    PublicityPassed,
    Receipt,
    RedemptionApproved,
    RedemptionLapsed,
    RedemptionPublished,
    RedemptionRejected,
    RedemptionRequested,
    RedemptionResubmitted,
    RedemptionReturned,
    RedemptionReviewed,
    RedemptionSettled,
    RedemptionUnpaid,
    RedemptionWithdrawn,
)

from shared.kernel.folding import Fold

Stage = Literal[
    "unknown", "requested", "returned", "reviewed", "approved", "published", "passed", "settled", "rejected",
    "withdrawn", "lapsed", "unpaid",
]
ENDED = frozenset({"settled", "rejected", "withdrawn", "lapsed", "unpaid"})


@dataclass(frozen=True, slots=True)
class Redemption:
    """``reviewers`` and ``approvers`` are persons, over all rounds."""

    stage: Stage = "unknown"
    voucher_id: UUID | None = None
    submitted_by: str = ""
    invoices: tuple[Invoice, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    lines: tuple[PerformedLine, ...] = ()
    claimed_fen: int = 0
    amount_fen: int = 0
    reviewers: frozenset[str] = frozenset()
    approvers: frozenset[str] = frozenset()
    notice_id: UUID | None = None
    mend_by: date | None = None
    rounds: int = 0

    @property
    def ended(self) -> bool:
        return self.stage in ENDED


ENDS: dict[type[Event], Stage] = {
    RedemptionRejected: "rejected",
    RedemptionWithdrawn: "withdrawn",
    RedemptionLapsed: "lapsed",
    RedemptionSettled: "settled",
    RedemptionUnpaid: "unpaid",
}


def _requested(state: Redemption, event: RedemptionRequested | RedemptionResubmitted) -> Redemption:
    return replace(
        state,
        stage="requested",
        voucher_id=event.voucher_id,
        submitted_by=event.submitted_by,
        invoices=event.invoices,
        receipts=event.receipts,
        lines=event.lines,
        claimed_fen=event.claimed_fen,
    )


def evolve(state: Redemption, event: Event, stamp: Stamp) -> Redemption:
    match event:
        case RedemptionRequested() | RedemptionResubmitted():
            return _requested(state, event)
        case RedemptionReturned():
            return replace(state, stage="returned", mend_by=event.mend_by)
        case RedemptionReviewed():
            reviewers = state.reviewers | {stamp.actor.id}
            return replace(state, stage="reviewed", amount_fen=event.amount_fen, reviewers=reviewers)
        case RedemptionApproved():
            approvers = state.approvers | {stamp.actor.id}
            return replace(state, stage="approved", amount_fen=event.amount_fen, approvers=approvers)
        case RedemptionPublished():
            return replace(state, stage="published", notice_id=event.notice_id)
        case PublicityPassed():
            return replace(state, stage="passed")
        case ApprovalWithdrawn():
            return replace(state, stage="requested", notice_id=None, rounds=state.rounds + 1)
    return replace(state, stage=ENDS.get(type(event), state.stage))


REDEMPTION = Fold(
    "redemption",
    "settlement",
    (
        RedemptionRequested, RedemptionResubmitted, RedemptionReturned, RedemptionReviewed, RedemptionApproved,
        RedemptionPublished, PublicityPassed, ApprovalWithdrawn, *ENDS,
    ),
    Redemption(),
    evolve,
)
"""Keyed by the redemption's id."""
