"""Providers apply to their province and are recommended, refused, suspended, delisted. 二(三)

Each condition of 二(三) is a rule: the platform checks what it knows, the province attests the rest.
"""

from __future__ import annotations

from datetime import date
from typing import Literal, NamedTuple

from tongdui_events.audit import SanctionDecided, SanctionLifted
from tongdui_events.common import Province
from tongdui_events.document import Code, Text, Uscc
from tongdui_events.registry import (
    ProviderApplied,
    ProviderDelisted,
    ProviderRecommended,
    ProviderRefused,
    ProviderReinstated,
    ProviderRenamed,
    ProviderSuspended,
)
from tongdui_events.streams import provider_id

from services.registry.domain.enterprise_state import Enterprise
from services.registry.domain.fields import Codes, Day, Usccs
from services.registry.domain.jurisdiction import DELTA, acts_for_province, is_the_party
from services.registry.domain.provider_state import MAY_APPLY, Provider, Stage
from services.registry.domain.refusals import (
    BadCredit,
    ConditionNotAttested,
    DateInTheFuture,
    DateTooEarly,
    DecisionNumberNeeded,
    NotAnOrganisation,
    OutsideTheDelta,
    RegisteredTooShort,
    ServicesNotStated,
)
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal, first_refusal
from shared.kernel.identifiers import refuse_uscc
from shared.kernel.public_notice import PublicNotice

LEGAL_PERSONS = frozenset(
    {
        "limited_company", "joint_stock_company", "enterprise_legal_person", "cooperative",
        "public_institution", "private_non_enterprise", "social_organisation", "foundation",
    }
)
UNINCORPORATED = frozenset({"partnership", "sole_proprietorship", "professional_firm"})
MINIMUM_YEARS = 2
ATTESTED = ("capacity_certificates", "qualified_staff", "service_norms", "clean_credit")
"""What the province checks by hand before it recommends."""
Condition = Literal["capacity_certificates", "qualified_staff", "service_norms", "clean_credit"]


class ApplyAsProvider(Command):
    """Apply to the province of registration to be listed. ``branch_uscc``: branches that invoice for it."""

    uscc: Code
    name: Text
    province: Province
    legal_form: Code
    established_on: Day
    categories: Codes
    branch_uscc: Usccs = ()


class RecommendProvider(Command):
    """The province recommends; ``attested`` names the conditions it checked: all four are needed."""

    uscc: Uscc
    attested: tuple[Condition, ...]


class RefuseProvider(Command):
    """The province does not recommend, with its reasons."""

    uscc: Uscc
    reasons: Codes


class SuspendProvider(Command):
    """A listed provider takes no new vouchers for now."""

    uscc: Uscc
    reason: Code


class ReinstateProvider(Command):
    """A suspended or delisted provider is listed again by decision."""

    uscc: Uscc
    decision_no: Code


class DelistProvider(Command):
    """Off the list from a day on: by the provider's own wish, or by decision of its province with its number."""

    uscc: Uscc
    on: Day
    decision_no: Code | None = None


class RenameProvider(Command):
    """The provider has another registered name from a day on."""

    uscc: Uscc
    name: Text
    from_on: Day


class _Candidate(NamedTuple):
    """What the conditions look at. ``known`` is the stream that keeps the bars on the same USCC."""

    provider: Provider
    known: Enterprise
    today: date
    attested: frozenset[str]


# -- the conditions of 二(三) -------------------------------------------------------------------


def it_is_a_legal_person_or_an_unincorporated_organisation(candidate: _Candidate) -> Refusal | None:
    form = candidate.provider.legal_form
    return None if form in LEGAL_PERSONS | UNINCORPORATED else NotAnOrganisation("legal_form", legal_form=form)


def it_is_registered_in_the_delta(candidate: _Candidate) -> Refusal | None:
    province = candidate.provider.province
    return None if province in DELTA else OutsideTheDelta("province", code=province)


def it_has_been_registered_for_two_years(candidate: _Candidate) -> Refusal | None:
    established_on = candidate.provider.established_on
    earliest = _years_later(established_on, MINIMUM_YEARS)
    if earliest <= candidate.today:
        return None
    return RegisteredTooShort("established_on", established_on=established_on, earliest=earliest)


def its_services_and_prices_are_stated(candidate: _Candidate) -> Refusal | None:
    return None if candidate.provider.services else ServicesNotStated("uscc")


def it_has_no_bad_credit_record(candidate: _Candidate) -> Refusal | None:
    bar = candidate.known.bar_on(candidate.today)
    return BadCredit("uscc", decision_no=bar.decision_no) if bar else None


def the_province_attests_what_only_people_can_check(candidate: _Candidate) -> Refusal | None:
    missing = next((condition for condition in ATTESTED if condition not in candidate.attested), None)
    return ConditionNotAttested("attested", condition=missing) if missing else None


CONDITIONS = (
    it_is_a_legal_person_or_an_unincorporated_organisation,
    it_is_registered_in_the_delta,
    it_has_been_registered_for_two_years,
    its_services_and_prices_are_stated,
    it_has_no_bad_credit_record,
    the_province_attests_what_only_people_can_check,
)


def _years_later(day: date, years: int) -> date:
    """The same date so many years later; 29 February becomes 1 March, when the years are full."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


# -- decisions ---------------------------------------------------------------------------------


def apply_as_provider(
    provider: Provider, today: date, principal: Principal, command: ApplyAsProvider
) -> list[Decided] | Refusal:
    """ProviderApplied; one that was refused or left may apply again."""
    refusal = refuse_uscc(command.uscc) or is_the_party(principal, command.uscc)
    if refusal is not None:
        return refusal
    for branch in command.branch_uscc:
        refusal = refuse_uscc(branch, "branch_uscc")
        if refusal is not None:
            return refusal
    if provider.stage not in MAY_APPLY:
        return OutOfOrder("uscc", state=provider.stage)
    if command.established_on > today:
        return DateInTheFuture("established_on", date=command.established_on, today=today)
    applied = ProviderApplied(**command.model_dump())
    candidate = Provider(legal_form=command.legal_form, province=command.province)
    refusal = first_refusal(
        (it_is_a_legal_person_or_an_unincorporated_organisation, it_is_registered_in_the_delta),
        _Candidate(candidate, Enterprise(), today, frozenset()),
    )
    return refusal or [Decided(provider_id(command.uscc), applied)]


def recommend_provider(
    provider: Provider, known: Enterprise, today: date, principal: Principal, command: RecommendProvider
) -> list[Decided] | Refusal:
    """ProviderRecommended when every condition holds."""
    refusal = _of_province(provider, command.uscc, principal) or _in_stage(provider, "applied")
    if refusal is not None:
        return refusal
    candidate = _Candidate(provider, known, today, frozenset(command.attested))
    refusal = first_refusal(CONDITIONS, candidate)
    if refusal is not None:
        return refusal
    event = ProviderRecommended(uscc=command.uscc, province=provider.province, attested=ATTESTED)
    return [Decided(provider_id(command.uscc), event)]


def refuse_provider(
    provider: Provider, standing: PublicNotice, principal: Principal, command: RefuseProvider
) -> list[Decided] | Refusal:
    """ProviderRefused, unless it is public: then objections decide. ``standing``: the notice it stood in last."""
    stages: tuple[Stage, ...] = ("applied", "recommended")
    if standing.withdrawn:
        stages += ("published",)
    refusal = _of_province(provider, command.uscc, principal) or _in_stage(provider, *stages)
    if refusal is not None:
        return refusal
    event = ProviderRefused(uscc=command.uscc, province=provider.province, reasons=command.reasons)
    return [Decided(provider_id(command.uscc), event)]


def suspend_provider(provider: Provider, principal: Principal, command: SuspendProvider) -> list[Decided] | Refusal:
    """ProviderSuspended."""
    refusal = _of_province(provider, command.uscc, principal) or _in_stage(provider, "listed")
    if refusal is not None:
        return refusal
    return [Decided(provider_id(command.uscc), ProviderSuspended(uscc=command.uscc, reason=command.reason))]


def reinstate_provider(
    provider: Provider, known: Enterprise, today: date, principal: Principal, command: ReinstateProvider
) -> list[Decided] | Refusal:
    """ProviderReinstated, unless a bar on it still stands."""
    refusal = _of_province(provider, command.uscc, principal) or _in_stage(provider, "suspended", "delisted")
    if refusal is not None:
        return refusal
    bar = known.bar_on(today)
    if bar is not None:
        return BadCredit("uscc", decision_no=bar.decision_no)
    event = ProviderReinstated(uscc=command.uscc, decision_no=command.decision_no)
    return [Decided(provider_id(command.uscc), event)]


def delist_provider(
    provider: Provider, today: date, principal: Principal, command: DelistProvider
) -> list[Decided] | Refusal:
    """ProviderDelisted; leaving by one's own wish voids nothing elsewhere."""
    voluntary = is_the_party(principal, command.uscc) is None
    refusal = None if voluntary else _of_province(provider, command.uscc, principal)
    refusal = refusal or _in_stage(provider, "listed", "suspended")
    if refusal is not None:
        return refusal
    if not voluntary and command.decision_no is None:
        return DecisionNumberNeeded("decision_no")
    if command.on < today:
        return DateTooEarly("on", date=command.on, earliest=today)
    event = ProviderDelisted(
        uscc=command.uscc, decision_no=None if voluntary else command.decision_no, voluntary=voluntary, on=command.on
    )
    return [Decided(provider_id(command.uscc), event)]


def rename_provider(
    provider: Provider, today: date, principal: Principal, command: RenameProvider
) -> list[Decided] | Refusal:
    """ProviderRenamed, from today on or later, each later than the one before."""
    if provider.stage == "unknown":
        return NotFound("uscc", what="provider", id=command.uscc)
    if is_the_party(principal, command.uscc) and acts_for_province(principal, provider.province):
        return NotYours("uscc")
    earliest = max(today, provider.renamed_on or today)
    if command.from_on < earliest:
        return DateTooEarly("from_on", date=command.from_on, earliest=earliest)
    event = ProviderRenamed(uscc=command.uscc, name=command.name, from_on=command.from_on)
    return [Decided(provider_id(command.uscc), event)]


def _of_province(provider: Provider, uscc: str, principal: Principal) -> Refusal | None:
    """Looked at before where the provider stands: who has no part in it learns nothing of it."""
    if provider.stage == "unknown":
        return NotFound("uscc", what="provider", id=uscc)
    return acts_for_province(principal, provider.province)


def _in_stage(provider: Provider, *stages: Stage) -> Refusal | None:
    if provider.stage == "unknown":
        return NotFound("uscc", what="provider", id=provider.uscc)
    return None if provider.stage in stages else OutOfOrder("uscc", state=provider.stage)


# -- sanctions decided elsewhere ---------------------------------------------------------------


def suspend_by_sanction(provider: Provider, sanction: SanctionDecided) -> list[Decided]:
    """What SanctionDecided means for its party as a provider: no new vouchers; a person delists."""
    if provider.stage != "listed":
        return []
    event = ProviderSuspended(uscc=sanction.party_uscc, reason=_reason(sanction))
    return [Decided(provider_id(sanction.party_uscc), event)]


def reinstate_by_lifting(provider: Provider, lifted: SanctionLifted) -> list[Decided]:
    """What SanctionLifted means for a provider which that sanction suspended."""
    if provider.suspended_because != _reason(lifted):
        return []
    event = ProviderReinstated(uscc=lifted.party_uscc, decision_no=lifted.decision_no)
    return [Decided(provider_id(lifted.party_uscc), event)]


def _reason(sanction: SanctionDecided | SanctionLifted) -> str:
    return f"sanction {sanction.sanction_id}"
