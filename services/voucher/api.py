"""What the voucher service answers."""

from __future__ import annotations

from services.voucher.domain import (
    allocation,
    appeals,
    application,
    contract,
    correction,
    endings,
    handover,
    local_support,
    recusal,
    reinstatement,
)
from services.voucher.quotes_route import add_quotes
from shared.kernel.commands import Principal
from shared.runtime.document_routes import DocumentRoutes
from shared.runtime.routes import CommandRoute, Scope, ViewRoute

PARTIES = {"enterprise", "provider"}
OFFICERS = {"centre", "regional_officer"}
READERS = PARTIES | OFFICERS | {"auditor", "operator"}


def own_cases(principal: Principal) -> Scope:
    """A party its own, a regional officer its region's, a centre those of the regions that entrust it, others all."""
    if principal.role in PARTIES:
        return {f"{principal.role}_uscc": principal.uscc}
    if principal.role == "centre":
        return [{"region": region} for region in principal.regions]
    return {"region": principal.region} if principal.role == "regional_officer" else None


def ceilings_seen(principal: Principal) -> Scope:
    """An enterprise its own year, a regional officer what its region set, others all."""
    if principal.role == "enterprise":
        return {"uscc": principal.uscc}
    return {"region": principal.region} if principal.role == "regional_officer" else None


ROUTES: list[CommandRoute | ViewRoute] = [
    CommandRoute("/vouchers", application.ApplyForVoucher, {"enterprise"}),
    CommandRoute("/vouchers/{voucher_id}/precheck", application.PrecheckApplication, {"regional_officer"}),
    CommandRoute("/vouchers/{voucher_id}/provider", application.ChangeProvider, {"enterprise"}),
    CommandRoute("/vouchers/{voucher_id}/contract", contract.SubmitContract, PARTIES),
    CommandRoute("/vouchers/{voucher_id}/contract/amend", contract.AmendContract, PARTIES),
    CommandRoute("/vouchers/{voucher_id}/contract/acknowledge", contract.AcknowledgeContract, PARTIES),
    CommandRoute("/vouchers/{voucher_id}/contract/dispute", contract.DisputeContract, PARTIES),
    CommandRoute("/vouchers/{voucher_id}/allocation", allocation.ConfirmAllocation, OFFICERS),
    CommandRoute("/vouchers/{voucher_id}/tender", handover.TenderVoucher, {"enterprise"}),
    CommandRoute("/vouchers/{voucher_id}/collect", handover.CollectVoucher, {"provider"}),
    CommandRoute("/vouchers/{voucher_id}/withdraw", endings.WithdrawVoucher, {"enterprise"}),
    CommandRoute("/vouchers/{voucher_id}/extend", endings.ExtendVoucher, {"regional_officer"}),
    CommandRoute("/vouchers/{voucher_id}/void", endings.VoidVoucher, {"regional_officer"}),
    CommandRoute("/vouchers/{voucher_id}/allow-performance", endings.AllowPerformance, {"regional_officer"}),
    CommandRoute("/vouchers/{voucher_id}/allocation/correct", correction.CorrectAllocation, OFFICERS),
    CommandRoute("/vouchers/{voucher_id}/reinstate", reinstatement.ReinstateVoucher, {"regional_officer"}),
    CommandRoute("/vouchers/{voucher_id}/appeals", appeals.LodgeAppeal, PARTIES),
    CommandRoute("/vouchers/{voucher_id}/appeals/{appeal_id}/decide", appeals.DecideAppeal, {"regional_officer"}),
    CommandRoute("/vouchers/{voucher_id}/recusals", recusal.RecordRecusal, OFFICERS),
    CommandRoute("/local-support", local_support.RecordLocalSupport, {"regional_officer"}),
    ViewRoute("/vouchers/{key}", "vouchers", READERS, own_cases),
    ViewRoute("/vouchers", "vouchers", READERS, own_cases, filters=("region", "state", "flagged")),
    ViewRoute(
        "/ceilings", "ceilings", {"enterprise", "regional_officer", "auditor", "operator"}, ceilings_seen, filters=("kind", "key")
    ),
]

EXTRA = [
    add_quotes,
    DocumentRoutes(next(route for route in ROUTES if route.path == "/vouchers/{key}"), frozenset(PARTIES | OFFICERS)),
]
