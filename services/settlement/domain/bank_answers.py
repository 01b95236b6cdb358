"""What the bank or treasury says about an attempt: settled, failed, nothing, or back again. 三(五)

An answer is about one end-to-end id. Money that moved is recorded; a late success too, never paid again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from tongdui_events.document import Code, EndToEndId, PositiveFen
from tongdui_events.payments import PayoutFailed, PayoutReturned, PayoutSettled, PayoutUncertain

from services.settlement.domain.accounts import Account
from services.settlement.domain.batches import Batch, handles
from services.settlement.domain.case_facts import Case
from services.settlement.domain.clawbacks import Clawback
from services.settlement.domain.completion import completed
from services.settlement.domain.offsets import OTHER_YEAR, lapsed, year_turned
from services.settlement.domain.payouts import Payout, Stage
from services.settlement.domain.redemption import Redemption
from services.settlement.domain.refusals import (
    AlreadyRecorded,
    AmountDiffers,
    AnsweredTomorrow,
    NotPaidYet,
    SamePerson,
    UnknownAttempt,
)
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, OutOfOrder, Refusal
from shared.kernel.fields import Day

ANSWERED_WITHIN: Mapping[str, timedelta] = {"agent": timedelta(days=5), "treasury": timedelta(days=30)}
"""By channel: a payment that heard nothing for so many days is uncertain. Banks answer by the next statement, treasuries by
their monthly list."""


class RecordSettlement(Command):
    """The bank or treasury paid. When that completes the redemption, it is settled."""

    payout_id: UUID
    end_to_end_id: EndToEndId
    amount_fen: PositiveFen
    settled_on: Day
    reference: Code | None = None


class RecordFailure(Command):
    """The bank or treasury did not pay; the payment may be instructed again."""

    payout_id: UUID
    end_to_end_id: EndToEndId
    reason_code: Code


class RecordUncertainty(Command):
    """Nobody knows whether it was paid: nothing new is instructed until that is known."""

    payout_id: UUID
    end_to_end_id: EndToEndId


class RecordReturn(Command):
    """A payment came back (退票); the payee's account is mended and the payment instructed again."""

    payout_id: UUID
    end_to_end_id: EndToEndId
    reason_code: Code
    amount_fen: PositiveFen
    returned_on: Day


class Owing(NamedTuple):
    """What the payee's payments set off, by clawback, and the payee's account."""

    clawbacks: Mapping[UUID, Clawback]
    account: Account


Answer = RecordSettlement | RecordFailure | RecordUncertainty | RecordReturn

_FOLLOWS: Mapping[type[Answer], frozenset[Stage]] = {
    RecordSettlement: frozenset({"instructed", "uncertain", "failed"}),
    RecordFailure: frozenset({"instructed", "uncertain"}),
    RecordUncertainty: frozenset({"instructed"}),
    RecordReturn: frozenset({"settled"}),
}
"""Where an attempt may stand for an answer to change it; a success may come late."""
_SAID_BEFORE: Mapping[type[Answer], frozenset[Stage]] = {
    RecordSettlement: frozenset({"settled", "returned"}),
    RecordFailure: frozenset({"failed"}),
    RecordUncertainty: frozenset({"uncertain", "settled", "failed", "returned"}),
    RecordReturn: frozenset({"returned"}),
}
"""Where it stands when an answer tells nothing new."""
_UNPAID: frozenset[Stage] = frozenset({"instructed", "uncertain", "failed"})


def settle(
    payout: Payout,
    batch: Batch,
    redemption: Redemption,
    others: Sequence[Payout],
    case: Case,
    owing: Owing,
    today: date,
    principal: Principal,
    command: RecordSettlement,
) -> list[Decided] | Refusal:
    """PayoutSettled; and RedemptionSettled with its offsets, once, when it was the last payment to come. An offset of a
    fiscal year that is over falls away.

    ``others``: the redemption's other payments.
    """
    refusal = _answers(payout, batch, principal, command)
    refusal = refusal or _whole_and_dated(payout, command.amount_fen, command.settled_on, today)
    if refusal or payout.redemption_id is None:
        return refusal or NotFound("payout_id", what="payout", id=command.payout_id)
    event = PayoutSettled(
        payout_id=command.payout_id,
        redemption_id=payout.redemption_id,
        end_to_end_id=command.end_to_end_id,
        amount_fen=command.amount_fen,
        settled_on=command.settled_on,
        reference=command.reference,
    )
    decided = [Decided(command.payout_id, event, payout.voucher_id)]
    turned = [one for one in (payout, *others) if year_turned(one, today)]
    if turned:
        return decided + [event for one in turned for event in lapsed(one, owing.account, OTHER_YEAR)]
    done = completed(payout, others, redemption, case, owing.clawbacks, today, command.amount_fen)
    return decided + done


def fail(payout: Payout, batch: Batch, principal: Principal, command: RecordFailure) -> list[Decided] | Refusal:
    """PayoutFailed."""
    refusal = _answers(payout, batch, principal, command)
    event = PayoutFailed(**command.model_dump())
    return refusal or [Decided(command.payout_id, event, payout.voucher_id)]


def doubt(payout: Payout, batch: Batch, principal: Principal, command: RecordUncertainty) -> list[Decided] | Refusal:
    """PayoutUncertain."""
    refusal = _answers(payout, batch, principal, command)
    event = PayoutUncertain(**command.model_dump())
    return refusal or [Decided(command.payout_id, event, payout.voucher_id)]


def give_back(
    payout: Payout, batch: Batch, today: date, principal: Principal, command: RecordReturn
) -> list[Decided] | Refusal:
    """PayoutReturned; the voucher hears nothing of it."""
    refusal = _answers(payout, batch, principal, command)
    refusal = refusal or _whole_and_dated(payout, command.amount_fen, command.returned_on, today)
    if refusal or payout.redemption_id is None:
        return refusal or NotFound("payout_id", what="payout", id=command.payout_id)
    event = PayoutReturned(redemption_id=payout.redemption_id, **command.model_dump())
    return [Decided(command.payout_id, event, payout.voucher_id)]


def _answers(payout: Payout, batch: Batch, principal: Principal, command: Answer) -> Refusal | None:
    """The answer is about this payment's latest attempt, comes from who paid it, and can follow now."""
    if payout.payout_id is None:
        return NotFound("payout_id", what="payout", id=command.payout_id)
    refusal = _from_the_payer(batch, principal)
    if refusal:
        return refusal
    stage = payout.attempt(command.end_to_end_id).stage
    if stage in _SAID_BEFORE[type(command)]:
        return AlreadyRecorded("end_to_end_id", end_to_end_id=command.end_to_end_id)
    if command.end_to_end_id != payout.end_to_end_id:
        return UnknownAttempt("end_to_end_id", end_to_end_id=command.end_to_end_id)
    if isinstance(command, RecordReturn) and stage in _UNPAID:
        return NotPaidYet("end_to_end_id", end_to_end_id=command.end_to_end_id)
    return None if stage in _FOLLOWS[type(command)] else OutOfOrder("payout_id", state=stage)


def _from_the_payer(batch: Batch, principal: Principal) -> Refusal | None:
    """The payment port; the agent that paid; or the region, by another person than released the list."""
    if principal.role == "service":
        return None
    refusal = handles(principal, batch.payer, batch.channel, "payout_id")
    if refusal:
        return refusal
    same = batch.channel == "treasury" and bool(batch.released_by & principal.persons)
    return SamePerson(step="release") if same else None


def _whole_and_dated(payout: Payout, amount_fen: int, on: date, today: date) -> Refusal | None:
    """The sum instructed, on a day that has come."""
    if amount_fen != payout.amount_fen:
        return AmountDiffers("amount_fen", amount_fen=amount_fen, instructed_fen=payout.amount_fen)
    return AnsweredTomorrow("on", on=on) if on > today else None
