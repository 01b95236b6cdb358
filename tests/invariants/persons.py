"""Invariant 7: what must be done by separate persons was."""

from __future__ import annotations

from collections import defaultdict

from tests.invariants.history import Fact, History
from tests.invariants.report import Report

#: decisions against which one appeals, with the fields that name their subject
_APPEALABLE = (
    "ApplicationRefused", "AllocationRefused", "QualificationRefused", "ProviderRefused", "RedemptionRejected",
    "ObjectionDismissed", "ObjectionUpheld", "ClawbackOrdered", "SanctionDecided", "VoucherVoided", "VoucherExpired",
    "SupplementRefused",
)


def check(history: History, report: Report) -> None:
    _payment(history, report)
    for source, first, second, field in (
        ("settlement", "ClawbackProposed", "ClawbackOrdered", "clawback_id"),
        ("audit", "SanctionProposed", "SanctionDecided", "sanction_id"),
    ):
        _proposal(history, report, source, first, second, field)
    for source in history.logs:
        _appeals(history, report, source)


def _payment(history: History, report: Report) -> None:
    """Over all rounds of a case: review ≠ approval ≠ batch release."""
    case_of = {fact["redemption_id"]: fact["voucher_id"] for fact in history.of("settlement", "RedemptionRequested")}
    redemption_of = {fact["payout_id"]: fact["redemption_id"] for fact in history.of("settlement", "PayoutScheduled")}
    reviewers: defaultdict[str, dict[str, Fact]] = defaultdict(dict)
    approvers: defaultdict[str, dict[str, Fact]] = defaultdict(dict)
    released = {fact["batch_id"]: fact for fact in history.of("settlement", "BatchReleased")}
    for fact in history.of("settlement", "RedemptionReviewed", "RedemptionApproved", "PayoutInstructed"):
        if fact.type == "RedemptionReviewed":
            case = case_of.get(fact["redemption_id"], fact["redemption_id"])
            reviewers[case][fact.person] = fact
            _apart(fact, approvers[case], report)
        elif fact.type == "RedemptionApproved":
            case = case_of.get(fact["redemption_id"], fact["redemption_id"])
            approvers[case][fact.person] = fact
            _apart(fact, reviewers[case], report)
        else:
            redemption = redemption_of.get(fact["payout_id"], "")
            case = case_of.get(redemption, redemption)
            release = released.get(fact["batch_id"], fact)
            _apart(release, {**reviewers[case], **approvers[case]}, report)


def _apart(fact: Fact, others: dict[str, Fact], report: Report) -> None:
    other = others.get(fact.person)
    report.expect("7", other is None, fact, f"{fact.person} did {other} too")


def _proposal(history: History, report: Report, source: str, first: str, second: str, field: str) -> None:
    proposed: defaultdict[str, dict[str, Fact]] = defaultdict(dict)
    for fact in history.of(source, first, second):
        if fact.type == first:
            proposed[fact[field]][fact.person] = fact
        else:
            _apart(fact, proposed[fact[field]], report)


def _appeals(history: History, report: Report, source: str) -> None:
    """The appeal is decided by another person than the last decision about its subject."""
    decided: dict[str, Fact] = {}
    appealed: dict[str, Fact] = {}
    for fact in history.of(source, *_APPEALABLE, "AppealLodged", "AppealDecided"):
        if fact.type == "AppealLodged":
            if fact["subject"]["id"] in decided:
                appealed[fact["appeal_id"]] = decided[fact["subject"]["id"]]
            else:
                report.leave_out("appeals against decisions of another log: who decided them")
        elif fact.type == "AppealDecided":
            if fact["appeal_id"] in appealed:
                against = appealed[fact["appeal_id"]]
                _apart(fact, {against.person: against}, report)
        else:
            for id_ in _ids(fact):
                decided[id_] = fact


def _ids(fact: Fact) -> set[str]:
    return {value for field, value in fact.document.items() if field.endswith(("_id", "uscc")) and isinstance(value, str)
            and field not in ("causation_id", "case_id")}
