"""The centre confirms the eligible lines and what the voucher may carry (额度确认). 二(四), 三(三)"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from tongdui_events.common import Step
from tongdui_events.policy import PolicyTerms
from tongdui_events.voucher import AllocationConfirmed, AllocationRefused

from services.voucher.domain.amounts import Left, Priced, Sum, allocate
from services.voucher.domain.ceilings import Ceiling, Wanted
from services.voucher.domain.enterprise_file import EnterpriseFile
from services.voucher.domain.refusals import NotEntrusted, NoTermsInForce, PartySuspended
from services.voucher.domain.registry_facts import Catalogue, Enterprise, Policy, Provider, Region
from services.voucher.domain.voucher import Line, Voucher
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, OutOfOrder, Refusal
from shared.kernel.identifiers import normalised_contract_number


class ConfirmAllocation(Command):
    """Confirm which lines of the acknowledged contract are on this year's list and what the voucher may carry.

    The answer has AllocationConfirmed with every step, or AllocationRefused.
    """

    voucher_id: UUID


class Facts(NamedTuple):
    """What an allocation is decided by. ``ceiling_of(kind, key, year)``; ``taken_out``: lines an officer does not count."""

    region: Region
    enterprise: Enterprise
    provider: Provider
    catalogue: Catalogue
    file: EnterpriseFile
    ceiling_of: Callable[[str, str, int], Ceiling]
    taken_out: frozenset[int] = frozenset()


REFUSALS = {"enterprise-year": "quota_exhausted", "region-year": "budget_exhausted", "provider-year": "provider_exhausted",
            "controller-year": "controller_exhausted"}


def confirm(
    voucher: Voucher, facts: Facts, today: date, principal: Principal, command: ConfirmAllocation
) -> list[Decided] | Refusal:
    """Ceilings that are new or changed, AllocationConfirmed and a hold under each; or AllocationRefused."""
    policy = facts.region.in_force(today)
    refusal = _may_confirm(voucher, facts, policy, today, principal, command.voucher_id)
    if refusal is not None:
        return refusal
    if policy is None:
        return NoTermsInForce("voucher_id")
    wanted, total = computed(voucher, facts, policy.terms, today.year)
    if _is_supported_locally(voucher, facts.file):
        return _refused(command.voucher_id, policy, "supported_locally", total)
    if total.refusal is not None:
        return _refused(command.voucher_id, policy, total.refusal, total)
    terms = [decided for ceiling in wanted for decided in ceiling.set_if_new()]
    event = confirmed(voucher, facts, policy, wanted, total, command.voucher_id, today.year)
    holds = [ceiling.place(command.voucher_id, total.amount_fen) for ceiling in wanted]
    return [*terms, Decided(command.voucher_id, event, command.voucher_id), *holds]


def _is_supported_locally(voucher: Voucher, file: EnterpriseFile) -> bool:
    # hardly any enterprise has local support, so its contract's number is seldom worth normalising
    if not file.supports:
        return False
    return file.support_of(voucher.provider_uscc, normalised_contract_number(voucher.contract_no)) is not None


def _refused(voucher_id: UUID, policy: Policy, reason: str, total: Sum) -> list[Decided]:
    steps = tuple(Step(rule=rule, fen=fen) for rule, fen in total.steps)
    refused = AllocationRefused(voucher_id=voucher_id, policy_version=policy.version, reasons=(reason,), steps=steps)
    return [Decided(voucher_id, refused, voucher_id)]


def _may_confirm(
    voucher: Voucher, facts: Facts, policy: Policy | None, today: date, principal: Principal, voucher_id: UUID
) -> Refusal | None:
    if voucher.stage == "unknown":
        return NotFound("voucher_id", what="voucher", id=voucher_id)
    if not _acts_under(policy, voucher, facts.region, today, principal):
        return NotEntrusted("voucher_id")
    if voucher.stage != "acknowledged":
        return OutOfOrder("voucher_id", state=voucher.stage)
    stopped = facts.enterprise.barred_on(today) or facts.enterprise.gone_on(today) or not facts.provider.serves(today)
    if stopped and not voucher.performance_allowed:
        return PartySuspended("voucher_id")
    return None


def acts_for_region(voucher: Voucher, region: Region, today: date, principal: Principal) -> bool:
    """The centre entrusted to allocate, or the region's officer where its terms keep that to itself."""
    return _acts_under(region.in_force(today), voucher, region, today, principal)


def _acts_under(policy: Policy | None, voucher: Voucher, region: Region, today: date, principal: Principal) -> bool:
    if policy is not None and not policy.terms.centre_allocates:
        return principal.role == "regional_officer" and principal.region == voucher.region
    return principal.role == "centre" and region.entrusts(principal.member_of, "allocate", today)


def computed(voucher: Voucher, facts: Facts, terms: PolicyTerms, year: int) -> tuple[list[Wanted], Sum]:
    """The ceilings that take part, and the sum with every step."""
    wanted = wanted_of(voucher, facts, terms, year)
    return wanted, _sum(voucher, facts, terms, wanted)


def wanted_of(voucher: Voucher, facts: Facts, terms: PolicyTerms, year: int) -> list[Wanted]:
    """The ceilings of a year that a voucher holds under, with the terms that count."""
    stated = [
        ("enterprise-year", voucher.enterprise_uscc, terms.enterprise_year_cap_fen),
        ("region-year", voucher.region, terms.region_year_budget_fen),
    ]
    if terms.provider_year_cap_fen is not None:
        stated.append(("provider-year", f"{voucher.region}-{voucher.provider_uscc}", terms.provider_year_cap_fen))
    if terms.controller_year_cap_fen is not None and facts.enterprise.controller:
        stated.append(("controller-year", f"{voucher.region}-{facts.enterprise.controller}", terms.controller_year_cap_fen))
    return [Wanted(kind, key, year, fen, facts.ceiling_of(kind, key, year)) for kind, key, fen in stated]


def _sum(voucher: Voucher, facts: Facts, terms: PolicyTerms, wanted: Sequence[Wanted]) -> Sum:
    lines = [_priced(line, facts, terms) for line in voucher.lines]
    elsewhere = {"enterprise-year": facts.file.supported_fen(wanted[0].year) if terms.local_support_counts else 0}
    left = [
        Left(w.kind.replace("-", "_"), max(w.left_fen - elsewhere.get(w.kind, 0), 0), REFUSALS[w.kind]) for w in wanted
    ]
    return allocate(
        lines, terms.amount_basis, terms.allocation_cap_fen, left, terms.partial_allocation, terms.rounding
    )


def _priced(line: Line, facts: Facts, terms: PolicyTerms) -> Priced:
    """Only items on this year's list count, under the list's category. 三(三)"""
    if line.line_no in facts.taken_out:
        return Priced(line.line_no, line.amount_fen, line.tax_bp, 0, "taken_out")
    item = facts.catalogue.item(line.item_code)
    if item is None:
        return Priced(line.line_no, line.amount_fen, line.tax_bp, 0, "not_on_this_years_list")
    ratio_bp = (terms.item_ratio_bp or {}).get(line.item_code, terms.ratio_bp.get(item.category, 0))
    amount_fen = line.amount_fen if item.unit_cap_fen is None else min(line.amount_fen, item.unit_cap_fen)
    return Priced(line.line_no, amount_fen, line.tax_bp, ratio_bp)


def confirmed(
    voucher: Voucher, facts: Facts, policy: Policy, wanted: Sequence[Wanted], total: Sum, voucher_id: UUID, year: int
) -> AllocationConfirmed:
    """The event that says so, every figure in it."""
    # parts as plain mappings: validated all at once with the event they cost a fraction of as many models made here
    return AllocationConfirmed(
        voucher_id=voucher_id,
        enterprise_uscc=voucher.enterprise_uscc,
        provider_uscc=voucher.provider_uscc,
        region=voucher.region,
        mode=voucher.mode,
        redeem_by=voucher.redeem_by,
        amount_fen=total.amount_fen,
        contract_amount_fen=voucher.contract_amount_fen,
        lines=[part._asdict() for part in total.lines],
        steps=[{"rule": rule, "fen": fen} for rule, fen in total.steps],
        holds=[{"kind": w.kind, "key": w.key, "year": w.year, "amount_fen": total.amount_fen} for w in wanted],
        policy_version=policy.version,
        catalogue_version=facts.catalogue.version,
        quota_year=year,
        budget_year=year,
        reduced_because=total.reduced_because,
    )
