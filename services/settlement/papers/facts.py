"""What each paper says, from the log itself and not from a view. A member has the name its template uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from tongdui_events.settlement import (
    ApprovalWithdrawn,
    ClawbackCancelled,
    ClawbackOrdered,
    RedemptionAdjusted,
    RedemptionApproved,
    RedemptionPassedOn,
    RedemptionRejected,
    RedemptionRequested,
)
from tongdui_events.streams import region_id

from services.settlement.domain.case_facts import CASE
from services.settlement.domain.registry_facts import REGION
from services.settlement.papers.kinds import KINDS, Facts
from services.settlement.papers.reading import Reading, Told
from services.settlement.papers.refusals import PaperNotYet
from services.settlement.window_rows import window_row
from shared.kernel import public_notice
from shared.kernel.decisions import NotFound

Members = dict[str, Any]


def _not_yet(kind: str, why_zh: str, why: str) -> PaperNotYet:
    return PaperNotYet(kind=kind, paper=KINDS[kind].zh, why_zh=why_zh, why=why)


# -- of a redemption -----------------------------------------------------------------------------


def _parties(reading: Reading, redemption_id: UUID, on: date) -> Members:
    """Who a request is of, by their names on a day: the parties of the request, or of its case where it is an old one."""
    asked = reading.told(redemption_id, (RedemptionRequested, RedemptionPassedOn))
    requested = next((one.event for one in asked if isinstance(one.event, RedemptionRequested)), None)
    if requested is None:
        raise NotFound(what="redemption", id=redemption_id)
    case = reading.get(CASE, requested.voucher_id)
    passed_on = [one.event.enterprise_uscc for one in asked if isinstance(one.event, RedemptionPassedOn)]
    enterprise = [requested.enterprise_uscc or case.enterprise_uscc, *passed_on][-1]
    provider, region = requested.provider_uscc or case.provider_uscc, requested.region or case.region
    return {
        "redemption_id": str(redemption_id), "voucher_id": str(requested.voucher_id), "mode": requested.mode or case.mode,
        "region": region, "region_name": reading.region_name(region),
        "enterprise_uscc": enterprise, "enterprise_name": reading.enterprise_name(enterprise, on),
        "provider_uscc": provider, "provider_name": reading.provider_name(provider, on),
    }  # fmt: skip


def _payee(parties: Members) -> str:
    return "enterprise" if parties["mode"] == "tongyong" else "provider"


def _request(kind: str) -> Callable[[Reading, UUID], Facts]:
    """兑付申请表 and 承诺书: what was handed in last."""

    def gathered(reading: Reading, redemption_id: UUID) -> Facts:
        told = reading.told(redemption_id, KINDS[kind].events)
        handed_in = next((one for one in reversed(told) if not isinstance(one.event, RedemptionPassedOn)), None)
        if handed_in is None:
            raise NotFound(what="redemption", id=redemption_id)
        event, on = handed_in.event, handed_in.stamp.business_day
        parties = _parties(reading, redemption_id, on)
        by, stated = event.submitted_by, event.model_dump(mode="json")
        members = parties | {
            "submitted_by": by, "submitted_on": on.isoformat(), "claimed_fen": event.claimed_fen,
            "allocation_fen": reading.get(CASE, event.voucher_id).allocation_fen,
            "applicant_name": parties[f"{by}_name"], "applicant_uscc": parties[f"{by}_uscc"],
            "payee_name": parties[f"{_payee(parties)}_name"],
            "lines": stated["lines"], "invoices": stated["invoices"], "documents": stated["documents"],
            # a bank's reference is kept as a digest: nothing a reader could use
            "receipts": [{name: of[name] for name in of if name != "reference_hmac"} for of in stated["receipts"]],
        }  # fmt: skip
        subject = str(redemption_id)
        return Facts(kind, subject, redemption_id, told[-1].version, subject, event.claimed_fen, members)

    return gathered


def _decision(reading: Reading, redemption_id: UUID) -> Facts:
    """审核决定通知书: the approval that stands with what was changed of it since, or the rejection."""
    told = reading.told(redemption_id, KINDS["decision"].events)
    decided = next((one for one in reversed(told) if not isinstance(one.event, RedemptionAdjusted)), None)
    if decided is None or isinstance(decided.event, ApprovalWithdrawn):
        withdrawn = decided is not None
        raise _not_yet("decision", "同意已被撤回" if withdrawn else "尚未作出决定",
                       "the approval was withdrawn" if withdrawn else "nothing is decided yet")  # fmt: skip
    event, on = decided.event, decided.stamp.business_day
    parties = _parties(reading, redemption_id, on)
    members = parties | {"decided_on": on.isoformat(), "payee_name": parties[f"{_payee(parties)}_name"]}
    members |= _approval(event, told) if isinstance(event, RedemptionApproved) else _rejection(event)
    subject = str(redemption_id)
    return Facts("decision", subject, redemption_id, told[-1].version, subject, members["sum_fen"], members)


def _approval(event: RedemptionApproved, told: Sequence[Told]) -> Members:
    adjusted = sum(one.event.by_fen for one in told if isinstance(one.event, RedemptionAdjusted))
    return {
        "approved": True, "approved_fen": event.amount_fen, "adjusted_fen": adjusted, "sum_fen": event.amount_fen + adjusted,
        "policy_version": event.policy_version, "reasons": [], "decision_no": None,
    }  # fmt: skip


def _rejection(event: RedemptionRejected) -> Members:
    return {
        "approved": False, "approved_fen": 0, "adjusted_fen": 0, "sum_fen": 0, "policy_version": 0,
        "reasons": list(event.reasons), "decision_no": event.decision_no,
    }  # fmt: skip


# -- of a recovery, a notice, a window --------------------------------------------------------------


def _letter(reading: Reading, clawback_id: UUID) -> Facts:
    """追回通知书: the order that stands. How much of it came back meanwhile is no part of it."""
    told = reading.told(clawback_id, KINDS["letter"].events)
    if not told:
        raise NotFound(what="clawback", id=clawback_id)
    proposed, last = told[0].event, told[-1]
    if not isinstance(last.event, ClawbackOrdered):
        cancelled = isinstance(last.event, ClawbackCancelled)
        raise _not_yet("letter", "追回已撤销" if cancelled else "尚未决定追回",
                       "the recovery was cancelled" if cancelled else "the recovery is proposed, not ordered")  # fmt: skip
    event, on = last.event, last.stamp.business_day
    debtor = "enterprise" if event.debtor_uscc == event.enterprise_uscc else "provider"
    parties = _parties(reading, event.redemption_id, on) | {
        "enterprise_uscc": event.enterprise_uscc, "enterprise_name": reading.enterprise_name(event.enterprise_uscc, on),
        "provider_uscc": event.provider_uscc, "provider_name": reading.provider_name(event.provider_uscc, on),
        "region": event.region, "region_name": reading.region_name(event.region),
    }  # fmt: skip
    terms = reading.get(REGION, region_id(event.region)).in_force(on)
    members = parties | {
        "clawback_id": str(clawback_id), "decision_no": event.decision_no, "ground": proposed.ground,
        "debtor_name": parties[f"{debtor}_name"], "debtor_uscc": event.debtor_uscc, "ordered_on": on.isoformat(),
        "amount_fen": event.amount_fen, "instalments": [one.model_dump(mode="json") for one in event.instalments or ()],
        "offset_allowed": terms is not None and terms.terms.offset_allowed,
    }  # fmt: skip
    return Facts("letter", str(clawback_id), clawback_id, last.version, event.decision_no, event.amount_fen, members)


def _attachment(reading: Reading, notice_id: UUID) -> Facts:
    """公示附件: parties, region, item and sum of each item of a notice; nothing else becomes public."""
    told = reading.told(notice_id, KINDS["attachment"].events)
    notice = public_notice.PublicNotice()
    for one in told:
        notice = public_notice.evolve(notice, one.event, one.stamp)
    if notice.number is None:
        raise NotFound(what="notice", id=notice_id)
    items = [
        {"item_id": str(item_id), "name": one.item.name, "region": one.item.region, "amount_fen": one.item.amount_fen or 0,
         "opens_on": one.opens_on.isoformat(), "last_day_on": one.last_day_on.isoformat(), "dropped": one.dropped}
        for item_id, one in notice.items.items()
    ]  # fmt: skip
    region, total = items[0]["region"], sum(one["amount_fen"] for one in items if not one["dropped"])
    members = {
        "number": notice.number, "kind": notice.kind, "region": region, "region_name": reading.region_name(region),
        "withdrawn": notice.withdrawn, "opens_on": min(one["opens_on"] for one in items),
        "last_day_on": max(one["last_day_on"] for one in items), "items": items, "total_fen": total,
    }  # fmt: skip
    return Facts("attachment", str(notice_id), notice_id, told[-1].version, notice.number, total, members)


def statement_facts(reading: Reading, window_id: UUID, region: str) -> Facts:
    """结算单: what one region owes and got back in a window. Raises NotFound."""
    told = reading.told(window_id, KINDS["statement"].events)
    row: Members = {}
    for one in told:
        row = window_row(row, one.event, one.stamp)
    position = next((one for one in row.get("positions", ()) if one["region"] == region), None)
    if position is None:
        raise NotFound(what="window", id=window_id)
    members = {name: row[name] for name in ("window_id", "agent_id", "opens_on", "closes_on")} | position
    members |= {"region_name": reading.region_name(region), "missing_fen": position["asked_fen"] - position["received_fen"]}
    subject = f"{window_id}/{region}"
    version = max(one.version for one in told if KINDS["statement"].concerns(one.event, subject))
    return Facts("statement", subject, window_id, version, str(window_id), position["asked_fen"], members)


def list_facts(
    reading: Reading, batch: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], numbers: Mapping[str, str]
) -> Facts:
    """拨付汇总表: a released batch, its lines and account numbers as the sheet has them."""
    batch_id = UUID(batch["batch_id"])
    told = reading.told(batch_id, KINDS["list"].events)
    said = [
        {"account": numbers.get(line["account_hmac"], f"尾号{line['last4']}")}
        | {name: line[name] for name in ("line_no", "payee_name", "payee_uscc", "bank_code", "amount_fen", "end_to_end_id")}
        for line in lines
    ]
    total = sum(line["amount_fen"] for line in said)
    members = {name: batch[name] for name in ("batch_id", "message_id", "payer", "opened_by", "released_by", "file_sha256")}
    members |= {"region_name": reading.region_name(batch["payer"]), "lines": said, "total_fen": total}
    return Facts("list", str(batch_id), batch_id, told[-1].version, batch["message_id"], total, members)


GATHERED: dict[str, Callable[[Reading, UUID], Facts]] = {
    "request": _request("request"), "undertaking": _request("undertaking"), "decision": _decision, "letter": _letter,
    "attachment": _attachment,
}  # fmt: skip
"""By kind, for papers of one id. Raises NotFound, PaperNotYet."""
