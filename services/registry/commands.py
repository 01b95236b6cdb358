"""Glue of the registry's commands: get the states a decision needs, decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from tongdui_events.streams import (
    calendar_id,
    catalogue_id,
    enterprise_id,
    notice_numbers_id,
    provider_id,
    province_id,
    region_id,
)

from services.registry.domain import (
    bars,
    catalogue,
    centres,
    days,
    delegations,
    enterprises,
    listing_notice,
    listing_terms,
    policies,
    providers,
    qualification,
    reach,
    regions,
    services_offered,
)
from services.registry.domain.enterprise_state import ENTERPRISE, Enterprise
from services.registry.domain.listing_notice import NOTICE, NUMBERS, Candidate, Party
from services.registry.domain.provider_state import PROVIDER, Provider
from services.registry.domain.region_state import REGION, Region
from shared.kernel.calendar import WORKING_DAYS, calendar_from
from shared.kernel.commands import Command
from shared.kernel.decisions import Decided, Refusal
from shared.kernel.folding import Fold
from shared.kernel.public_notice import PublicNotice
from shared.runtime.desk import Desk

Decision = list[Decided] | Refusal

FOLDS: list[Fold[Any]] = [
    WORKING_DAYS,
    REGION,
    reach.REACH,
    catalogue.CATALOGUE,
    listing_terms.LISTING_TERMS,
    delegations.DELEGATION,
    ENTERPRISE,
    PROVIDER,
    NOTICE,
    NUMBERS,
]


# -- what a decision is handed -----------------------------------------------------------------


def _region(desk: Desk, region: str) -> Region:
    return desk.get(REGION, region_id(region))


def _enterprise(desk: Desk, uscc: str) -> Enterprise:
    return desk.get(ENTERPRISE, enterprise_id(uscc))


def _provider(desk: Desk, uscc: str) -> Provider:
    return desk.get(PROVIDER, provider_id(uscc))


def _paying_region(desk: Desk, enterprise: Enterprise) -> Region:
    return _region(desk, enterprise.address_on(desk.today).region) if enterprise.registered else Region()


def _standing(desk: Desk, provider: Provider) -> PublicNotice:
    return desk.get(NOTICE, provider.notice_id) if provider.notice_id else PublicNotice()


def _candidates(desk: Desk, usccs: Iterable[str]) -> list[Candidate]:
    named = [(uscc, _provider(desk, uscc)) for uscc in usccs]
    return [Candidate(uscc, provider, _standing(desk, provider)) for uscc, provider in named]


def _parties(desk: Desk, notice: PublicNotice) -> dict[UUID, Party]:
    found = {item_id: desk.get(PROVIDER, item_id) for item_id in notice.items}
    return {item_id: Party(provider, _enterprise(desk, provider.uscc)) for item_id, provider in found.items()}


# -- days and calendars ------------------------------------------------------------------------


def open_day(command: days.OpenDay, desk: Desk) -> Decision:
    return days.open_day(desk.day, calendar_from(desk.get, command.date), command)


def set_calendar(command: days.SetCalendar, desk: Desk) -> Decision:
    return days.set_calendar(desk.day, desk.get(WORKING_DAYS, calendar_id(command.year)), command)


# -- regions, terms, centres, catalogues, delegations --------------------------------------------


def join_region(command: regions.JoinRegion, desk: Desk) -> Decision:
    held = reach.read(desk.get, command.prefixes)
    return regions.join_region(_region(desk, command.region), held, desk.principal, command)


def change_region_reach(command: regions.ChangeRegionReach, desk: Desk) -> Decision:
    held = reach.read(desk.get, command.prefixes)
    return regions.change_region_reach(_region(desk, command.region), held, desk.today, desk.principal, command)


def leave_region(command: regions.LeaveRegion, desk: Desk) -> Decision:
    return regions.leave_region(_region(desk, command.region), desk.today, desk.principal, command)


def entrust_centre(command: centres.EntrustCentre, desk: Desk) -> Decision:
    return centres.entrust_centre(_region(desk, command.region), desk.today, desk.principal, command)


def release_centre(command: centres.ReleaseCentre, desk: Desk) -> Decision:
    return centres.release_centre(_region(desk, command.region), desk.today, desk.principal, command)


def adopt_policy(command: policies.AdoptPolicy, desk: Desk) -> Decision:
    return policies.adopt_policy(_region(desk, command.region), desk.today, desk.principal, command)


def set_listing_terms(command: listing_terms.SetListingTerms, desk: Desk) -> Decision:
    known = desk.get(listing_terms.LISTING_TERMS, province_id(command.province))
    return listing_terms.set_listing_terms(known, desk.today, desk.principal, command)


def publish_catalogue(command: catalogue.PublishCatalogue, desk: Desk) -> Decision:
    last = desk.get(catalogue.CATALOGUE, catalogue_id(command.year, command.region))
    region = _region(desk, command.region) if command.region else Region()
    return catalogue.publish_catalogue(last, region, desk.today, desk.principal, command)


def grant_delegation(command: delegations.GrantDelegation, desk: Desk) -> Decision:
    known = desk.get(delegations.DELEGATION, command.delegation_id)
    return delegations.grant_delegation(known, desk.today, desk.principal, command)


def end_delegation(command: delegations.EndDelegation, desk: Desk) -> Decision:
    known = desk.get(delegations.DELEGATION, command.delegation_id)
    return delegations.end_delegation(known, desk.principal, command)


# -- enterprises -------------------------------------------------------------------------------


def register_enterprise(command: enterprises.RegisterEnterprise, desk: Desk) -> Decision:
    held = reach.read(desk.get, reach.prefixes_of(command.division_code))
    known = _enterprise(desk, command.uscc)
    return enterprises.register_enterprise(known, held, desk.today, desk.principal, command)


def rename_enterprise(command: enterprises.RenameEnterprise, desk: Desk) -> Decision:
    return enterprises.rename_enterprise(_enterprise(desk, command.uscc), desk.today, desk.principal, command)


def move_enterprise(command: enterprises.MoveEnterprise, desk: Desk) -> Decision:
    held = reach.read(desk.get, reach.prefixes_of(command.division_code))
    known = _enterprise(desk, command.uscc)
    return enterprises.move_enterprise(known, held, desk.today, desk.principal, command)


def succeed_enterprise(command: enterprises.SucceedEnterprise, desk: Desk) -> Decision:
    known, successor = _enterprise(desk, command.uscc), _enterprise(desk, command.successor_uscc)
    return enterprises.succeed_enterprise(known, successor, desk.today, desk.principal, command)


def dissolve_enterprise(command: enterprises.DissolveEnterprise, desk: Desk) -> Decision:
    return enterprises.dissolve_enterprise(_enterprise(desk, command.uscc), desk.today, desk.principal, command)


def declare_affiliation(command: enterprises.DeclareAffiliation, desk: Desk) -> Decision:
    return enterprises.declare_affiliation(_enterprise(desk, command.uscc), desk.today, desk.principal, command)


def request_qualification(command: qualification.RequestQualification, desk: Desk) -> Decision:
    known = _enterprise(desk, command.uscc)
    region = _paying_region(desk, known)
    return qualification.request_qualification(known, region, desk.today, desk.principal, command)


def review_qualification(command: qualification.ReviewQualification, desk: Desk) -> Decision:
    known = _enterprise(desk, command.uscc)
    region = _paying_region(desk, known)
    return qualification.review_qualification(known, region, desk.today, desk.principal, command)


def revoke_qualification(command: qualification.RevokeQualification, desk: Desk) -> Decision:
    return qualification.revoke_qualification(_enterprise(desk, command.uscc), desk.today, desk.principal, command)


def bar_enterprise(command: bars.BarEnterprise, desk: Desk) -> Decision:
    return bars.bar_enterprise(_enterprise(desk, command.uscc), desk.today, desk.principal, command)


def reinstate_enterprise(command: bars.ReinstateEnterprise, desk: Desk) -> Decision:
    return bars.reinstate_enterprise(_enterprise(desk, command.uscc), desk.today, desk.principal, command)


# -- providers ---------------------------------------------------------------------------------


def apply_as_provider(command: providers.ApplyAsProvider, desk: Desk) -> Decision:
    return providers.apply_as_provider(_provider(desk, command.uscc), desk.today, desk.principal, command)


def recommend_provider(command: providers.RecommendProvider, desk: Desk) -> Decision:
    provider, known = _provider(desk, command.uscc), _enterprise(desk, command.uscc)
    return providers.recommend_provider(provider, known, desk.today, desk.principal, command)


def refuse_provider(command: providers.RefuseProvider, desk: Desk) -> Decision:
    provider = _provider(desk, command.uscc)
    return providers.refuse_provider(provider, _standing(desk, provider), desk.principal, command)


def suspend_provider(command: providers.SuspendProvider, desk: Desk) -> Decision:
    return providers.suspend_provider(_provider(desk, command.uscc), desk.principal, command)


def reinstate_provider(command: providers.ReinstateProvider, desk: Desk) -> Decision:
    provider, known = _provider(desk, command.uscc), _enterprise(desk, command.uscc)
    return providers.reinstate_provider(provider, known, desk.today, desk.principal, command)


def delist_provider(command: providers.DelistProvider, desk: Desk) -> Decision:
    return providers.delist_provider(_provider(desk, command.uscc), desk.today, desk.principal, command)


def rename_provider(command: providers.RenameProvider, desk: Desk) -> Decision:
    return providers.rename_provider(_provider(desk, command.uscc), desk.today, desk.principal, command)


def offer_service(command: services_offered.OfferService, desk: Desk) -> Decision:
    regions_asked = [None, command.list_region] if command.list_region else [None]
    lists = [desk.get(catalogue.CATALOGUE, catalogue_id(desk.today.year, region)) for region in regions_asked]
    provider = _provider(desk, command.uscc)
    return services_offered.offer_service(provider, lists, desk.today, desk.principal, command)


def withdraw_service(command: services_offered.WithdrawService, desk: Desk) -> Decision:
    return services_offered.withdraw_service(_provider(desk, command.uscc), desk.principal, command)


# -- listing notices ---------------------------------------------------------------------------


def publish_listing(command: listing_notice.PublishListing, desk: Desk) -> Decision:
    today = desk.today
    return listing_notice.publish_listing(
        desk.get(NOTICE, command.notice_id),
        desk.get(NUMBERS, notice_numbers_id("registry", today.year)),
        _candidates(desk, command.usccs),
        desk.get(listing_terms.LISTING_TERMS, province_id(command.province)),
        calendar_from(desk.get, command.opens_on or today),
        today,
        desk.principal,
        command,
    )


def correct_listing(command: listing_notice.CorrectListing, desk: Desk) -> Decision:
    notice = desk.get(NOTICE, command.notice_id)
    province = listing_notice.province_of(notice)
    return listing_notice.correct_listing(
        notice,
        _candidates(desk, command.usccs),
        desk.get(listing_terms.LISTING_TERMS, province_id(province)),
        calendar_from(desk.get, command.opens_on or desk.today),
        desk.today,
        desk.principal,
        command,
    )


def withdraw_listing(command: listing_notice.WithdrawListing, desk: Desk) -> Decision:
    return listing_notice.withdraw_listing(desk.get(NOTICE, command.notice_id), desk.principal, command)


def raise_objection(command: listing_notice.RaiseObjection, desk: Desk) -> Decision:
    return listing_notice.raise_objection(desk.get(NOTICE, command.notice_id), desk.today, command)


def rule_on_objection(command: listing_notice.RuleOnObjection, desk: Desk) -> Decision:
    notice = desk.get(NOTICE, command.notice_id)
    return listing_notice.rule_on_objection(notice, _parties(desk, notice), desk.principal, command)


def close_notice(command: listing_notice.CloseNotice, desk: Desk) -> Decision:
    notice = desk.get(NOTICE, command.notice_id)
    return listing_notice.close_notice(notice, _parties(desk, notice), desk.today, command)


HANDLERS: dict[type[Command], Callable[[Any, Desk], Decision]] = {
    days.OpenDay: open_day,
    days.SetCalendar: set_calendar,
    regions.JoinRegion: join_region,
    regions.ChangeRegionReach: change_region_reach,
    regions.LeaveRegion: leave_region,
    centres.EntrustCentre: entrust_centre,
    centres.ReleaseCentre: release_centre,
    policies.AdoptPolicy: adopt_policy,
    listing_terms.SetListingTerms: set_listing_terms,
    catalogue.PublishCatalogue: publish_catalogue,
    delegations.GrantDelegation: grant_delegation,
    delegations.EndDelegation: end_delegation,
    enterprises.RegisterEnterprise: register_enterprise,
    enterprises.RenameEnterprise: rename_enterprise,
    enterprises.MoveEnterprise: move_enterprise,
    enterprises.SucceedEnterprise: succeed_enterprise,
    enterprises.DissolveEnterprise: dissolve_enterprise,
    enterprises.DeclareAffiliation: declare_affiliation,
    qualification.RequestQualification: request_qualification,
    qualification.ReviewQualification: review_qualification,
    qualification.RevokeQualification: revoke_qualification,
    bars.BarEnterprise: bar_enterprise,
    bars.ReinstateEnterprise: reinstate_enterprise,
    providers.ApplyAsProvider: apply_as_provider,
    providers.RecommendProvider: recommend_provider,
    providers.RefuseProvider: refuse_provider,
    providers.SuspendProvider: suspend_provider,
    providers.ReinstateProvider: reinstate_provider,
    providers.DelistProvider: delist_provider,
    providers.RenameProvider: rename_provider,
    services_offered.OfferService: offer_service,
    services_offered.WithdrawService: withdraw_service,
    listing_notice.PublishListing: publish_listing,
    listing_notice.CorrectListing: correct_listing,
    listing_notice.WithdrawListing: withdraw_listing,
    listing_notice.RaiseObjection: raise_objection,
    listing_notice.RuleOnObjection: rule_on_objection,
    listing_notice.CloseNotice: close_notice,
}
