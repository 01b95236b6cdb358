"""Who may do and see what of supervision. Paths are under ``/audit/v1``."""

from __future__ import annotations

from services.audit.domain import inspections, sanctions, signals
from shared.kernel.commands import Principal
from shared.runtime.routes import CommandRoute, Scope, ViewRoute

AUDITOR = {"auditor"}
OFFICERS = {"regional_officer", "provincial_officer"}
PARTIES = {"enterprise", "provider"}
INSPECTORS = AUDITOR | OFFICERS
READERS = INSPECTORS | PARTIES | {"operator"}


def inspections_seen(principal: Principal) -> Scope:
    """A party sees what was found about it; its own finding and statement are in the case's history too. An officer sees
    those of its place's cases."""
    return {"parties": [principal.uscc]} if principal.role in PARTIES else of_its_place(principal)


def of_its_place(principal: Principal) -> Scope:
    """An officer what touches a case its region pays for, or its province lists the provider of."""
    return {"places": [principal.region]} if principal.role in OFFICERS else None


def sanctions_seen(principal: Principal) -> Scope:
    """A party its own, an officer those of its place."""
    if principal.role in PARTIES:
        return {"party_uscc": principal.uscc}
    return of_its_place(principal)


def credit_records_seen(principal: Principal) -> Scope:
    """A party its own; an officer those of its place."""
    if principal.role in PARTIES:
        return {"party_uscc": principal.uscc}
    return {"place": principal.region} if principal.role in OFFICERS else None


SUPERVISION_ROUTES: list[CommandRoute | ViewRoute] = [
    CommandRoute("/signal-terms", signals.SetSignalTerms, roles=AUDITOR),
    CommandRoute("/signals/{signal_id}/dismiss", signals.DismissSignal, roles=AUDITOR),
    ViewRoute("/signals/{key}", "signals", roles=INSPECTORS, scope=of_its_place),
    ViewRoute("/signals", "signals", roles=INSPECTORS, scope=of_its_place, filters=("state", "rule")),
    CommandRoute("/inspections", inspections.OpenInspection, roles=INSPECTORS),
    CommandRoute("/inspections/{inspection_id}/findings", inspections.RecordFinding, roles=INSPECTORS),
    CommandRoute("/inspections/{inspection_id}/statements", inspections.StateOnFindings, roles=PARTIES),
    CommandRoute("/inspections/{inspection_id}/close", inspections.CloseInspection, roles=INSPECTORS),
    ViewRoute("/inspections/{key}", "inspections", roles=READERS, scope=inspections_seen),
    ViewRoute(
        "/inspections", "inspections", roles=READERS, scope=inspections_seen, filters=("state", "voucher_id", "sample_id")
    ),
    ViewRoute("/samples", "samples", roles=AUDITOR | {"operator"}),
    CommandRoute("/sanctions", sanctions.ProposeSanction, roles=INSPECTORS),
    CommandRoute("/sanctions/{sanction_id}/notice", sanctions.NotifyParty, roles=INSPECTORS),
    CommandRoute("/sanctions/{sanction_id}/statement", sanctions.GiveStatement, roles=PARTIES),
    CommandRoute("/sanctions/{sanction_id}/withdraw", sanctions.WithdrawSanction, roles=INSPECTORS),
    CommandRoute("/sanctions/{sanction_id}/decision", sanctions.DecideSanction, roles=OFFICERS),
    CommandRoute("/sanctions/{sanction_id}/review", sanctions.ReviewSanction, roles=OFFICERS),
    CommandRoute("/sanctions/{sanction_id}/lift", sanctions.LiftSanction, roles=OFFICERS),
    ViewRoute("/sanctions/{key}", "sanctions", roles=READERS, scope=sanctions_seen),
    ViewRoute("/sanctions", "sanctions", roles=READERS, scope=sanctions_seen, filters=("state", "party_uscc")),
    CommandRoute("/credit-records/{record_id}/repair", sanctions.RepairCreditRecord, roles=OFFICERS),
    ViewRoute(
        "/credit-records",
        "credit_records",
        roles=READERS,
        scope=credit_records_seen,
        filters=("party_uscc", "place", "state"),
        description="With party_uscc: the extract of one party (信用记录查询).",
    ),
]
