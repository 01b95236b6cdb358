"""Glue of the voucher's commands: get the states a decision needs, decide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from tongdui_events.streams import (
    catalogue_id,
    ceiling_id,
    claim_id,
    days_id,
    enterprise_file_id,
    enterprise_id,
    provider_id,
    region_id,
)

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
    succession,
)
from services.voucher.domain import carry_over as year_end
from services.voucher.domain.ceilings import CEILING, Ceiling
from services.voucher.domain.claims import CLAIM
from services.voucher.domain.enterprise_file import ENTERPRISE_FILE, EnterpriseFile
from services.voucher.domain.near_duplicates import Look
from services.voucher.domain.registry_facts import CATALOGUE, ENTERPRISE, PROVIDER, REGION, Enterprise
from services.voucher.domain.settlement_days import SETTLEMENT_DAYS
from services.voucher.domain.succession import SUCCESSION
from services.voucher.domain.voucher import VOUCHER, Voucher
from shared.kernel.commands import Command
from shared.kernel.decisions import Decided, Refusal
from shared.kernel.delegation import DELEGATION
from shared.kernel.folding import Fold
from shared.kernel.recusal import Recused
from shared.runtime.desk import Desk

Decision = list[Decided] | Refusal

FOLDS: list[Fold[Any]] = [
    DELEGATION, VOUCHER, CEILING, CLAIM, ENTERPRISE_FILE, REGION, ENTERPRISE, PROVIDER, CATALOGUE, SETTLEMENT_DAYS,
    SUCCESSION,
]


def _voucher(command: Any, desk: Desk) -> Voucher:
    return desk.get(VOUCHER, command.voucher_id)


def _party(uscc: str, desk: Desk) -> Enterprise:
    return desk.get(ENTERPRISE, enterprise_id(uscc))


def _file(uscc: str, desk: Desk) -> EnterpriseFile:
    return desk.get(ENTERPRISE_FILE, enterprise_file_id(uscc))


def _file_of(voucher: Voucher, desk: Desk) -> EnterpriseFile:
    """Its enterprise's file, with the local support that those had whom a merger made part of it."""
    file = _file(voucher.enterprise_uscc, desk)
    supports = tuple(support for uscc in voucher.predecessors for support in _file(uscc, desk).supports)
    return EnterpriseFile(file.contracts, supports + file.supports) if supports else file


def _look(voucher: Voucher, enterprise_uscc: str, desk: Desk) -> Look:
    """What a contract of this voucher is looked at beside, in the hands of that enterprise."""
    policy = desk.get(REGION, region_id(voucher.region)).in_force(desk.today)
    related = _party(enterprise_uscc, desk).is_related_to(_party(voucher.provider_uscc, desk))
    return Look(_file(enterprise_uscc, desk), policy.terms if policy else None, related)


def apply_for_voucher(command: application.ApplyForVoucher, desk: Desk) -> Decision:
    enterprise = desk.get(ENTERPRISE, enterprise_id(desk.principal.uscc or ""))
    region = desk.get(REGION, region_id(enterprise.region_on(desk.today) or ""))
    provider = desk.get(PROVIDER, provider_id(command.provider_uscc))
    voucher = _voucher(command, desk)
    as_party = _party(command.provider_uscc, desk)
    return application.apply(voucher, enterprise, provider, as_party, region, desk.today, desk.principal, command)


def precheck_application(command: application.PrecheckApplication, desk: Desk) -> Decision:
    voucher = _voucher(command, desk)
    enterprise, as_party = _party(voucher.enterprise_uscc, desk), _party(voucher.provider_uscc, desk)
    region, provider = desk.get(REGION, region_id(voucher.region)), desk.get(PROVIDER, provider_id(voucher.provider_uscc))
    return application.precheck(voucher, enterprise, provider, as_party, region, desk.today, desk.principal, command)


def change_provider(command: application.ChangeProvider, desk: Desk) -> Decision:
    provider = desk.get(PROVIDER, provider_id(command.provider_uscc))
    return application.change_provider(_voucher(command, desk), provider, desk.today, desk.principal, command)


def submit_contract(command: contract.SubmitContract, desk: Desk) -> Decision:
    def claimant_of(fingerprint: str) -> Any:
        return desk.get(CLAIM, claim_id(fingerprint)).voucher_id

    voucher = _voucher(command, desk)
    look = _look(voucher, voucher.enterprise_uscc, desk)
    return contract.submit(voucher, claimant_of, look, desk.today, desk.principal, command)


def record_local_support(command: local_support.RecordLocalSupport, desk: Desk) -> Decision:
    file, enterprise = _file(command.enterprise_uscc, desk), desk.get(ENTERPRISE, enterprise_id(command.enterprise_uscc))
    return local_support.record(file, enterprise, lambda case: desk.get(VOUCHER, case), desk.today, desk.principal, command)


def acknowledge_contract(command: contract.AcknowledgeContract, desk: Desk) -> Decision:
    return contract.acknowledge(_voucher(command, desk), desk.principal, command)


def dispute_contract(command: contract.DisputeContract, desk: Desk) -> Decision:
    return contract.dispute(_voucher(command, desk), desk.principal, command)


def _ceiling_of(desk: Desk) -> Callable[[str, str, int], Ceiling]:
    return lambda kind, key, year: desk.get(CEILING, ceiling_id(kind, key, year))


def _facts(voucher: Voucher, desk: Desk) -> allocation.Facts:
    own_list = desk.get(CATALOGUE, catalogue_id(desk.today.year, voucher.region))
    return allocation.Facts(
        region=desk.get(REGION, region_id(voucher.region)),
        enterprise=desk.get(ENTERPRISE, enterprise_id(voucher.enterprise_uscc)),
        provider=desk.get(PROVIDER, provider_id(voucher.provider_uscc)),
        catalogue=own_list if own_list.version else desk.get(CATALOGUE, catalogue_id(desk.today.year)),
        file=_file_of(voucher, desk),
        ceiling_of=_ceiling_of(desk),
    )


def confirm_allocation(command: allocation.ConfirmAllocation, desk: Desk) -> Decision:
    voucher = _voucher(command, desk)
    return allocation.confirm(voucher, _facts(voucher, desk), desk.today, desk.principal, command)


def correct_allocation(command: correction.CorrectAllocation, desk: Desk) -> Decision:
    voucher = _voucher(command, desk)
    return correction.correct(voucher, _facts(voucher, desk), desk.today, desk.principal, command)


def _again(desk: Desk) -> reinstatement.Again:
    return reinstatement.Again(_ceiling_of(desk), lambda mark: desk.get(CLAIM, claim_id(mark)).voucher_id)


def reinstate_voucher(command: reinstatement.ReinstateVoucher, desk: Desk) -> Decision:
    return reinstatement.reinstate(_voucher(command, desk), _again(desk), desk.principal, command)


def lodge_appeal(command: appeals.LodgeAppeal, desk: Desk) -> Decision:
    voucher = _voucher(command, desk)
    return appeals.lodge(voucher, desk.get(REGION, region_id(voucher.region)), desk.today, desk.principal, command)


def decide_appeal(command: appeals.DecideAppeal, desk: Desk) -> Decision:
    voucher = _voucher(command, desk)
    region, provider = desk.get(REGION, region_id(voucher.region)), desk.get(PROVIDER, provider_id(voucher.provider_uscc))
    bench = appeals.Bench(region, provider, _again(desk), desk.today)
    return appeals.decide(voucher, bench, desk.principal, command)


def tender_voucher(command: handover.TenderVoucher, desk: Desk) -> Decision:
    return handover.tender(_voucher(command, desk), desk.principal, command)


def collect_voucher(command: handover.CollectVoucher, desk: Desk) -> Decision:
    return handover.collect(_voucher(command, desk), desk.principal, command)


def withdraw_voucher(command: endings.WithdrawVoucher, desk: Desk) -> Decision:
    voucher = _voucher(command, desk)
    return endings.withdraw(voucher, _file(voucher.enterprise_uscc, desk), desk.principal, command)


def expire_voucher(command: endings.ExpireVoucher, desk: Desk) -> Decision:
    heard_until: date | None = desk.get(SETTLEMENT_DAYS, days_id("settlement"))
    voucher = _voucher(command, desk)
    appealable_until = appeals.last_day(voucher, desk.get(REGION, region_id(voucher.region)))
    return endings.expire(voucher, heard_until, appealable_until, command)


def pass_on_voucher(command: succession.PassOnVoucher, desk: Desk) -> Decision:
    voucher = _voucher(command, desk)
    predecessor = _party(voucher.enterprise_uscc, desk)
    successor_uscc = predecessor.succession.successor_uscc if predecessor.succession else voucher.enterprise_uscc
    look = _look(voucher, successor_uscc, desk)
    return succession.pass_on(voucher, predecessor, look, desk.today, desk.principal, command)


def carry_over(command: year_end.CarryOver, desk: Desk) -> Decision:
    voucher = _voucher(command, desk)
    heard_until: date | None = desk.get(SETTLEMENT_DAYS, days_id("settlement"))
    return year_end.carry_over(voucher, _facts(voucher, desk), heard_until, desk.principal, command)


def extend_voucher(command: endings.ExtendVoucher, desk: Desk) -> Decision:
    return endings.extend(_voucher(command, desk), desk.principal, command)


def void_voucher(command: endings.VoidVoucher, desk: Desk) -> Decision:
    return endings.void(_voucher(command, desk), desk.principal, command)


def allow_performance(command: endings.AllowPerformance, desk: Desk) -> Decision:
    return endings.allow_performance(_voucher(command, desk), desk.principal, command)


def record_recusal(command: recusal.RecordRecusal, desk: Desk) -> Decision:
    return recusal.record(_voucher(command, desk), desk.principal, command)


def _unless_recused(handler: Callable[[Any, Desk], Decision]) -> Callable[[Any, Desk], Decision]:
    """Who stays out of a case decides nothing of it."""

    def decide(command: Any, desk: Desk) -> Decision:
        recused = _voucher(command, desk).recused
        if recused and desk.principal.persons & recused:
            return Recused("voucher_id")
        return handler(command, desk)

    return decide


_OF_A_CASE: dict[type[Command], Callable[[Any, Desk], Decision]] = {
    application.ApplyForVoucher: apply_for_voucher,
    application.PrecheckApplication: precheck_application,
    application.ChangeProvider: change_provider,
    contract.SubmitContract: submit_contract,
    contract.AmendContract: submit_contract,
    contract.AcknowledgeContract: acknowledge_contract,
    contract.DisputeContract: dispute_contract,
    allocation.ConfirmAllocation: confirm_allocation,
    handover.TenderVoucher: tender_voucher,
    handover.CollectVoucher: collect_voucher,
    endings.WithdrawVoucher: withdraw_voucher,
    endings.ExpireVoucher: expire_voucher,
    endings.ExtendVoucher: extend_voucher,
    year_end.CarryOver: carry_over,
    succession.PassOnVoucher: pass_on_voucher,
    endings.VoidVoucher: void_voucher,
    endings.AllowPerformance: allow_performance,
    recusal.RecordRecusal: record_recusal,
    correction.CorrectAllocation: correct_allocation,
    reinstatement.ReinstateVoucher: reinstate_voucher,
    appeals.LodgeAppeal: lodge_appeal,
    appeals.DecideAppeal: decide_appeal,
}

HANDLERS: dict[type[Command], Callable[[Any, Desk], Decision]] = {
    **{command: _unless_recused(handler) for command, handler in _OF_A_CASE.items()},
    local_support.RecordLocalSupport: record_local_support,
}
