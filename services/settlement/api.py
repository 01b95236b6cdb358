"""The settlement API: who may call what, and who sees what. Paths are under ``/settlement/v1``."""

from __future__ import annotations

from services.settlement.bank.routes import bank_file_routes, keep_number
from services.settlement.books_routes import books_routes
from services.settlement.domain import (
    accounts,
    adjustments,
    agents,
    approval,
    bank_answers,
    batch_words,
    batches,
    clawbacks,
    endings,
    handover,
    invoice_checks,
    notices,
    objections,
    payouts,
    recusal,
    request,
    result_lists,
    review,
    statements,
    windows,
)
from services.settlement.papers.results import read_results
from services.settlement.papers.routes import PaperRoutes
from shared.kernel.commands import Principal
from shared.runtime.document_routes import DocumentRoutes
from shared.runtime.routes import CommandRoute, Scope, ViewRoute

PARTIES = {"enterprise", "provider"}
CENTRE = {"centre"}
REGION = {"regional_officer"}
PAYERS = REGION | {"agent"}
PUBLIC = {"public"}
ANYONE_WITH_A_NAME = PARTIES | CENTRE | PAYERS | {"provincial_officer", "auditor", "operator"}


def redemptions_seen(principal: Principal) -> Scope:
    """A party sees its own, a department what its region pays, a centre what the regions pay that entrust it."""
    if principal.role in PARTIES:
        return {f"{principal.role}_uscc": principal.uscc}
    if principal.role == "centre":
        return [{"region": region} for region in principal.regions]
    return _of_its_region(principal)


def payouts_seen(principal: Principal) -> Scope:
    """A payee sees its own, a department its region's, an agent what goes through agents for the regions it pays for."""
    if principal.role in PARTIES:
        return {"payee_uscc": principal.uscc}
    if principal.role == "agent":
        return [{"channel": "agent", "region": region} for region in principal.regions]
    return _of_its_region(principal)


def batches_seen(principal: Principal) -> Scope:
    """Who pays by them."""
    if principal.role == "agent":
        return {"payer": str(principal.member_of)}
    return {"payer": principal.region} if principal.role == "regional_officer" else None


def statements_seen(principal: Principal) -> Scope:
    """The agent whose bank sent them."""
    return {"agent_id": str(principal.member_of)} if principal.role == "agent" else None


def windows_seen(principal: Principal) -> Scope:
    """The agent whose they are, and the departments of the regions in them."""
    return {"agent_id": str(principal.member_of)} if principal.role == "agent" else _of_several_regions(principal)


def clawbacks_seen(principal: Principal) -> Scope:
    """Who owes it sees its own, a department its region's, a centre those of the regions that entrust it."""
    if principal.role in PARTIES:
        return {"debtor_uscc": principal.uscc}
    if principal.role == "centre":
        return [{"region": region} for region in principal.regions]
    return _of_its_region(principal)


def accounts_seen(principal: Principal) -> Scope:
    """A payee sees its own; those who pay and review, the payees of requests in their regions."""
    return {"uscc": principal.uscc} if principal.role in PARTIES else _of_several_regions(principal)


def _of_several_regions(principal: Principal) -> Scope:
    """Rows that name their regions."""
    if principal.role in ("centre", "agent"):
        return [{"regions": [region]} for region in principal.regions]
    return {"regions": [principal.region]} if principal.role == "regional_officer" else None


def _of_its_region(principal: Principal) -> Scope:
    return {"region": principal.region} if principal.role == "regional_officer" else None


def documents_seen(principal: Principal) -> Scope:
    """A department sees those of its region's cases, a centre those of the regions that entrust it."""
    return _of_several_regions(principal)


READS_REDEMPTIONS = PARTIES | CENTRE | REGION | {"auditor"}
READS_PAYOUTS = PARTIES | PAYERS | {"auditor"}

ROUTES: list[CommandRoute | ViewRoute] = [
    # requests
    CommandRoute("/redemptions", request.RequestRedemption, roles=PARTIES),
    CommandRoute("/redemptions/{redemption_id}/resubmit", request.ResubmitRedemption, roles=PARTIES),
    CommandRoute("/redemptions/{redemption_id}/withdraw", endings.WithdrawRedemption, roles=PARTIES),
    CommandRoute("/redemptions/{redemption_id}/return", endings.ReturnRedemption, roles=CENTRE | REGION),
    CommandRoute("/redemptions/{redemption_id}/reject", endings.RejectRedemption, roles=CENTRE | REGION),
    # review and approval
    CommandRoute("/redemptions/{redemption_id}/review", review.ReviewRedemption, roles=CENTRE),
    CommandRoute("/redemptions/{redemption_id}/approve", approval.ApproveRedemption, roles=REGION),
    CommandRoute("/redemptions/{redemption_id}/approval/withdraw", approval.WithdrawApproval, roles=REGION),
    CommandRoute("/redemptions/{redemption_id}/adjust", adjustments.AdjustRedemption, roles=REGION),
    CommandRoute("/redemptions/{redemption_id}/recusals", recusal.RecordRecusal, roles=CENTRE | REGION),
    ViewRoute("/redemptions/{key}", "redemptions", roles=READS_REDEMPTIONS, scope=redemptions_seen),
    ViewRoute(
        "/redemptions",
        "redemptions",
        roles=READS_REDEMPTIONS,
        scope=redemptions_seen,
        filters=("region", "state", "voucher_id"),
    ),
    ViewRoute(
        "/documents",
        "documents",
        roles=CENTRE | REGION | {"auditor"},
        scope=documents_seen,
        filters=("shared",),
        description="Digests by case; shared=yes: one file behind several vouchers.",
    ),
    # public notices
    CommandRoute("/notices", notices.PublishNotice, roles=REGION),
    CommandRoute("/notices/{notice_id}/correct", notices.CorrectNotice, roles=REGION),
    CommandRoute("/notices/{notice_id}/withdraw", notices.WithdrawNotice, roles=REGION),
    CommandRoute(
        "/notices/{notice_id}/objections", objections.RaiseObjection, roles=PUBLIC | ANYONE_WITH_A_NAME
    ),
    CommandRoute("/notices/{notice_id}/objections/{objection_id}/ruling", objections.RuleOnObjection, roles=REGION),
    ViewRoute("/notices/{key}", "notices", roles=PUBLIC),
    ViewRoute("/notices", "notices", roles=PUBLIC, filters=("region", "state", "number")),
    # accounts and agents
    CommandRoute("/accounts/{uscc}", accounts.ProposePayeeAccount, roles=PARTIES, keep=keep_number),
    CommandRoute("/accounts/{uscc}/confirm", accounts.ConfirmPayeeAccount, roles=PARTIES | CENTRE | REGION),
    ViewRoute(
        "/accounts/{key}", "accounts", roles=PARTIES | CENTRE | PAYERS | {"auditor"}, scope=accounts_seen
    ),
    CommandRoute("/agents", agents.AppointAgent, roles={"operator"}),
    CommandRoute("/agents/{agent_id}/replace", agents.ReplaceAgent, roles={"operator"}),
    ViewRoute("/agents", "agents", roles=ANYONE_WITH_A_NAME),
    # payouts and batches
    CommandRoute("/payouts/{payout_id}/hold", payouts.HoldPayout, roles=REGION),
    CommandRoute("/payouts/{payout_id}/free", payouts.FreePayout, roles=REGION),
    CommandRoute("/payouts/{payout_id}/cancel", payouts.CancelPayout, roles=REGION),
    CommandRoute("/payouts/{payout_id}/settled", bank_answers.RecordSettlement, roles=PAYERS),
    CommandRoute("/payouts/{payout_id}/failed", bank_answers.RecordFailure, roles=PAYERS),
    CommandRoute("/payouts/{payout_id}/uncertain", bank_answers.RecordUncertainty, roles=PAYERS),
    CommandRoute("/payouts/{payout_id}/returned", bank_answers.RecordReturn, roles=PAYERS),
    ViewRoute("/payouts/{key}", "payouts", roles=READS_PAYOUTS, scope=payouts_seen),
    ViewRoute(
        "/payouts", "payouts", roles=READS_PAYOUTS, scope=payouts_seen, filters=("region", "state", "channel", "held")
    ),
    CommandRoute("/batches", batches.OpenBatch, roles=PAYERS),
    CommandRoute("/batches/{batch_id}/release", batches.ReleaseBatch, roles=PAYERS),
    ViewRoute("/batches/{key}", "batches", roles=PAYERS | {"auditor"}, scope=batches_seen),
    ViewRoute("/batches", "batches", roles=PAYERS | {"auditor"}, scope=batches_seen, filters=("payer", "state")),
    CommandRoute(
        "/batches/{batch_id}/results", result_lists.RecordResults, roles=REGION, read=read_results
    ),
    CommandRoute("/batches/{batch_id}/answers", batch_words.RecordBatchAnswer, roles={"agent"}),
    CommandRoute("/batches/{batch_id}/reconcile", batch_words.ReconcileBatch, roles=PAYERS),
    CommandRoute("/agents/{agent_id}/statements/{statement_sha256}/override", statements.OverrideStatement, roles={"agent"}),
    ViewRoute("/statements/{key}", "statements", roles={"agent", "auditor"}, scope=statements_seen),
    CommandRoute("/invoices/{number}/check", invoice_checks.CheckInvoice, roles=REGION),
    # windows and funding across regions
    CommandRoute("/windows/{window_id}/funding", windows.RecordFunding, roles={"agent"}),
    CommandRoute("/windows/{window_id}/funding/return", handover.ReturnFunding, roles={"agent"}),
    ViewRoute("/windows/{key}", "windows", roles=PAYERS | {"auditor"}, scope=windows_seen),
    ViewRoute("/windows", "windows", roles=PAYERS | {"auditor"}, scope=windows_seen, filters=("agent_id", "state")),
    # taking money back
    CommandRoute("/clawbacks", clawbacks.ProposeClawback, roles=CENTRE | REGION),
    CommandRoute("/clawbacks/{clawback_id}/order", clawbacks.OrderClawback, roles=REGION),
    CommandRoute("/clawbacks/{clawback_id}/cancel", clawbacks.CancelClawback, roles=REGION),
    CommandRoute("/clawbacks/{clawback_id}/recoveries", clawbacks.RecordRecovery, roles=REGION),
    CommandRoute("/clawbacks/{clawback_id}/write-off", clawbacks.WriteOffClawback, roles=REGION),
    ViewRoute("/clawbacks/{key}", "clawbacks", roles=READS_REDEMPTIONS, scope=clawbacks_seen),
    ViewRoute(
        "/clawbacks",
        "clawbacks",
        roles=READS_REDEMPTIONS,
        scope=clawbacks_seen,
        filters=("region", "state", "redemption_id", "debtor_uscc"),
    ),
]

def _route(path: str) -> ViewRoute:
    return next(route for route in ROUTES if isinstance(route, ViewRoute) and route.path == path)


EXTRA = [
    DocumentRoutes(_route("/redemptions/{key}"), frozenset(PARTIES | CENTRE)),
    bank_file_routes,
    books_routes,
    PaperRoutes(redemption=_route("/redemptions/{key}"), clawback=_route("/clawbacks/{key}")),
]
