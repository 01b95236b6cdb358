"""Glue of settlement's commands: get the states a decision needs, decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from tongdui_events.streams import (
    account_id,
    enterprise_id,
    invoice_id,
    notice_numbers_id,
    provider_id,
    region_id,
)

from services.settlement.domain import accounts, notices, payouts, request, review
from services.settlement.domain.accounts import ACCOUNT
from services.settlement.domain.case_facts import CASE, Case
from services.settlement.domain.invoices import INVOICE
from services.settlement.domain.notices import NOTICE, NUMBERS, Item
from services.settlement.domain.payouts import PAYOUT, Due, payout_id
from services.settlement.domain.redemption import REDEMPTION, Redemption
from services.settlement.domain.registry_facts import ENTERPRISE, PROVIDER, REGION, Region, name_on
from shared.kernel.calendar import WORKING_DAYS, calendar_from
from shared.kernel.commands import Command
from shared.kernel.decisions import Decided, NotYours, Refusal
from shared.kernel.folding import Fold
from shared.runtime.desk import Desk

Decision = list[Decided] | Refusal

FOLDS: list[Fold[Any]] = [
    REDEMPTION, INVOICE, ACCOUNT, NOTICE, NUMBERS, PAYOUT, CASE, REGION, ENTERPRISE, PROVIDER, WORKING_DAYS,
]
NOBODY = UUID(int=0)


# -- what a decision is handed -----------------------------------------------------------------


def _redemption(command: Any, desk: Desk) -> Redemption:
    return desk.get(REDEMPTION, command.redemption_id)


def _case(redemption: Redemption, desk: Desk) -> Case:
    return desk.get(CASE, redemption.voucher_id or NOBODY)


def _region(case: Case, desk: Desk) -> Region:
    return desk.get(REGION, region_id(case.region))


def _item(redemption_id: UUID, desk: Desk) -> Item:
    redemption = desk.get(REDEMPTION, redemption_id)
    case = _case(redemption, desk)
    fold, stream = (ENTERPRISE, enterprise_id) if case.mode == "tongyong" else (PROVIDER, provider_id)
    return Item(
        redemption,
        case,
        name_on(desk.get(fold, stream(case.payee_uscc)).names, desk.today),
        desk.get(ACCOUNT, account_id(case.payee_uscc)),
        desk.get(PAYOUT, payout_id(redemption_id, redemption)),
    )


def _items(redemption_ids: Iterable[UUID], desk: Desk) -> dict[UUID, Item]:
    return {redemption_id: _item(redemption_id, desk) for redemption_id in redemption_ids}


def _barred(case: Case, desk: Desk) -> str | None:
    """The party a person must decide on before money goes, if any. 二(六)"""
    if case.performance_allowed_on is not None:
        return None
    bar = desk.get(ENTERPRISE, enterprise_id(case.enterprise_uscc)).bar
    if bar is not None and bar.from_on <= desk.today and (bar.until is None or desk.today <= bar.until):
        return case.enterprise_uscc
    provider = desk.get(PROVIDER, provider_id(case.provider_uscc))
    return case.provider_uscc if provider.suspended_on or provider.delisted_on else None


def _due(id_: UUID, desk: Desk) -> Due:
    payout = desk.get(PAYOUT, id_)
    redemption = desk.get(REDEMPTION, payout.redemption_id or NOBODY)
    listed = desk.get(NOTICE, redemption.notice_id or NOBODY).items.get(payout.redemption_id or NOBODY)
    objection_open = listed is not None and bool(listed.open_objections)
    return Due(payout, redemption, objection_open, _barred(_case(redemption, desk), desk))


# -- redemptions ---------------------------------------------------------------------------------


def request_redemption(command: request.RequestRedemption, desk: Desk) -> Decision:
    case = desk.get(CASE, command.voucher_id)
    facts = request.Facts(
        case,
        _region(case, desk),
        desk.get(PROVIDER, provider_id(case.provider_uscc)),
        desk.get(ACCOUNT, account_id(case.payee_uscc)),
        lambda number: desk.get(INVOICE, invoice_id(number)),
    )
    return request.request(_redemption(command, desk), facts, desk.today, desk.principal, command)


def withdraw_redemption(command: request.WithdrawRedemption, desk: Desk) -> Decision:
    redemption = _redemption(command, desk)
    return request.withdraw(redemption, _case(redemption, desk), desk.principal, command)


def return_redemption(command: request.ReturnRedemption, desk: Desk) -> Decision:
    redemption = _redemption(command, desk)
    case = _case(redemption, desk)
    return request.give_back(redemption, case, _region(case, desk), desk.today, desk.principal, command)


def lapse_redemption(command: request.LapseRedemption, desk: Desk) -> Decision:
    return request.lapse(_redemption(command, desk), desk.today, command)


def reject_redemption(command: request.RejectRedemption, desk: Desk) -> Decision:
    redemption = _redemption(command, desk)
    case = _case(redemption, desk)
    return request.reject(redemption, case, _region(case, desk), desk.today, desk.principal, command)


def review_redemption(command: review.ReviewRedemption, desk: Desk) -> Decision:
    redemption = _redemption(command, desk)
    case = _case(redemption, desk)
    return review.review(redemption, case, _region(case, desk), desk.today, desk.principal, command)


def approve_redemption(command: review.ApproveRedemption, desk: Desk) -> Decision:
    redemption = _redemption(command, desk)
    case = _case(redemption, desk)
    return review.approve(redemption, case, _region(case, desk), desk.today, desk.principal, command)


# -- notices -------------------------------------------------------------------------------------


def publish_notice(command: notices.PublishNotice, desk: Desk) -> Decision:
    today = desk.today
    return notices.publish(
        desk.get(NOTICE, command.notice_id),
        desk.get(NUMBERS, notice_numbers_id("settlement", today.year)),
        _items(command.redemption_ids, desk),
        desk.get(REGION, region_id(command.region)),
        calendar_from(desk.get, today),
        today,
        desk.principal,
        command,
    )


def raise_objection(command: notices.RaiseObjection, desk: Desk) -> Decision:
    item = _item(command.item_id, desk)
    notice = desk.get(NOTICE, command.notice_id)
    return notices.raise_objection(notice, item.payout, item.redemption.voucher_id, desk.today, command)


def rule_on_objection(command: notices.RuleOnObjection, desk: Desk) -> Decision:
    notice = desk.get(NOTICE, command.notice_id)
    objection = notice.objections.get(command.objection_id)
    item = _item(objection.item_id, desk) if objection else None
    return notices.rule(notice, item, desk.principal, command)


def close_notice(command: notices.CloseNotice, desk: Desk) -> Decision:
    notice = desk.get(NOTICE, command.notice_id)
    items = _items(notice.items, desk)
    regions = {item.case.region: _region(item.case, desk) for item in items.values()}
    return notices.close(notice, items, regions, desk.today, command)


# -- money ---------------------------------------------------------------------------------------


def propose_payee_account(command: accounts.ProposePayeeAccount, desk: Desk) -> Decision:
    return accounts.propose(desk.principal, command)


def confirm_payee_account(command: accounts.ConfirmPayeeAccount, desk: Desk) -> Decision:
    return accounts.confirm(desk.get(ACCOUNT, account_id(command.uscc)), desk.principal, command)


def release_batch(command: payouts.ReleaseBatch, desk: Desk) -> Decision:
    return payouts.release({id_: _due(id_, desk) for id_ in command.payout_ids}, desk.principal, command)


def record_payment(command: payouts.RecordPayment, desk: Desk) -> Decision:
    payout = desk.get(PAYOUT, command.payout_id)
    redemption = desk.get(REDEMPTION, payout.redemption_id or NOBODY)
    if desk.principal.role == "regional_officer" and desk.principal.region != payout.region:
        return NotYours("payout_id")
    return payouts.record_payment(payout, redemption, _case(redemption, desk), desk.today, command)


def hold_payout(command: payouts.HoldPayout, desk: Desk) -> Decision:
    payout = desk.get(PAYOUT, command.payout_id)
    case_id = desk.get(REDEMPTION, payout.redemption_id or NOBODY).voucher_id
    return payouts.hold(payout, case_id, desk.principal, command)


def free_payout(command: payouts.FreePayout, desk: Desk) -> Decision:
    payout = desk.get(PAYOUT, command.payout_id)
    case_id = desk.get(REDEMPTION, payout.redemption_id or NOBODY).voucher_id
    return payouts.free(payout, case_id, desk.principal, command)


HANDLERS: dict[type[Command], Callable[[Any, Desk], Decision]] = {
    request.RequestRedemption: request_redemption,
    request.ResubmitRedemption: request_redemption,
    request.WithdrawRedemption: withdraw_redemption,
    request.ReturnRedemption: return_redemption,
    request.LapseRedemption: lapse_redemption,
    request.RejectRedemption: reject_redemption,
    review.ReviewRedemption: review_redemption,
    review.ApproveRedemption: approve_redemption,
    notices.PublishNotice: publish_notice,
    notices.RaiseObjection: raise_objection,
    notices.RuleOnObjection: rule_on_objection,
    notices.CloseNotice: close_notice,
    accounts.ProposePayeeAccount: propose_payee_account,
    accounts.ConfirmPayeeAccount: confirm_payee_account,
    payouts.ReleaseBatch: release_batch,
    payouts.RecordPayment: record_payment,
    payouts.HoldPayout: hold_payout,
    payouts.FreePayout: free_payout,
}
