"""An enterprise applies with the provider it chose. 三(一)"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, NamedTuple, Protocol
from uuid import UUID

from pydantic import Field
from tongdui_events.common import Mode
from tongdui_events.document import Code, Event, Text, Uscc
from tongdui_events.voucher import ApplicationRefused, ProviderChanged, VoucherApplied, VoucherIssued

from services.voucher.domain.refusals import EnterpriseIsProvider, UnknownEnterprise
from services.voucher.domain.registry_facts import Enterprise, Policy, Provider, Region
from services.voucher.domain.voucher import Voucher
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal


class ApplyForVoucher(Command):
    """Apply for a voucher with a listed laboratory. The answer has VoucherIssued, or ApplicationRefused with
    every reason."""

    voucher_id: UUID
    provider_uscc: Uscc
    mode: Mode
    purpose: Text


class PrecheckApplication(Command):
    """Where the region's terms ask for it, its department looks at the company before the voucher is issued; with reasons of
    its own the application is refused."""

    voucher_id: UUID
    reasons: Annotated[tuple[Code, ...], Field(max_length=20)] = ()


class ChangeProvider(Command):
    """Choose another listed laboratory, before a contract is submitted."""

    voucher_id: UUID
    provider_uscc: Uscc


class _Case(NamedTuple):
    today: date
    mode: str
    enterprise: Enterprise
    provider: Provider
    region: Region
    policy: Policy | None
    #: what is declared of the provider as a party of its own
    provider_as_party: Enterprise


# -- rules: the code of the reason when it does not hold ------------------------------------------


def region_takes_part(case: _Case) -> str | None:
    return None if case.region.takes_part(case.today) else "region_does_not_take_part"


def region_has_terms_in_force(case: _Case) -> str | None:
    return None if case.policy else "no_terms_in_force"


def mode_is_one_of_the_regions(case: _Case) -> str | None:
    return None if case.policy is None or case.mode in case.policy.terms.modes else "mode_not_offered"


def enterprise_is_a_technology_based_sme(case: _Case) -> str | None:
    return None if case.enterprise.qualified_on(case.today) else "enterprise_not_qualified"


def enterprise_is_not_barred(case: _Case) -> str | None:
    return "enterprise_barred" if case.enterprise.barred_on(case.today) else None


def enterprise_is_not_dissolved(case: _Case) -> str | None:
    """Nor merged into another."""
    return "enterprise_dissolved" if case.enterprise.gone_on(case.today) else None


def provider_is_on_the_list(case: _Case) -> str | None:
    return None if case.provider.serves(case.today) else "provider_not_listed"


def parties_are_not_related_where_the_terms_refuse_it(case: _Case) -> str | None:
    refuses = case.policy is not None and case.policy.terms.related_parties == "refuse"
    return "related_parties" if refuses and case.enterprise.is_related_to(case.provider_as_party) else None


RULES = (
    region_takes_part,
    region_has_terms_in_force,
    mode_is_one_of_the_regions,
    enterprise_is_a_technology_based_sme,
    enterprise_is_not_barred,
    enterprise_is_not_dissolved,
    provider_is_on_the_list,
    parties_are_not_related_where_the_terms_refuse_it,
)


# -- decisions -------------------------------------------------------------------------------------


def apply(
    voucher: Voucher, enterprise: Enterprise, provider: Provider, provider_as_party: Enterprise, region: Region, today: date,
    principal: Principal, command: ApplyForVoucher,
) -> list[Decided] | Refusal:
    """VoucherApplied, then VoucherIssued or ApplicationRefused with every reason; nothing yet where a pre-check is due."""
    if voucher.stage != "unknown":
        return OutOfOrder("voucher_id", state=voucher.stage)
    code = enterprise.region_on(today)
    if principal.uscc is None or code is None:
        return UnknownEnterprise("uscc", uscc=principal.uscc)
    if principal.uscc == command.provider_uscc:
        return EnterpriseIsProvider("provider_uscc")
    applied = VoucherApplied(
        voucher_id=command.voucher_id, enterprise_uscc=principal.uscc, provider_uscc=command.provider_uscc, region=code,
        mode=command.mode, purpose=command.purpose,
    )
    case = _Case(today, command.mode, enterprise, provider, region, region.in_force(today), provider_as_party)
    answers: list[Event] = [] if _waits_for_precheck(case) else [_answer(command.voucher_id, applied, case, _reasons(case))]
    return [Decided(command.voucher_id, event, command.voucher_id) for event in (applied, *answers)]


def precheck(
    voucher: Voucher, enterprise: Enterprise, provider: Provider, provider_as_party: Enterprise, region: Region, today: date,
    principal: Principal, command: PrecheckApplication,
) -> list[Decided] | Refusal:  # fmt: skip
    """VoucherIssued, or ApplicationRefused with the officer's reasons and every rule that no longer holds. 三(一)"""
    if voucher.stage == "unknown":
        return NotFound("voucher_id", what="voucher", id=command.voucher_id)
    if principal.region != voucher.region:
        return NotYours("voucher_id")
    if voucher.stage != "applied":
        return OutOfOrder("voucher_id", state=voucher.stage)
    case = _Case(today, voucher.mode, enterprise, provider, region, region.in_force(today), provider_as_party)
    answer = _answer(command.voucher_id, voucher, case, (*command.reasons, *_reasons(case)))
    return [Decided(command.voucher_id, answer, command.voucher_id)]


def _waits_for_precheck(case: _Case) -> bool:
    """What the rules refuse is refused at once; the rest the department sees first, where the terms say so."""
    return case.policy is not None and case.policy.terms.precheck and not _reasons(case)


def _reasons(case: _Case) -> tuple[str, ...]:
    return tuple(reason for rule in RULES if (reason := rule(case)) is not None)


def _answer(
    voucher_id: UUID, parties: Parties, case: _Case, reasons: tuple[str, ...]
) -> VoucherIssued | ApplicationRefused:
    if reasons or case.policy is None:
        return ApplicationRefused(voucher_id=voucher_id, reasons=reasons)
    return issued(voucher_id, parties, case.provider.province, case.policy, case.today)


class Parties(Protocol):
    """Whose voucher it is: a voucher's state, or the application itself."""

    enterprise_uscc: str
    provider_uscc: str
    region: str
    mode: Mode


def issued(voucher_id: UUID, parties: Parties, listing_province: str, policy: Policy, today: date) -> VoucherIssued:
    """The voucher, with its last days counted from today."""
    return VoucherIssued(
        voucher_id=voucher_id,
        enterprise_uscc=parties.enterprise_uscc,
        provider_uscc=parties.provider_uscc,
        region=parties.region,
        listing_province=listing_province,
        mode=parties.mode,
        policy_version=policy.version,
        use_by=today + timedelta(days=policy.terms.use_by_days),
        redeem_by=today + timedelta(days=policy.terms.redeem_by_days),
    )


def change_provider(
    voucher: Voucher, provider: Provider, today: date, principal: Principal, command: ChangeProvider
) -> list[Decided] | Refusal:
    """ProviderChanged, before a contract and to a listed provider."""
    if principal.uscc != voucher.enterprise_uscc:
        return NotYours("voucher_id")
    if voucher.stage != "issued" or not provider.serves(today):
        return OutOfOrder("provider_uscc", state=voucher.stage if voucher.stage != "issued" else "provider_not_listed")
    if command.provider_uscc == voucher.enterprise_uscc:
        return EnterpriseIsProvider("provider_uscc")
    changed = ProviderChanged(voucher_id=command.voucher_id, provider_uscc=command.provider_uscc)
    return [Decided(command.voucher_id, changed, command.voucher_id)]
