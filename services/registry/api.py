"""The registry's API: who may call what. Paths are under ``/registry/v1``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.registry.days_route import add_days
from services.registry.domain import (
    bars,
    catalogue,
    centres,
    delegations,
    enterprises,
    listing_notice,
    listing_terms,
    policies,
    providers,
    qualification,
    regions,
    services_offered,
)
from services.registry.domain.days import SetCalendar
from services.registry.provider_search import add_provider_search, providers_seen
from shared.kernel.commands import Principal
from shared.runtime.routes import CommandRoute, Scope, ViewRoute

ENTERPRISE = {"enterprise"}
PROVIDER = {"provider"}
REGION = {"regional_officer"}
PROVINCE = {"provincial_officer"}
OFFICERS = REGION | PROVINCE
PUBLIC = {"public"}
ANYONE_WITH_A_NAME = {
    "enterprise", "provider", "centre", "regional_officer", "provincial_officer", "agent", "auditor", "operator",
}


def enterprises_seen(principal: Principal) -> Scope:
    """An enterprise sees itself, an officer its region or province, an auditor all."""
    if principal.role == "auditor":
        return None
    if principal.role == "enterprise":
        return {"uscc": principal.uscc}
    if principal.role == "provincial_officer":
        return {"province": principal.region}
    return {"region": principal.region}


def delegations_seen(principal: Principal) -> Scope:
    """What the caller granted or was granted; an auditor sees all."""
    if principal.role == "auditor":
        return None
    return [{"from_actor": principal.sub}, {"to_actor": principal.sub}]


READS_ENTERPRISES = ENTERPRISE | OFFICERS | {"auditor"}

ROUTES: list[CommandRoute | ViewRoute] = [
    # days (the days themselves: see ``add_days``)
    CommandRoute("/calendars", SetCalendar, roles={"operator"}),
    ViewRoute("/days/{key}", "days", roles=PUBLIC),
    ViewRoute("/days", "days", roles=PUBLIC, filters=("working",)),
    # regions, centres, terms, catalogues
    CommandRoute("/regions", regions.JoinRegion, roles=PROVINCE),
    CommandRoute("/regions/{region}/reach", regions.ChangeRegionReach, roles=PROVINCE),
    CommandRoute("/regions/{region}/departure", regions.LeaveRegion, roles=PROVINCE),
    CommandRoute("/regions/{region}/centres", centres.EntrustCentre, roles=REGION),
    CommandRoute("/regions/{region}/centres/{centre_id}/release", centres.ReleaseCentre, roles=REGION),
    CommandRoute("/regions/{region}/policies", policies.AdoptPolicy, roles=REGION),
    ViewRoute("/regions/{key}", "regions", roles=PUBLIC),
    ViewRoute("/regions", "regions", roles=PUBLIC, filters=("province",)),
    ViewRoute("/policies/{key}", "policies", roles=PUBLIC, description="Key: <region>-<0001>."),
    ViewRoute("/policies", "policies", roles=PUBLIC, filters=("region",)),
    CommandRoute("/provinces/{province}/listing-terms", listing_terms.SetListingTerms, roles=PROVINCE),
    ViewRoute("/listing-terms", "listing_terms", roles=PUBLIC, filters=("province",)),
    CommandRoute("/catalogues", catalogue.PublishCatalogue, roles=OFFICERS),
    ViewRoute("/catalogues/{key}", "catalogues", roles=PUBLIC, description="Key: <year>-<region | all>-<0001>."),
    ViewRoute("/catalogues", "catalogues", roles=PUBLIC, filters=("year", "region")),
    CommandRoute("/delegations", delegations.GrantDelegation, roles=OFFICERS | {"centre", "agent"}),
    CommandRoute("/delegations/{delegation_id}/end", delegations.EndDelegation, roles=OFFICERS | {"centre", "agent"}),
    ViewRoute("/delegations", "delegations", roles=OFFICERS | {"centre", "agent", "auditor"}, scope=delegations_seen),
    # enterprises
    CommandRoute("/enterprises", enterprises.RegisterEnterprise, roles=ENTERPRISE | OFFICERS),
    CommandRoute("/enterprises/{uscc}/name", enterprises.RenameEnterprise, roles=ENTERPRISE | OFFICERS),
    CommandRoute("/enterprises/{uscc}/address", enterprises.MoveEnterprise, roles=ENTERPRISE | OFFICERS),
    CommandRoute("/enterprises/{uscc}/affiliation", enterprises.DeclareAffiliation, roles=ENTERPRISE | OFFICERS),
    CommandRoute("/enterprises/{uscc}/succession", enterprises.SucceedEnterprise, roles=OFFICERS),
    CommandRoute("/enterprises/{uscc}/dissolution", enterprises.DissolveEnterprise, roles=OFFICERS),
    CommandRoute("/enterprises/{uscc}/qualification", qualification.RequestQualification, roles=ENTERPRISE),
    CommandRoute("/enterprises/{uscc}/qualification/review", qualification.ReviewQualification, roles=REGION),
    CommandRoute("/enterprises/{uscc}/qualification/revocation", qualification.RevokeQualification, roles=OFFICERS),
    CommandRoute("/enterprises/{uscc}/bar", bars.BarEnterprise, roles=OFFICERS),
    CommandRoute("/enterprises/{uscc}/reinstatement", bars.ReinstateEnterprise, roles=OFFICERS),
    ViewRoute("/enterprises/{key}", "enterprises", roles=READS_ENTERPRISES, scope=enterprises_seen),
    ViewRoute(
        "/enterprises", "enterprises", roles=READS_ENTERPRISES, scope=enterprises_seen,
        filters=("region", "province", "state"),
    ),
    # providers (their list: see ``add_provider_search``)
    CommandRoute("/providers", providers.ApplyAsProvider, roles=PROVIDER),
    CommandRoute("/providers/{uscc}/name", providers.RenameProvider, roles=PROVIDER | PROVINCE),
    CommandRoute("/providers/{uscc}/services", services_offered.OfferService, roles=PROVIDER),
    CommandRoute("/providers/{uscc}/services/withdrawal", services_offered.WithdrawService, roles=PROVIDER),
    CommandRoute("/providers/{uscc}/recommendation", providers.RecommendProvider, roles=PROVINCE),
    CommandRoute("/providers/{uscc}/refusal", providers.RefuseProvider, roles=PROVINCE),
    CommandRoute("/providers/{uscc}/suspension", providers.SuspendProvider, roles=PROVINCE),
    CommandRoute("/providers/{uscc}/reinstatement", providers.ReinstateProvider, roles=PROVINCE),
    CommandRoute("/providers/{uscc}/delisting", providers.DelistProvider, roles=PROVIDER | PROVINCE),
    ViewRoute("/providers/{key}", "providers", roles=PUBLIC, scope=providers_seen),
    # listing notices
    CommandRoute("/notices", listing_notice.PublishListing, roles=PROVINCE),
    CommandRoute("/notices/{notice_id}/correction", listing_notice.CorrectListing, roles=PROVINCE),
    CommandRoute("/notices/{notice_id}/withdrawal", listing_notice.WithdrawListing, roles=PROVINCE),
    CommandRoute(
        "/notices/{notice_id}/objections", listing_notice.RaiseObjection, roles=PUBLIC | ANYONE_WITH_A_NAME
    ),
    CommandRoute(
        "/notices/{notice_id}/objections/{objection_id}/ruling", listing_notice.RuleOnObjection, roles=PROVINCE
    ),
    ViewRoute("/notices/{key}", "notices", roles=PUBLIC),
    ViewRoute("/notices", "notices", roles=PUBLIC, filters=("province", "state", "number")),
]

EXTRA: list[Callable[..., Any]] = [add_days, add_provider_search]
