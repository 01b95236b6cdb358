"""What settlement answers."""

from __future__ import annotations

from typing import Any

from services.settlement.domain import accounts, notices, payouts, request, review
from shared.kernel.commands import Principal
from shared.runtime.routes import CommandRoute, ViewRoute

PARTIES = {"enterprise", "provider"}
CENTRE = {"centre"}
REGION = {"regional_officer"}
READERS = CENTRE | REGION | {"agent", "auditor", "operator"}


def of_its_region(principal: Principal) -> dict[str, Any] | None:
    """A regional officer its region's, the others all."""
    return {"region": principal.region} if principal.role == "regional_officer" else None


ROUTES: list[CommandRoute | ViewRoute] = [
    CommandRoute("/redemptions", request.RequestRedemption, PARTIES),
    CommandRoute("/redemptions/{redemption_id}/resubmit", request.ResubmitRedemption, PARTIES),
    CommandRoute("/redemptions/{redemption_id}/withdraw", request.WithdrawRedemption, PARTIES),
    CommandRoute("/redemptions/{redemption_id}/return", request.ReturnRedemption, CENTRE),
    CommandRoute("/redemptions/{redemption_id}/reject", request.RejectRedemption, CENTRE | REGION),
    CommandRoute("/redemptions/{redemption_id}/review", review.ReviewRedemption, CENTRE),
    CommandRoute("/redemptions/{redemption_id}/approve", review.ApproveRedemption, REGION),
    CommandRoute("/notices", notices.PublishNotice, REGION),
    CommandRoute("/notices/{notice_id}/objections", notices.RaiseObjection, {"public"}),
    CommandRoute("/notices/{notice_id}/objections/{objection_id}/ruling", notices.RuleOnObjection, REGION),
    CommandRoute("/accounts/{uscc}", accounts.ProposePayeeAccount, PARTIES),
    CommandRoute("/accounts/{uscc}/confirm", accounts.ConfirmPayeeAccount, CENTRE | REGION),
    CommandRoute("/batches", payouts.ReleaseBatch, REGION),
    CommandRoute("/payouts/{payout_id}/hold", payouts.HoldPayout, REGION),
    CommandRoute("/payouts/{payout_id}/free", payouts.FreePayout, REGION),
    CommandRoute("/payouts/{payout_id}/answer", payouts.RecordPayment, {"agent", "regional_officer"}),
    ViewRoute("/redemptions/{key}", "redemptions", READERS, of_its_region),
    ViewRoute("/redemptions", "redemptions", READERS, of_its_region, filters=("region", "state")),
    ViewRoute("/payouts/{key}", "payouts", READERS, of_its_region),
    ViewRoute("/payouts", "payouts", READERS, of_its_region, filters=("region", "state")),
    ViewRoute("/batches/{key}", "batches", READERS),
    ViewRoute("/notices/{key}", "notices", {"public"}),
    ViewRoute("/notices", "notices", {"public"}, filters=("state",)),
]
