"""Glue of settlement's commands: get the states a decision needs, decide."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from tongdui_events.streams import (
    account_id,
    enterprise_file_id,
    enterprise_id,
    invoice_id,
    notice_numbers_id,
    position_id,
    provider_id,
    region_id,
    statement_id,
)

from services.settlement.domain import (
    accounts,
    adjustments,
    agents,
    approval,
    bank_answers,
    batch_words,
    batches,
    clawbacks,
    completion,
    endings,
    handover,
    invoice_checks,
    invoice_status,
    notices,
    objections,
    offsets,
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
from services.settlement.domain.batches import BATCH, Due
from services.settlement.domain.case_facts import CASE, Case
from services.settlement.domain.clawbacks import CLAWBACK, DEBTS, Clawback
from services.settlement.domain.cross_checks import Grounds
from services.settlement.domain.invoice_status import REGISTERS
from services.settlement.domain.invoices import INVOICE, Invoice
from services.settlement.domain.local_support import LOCAL_SUPPORT
from services.settlement.domain.lookups import case_of, clawbacks_of, debts_of, paid_of, payments_of, redemption_of, rounds_of
from services.settlement.domain.notices import NOTICE, NUMBERS, Candidate, Passing
from services.settlement.domain.payment import BANKS, PORT
from services.settlement.domain.payouts import PAYOUT, Payout
from services.settlement.domain.redemption import REDEMPTION, Redemption
from services.settlement.domain.refusals import NothingToCheck
from services.settlement.domain.registry_facts import ENTERPRISE, PROVIDER, REGION, Region, name_on
from services.settlement.domain.statements import OVERRIDE
from services.settlement.domain.stops import CASE_STOPS, INSPECTION, stops_of
from services.settlement.domain.windows import POSITION, WINDOW
from shared.kernel.calendar import WORKING_DAYS, calendar_from
from shared.kernel.commands import Command
from shared.kernel.decisions import Decided, Refusal
from shared.kernel.delegation import DELEGATION
from shared.kernel.folding import Fold
from shared.kernel.public_notice import PublicNotice
from shared.kernel.recusal import Recused
from shared.runtime.ahead import Ahead
from shared.runtime.desk import Desk

Decision = list[Decided] | Refusal

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

# -- what decisions look at ----------------------------------------------------------------------


def _notice_of(notice_id: UUID | None, desk: Desk) -> PublicNotice:
    return desk.get(NOTICE, notice_id) if notice_id else PublicNotice()


def _region(case: Case, desk: Desk) -> Region:
    return desk.get(REGION, region_id(case.region))


def _grounds(case: Case, numbers: Iterable[str], desk: Desk) -> Grounds:
    branches = desk.get(PROVIDER, provider_id(case.provider_uscc)).branches
    known = _invoices(numbers, desk)
    known = invoice_status.as_of_now(known, _reversals(known))
    files = (desk.get(LOCAL_SUPPORT, enterprise_file_id(uscc)) for uscc in sorted(case.enterprises) if uscc)
    supported = {number: reference for file in files for number, reference in file.items()}
    return Grounds(case, branches, known, desk.today, supported)


def _invoices(numbers: Iterable[str], desk: Desk) -> dict[str, Invoice]:
    return {number: desk.get(INVOICE, invoice_id(number)) for number in numbers}


def _reversals(numbers: Iterable[str]) -> dict[str, invoice_status.Reversal]:
    """What the register says of these invoices by now."""
    asked = ((number, REGISTERS.status.reversal(number)) for number in numbers)
    return {number: reversal for number, reversal in asked if reversal is not None}


def _stops(case: Case, payee_uscc: str, desk: Desk) -> frozenset[str]:
    if case.voucher_id is None:
        return frozenset()
    enterprise = desk.get(ENTERPRISE, enterprise_id(case.enterprise_uscc))
    provider = desk.get(PROVIDER, provider_id(case.provider_uscc))
    return stops_of(case, desk.get(CASE_STOPS, case.voucher_id), enterprise, provider, desk.today, payee_uscc)


def _parties(case: Case, desk: Desk) -> str:
    """The registered names of both, as a public notice names them."""
    enterprise = name_on(desk.get(ENTERPRISE, enterprise_id(case.enterprise_uscc)).names, desk.today)
    provider = name_on(desk.get(PROVIDER, provider_id(case.provider_uscc)).names, desk.today)
    return f"{enterprise or case.enterprise_uscc} / {provider or case.provider_uscc}"


def _candidate(redemption_id: UUID, desk: Desk) -> Candidate:
    redemption = desk.get(REDEMPTION, redemption_id)
    case = case_of(redemption, desk.get)
    standing = _notice_of(redemption.last_notice_id, desk)
    return Candidate(redemption_id, redemption, case, _parties(case, desk), standing)


def _passing(redemption_id: UUID, desk: Desk) -> Passing:
    redemption = desk.get(REDEMPTION, redemption_id)
    case = case_of(redemption, desk.get)
    account = desk.get(ACCOUNT, account_id(redemption.payee_uscc))
    debts = debts_of(case.region, redemption.payee_uscc, desk.get)
    return Passing(redemption, case, _region(case, desk), account, _stops(case, redemption.payee_uscc, desk), debts)


def _due(payout_id: UUID, desk: Desk) -> Due:
    payout = desk.get(PAYOUT, payout_id)
    redemption = redemption_of(payout, desk.get)
    case = case_of(redemption, desk.get)
    account = desk.get(ACCOUNT, account_id(payout.payee_uscc))
    unfunded = bool(desk.get(POSITION, position_id(payout.region)).unfunded)
    name = _name(payout.payee_uscc, desk) if payout.payee_uscc else ""
    rounds, stops = rounds_of(case, desk.get), _stops(case, payout.payee_uscc, desk)
    numbers = [entry.number for entry in redemption.request.invoices] if redemption.request else []
    gone = tuple(invoice_status.reversed_since(redemption, _invoices(numbers, desk), _reversals(numbers)))
    return Due(payout_id, payout, redemption, rounds, account, stops, unfunded, name, gone)


def _agent(payer: str, desk: Desk) -> agents.Agent:
    """The agent that text names; one without regions where it names none."""
    try:
        return desk.get(AGENT, UUID(payer))
    except ValueError:
        return agents.Agent()


# -- requests ------------------------------------------------------------------------------------


def request_redemption(command: request.RequestRedemption, desk: Desk) -> Decision:
    case = desk.get(CASE, command.voucher_id)
    grounds = _grounds(case, request.numbers_in(command), desk)
    redemption = desk.get(REDEMPTION, command.redemption_id)
    return request.request(redemption, rounds_of(case, desk.get), grounds, desk.principal, command)


def resubmit_redemption(command: request.ResubmitRedemption, desk: Desk) -> Decision:
    redemption = desk.get(REDEMPTION, command.redemption_id)
    grounds = _grounds(case_of(redemption, desk.get), request.numbers_in(command), desk)
    return request.resubmit(redemption, grounds, desk.principal, command)


def withdraw_redemption(command: endings.WithdrawRedemption, desk: Desk) -> Decision:
    redemption = desk.get(REDEMPTION, command.redemption_id)
    return endings.withdraw(redemption, case_of(redemption, desk.get), desk.principal, command)


def return_redemption(command: endings.ReturnRedemption, desk: Desk) -> Decision:
    redemption = desk.get(REDEMPTION, command.redemption_id)
    case = case_of(redemption, desk.get)
    return endings.return_for_mending(redemption, case, _region(case, desk), desk.today, desk.principal, command)


def lapse_redemption(command: endings.LapseRedemption, desk: Desk) -> Decision:
    return endings.lapse(desk.get(REDEMPTION, command.redemption_id), desk.today, desk.principal, command)


def reject_redemption(command: endings.RejectRedemption, desk: Desk) -> Decision:
    redemption = desk.get(REDEMPTION, command.redemption_id)
    case = case_of(redemption, desk.get)
    notice, due = _notice_of(redemption.notice_id, desk), payments_of(redemption, desk.get)
    region = _region(case, desk)
    return endings.reject(redemption, case, region, notice, due, desk.today, desk.principal, command)


# -- review and approval ---------------------------------------------------------------------------


def review_redemption(command: review.ReviewRedemption, desk: Desk) -> Decision:
    redemption = desk.get(REDEMPTION, command.redemption_id)
    case = case_of(redemption, desk.get)
    numbers = [entry.number for entry in redemption.request.invoices] if redemption.request else []
    grounds = _grounds(case, numbers, desk)
    return review.review(redemption, rounds_of(case, desk.get), grounds, _region(case, desk), desk.principal, command)


def approve_redemption(command: approval.ApproveRedemption, desk: Desk) -> Decision:
    redemption = desk.get(REDEMPTION, command.redemption_id)
    case = case_of(redemption, desk.get)
    account = desk.get(ACCOUNT, account_id(case.payee_uscc))
    region, rounds = _region(case, desk), rounds_of(case, desk.get)
    return approval.approve(redemption, rounds, case, region, account, desk.today, desk.principal, command)


def adjust_redemption(command: adjustments.AdjustRedemption, desk: Desk) -> Decision:
    redemption = desk.get(REDEMPTION, command.redemption_id)
    case, paid = case_of(redemption, desk.get), paid_of(redemption, desk.get)
    orders, rounds = clawbacks_of(redemption, desk.get), rounds_of(case, desk.get)
    return adjustments.adjust(redemption, rounds, case, orders, paid, desk.principal, command)


def withdraw_approval(command: approval.WithdrawApproval, desk: Desk) -> Decision:
    redemption = desk.get(REDEMPTION, command.redemption_id)
    notice, due = _notice_of(redemption.notice_id, desk), payments_of(redemption, desk.get)
    return approval.withdraw_approval(redemption, case_of(redemption, desk.get), notice, due, desk.principal, command)


# -- notices ---------------------------------------------------------------------------------------


def publish_notice(command: notices.PublishNotice, desk: Desk) -> Decision:
    notice = desk.get(NOTICE, command.notice_id)
    last_number = desk.get(NUMBERS, notice_numbers_id("settlement", desk.today.year))
    candidates = [_candidate(redemption_id, desk) for redemption_id in command.redemption_ids]
    region, calendar = desk.get(REGION, region_id(command.region)), calendar_from(desk.get, desk.today)
    return notices.publish(notice, last_number, candidates, region, calendar, desk.today, desk.principal, command)


def correct_notice(command: notices.CorrectNotice, desk: Desk) -> Decision:
    notice = desk.get(NOTICE, command.notice_id)
    candidates = [_candidate(redemption_id, desk) for redemption_id in command.redemption_ids]
    region = desk.get(REGION, region_id(notices.region_of(notice)))
    calendar = calendar_from(desk.get, desk.today)
    return notices.correct(notice, candidates, region, calendar, desk.today, desk.principal, command)


def withdraw_notice(command: notices.WithdrawNotice, desk: Desk) -> Decision:
    return notices.withdraw(desk.get(NOTICE, command.notice_id), desk.principal, command)


def close_notice(command: notices.CloseNotice, desk: Desk) -> Decision:
    notice = desk.get(NOTICE, command.notice_id)
    waiting = [item_id for item_id, item in notice.items.items() if item.undecided]
    passings = {item_id: _passing(item_id, desk) for item_id in waiting}
    return notices.close(notice, passings, desk.today, desk.principal, command)


def raise_objection(command: objections.RaiseObjection, desk: Desk) -> Decision:
    redemption = desk.get(REDEMPTION, command.item_id)
    notice, due = desk.get(NOTICE, command.notice_id), payments_of(redemption, desk.get)
    return objections.raise_objection(notice, redemption, due, desk.today, command)


def rule_on_objection(command: objections.RuleOnObjection, desk: Desk) -> Decision:
    notice = desk.get(NOTICE, command.notice_id)
    raised = notice.objections.get(command.objection_id)
    redemption = desk.get(REDEMPTION, raised.item_id) if raised else Redemption()
    return objections.rule_on_objection(notice, redemption, payments_of(redemption, desk.get), desk.principal, command)


# -- accounts, agents, payouts -----------------------------------------------------------------------


def propose_payee_account(command: accounts.ProposePayeeAccount, desk: Desk) -> Decision:
    return accounts.propose(desk.get(ACCOUNT, account_id(command.uscc)), desk.principal, command)


def confirm_payee_account(command: accounts.ConfirmPayeeAccount, desk: Desk) -> Decision:
    account, region = desk.get(ACCOUNT, account_id(command.uscc)), desk.get(REGION, region_id(command.region or ""))
    return accounts.confirm(account, region, desk.today, desk.principal, command)


def appoint_agent(command: agents.AppointAgent, desk: Desk) -> Decision:
    return agents.appoint(command)


def replace_agent(command: agents.ReplaceAgent, desk: Desk) -> Decision:
    return agents.replace(desk.get(AGENT, command.agent_id), desk.get(AGENT, command.by), command)


def hold_payout(command: payouts.HoldPayout, desk: Desk) -> Decision:
    return payouts.hold(desk.get(PAYOUT, command.payout_id), desk.principal, command)


def free_payout(command: payouts.FreePayout, desk: Desk) -> Decision:
    return payouts.free(desk.get(PAYOUT, command.payout_id), desk.principal, command)


def cancel_payout(command: payouts.CancelPayout, desk: Desk) -> Decision:
    payout = desk.get(PAYOUT, command.payout_id)
    redemption = redemption_of(payout, desk.get)
    return payouts.cancel(payout, redemption, desk.principal, command)


def check_payout(command: payouts.CheckPayout, desk: Desk) -> Decision:
    payout = desk.get(PAYOUT, command.payout_id)
    case = desk.get(CASE, payout.voucher_id) if payout.voucher_id else Case()
    looked = payouts.check(payout, _stops(case, payout.payee_uscc, desk), desk.principal, command)
    return (_offset_due(payout, case, desk) or looked) if isinstance(looked, NothingToCheck) else looked


def _offset_due(payout: Payout, case: Case, desk: Desk) -> list[Decided]:
    """What is due of an offset by itself: it falls away when the year has turned, and is complete when nothing else of
    the payment is to come."""
    if offsets.year_turned(payout, desk.today):
        return offsets.lapsed(payout, _owing([payout], desk).account, offsets.OTHER_YEAR)
    if payout.amount_fen or payout.stage != "scheduled" or payout.holds:
        return []
    redemption = redemption_of(payout, desk.get)
    others = [desk.get(PAYOUT, other) for other in redemption.payouts if other != payout.payout_id]
    clawbacks_ = _owing([payout, *others], desk).clawbacks
    return completion.completed(payout, others, redemption, case, clawbacks_, desk.today)


def _owing(payouts_: Sequence[Payout], desk: Desk) -> bank_answers.Owing:
    """The debts these payments set off, and the account of their payee."""
    ids = {one.offset_clawback_id for one in payouts_ if one.offset_clawback_id is not None}
    account = desk.get(ACCOUNT, account_id(payouts_[0].payee_uscc))
    return bank_answers.Owing({id_: desk.get(CLAWBACK, id_) for id_ in ids}, account)


# -- batches and the bank's answers --------------------------------------------------------------------


def open_batch(command: batches.OpenBatch, desk: Desk) -> Decision:
    batch, agent = desk.get(BATCH, command.batch_id), _agent(command.payer, desk)
    return batches.open_batch(batch, agent, desk.today, desk.principal, command)


def release_batch(command: batches.ReleaseBatch, desk: Desk) -> Decision:
    batch = desk.get(BATCH, command.batch_id)
    dues = [_due(payout_id, desk) for payout_id in command.payout_ids]
    told = batches.instructions(batch, _agent(batch.payer, desk), dues, desk.today, desk.principal, command)
    if isinstance(told, Refusal):
        return told
    if BANKS.files.serves(batch):
        names = {line.payee_uscc: _name(line.payee_uscc, desk) for line in told}
        written = BANKS.files.write(batch, told, names, desk.today)
        return written if isinstance(written, Refusal) else batches.released(command.batch_id, told, written)
    listed = PORT.payment_list(batches.message_id(command.batch_id), told)
    return batches.released(command.batch_id, told, hashlib.sha256(listed).hexdigest())


def _name(uscc: str, desk: Desk) -> str:
    """The registered name of a payee, whichever it is: the bank compares it with the account's."""
    names = desk.get(ENTERPRISE, enterprise_id(uscc)).names or desk.get(PROVIDER, provider_id(uscc)).names
    return name_on(names, desk.today) or uscc


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


def record_batch_answer(command: batch_words.RecordBatchAnswer, desk: Desk) -> Decision:
    return batch_words.answered(desk.get(BATCH, command.batch_id), desk.principal, command)


def reconcile_batch(command: batch_words.ReconcileBatch, desk: Desk) -> Decision:
    payouts_ = [desk.get(PAYOUT, batch_words.payout_of(name)) for name in command.end_to_end_ids]
    return batch_words.reconciled(desk.get(BATCH, command.batch_id), payouts_, desk.principal, command)


def override_statement(command: statements.OverrideStatement, desk: Desk) -> Decision:
    known = desk.get(OVERRIDE, statement_id(command.agent_id, command.statement_sha256))
    return statements.override(known, desk.principal, command)


def _batch_of(payout: Payout, desk: Desk) -> batches.Batch:
    return desk.get(BATCH, payout.batch_id) if payout.batch_id else batches.Batch()


def record_settlement(command: bank_answers.RecordSettlement, desk: Desk) -> Decision:
    payout = desk.get(PAYOUT, command.payout_id)
    redemption = redemption_of(payout, desk.get)
    others = [desk.get(PAYOUT, other) for other in redemption.payouts if other != command.payout_id]
    case, batch = case_of(redemption, desk.get), _batch_of(payout, desk)
    owing = _owing([payout, *others], desk)
    return bank_answers.settle(payout, batch, redemption, others, case, owing, desk.today, desk.principal, command)


def record_failure(command: bank_answers.RecordFailure, desk: Desk) -> Decision:
    payout = desk.get(PAYOUT, command.payout_id)
    return bank_answers.fail(payout, _batch_of(payout, desk), desk.principal, command)


def record_uncertainty(command: bank_answers.RecordUncertainty, desk: Desk) -> Decision:
    payout = desk.get(PAYOUT, command.payout_id)
    return bank_answers.doubt(payout, _batch_of(payout, desk), desk.principal, command)


def record_return(command: bank_answers.RecordReturn, desk: Desk) -> Decision:
    """With the payment that came back, the redemption's recoveries shrink to what is left paid of it."""
    payout = desk.get(PAYOUT, command.payout_id)
    returned = bank_answers.give_back(payout, _batch_of(payout, desk), desk.today, desk.principal, command)
    if isinstance(returned, Refusal):
        return returned
    redemption = redemption_of(payout, desk.get)
    left_fen = paid_of(redemption, desk.get).fen - command.amount_fen
    orders = clawbacks_of(redemption, desk.get)
    shrunk = clawbacks.lowered(redemption, orders, left_fen, case_of(redemption, desk.get))
    told = {decided.originator_id for decided in shrunk}
    gone = (_with_lapses([], one, 0, desk) for one in orders if one.clawback_id in told)
    return [*returned, *shrunk, *(event for lapse in gone if not isinstance(lapse, Refusal) for event in lapse)]


def check_invoice(command: invoice_checks.CheckInvoice, desk: Desk) -> Decision:
    invoice = desk.get(INVOICE, invoice_id(command.number))
    holders = [_holder(redemption_id, fen, desk) for redemption_id, fen in invoice.allotted.items()]
    reversal = REGISTERS.status.reversal(command.number)
    return invoice_checks.check(invoice, holders, reversal, desk.principal, command)


def _holder(redemption_id: UUID, allotted_fen: int, desk: Desk) -> invoice_checks.Holder:
    redemption = desk.get(REDEMPTION, redemption_id)
    case, paid = case_of(redemption, desk.get), paid_of(redemption, desk.get)
    orders = clawbacks_of(redemption, desk.get)
    return invoice_checks.Holder(redemption_id, allotted_fen, redemption, case, paid, orders)


# -- windows -------------------------------------------------------------------------------------


def close_window(command: windows.CloseWindow, desk: Desk) -> Decision:
    agent = desk.get(AGENT, command.agent_id)
    window = desk.get(WINDOW, windows.window_id(command.agent_id, command.length, command.closes_on))
    sides = [
        windows.Side(code, desk.get(REGION, region_id(code)), desk.get(POSITION, position_id(code)))
        for code in sorted(agent.regions)
    ]
    return windows.close(window, agent, sides, desk.today, desk.principal, command)


def record_funding(command: windows.RecordFunding, desk: Desk) -> Decision:
    return windows.fund(desk.get(WINDOW, command.window_id), desk.today, desk.principal, command)


def return_funding(command: handover.ReturnFunding, desk: Desk) -> Decision:
    window, position = desk.get(WINDOW, command.window_id), desk.get(POSITION, position_id(command.region))
    agent = desk.get(AGENT, window.agent_id) if window.agent_id else agents.Agent()
    payouts_ = {id_: desk.get(PAYOUT, id_) for id_ in position.fixed.get(command.window_id, {})}
    return handover.give_back(window, agent, position, payouts_, desk.today, desk.principal, command)


def settle_window(command: windows.SettleWindow, desk: Desk) -> Decision:
    window = desk.get(WINDOW, command.window_id)
    fixed = (desk.get(POSITION, position_id(region)).fixed.get(command.window_id, {}) for region in window.regions)
    payouts_ = [desk.get(PAYOUT, payout_id) for ids in fixed for payout_id in ids]
    return windows.settle(window, payouts_, desk.principal, command)


# -- clawback ------------------------------------------------------------------------------------


def propose_clawback(command: clawbacks.ProposeClawback, desk: Desk) -> Decision:
    clawback, redemption = desk.get(CLAWBACK, command.clawback_id), desk.get(REDEMPTION, command.redemption_id)
    case, paid = case_of(redemption, desk.get), paid_of(redemption, desk.get)
    others, region = clawbacks_of(redemption, desk.get), _region(case, desk)
    return clawbacks.propose(clawback, redemption, others, paid, case, region, desk.today, desk.principal, command)


def order_clawback(command: clawbacks.OrderClawback, desk: Desk) -> Decision:
    clawback, redemption = desk.get(CLAWBACK, command.clawback_id), _of_its_clawback(command, desk)
    others = [other for other in clawbacks_of(redemption, desk.get) if other.clawback_id != command.clawback_id]
    case, paid = case_of(redemption, desk.get), paid_of(redemption, desk.get)
    decided = clawbacks.order(clawback, redemption, others, paid, case, desk.principal, command)
    return _with_lapses(decided, clawback, command.amount_fen - clawback.recovered_fen, desk)


def _with_lapses(decided: Decision, clawback: Clawback, left_fen: int, desk: Desk) -> Decision:
    """Where less is left owed than payments under way were to set off, their offsets fall away."""
    if isinstance(decided, Refusal) or sum(clawback.planned.values()) <= left_fen:
        return decided
    under_way = [desk.get(PAYOUT, payout_id) for payout_id in clawback.planned]
    gone = (offsets.lapsed(one, _owing([one], desk).account, offsets.DEBT_GONE) for one in under_way)
    return [*decided, *(event for lapse in gone for event in lapse)]


def cancel_clawback(command: clawbacks.CancelClawback, desk: Desk) -> Decision:
    case = case_of(_of_its_clawback(command, desk), desk.get)
    clawback = desk.get(CLAWBACK, command.clawback_id)
    return _with_lapses(clawbacks.cancel(clawback, case, desk.principal, command), clawback, 0, desk)


def record_recovery(command: clawbacks.RecordRecovery, desk: Desk) -> Decision:
    clawback, redemption = desk.get(CLAWBACK, command.clawback_id), _of_its_clawback(command, desk)
    case, paid = case_of(redemption, desk.get), paid_of(redemption, desk.get)
    decided = clawbacks.recover(clawback, paid, case, desk.today, desk.principal, command)
    return _with_lapses(decided, clawback, clawback.left_fen - command.amount_fen, desk)


def write_off_clawback(command: clawbacks.WriteOffClawback, desk: Desk) -> Decision:
    case = case_of(_of_its_clawback(command, desk), desk.get)
    clawback = desk.get(CLAWBACK, command.clawback_id)
    return _with_lapses(clawbacks.write_off(clawback, case, desk.principal, command), clawback, 0, desk)


def record_recusal(command: recusal.RecordRecusal, desk: Desk) -> Decision:
    redemption = desk.get(REDEMPTION, command.redemption_id)
    return recusal.record(redemption, case_of(redemption, desk.get), desk.principal, command)


def _of_its_redemption(command: Any, desk: Desk) -> Redemption:
    return desk.get(REDEMPTION, command.redemption_id)


def _of_its_payout(command: Any, desk: Desk) -> Redemption:
    return redemption_of(desk.get(PAYOUT, command.payout_id), desk.get)


def _of_its_clawback(command: Any, desk: Desk) -> Redemption:
    clawback = desk.get(CLAWBACK, command.clawback_id)
    return desk.get(REDEMPTION, clawback.redemption_id) if clawback.redemption_id else Redemption()


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
    request.RequestRedemption: request_redemption,
    request.ResubmitRedemption: resubmit_redemption,
    endings.WithdrawRedemption: withdraw_redemption,
    endings.ReturnRedemption: return_redemption,
    endings.LapseRedemption: lapse_redemption,
    endings.RejectRedemption: reject_redemption,
    review.ReviewRedemption: review_redemption,
    approval.ApproveRedemption: approve_redemption,
    approval.WithdrawApproval: withdraw_approval,
    adjustments.AdjustRedemption: adjust_redemption,
    recusal.RecordRecusal: record_recusal,
    clawbacks.ProposeClawback: propose_clawback,
}

_OF_A_CLAWBACK: dict[type[Command], Callable[[Any, Desk], Decision]] = {
    clawbacks.OrderClawback: order_clawback,
    clawbacks.CancelClawback: cancel_clawback,
    clawbacks.RecordRecovery: record_recovery,
    clawbacks.WriteOffClawback: write_off_clawback,
}

_OF_A_PAYOUT: dict[type[Command], Callable[[Any, Desk], Decision]] = {
    payouts.HoldPayout: hold_payout,
    payouts.FreePayout: free_payout,
    payouts.CancelPayout: cancel_payout,
    payouts.CheckPayout: check_payout,
    bank_answers.RecordSettlement: record_settlement,
    bank_answers.RecordFailure: record_failure,
    bank_answers.RecordUncertainty: record_uncertainty,
    bank_answers.RecordReturn: record_return,
}

HANDLERS: dict[type[Command], Callable[[Any, Desk], Decision]] = {
    **{command: _unless_recused(handler, _of_its_redemption) for command, handler in _OF_A_REDEMPTION.items()},
    **{command: _unless_recused(handler, _of_its_payout) for command, handler in _OF_A_PAYOUT.items()},
    **{command: _unless_recused(handler, _of_its_clawback) for command, handler in _OF_A_CLAWBACK.items()},
    notices.PublishNotice: publish_notice,
    notices.CorrectNotice: correct_notice,
    notices.WithdrawNotice: withdraw_notice,
    notices.CloseNotice: close_notice,
    objections.RaiseObjection: raise_objection,
    objections.RuleOnObjection: rule_on_objection,
    accounts.ProposePayeeAccount: propose_payee_account,
    accounts.ConfirmPayeeAccount: confirm_payee_account,
    agents.AppointAgent: appoint_agent,
    agents.ReplaceAgent: replace_agent,
    batches.OpenBatch: open_batch,
    batches.ReleaseBatch: release_batch,
    result_lists.RecordResults: record_results,
    batch_words.RecordBatchAnswer: record_batch_answer,
    batch_words.ReconcileBatch: reconcile_batch,
    statements.OverrideStatement: override_statement,
    invoice_checks.CheckInvoice: check_invoice,
    windows.CloseWindow: close_window,
    windows.RecordFunding: record_funding,
    windows.SettleWindow: settle_window,
    handover.ReturnFunding: return_funding,
}
