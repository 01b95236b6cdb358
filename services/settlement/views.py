"""What can be read of redemptions, notices, payments and batches."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tongdui_events.document import Event, Stamp
from tongdui_events.payments import (
    AgentAppointed,
    AgentReplaced,
    BatchAnswered,
    BatchOpened,
    BatchReconciled,
    BatchReleased,
    OffsetLapsed,
    OffsetTaken,
    PayeeAccountConfirmed,
    PayeeAccountProposed,
    PayoutCancelled,
    PayoutFailed,
    PayoutFreed,
    PayoutHeld,
    PayoutInstructed,
    PayoutReturned,
    PayoutScheduled,
    PayoutSettled,
    PayoutUncertain,
    StatementOverrideAsked,
)
from tongdui_events.settlement import (
    ApprovalWithdrawn,
    PublicityPassed,
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

from services.settlement.clawback_rows import clawback_row
from services.settlement.domain.agents import AGENT
from services.settlement.domain.bank_answers import ANSWERED_WITHIN
from services.settlement.domain.batches import BATCH
from services.settlement.domain.books import BOOKED
from services.settlement.domain.clawbacks import CLAWBACK
from services.settlement.domain.payment import PORT
from services.settlement.domain.payouts import PAYOUT
from services.settlement.domain.statements import OVERRIDE
from services.settlement.domain.windows import WINDOW
from services.settlement.ledger_rows import ledger_key, ledger_row
from services.settlement.window_rows import window_end_row, window_ends, window_row
from shared.kernel.public_notice import NOTICE_EVENTS, PublicNotice, PublishedItem, evolve, next_close_on
from shared.runtime.document_view import Use, document_row
from shared.runtime.projections import View

Row = dict[str, Any]
_DAY = timedelta(days=1)

# -- redemptions ---------------------------------------------------------------------------------

REDEMPTION_STATES: dict[type[Event], str] = {
    RedemptionRequested: "requested",
    ReviewOpened: "under_review",
    RedemptionReturned: "returned",
    RedemptionResubmitted: "under_review",
    RedemptionReviewed: "reviewed",
    RedemptionApproved: "approved",
    RedemptionPublished: "published",
    ApprovalWithdrawn: "under_review",
    PublicityPassed: "payable",
    RedemptionSettled: "settled",
    RedemptionWithdrawn: "withdrawn",
    RedemptionLapsed: "lapsed",
    RedemptionRejected: "rejected",
    RedemptionUnpaid: "unpaid",
}
_EVIDENCE = {"invoices", "receipts", "documents", "lines"}
_SUMS = {RedemptionReviewed: "reviewed_fen", RedemptionApproved: "approved_fen"}


def redemption_row(row: Row | None, event: Event, stamp: Stamp) -> Row:
    """Parties, sums, where it stands; the evidence stays in the events. ``due_on``: the day it lapses."""
    fields = event.model_dump(mode="json", exclude=_EVIDENCE)
    if isinstance(event, RedemptionPassedOn):
        return {**(row or {}), **fields}
    if isinstance(event, RedemptionUnpaid) and (row or {}).get("adjusted_fen", 0) > 0:
        return {**(row or {}), "adjusted_fen": max((row or {})["adjusted_fen"] - event.unpaid_fen, 0)}
    if type(event) in _SUMS:
        fields[_SUMS[type(event)]] = fields.pop("amount_fen")
    if isinstance(event, RedemptionPublished | ApprovalWithdrawn):
        fields["notice_id"] = fields.get("notice_id")
    due_on = (event.mend_by + _DAY).isoformat() if isinstance(event, RedemptionReturned) else None
    if row and row.get("state") == "settled" and isinstance(event, RedemptionPublished | PublicityPassed | RedemptionAdjusted):
        by_fen = fields.pop("by_fen", 0)
        return {**row, **fields, "adjusted_fen": row.get("adjusted_fen", 0) + by_fen}
    return {**(row or {}), **fields, "state": REDEMPTION_STATES[type(event)], "due_on": due_on}


# -- notices -------------------------------------------------------------------------------------


def notice_row(row: Row | None, event: Event, stamp: Stamp) -> Row:
    """Number, period and items with parties, region and amount: public. 三(四)

    ``due_on``: the day of the next close; ``folded``: the notice as decisions see it.
    """
    known = PublicNotice.model_validate(row["folded"]) if row else PublicNotice()
    notice = evolve(known, event, stamp)
    items = list(notice.items.values())
    due_on = next_close_on(notice)
    return {
        "notice_id": str(notice.notice_id),
        "number": notice.number,
        "kind": notice.kind,
        "region": items[0].item.region if items else None,
        "state": notice.state,
        "opens_on": min((item.opens_on for item in items), default=stamp.business_day).isoformat(),
        "last_day_on": max((item.last_day_on for item in items), default=stamp.business_day).isoformat(),
        "items": [_public_item(item) for item in items],
        "due_on": due_on.isoformat() if due_on else None,
        "folded": notice.model_dump(mode="json"),
    }


def _public_item(item: PublishedItem) -> Row:
    return {
        **item.item.model_dump(mode="json"),
        "opens_on": item.opens_on.isoformat(),
        "last_day_on": item.last_day_on.isoformat(),
        "state": _item_state(item),
    }


def _item_state(item: PublishedItem) -> str:
    if item.upheld or item.dropped:
        return "upheld" if item.upheld else "dropped"
    if item.open_objections:
        return "contested"
    return "passed" if item.passed else "open"


# -- payouts -------------------------------------------------------------------------------------

PAYOUT_STATES: dict[type[Event], str] = {
    PayoutScheduled: "scheduled",
    PayoutInstructed: "instructed",
    PayoutSettled: "settled",
    PayoutFailed: "failed",
    PayoutUncertain: "uncertain",
    PayoutReturned: "returned",
    PayoutCancelled: "cancelled",
}
_WAITING = frozenset({"scheduled", "failed", "returned"})


def payout_row(row: Row | None, event: Event, stamp: Stamp) -> Row:
    """Sum, payee, where it stands, why it waits. ``earlier``: what became of the attempts before, by their end-to-end ids;
    ``due_on``: the day it is looked at again while it waits."""
    known = row or {"holds": []}
    holds = known["holds"]
    if isinstance(event, PayoutHeld):
        holds = [*holds, event.reason]
        fields: Row = {}
    elif isinstance(event, PayoutFreed):
        holds = [reason for reason in holds if reason != event.reason]
        fields = {}
    elif isinstance(event, OffsetTaken):
        fields = {} if known["amount_fen"] else {"state": "settled"}
    elif isinstance(event, OffsetLapsed):
        fields = {"offset_fen": 0, "offset_clawback_id": None}
    else:
        fields = event.model_dump(mode="json", exclude={"account_hmac"}) | {"state": PAYOUT_STATES[type(event)]}
    if isinstance(event, PayoutInstructed) and "end_to_end_id" in known:
        fields["earlier"] = {**known.get("earlier", {}), known["end_to_end_id"]: known["state"]}
    changed = {**known, **fields, "holds": holds, "held": bool(holds)}
    waits = changed.get("state") in _WAITING
    return changed | {"due_on": (stamp.business_day + _DAY).isoformat() if waits else None}


def instructed_row(row: Row | None, event: Event, stamp: Stamp) -> Row | None:
    """Payments that are out, and the day their channel is asked what became of them."""
    if isinstance(event, PayoutInstructed):
        due_on = PORT.answers_on(stamp.business_day).isoformat()
        fields = event.model_dump(mode="json", include={"payout_id", "batch_id", "end_to_end_id", "amount_fen"})
        return {**fields, "due_on": due_on}
    return row if isinstance(event, PayoutUncertain) else None


def unanswered_row(row: Row | None, event: Event, stamp: Stamp) -> Row | None:
    """Payments that are out and of which nothing was heard, and the day on which that is too long."""
    if isinstance(event, PayoutScheduled):
        return {"payout_id": str(event.payout_id), "channel": event.channel, "due_on": None}
    if isinstance(event, PayoutCancelled | PayoutSettled) or row is None:
        return None
    if not isinstance(event, PayoutInstructed):
        return {**row, "due_on": None}
    due_on = stamp.business_day + ANSWERED_WITHIN[row["channel"]] + _DAY
    return {**row, "end_to_end_id": event.end_to_end_id, "due_on": due_on.isoformat()}


# -- batches, accounts, agents -------------------------------------------------------------------


def batch_row(row: Row | None, event: Event, stamp: Stamp) -> Row:
    if isinstance(event, BatchAnswered):
        return {**(row or {}), "answers": [*(row or {}).get("answers", []), event.model_dump(mode="json", exclude={"batch_id"})]}
    by = {BatchOpened: {"opened_by": stamp.actor.id}, BatchReleased: {"released_by": stamp.actor.id}}.get(type(event), {})
    return {**(row or {}), **event.model_dump(mode="json"), **by, "state": _BATCH_STATES[type(event)]}


_BATCH_STATES: dict[type[Event], str] = {BatchOpened: "open", BatchReleased: "released", BatchReconciled: "reconciled"}


def statement_row(row: Row | None, event: Event, stamp: Stamp) -> Row:
    """A statement that was refused whole. ``state``: asked by one person, overridden by two."""
    state = "asked" if isinstance(event, StatementOverrideAsked) else "overridden"
    return {**(row or {}), **event.model_dump(mode="json"), "state": state}


def batch_line_row(row: Row | None, event: PayoutInstructed, stamp: Stamp) -> Row:
    """One line of what went out, as it was instructed. Read by those who may read the batch."""
    return event.model_dump(mode="json")


def _batch_line(event: PayoutInstructed, stamp: Stamp) -> str:
    """In the order they stand on the list."""
    return f"{event.batch_id}/{event.line_no or 0:05d}/{event.end_to_end_id}"


def account_row(row: Row | None, event: Event, stamp: Stamp) -> Row:
    """The last four of the account in use and of the one that waits; no digest. ``regions``: who is asked to pay there."""
    known = row or {"last4": None, "bank_code": None, "regions": [], "state": "unknown"}
    if isinstance(event, RedemptionRequested):
        return {**known, "uscc": _payee(event, stamp), "regions": sorted({*known["regions"], event.region})}
    if isinstance(event, PayeeAccountConfirmed):
        stated = {"last4": event.last4, "bank_code": event.bank_code, "state": "confirmed", "proposed_last4": None}
        return {**known, "uscc": event.uscc, **stated}
    return {**known, "uscc": event.uscc, "proposed_last4": event.last4, "state": "proposed"}


def _payee(event: PayeeAccountProposed | PayeeAccountConfirmed | RedemptionRequested, stamp: Stamp) -> str | None:
    """Whose account it is about; nobody's where an old request does not say who is paid."""
    if not isinstance(event, RedemptionRequested):
        return event.uscc
    if event.region is None:
        return None
    return event.enterprise_uscc if event.mode == "tongyong" else event.provider_uscc


def agent_row(row: Row | None, event: Event, stamp: Stamp) -> Row:
    state = "replaced" if isinstance(event, AgentReplaced) else "appointed"
    return {**(row or {}), **event.model_dump(mode="json"), "state": state}


def _redemption(event: Any, stamp: Stamp) -> str:
    return str(event.redemption_id)


def _payout(event: Any, stamp: Stamp) -> str:
    return str(event.payout_id)


def _documents(event: RedemptionRequested | RedemptionResubmitted, stamp: Stamp) -> list[tuple[str, Use]]:
    case, voucher, region = str(event.redemption_id), str(event.voucher_id), getattr(event, "region", None)
    return [(one.sha256, Use(one.sha256, one.kind, case, voucher, region)) for one in event.documents]


_ANSWERABLE = (PayoutScheduled, PayoutInstructed, PayoutUncertain, PayoutFailed, PayoutSettled, PayoutReturned, PayoutCancelled)

VIEWS: list[View] = [
    View("documents", (RedemptionRequested, RedemptionResubmitted), _redemption, document_row, ("shared",), _documents),
    View(
        "redemptions", (*REDEMPTION_STATES, RedemptionPassedOn, RedemptionAdjusted), _redemption, redemption_row,
        indexed=("region", "state", "voucher_id"),
    ),
    View("notices", NOTICE_EVENTS, lambda e, _: str(e.notice_id), notice_row, indexed=("region", "state", "number")),
    View("payouts", PAYOUT.types, _payout, payout_row, indexed=("region", "state", "channel")),
    View("instructed", tuple(PAYOUT_STATES), _payout, instructed_row),
    View("unanswered", _ANSWERABLE, _payout, unanswered_row),
    View("batches", (*BATCH.types, BatchAnswered), lambda e, _: str(e.batch_id), batch_row, indexed=("payer", "state")),
    View("statements", OVERRIDE.types, lambda e, _: e.statement_sha256, statement_row),
    View("accounts", (PayeeAccountProposed, PayeeAccountConfirmed, RedemptionRequested), _payee, account_row),
    View("agents", AGENT.types, lambda e, _: str(e.agent_id), agent_row),
    View("batch_lines", (PayoutInstructed,), _batch_line, batch_line_row, indexed=("batch_id",)),
    View("windows", WINDOW.types, lambda e, _: str(e.window_id), window_row, indexed=("agent_id", "state")),
    View("window_ends", (AgentAppointed,), lambda e, _: str(e.agent_id), window_end_row, parts=window_ends),
    View("ledgers", BOOKED, ledger_key, ledger_row, indexed=("region",)),
    View(
        "clawbacks",
        CLAWBACK.types,
        lambda e, _: str(e.clawback_id),
        clawback_row,
        indexed=("region", "state", "redemption_id", "debtor_uscc"),
    ),
]
