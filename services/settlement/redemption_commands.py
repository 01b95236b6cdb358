"""Commands on redemptions, from the request to the objections."""

from __future__ import annotations

from tongdui_events.streams import account_id, notice_numbers_id, region_id

from services.settlement import at_hand
from services.settlement.at_hand import Decision
from services.settlement.domain import adjustments, approval, endings, notices, objections, recusal, request, review
from services.settlement.domain.accounts import ACCOUNT
from services.settlement.domain.case_facts import CASE
from services.settlement.domain.lookups import case_of, clawbacks_of, paid_of, payments_of, rounds_of
from services.settlement.domain.notices import NOTICE, NUMBERS
from services.settlement.domain.redemption import REDEMPTION, Redemption
from services.settlement.domain.registry_facts import REGION
from shared.kernel.calendar import calendar_from
from shared.runtime.desk import Desk

# -- requests ------------------------------------------------------------------------------------


def request_redemption(command: request.RequestRedemption, desk: Desk) -> Decision:
    case = desk.get(CASE, command.voucher_id)
    grounds = at_hand.grounds_of(case, request.numbers_in(command), desk)
    redemption = desk.get(REDEMPTION, command.redemption_id)
    return request.request(redemption, rounds_of(case, desk.get), grounds, desk.principal, command)


def resubmit_redemption(command: request.ResubmitRedemption, desk: Desk) -> Decision:
    redemption = desk.get(REDEMPTION, command.redemption_id)
    grounds = at_hand.grounds_of(case_of(redemption, desk.get), request.numbers_in(command), desk)
    return request.resubmit(redemption, grounds, desk.principal, command)


def withdraw_redemption(command: endings.WithdrawRedemption, desk: Desk) -> Decision:
    redemption = desk.get(REDEMPTION, command.redemption_id)
    return endings.withdraw(redemption, case_of(redemption, desk.get), desk.principal, command)


def return_redemption(command: endings.ReturnRedemption, desk: Desk) -> Decision:
    redemption = desk.get(REDEMPTION, command.redemption_id)
    case = case_of(redemption, desk.get)
    return endings.return_for_mending(redemption, case, at_hand.region_of(case, desk), desk.today, desk.principal, command)


def lapse_redemption(command: endings.LapseRedemption, desk: Desk) -> Decision:
    return endings.lapse(desk.get(REDEMPTION, command.redemption_id), desk.today, desk.principal, command)


def reject_redemption(command: endings.RejectRedemption, desk: Desk) -> Decision:
    redemption = desk.get(REDEMPTION, command.redemption_id)
    case = case_of(redemption, desk.get)
    notice, due = at_hand.notice_of(redemption.notice_id, desk), payments_of(redemption, desk.get)
    region = at_hand.region_of(case, desk)
    return endings.reject(redemption, case, region, notice, due, desk.today, desk.principal, command)


# -- review and approval ---------------------------------------------------------------------------


def review_redemption(command: review.ReviewRedemption, desk: Desk) -> Decision:
    redemption = desk.get(REDEMPTION, command.redemption_id)
    case = case_of(redemption, desk.get)
    numbers = [entry.number for entry in redemption.request.invoices] if redemption.request else []
    grounds = at_hand.grounds_of(case, numbers, desk)
    return review.review(redemption, rounds_of(case, desk.get), grounds, at_hand.region_of(case, desk), desk.principal, command)


def approve_redemption(command: approval.ApproveRedemption, desk: Desk) -> Decision:
    redemption = desk.get(REDEMPTION, command.redemption_id)
    case = case_of(redemption, desk.get)
    account = desk.get(ACCOUNT, account_id(case.payee_uscc))
    region, rounds = at_hand.region_of(case, desk), rounds_of(case, desk.get)
    return approval.approve(redemption, rounds, case, region, account, desk.today, desk.principal, command)


def adjust_redemption(command: adjustments.AdjustRedemption, desk: Desk) -> Decision:
    redemption = desk.get(REDEMPTION, command.redemption_id)
    case, paid = case_of(redemption, desk.get), paid_of(redemption, desk.get)
    orders, rounds = clawbacks_of(redemption, desk.get), rounds_of(case, desk.get)
    return adjustments.adjust(redemption, rounds, case, orders, paid, desk.principal, command)


def withdraw_approval(command: approval.WithdrawApproval, desk: Desk) -> Decision:
    redemption = desk.get(REDEMPTION, command.redemption_id)
    notice, due = at_hand.notice_of(redemption.notice_id, desk), payments_of(redemption, desk.get)
    return approval.withdraw_approval(redemption, case_of(redemption, desk.get), notice, due, desk.principal, command)


# -- notices ---------------------------------------------------------------------------------------


def publish_notice(command: notices.PublishNotice, desk: Desk) -> Decision:
    notice = desk.get(NOTICE, command.notice_id)
    last_number = desk.get(NUMBERS, notice_numbers_id("settlement", desk.today.year))
    candidates = [at_hand.candidate_of(redemption_id, desk) for redemption_id in command.redemption_ids]
    region, calendar = desk.get(REGION, region_id(command.region)), calendar_from(desk.get, desk.today)
    return notices.publish(notice, last_number, candidates, region, calendar, desk.today, desk.principal, command)


def correct_notice(command: notices.CorrectNotice, desk: Desk) -> Decision:
    notice = desk.get(NOTICE, command.notice_id)
    candidates = [at_hand.candidate_of(redemption_id, desk) for redemption_id in command.redemption_ids]
    region = desk.get(REGION, region_id(notices.region_of(notice)))
    calendar = calendar_from(desk.get, desk.today)
    return notices.correct(notice, candidates, region, calendar, desk.today, desk.principal, command)


def withdraw_notice(command: notices.WithdrawNotice, desk: Desk) -> Decision:
    return notices.withdraw(desk.get(NOTICE, command.notice_id), desk.principal, command)


def close_notice(command: notices.CloseNotice, desk: Desk) -> Decision:
    notice = desk.get(NOTICE, command.notice_id)
    waiting = [item_id for item_id, item in notice.items.items() if item.undecided]
    passings = {item_id: at_hand.passing_of(item_id, desk) for item_id in waiting}
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




def record_recusal(command: recusal.RecordRecusal, desk: Desk) -> Decision:
    redemption = desk.get(REDEMPTION, command.redemption_id)
    return recusal.record(redemption, case_of(redemption, desk.get), desk.principal, command)


