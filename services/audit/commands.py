"""Glue of the audit service's commands: get the states a decision needs, decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from tongdui_events.streams import region_id

from services.audit.domain import inspections, sampling, sanctions, signals
from services.audit.domain.case_facts import ANSWER_DAYS, PAID, PARTIES, AnswerDays, Paid
from services.audit.domain.inspections import INSPECTION, Inspection
from services.audit.domain.parties import Parties
from services.audit.domain.sampling import SAMPLE
from services.audit.domain.sanctions import CREDIT_RECORD, SANCTION, Sanction
from services.audit.domain.signals import RAISED, SIGNAL_TERMS, TERMS_ID
from shared.kernel.commands import Command
from shared.kernel.decisions import Decided, Refusal
from shared.kernel.delegation import DELEGATION
from shared.kernel.folding import Fold
from shared.runtime.desk import Desk

Decision = list[Decided] | Refusal

FOLDS: list[Fold[Any]] = [
    DELEGATION, INSPECTION, SANCTION, CREDIT_RECORD, PARTIES, PAID, ANSWER_DAYS, RAISED, SIGNAL_TERMS, SAMPLE,
]


def _parties(voucher_id: UUID | None, desk: Desk) -> Parties:
    return desk.get(PARTIES, voucher_id) if voucher_id else Parties()


def _answer_days(parties: Parties, desk: Desk) -> AnswerDays:
    return desk.get(ANSWER_DAYS, region_id(parties.region))


# -- inspections -----------------------------------------------------------------------------------


def open_inspection(command: inspections.OpenInspection, desk: Desk) -> Decision:
    inspection, parties = desk.get(INSPECTION, command.inspection_id), _parties(command.voucher_id, desk)
    return inspections.open_inspection(inspection, parties, desk.principal, command)


def record_finding(command: inspections.RecordFinding, desk: Desk) -> Decision:
    inspection = desk.get(INSPECTION, command.inspection_id)
    return inspections.record_finding(inspection, _parties(inspection.voucher_id, desk), desk.principal, command)


def state_on_findings(command: inspections.StateOnFindings, desk: Desk) -> Decision:
    return inspections.state_on_findings(desk.get(INSPECTION, command.inspection_id), desk.principal, command)


def close_inspection(command: inspections.CloseInspection, desk: Desk) -> Decision:
    inspection = desk.get(INSPECTION, command.inspection_id)
    parties = _parties(inspection.voucher_id, desk)
    paid = desk.get(PAID, command.redemption_id) if command.redemption_id else Paid()
    facts = inspections.Closing(parties, _answer_days(parties, desk), paid)
    return inspections.close_inspection(inspection, facts, desk.today, desk.principal, command)


def record_sample(command: sampling.RecordSample, desk: Desk) -> Decision:
    return sampling.record_sample(desk.get(SAMPLE, command.sample_id), lambda case: _parties(case, desk), command)


# -- sanctions and credit records --------------------------------------------------------------------


def _sanction(command: Any, desk: Desk) -> Sanction:
    return desk.get(SANCTION, command.sanction_id)


def propose_sanction(command: sanctions.ProposeSanction, desk: Desk) -> Decision:
    inspection: Inspection = desk.get(INSPECTION, command.inspection_id)
    parties = _parties(inspection.voucher_id, desk)
    return sanctions.propose_sanction(_sanction(command, desk), inspection, parties, desk.principal, command)


def notify_party(command: sanctions.NotifyParty, desk: Desk) -> Decision:
    return sanctions.notify_party(_sanction(command, desk), desk.today, desk.principal, command)


def give_statement(command: sanctions.GiveStatement, desk: Desk) -> Decision:
    return sanctions.give_statement(_sanction(command, desk), desk.principal, command)


def withdraw_sanction(command: sanctions.WithdrawSanction, desk: Desk) -> Decision:
    return sanctions.withdraw_sanction(_sanction(command, desk), desk.principal, command)


def decide_sanction(command: sanctions.DecideSanction, desk: Desk) -> Decision:
    sanction = _sanction(command, desk)
    answer_days = _answer_days(_parties(sanction.case_id, desk), desk)
    return sanctions.decide_sanction(sanction, answer_days, desk.today, desk.principal, command)


def review_sanction(command: sanctions.ReviewSanction, desk: Desk) -> Decision:
    return sanctions.review_sanction(_sanction(command, desk), desk.principal, command)


def lift_sanction(command: sanctions.LiftSanction, desk: Desk) -> Decision:
    return sanctions.lift_sanction(_sanction(command, desk), desk.principal, command)


def end_sanction(command: sanctions.EndSanction, desk: Desk) -> Decision:
    return sanctions.end_sanction(_sanction(command, desk), desk.today, desk.principal, command)


def repair_credit_record(command: sanctions.RepairCreditRecord, desk: Desk) -> Decision:
    return sanctions.repair_credit_record(desk.get(CREDIT_RECORD, command.record_id), desk.principal, command)


# -- signals -----------------------------------------------------------------------------------------


def raise_signal(command: signals.RaiseSignal, desk: Desk) -> Decision:
    return signals.raise_signal(
        desk.get(RAISED, command.signal_id), lambda case: _parties(case, desk), desk.principal, command
    )


def dismiss_signal(command: signals.DismissSignal, desk: Desk) -> Decision:
    return signals.dismiss_signal(desk.get(RAISED, command.signal_id), command)


def set_signal_terms(command: signals.SetSignalTerms, desk: Desk) -> Decision:
    return signals.set_signal_terms(desk.get(SIGNAL_TERMS, TERMS_ID), desk.today, command)


HANDLERS: dict[type[Command], Callable[[Any, Desk], Decision]] = {
    inspections.OpenInspection: open_inspection,
    inspections.RecordFinding: record_finding,
    inspections.StateOnFindings: state_on_findings,
    inspections.CloseInspection: close_inspection,
    sampling.RecordSample: record_sample,
    sanctions.ProposeSanction: propose_sanction,
    sanctions.NotifyParty: notify_party,
    sanctions.GiveStatement: give_statement,
    sanctions.WithdrawSanction: withdraw_sanction,
    sanctions.DecideSanction: decide_sanction,
    sanctions.ReviewSanction: review_sanction,
    sanctions.LiftSanction: lift_sanction,
    sanctions.EndSanction: end_sanction,
    sanctions.RepairCreditRecord: repair_credit_record,
    signals.RaiseSignal: raise_signal,
    signals.DismissSignal: dismiss_signal,
    signals.SetSignalTerms: set_signal_terms,
}
