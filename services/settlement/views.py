"""What can be read of redemptions, notices and payments."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tongdui_events.document import Event, Stamp
from tongdui_events.payments import (
    BatchOpened,
    BatchReleased,
    PayoutInstructed,
    PayoutScheduled,
)
from tongdui_events.settlement import (
    ApprovalWithdrawn,
    PublicityPassed,
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

from services.settlement.domain.payment import settles_on
from services.settlement.domain.payouts import PAYOUT, STAGES
from services.settlement.domain.redemption import REDEMPTION
from shared.kernel.public_notice import NOTICE_EVENTS, PublicNotice, evolve, next_close_on
from shared.runtime.projections import View

Row = dict[str, Any] | None
REDEMPTION_STATES: dict[type[Event], str] = {
    RedemptionRequested: "requested", RedemptionResubmitted: "requested", RedemptionReturned: "returned",
    RedemptionReviewed: "reviewed", RedemptionApproved: "approved", RedemptionPublished: "published",
    PublicityPassed: "passed", ApprovalWithdrawn: "requested", RedemptionRejected: "rejected",
    RedemptionWithdrawn: "withdrawn", RedemptionLapsed: "lapsed", RedemptionSettled: "settled", RedemptionUnpaid: "unpaid",
}
PAYOUT_STATES: dict[type[Event], str] = {PayoutScheduled: "scheduled", PayoutInstructed: "instructed", **STAGES}
EVIDENCE = {"invoices", "receipts", "documents", "lines", "steps"}


def redemption_row(row: Row, event: Event, stamp: Stamp) -> Row:
    """Parties, sums, state; the evidence stays in the events."""
    fields = event.model_dump(mode="json", exclude=EVIDENCE)
    return {**(row or {}), **fields, "state": REDEMPTION_STATES[type(event)]}


def payout_row(row: Row, event: Event, stamp: Stamp) -> Row:
    fields = event.model_dump(mode="json", exclude={"account_hmac"})
    return {**(row or {}), **fields, "state": PAYOUT_STATES[type(event)]}


def batch_row(row: Row, event: Event, stamp: Stamp) -> Row:
    return {**(row or {}), **event.model_dump(mode="json")}


def instructed_row(row: Row, event: Event, stamp: Stamp) -> Row:
    """Payments out, and when the stand-in bank answers."""
    if not isinstance(event, PayoutInstructed):
        return None
    due_on = settles_on(stamp.business_day).isoformat()
    return {"payout_id": str(event.payout_id), "end_to_end_id": event.end_to_end_id, "due_on": due_on}


def mending_row(row: Row, event: Event, stamp: Stamp) -> Row:
    """Returned requests, and the day after their last day."""
    if not isinstance(event, RedemptionReturned):
        return None
    due_on = (event.mend_by + timedelta(days=1)).isoformat()
    return {"redemption_id": str(event.redemption_id), "due_on": due_on}


def _folded(row: Row, event: Event, stamp: Stamp) -> PublicNotice:
    known = PublicNotice.model_validate(row["folded"]) if row else PublicNotice()
    return evolve(known, event, stamp)


def notice_row(row: Row, event: Event, stamp: Stamp) -> Row:
    """Number, period and items with parties, region and amount: public. 三(四)"""
    notice = _folded(row, event, stamp)
    items = [
        {
            **published.item.model_dump(mode="json"),
            "opens_on": published.opens_on.isoformat(),
            "last_day_on": published.last_day_on.isoformat(),
            "passed": published.passed,
        }
        for published in notice.items.values()
    ]
    return {
        "notice_id": str(notice.notice_id), "number": notice.number, "kind": notice.kind, "state": notice.state,
        "items": items, "folded": notice.model_dump(mode="json"),
    }


def deadline_row(row: Row, event: Event, stamp: Stamp) -> Row:
    notice = _folded(row, event, stamp)
    due_on = next_close_on(notice)
    return {
        "notice_id": str(notice.notice_id), "due_on": due_on.isoformat() if due_on else None,
        "folded": notice.model_dump(mode="json"),
    }


def _redemption(event: Event, stamp: Stamp) -> str:
    return str(event.redemption_id)


def _payout(event: Event, stamp: Stamp) -> str:
    return str(event.payout_id)


def _notice(event: Event, stamp: Stamp) -> str:
    return str(event.notice_id)


VIEWS: list[View] = [
    View("redemptions", REDEMPTION.types, _redemption, redemption_row, indexed=("region", "state")),
    View("payouts", PAYOUT.types, _payout, payout_row, indexed=("region", "state")),
    View("batches", (BatchOpened, BatchReleased), lambda event, stamp: str(event.batch_id), batch_row),
    View("notices", NOTICE_EVENTS, _notice, notice_row, indexed=("state",)),
    View("notice_deadlines", NOTICE_EVENTS, _notice, deadline_row),
    View("instructed", PAYOUT.types, _payout, instructed_row),
    View("mending", REDEMPTION.types, _redemption, mending_row),
]
