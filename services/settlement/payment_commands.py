"""Commands on payments: accounts, batches, what banks answer, windows, recoveries."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from uuid import UUID

from tongdui_events.streams import account_id, invoice_id, position_id, region_id, statement_id

from services.settlement import at_hand
from services.settlement.at_hand import Decision
from services.settlement.domain import (
    accounts,
    agents,
    bank_answers,
    batch_words,
    batches,
    clawbacks,
    completion,
    handover,
    invoice_checks,
    offsets,
    payouts,
    statements,
    windows,
)
from services.settlement.domain.accounts import ACCOUNT
from services.settlement.domain.agents import AGENT
from services.settlement.domain.batches import BATCH
from services.settlement.domain.case_facts import CASE, Case
from services.settlement.domain.clawbacks import CLAWBACK, Clawback
from services.settlement.domain.invoice_status import REGISTERS
from services.settlement.domain.invoices import INVOICE
from services.settlement.domain.lookups import case_of, clawbacks_of, paid_of, redemption_of
from services.settlement.domain.payment import BANKS, PORT
from services.settlement.domain.payouts import PAYOUT, Payout
from services.settlement.domain.redemption import REDEMPTION
from services.settlement.domain.refusals import NothingToCheck
from services.settlement.domain.registry_facts import REGION
from services.settlement.domain.statements import OVERRIDE
from services.settlement.domain.windows import POSITION, WINDOW
from shared.kernel.decisions import Decided, Refusal
from shared.runtime.desk import Desk

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
    looked = payouts.check(payout, at_hand.stops_on(case, payout.payee_uscc, desk), desk.principal, command)
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
    batch, agent = desk.get(BATCH, command.batch_id), at_hand.agent_of(command.payer, desk)
    return batches.open_batch(batch, agent, desk.today, desk.principal, command)


def release_batch(command: batches.ReleaseBatch, desk: Desk) -> Decision:
    batch = desk.get(BATCH, command.batch_id)
    dues = [at_hand.due_of(payout_id, desk) for payout_id in command.payout_ids]
    told = batches.instructions(batch, at_hand.agent_of(batch.payer, desk), dues, desk.today, desk.principal, command)
    if isinstance(told, Refusal):
        return told
    if BANKS.files.serves(batch):
        names = {line.payee_uscc: at_hand.name_of(line.payee_uscc, desk) for line in told}
        written = BANKS.files.write(batch, told, names, desk.today)
        return written if isinstance(written, Refusal) else batches.released(command.batch_id, told, written)
    listed = PORT.payment_list(batches.message_id(command.batch_id), told)
    return batches.released(command.batch_id, told, hashlib.sha256(listed).hexdigest())


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
    others, region = clawbacks_of(redemption, desk.get), at_hand.region_of(case, desk)
    return clawbacks.propose(clawback, redemption, others, paid, case, region, desk.today, desk.principal, command)


def order_clawback(command: clawbacks.OrderClawback, desk: Desk) -> Decision:
    clawback, redemption = desk.get(CLAWBACK, command.clawback_id), at_hand.of_its_clawback(command, desk)
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
    case = case_of(at_hand.of_its_clawback(command, desk), desk.get)
    clawback = desk.get(CLAWBACK, command.clawback_id)
    return _with_lapses(clawbacks.cancel(clawback, case, desk.principal, command), clawback, 0, desk)


def record_recovery(command: clawbacks.RecordRecovery, desk: Desk) -> Decision:
    clawback, redemption = desk.get(CLAWBACK, command.clawback_id), at_hand.of_its_clawback(command, desk)
    case, paid = case_of(redemption, desk.get), paid_of(redemption, desk.get)
    decided = clawbacks.recover(clawback, paid, case, desk.today, desk.principal, command)
    return _with_lapses(decided, clawback, clawback.left_fen - command.amount_fen, desk)


def write_off_clawback(command: clawbacks.WriteOffClawback, desk: Desk) -> Decision:
    case = case_of(at_hand.of_its_clawback(command, desk), desk.get)
    clawback = desk.get(CLAWBACK, command.clawback_id)
    return _with_lapses(clawbacks.write_off(clawback, case, desk.principal, command), clawback, 0, desk)
