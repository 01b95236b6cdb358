"""A redemption (兑付申请): from the request to payment, or to one of its ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal
from uuid import UUID, uuid5

from tongdui_events.common import RecusalRecorded
from tongdui_events.document import Event, Stamp
from tongdui_events.settlement import (
    ApprovalWithdrawn,
    PaymentAdded,
    PublicityPassed,
    RecoverySought,
    RedemptionAdjusted,
    RedemptionApproved,
    RedemptionLapsed,
    RedemptionPassedOn,
    RedemptionPublished,
    RedemptionRejected,
    RedemptionRequested,
    RedemptionResubmitted,
    RedemptionReturned,
    RedemptionReviewed,
    RedemptionSettled,
    RedemptionUnpaid,
    RedemptionWithdrawn,
    ReviewOpened,
)
from tongdui_events.streams import NAMESPACE

from shared.kernel.folding import Fold

Stage = Literal[
    "unknown",
    "requested",
    "under_review",
    "returned",
    "reviewed",
    "approved",
    "payable",
    "settled",
    "withdrawn",
    "lapsed",
    "rejected",
    "unpaid",
]
UNDER_WAY: frozenset[Stage] = frozenset({"requested", "under_review", "returned", "reviewed", "approved", "payable"})

Request = RedemptionRequested | RedemptionResubmitted


@dataclass(frozen=True, slots=True)
class Redemption:
    """One request for payment.

    ``request`` is what was handed in last. ``stage``: ``approved`` until its publicity has passed,
    ``payable`` from then on. ``reviewers`` and ``approvers`` are the persons of all its rounds.
    ``notice_id`` is the notice the standing approval was published in, ``last_notice_id`` the latest
    of any round. ``payouts`` are the ids of the payments its passed publicities led to, ``clawbacks``
    those of the recoveries that were proposed. ``rises`` is how often its sum was raised after payment,
    ``risen_fen`` by how much in all; ``supplement_fen`` what of that has passed no notice of its own yet, which
    ``supplement_notice_id`` is. The year of ``settled_on`` is the year of payment.
    """

    redemption_id: UUID | None = None
    voucher_id: UUID | None = None
    stage: Stage = "unknown"
    request: Request | None = None
    mend_by: date | None = None
    reviewed_fen: int = 0
    approved_fen: int = 0
    payee_uscc: str = ""
    policy_version: int = 0
    reviewers: frozenset[str] = frozenset()
    approvers: frozenset[str] = frozenset()
    notice_id: UUID | None = None
    last_notice_id: UUID | None = None
    payouts: tuple[UUID, ...] = ()
    settled: bool = False
    settled_on: date | None = None
    clawbacks: tuple[UUID, ...] = ()
    rises: int = 0
    risen_fen: int = 0
    supplement_fen: int = 0
    supplement_notice_id: UUID | None = None
    recused: frozenset[str] = frozenset()

    @property
    def is_under_way(self) -> bool:
        return self.stage in UNDER_WAY

    @property
    def is_approved(self) -> bool:
        """An approval stands that was not settled yet."""
        return self.stage in ("approved", "payable")

    @property
    def payout_id(self) -> UUID | None:
        """The payment of the standing approval, once its publicity has passed."""
        return self.payouts[-1] if self.stage in ("payable", "settled") and self.payouts else None


def payout_id(redemption_id: UUID, notice_id: UUID) -> UUID:
    """The payment that follows from one redemption's passing one notice: there is one, whoever computes it."""
    return uuid5(NAMESPACE, f"payout/{redemption_id}/{notice_id}")


def evolve(redemption: Redemption, event: Event, stamp: Stamp) -> Redemption:
    match event:
        case RedemptionRequested():
            return replace(
                redemption,
                redemption_id=event.redemption_id,
                voucher_id=event.voucher_id,
                stage="requested",
                request=event,
            )
        case ReviewOpened():
            return replace(redemption, stage="under_review")
        case RecusalRecorded():
            return replace(redemption, recused=redemption.recused | {event.recused_actor})
        case RedemptionReturned():
            return replace(redemption, stage="returned", mend_by=event.mend_by)
        case RedemptionResubmitted():
            return replace(redemption, stage="under_review", request=event, mend_by=None)
        case RedemptionReviewed():
            reviewers = redemption.reviewers | stamp.actor.persons
            return replace(redemption, stage="reviewed", reviewed_fen=event.amount_fen, reviewers=reviewers)
        case RedemptionWithdrawn():
            return replace(redemption, stage="withdrawn")
        case RedemptionLapsed():
            return replace(redemption, stage="lapsed")
        case RedemptionRejected():
            return replace(redemption, stage="rejected", notice_id=None)
    return _paid(redemption, event, stamp)


def _paid(redemption: Redemption, event: Event, stamp: Stamp) -> Redemption:
    """From the approval on."""
    match event:
        case RedemptionApproved():
            return replace(
                redemption,
                stage="approved",
                approved_fen=event.amount_fen,
                payee_uscc=event.payee_uscc,
                policy_version=event.policy_version,
                approvers=redemption.approvers | stamp.actor.persons,
                notice_id=None,
            )
        case RedemptionAdjusted() | RedemptionPublished() | PublicityPassed() if redemption.settled:
            return _supplemented(redemption, event, stamp)
        case RedemptionPublished():
            return replace(redemption, notice_id=event.notice_id, last_notice_id=event.notice_id)
        case ApprovalWithdrawn():
            return replace(redemption, stage="under_review", approved_fen=0, notice_id=None)
        case PublicityPassed():
            due = payout_id(event.redemption_id, event.notice_id)
            return replace(redemption, stage="payable", payouts=(*redemption.payouts, due))
        case PaymentAdded():
            return replace(redemption, payouts=(*redemption.payouts, event.payout_id))
        case RedemptionSettled():
            return replace(redemption, stage="settled", settled=True, settled_on=stamp.business_day)
        case RecoverySought():
            return replace(redemption, clawbacks=(*redemption.clawbacks, event.clawback_id))
        case RedemptionUnpaid() if redemption.supplement_notice_id is not None:
            return replace(redemption, risen_fen=max(redemption.risen_fen - event.unpaid_fen, 0), supplement_fen=0,
                           supplement_notice_id=None)  # fmt: skip
        case RedemptionUnpaid():
            return replace(redemption, stage="unpaid")
    return redemption


def _supplemented(redemption: Redemption, event: Event, stamp: Stamp) -> Redemption:
    """What was paid stays settled; a rise has a notice and a payment of its own."""
    match event:
        case RedemptionAdjusted():
            approvers = redemption.approvers | stamp.actor.persons
            if event.by_fen < 0:
                return replace(redemption, approvers=approvers)
            return replace(
                redemption,
                approvers=approvers,
                rises=redemption.rises + 1,
                risen_fen=redemption.risen_fen - redemption.supplement_fen + event.by_fen,
                supplement_fen=event.by_fen,
                supplement_notice_id=None,
            )
        case RedemptionPublished():
            return replace(redemption, supplement_notice_id=event.notice_id, last_notice_id=event.notice_id)
        case PublicityPassed():
            due = payout_id(event.redemption_id, event.notice_id)
            return replace(redemption, payouts=(*redemption.payouts, due), supplement_fen=0)
    return redemption


REDEMPTION = Fold(
    "redemption",
    "settlement",
    (
        RedemptionRequested,
        ReviewOpened,
        RedemptionReturned,
        RedemptionResubmitted,
        RedemptionWithdrawn,
        RedemptionLapsed,
        RedemptionReviewed,
        RedemptionApproved,
        RedemptionPublished,
        ApprovalWithdrawn,
        RedemptionRejected,
        PublicityPassed,
        RedemptionSettled,
        RedemptionUnpaid,
        RedemptionAdjusted,
        RecoverySought,
        RedemptionPassedOn,
        PaymentAdded,
        RecusalRecorded,
    ),
    Redemption(),
    evolve,
)
"""Keyed by ``redemption_id``."""
