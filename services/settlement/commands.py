"""Glue of settlement's commands: get the states a decision needs, decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.settlement import at_hand, payment_commands, redemption_commands
from services.settlement.at_hand import Decision
from services.settlement.domain import (
    accounts,
    adjustments,
    agents,
    approval,
    bank_answers,
    batch_words,
    batches,
    clawbacks,
    endings,
    handover,
    invoice_checks,
    notices,
    objections,
    payouts,
    recusal,
    request,
    result_lists,
    review,
    statements,
    windows,
)
from services.settlement.domain.accounts import ACCOUNT
from services.settlement.domain.agents import AGENT
from services.settlement.domain.batches import BATCH
from services.settlement.domain.case_facts import CASE
from services.settlement.domain.clawbacks import CLAWBACK, DEBTS
from services.settlement.domain.invoices import INVOICE
from services.settlement.domain.local_support import LOCAL_SUPPORT
from services.settlement.domain.lookups import case_of
from services.settlement.domain.notices import NOTICE, NUMBERS
from services.settlement.domain.payouts import PAYOUT
from services.settlement.domain.redemption import REDEMPTION, Redemption
from services.settlement.domain.registry_facts import ENTERPRISE, PROVIDER, REGION
from services.settlement.domain.statements import OVERRIDE
from services.settlement.domain.stops import CASE_STOPS, INSPECTION
from services.settlement.domain.windows import POSITION, WINDOW
from shared.kernel.calendar import WORKING_DAYS
from shared.kernel.commands import Command
from shared.kernel.decisions import Refusal
from shared.kernel.delegation import DELEGATION
from shared.kernel.folding import Fold
from shared.kernel.recusal import Recused
from shared.runtime.ahead import Ahead
from shared.runtime.desk import Desk

FOLDS: list[Fold[Any]] = [
    REDEMPTION,
    INVOICE,
    NOTICE,
    NUMBERS,
    ACCOUNT,
    PAYOUT,
    BATCH,
    OVERRIDE,
    AGENT,
    CLAWBACK,
    DEBTS,
    POSITION,
    WINDOW,
    CASE_STOPS,
    CASE,
    REGION,
    ENTERPRISE,
    PROVIDER,
    WORKING_DAYS,
    INSPECTION,
    LOCAL_SUPPORT,
    DELEGATION,
]


def record_results(command: result_lists.RecordResults, desk: Desk) -> Decision:
    """Every line is the answer it would be by itself; one that cannot be refuses the list."""
    batch, ahead = desk.get(BATCH, command.batch_id), Ahead(desk, FOLDS, "settlement")
    answered = []
    for line in command.lines:
        told = result_lists.answer(line)
        decided = HANDLERS[type(told)](told, ahead)
        answered.append(result_lists.Answered(line, desk.get(PAYOUT, told.payout_id), decided))
        ahead.add([] if isinstance(decided, Refusal) else decided)
    return result_lists.record(batch, answered, desk.principal, command)


def _unless_recused(
    handler: Callable[[Any, Desk], Decision], of: Callable[[Any, Desk], Redemption]
) -> Callable[[Any, Desk], Decision]:
    """Who stays out of a redemption decides nothing of it, nor of its payments and recoveries."""

    def decide(command: Any, desk: Desk) -> Decision:
        redemption = of(command, desk)
        if desk.principal.persons & (redemption.recused | case_of(redemption, desk.get).recused):
            return Recused()
        return handler(command, desk)

    return decide


_OF_A_REDEMPTION: dict[type[Command], Callable[[Any, Desk], Decision]] = {
    request.RequestRedemption: redemption_commands.request_redemption,
    request.ResubmitRedemption: redemption_commands.resubmit_redemption,
    endings.WithdrawRedemption: redemption_commands.withdraw_redemption,
    endings.ReturnRedemption: redemption_commands.return_redemption,
    endings.LapseRedemption: redemption_commands.lapse_redemption,
    endings.RejectRedemption: redemption_commands.reject_redemption,
    review.ReviewRedemption: redemption_commands.review_redemption,
    approval.ApproveRedemption: redemption_commands.approve_redemption,
    approval.WithdrawApproval: redemption_commands.withdraw_approval,
    adjustments.AdjustRedemption: redemption_commands.adjust_redemption,
    recusal.RecordRecusal: redemption_commands.record_recusal,
    clawbacks.ProposeClawback: payment_commands.propose_clawback,
}

_OF_A_CLAWBACK: dict[type[Command], Callable[[Any, Desk], Decision]] = {
    clawbacks.OrderClawback: payment_commands.order_clawback,
    clawbacks.CancelClawback: payment_commands.cancel_clawback,
    clawbacks.RecordRecovery: payment_commands.record_recovery,
    clawbacks.WriteOffClawback: payment_commands.write_off_clawback,
}

_OF_A_PAYOUT: dict[type[Command], Callable[[Any, Desk], Decision]] = {
    payouts.HoldPayout: payment_commands.hold_payout,
    payouts.FreePayout: payment_commands.free_payout,
    payouts.CancelPayout: payment_commands.cancel_payout,
    payouts.CheckPayout: payment_commands.check_payout,
    bank_answers.RecordSettlement: payment_commands.record_settlement,
    bank_answers.RecordFailure: payment_commands.record_failure,
    bank_answers.RecordUncertainty: payment_commands.record_uncertainty,
    bank_answers.RecordReturn: payment_commands.record_return,
}

HANDLERS: dict[type[Command], Callable[[Any, Desk], Decision]] = {
    **{command: _unless_recused(handler, at_hand.of_its_redemption) for command, handler in _OF_A_REDEMPTION.items()},
    **{command: _unless_recused(handler, at_hand.of_its_payout) for command, handler in _OF_A_PAYOUT.items()},
    **{command: _unless_recused(handler, at_hand.of_its_clawback) for command, handler in _OF_A_CLAWBACK.items()},
    notices.PublishNotice: redemption_commands.publish_notice,
    notices.CorrectNotice: redemption_commands.correct_notice,
    notices.WithdrawNotice: redemption_commands.withdraw_notice,
    notices.CloseNotice: redemption_commands.close_notice,
    objections.RaiseObjection: redemption_commands.raise_objection,
    objections.RuleOnObjection: redemption_commands.rule_on_objection,
    accounts.ProposePayeeAccount: payment_commands.propose_payee_account,
    accounts.ConfirmPayeeAccount: payment_commands.confirm_payee_account,
    agents.AppointAgent: payment_commands.appoint_agent,
    agents.ReplaceAgent: payment_commands.replace_agent,
    batches.OpenBatch: payment_commands.open_batch,
    batches.ReleaseBatch: payment_commands.release_batch,
    result_lists.RecordResults: record_results,
    batch_words.RecordBatchAnswer: payment_commands.record_batch_answer,
    batch_words.ReconcileBatch: payment_commands.reconcile_batch,
    statements.OverrideStatement: payment_commands.override_statement,
    invoice_checks.CheckInvoice: payment_commands.check_invoice,
    windows.CloseWindow: payment_commands.close_window,
    windows.RecordFunding: payment_commands.record_funding,
    windows.SettleWindow: payment_commands.settle_window,
    handover.ReturnFunding: payment_commands.return_funding,
}
