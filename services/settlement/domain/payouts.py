"""One payment (拨付) and its attempts; batches that go out. 三(五)"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Literal, NamedTuple
from uuid import UUID, uuid5

from pydantic import Field
from tongdui_events.document import Code, EndToEndId, Event, RegionCode, Stamp
from tongdui_events.payments import (
    BatchOpened,
    BatchReleased,
    PayoutCancelled,
    PayoutFailed,
    PayoutFreed,
    PayoutHeld,
    PayoutInstructed,
    PayoutReturned,
    PayoutScheduled,
    PayoutSettled,
    PayoutUncertain,
)
from tongdui_events.policy import PolicyTerms
from tongdui_events.settlement import RedemptionSettled

from services.settlement.domain.accounts import Account
from services.settlement.domain.case_facts import Case
from services.settlement.domain.redemption import Redemption
from services.settlement.domain.refusals import AnotherAttempt, ObjectionOpen, PartyHeld, SamePerson, WrongRegion
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal
from shared.kernel.folding import Fold

Stage = Literal["none", "scheduled", "held", "instructed", "uncertain", "settled", "failed", "returned", "cancelled"]
MAY_INSTRUCT = frozenset({"scheduled", "failed", "returned"})


class ReleaseBatch(Command):
    """Send one region's payments out, by a person who reviewed and approved none of them."""

    batch_id: UUID
    region: RegionCode
    payout_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=2000)]


class HoldPayout(Command):
    """A payment not yet instructed waits."""

    payout_id: UUID
    reason: Code


class FreePayout(Command):
    """A payment that waited may go."""

    payout_id: UUID
    reason: Code


class RecordPayment(Command):
    """What the bank or treasury answered about one attempt; ``result`` is its last word."""

    payout_id: UUID
    end_to_end_id: EndToEndId
    result: Literal["settled", "failed", "uncertain"]
    reason_code: Code = "NOAS"
    reference: Code | None = None


@dataclass(frozen=True, slots=True)
class Payout:
    """One payment. ``end_to_end_id`` is that of the last attempt."""

    stage: Stage = "none"
    payout_id: UUID | None = None
    redemption_id: UUID | None = None
    region: str = ""
    payee_uscc: str = ""
    amount_fen: int = 0
    offset_fen: int = 0
    channel: str = ""
    account_hmac: str = ""
    last4: str = ""
    attempt: int = 0
    end_to_end_id: str = ""


STAGES: dict[type[Event], Stage] = {
    PayoutHeld: "held", PayoutFreed: "scheduled", PayoutCancelled: "cancelled", PayoutSettled: "settled",
    PayoutFailed: "failed", PayoutUncertain: "uncertain", PayoutReturned: "returned",
}


def evolve(payout: Payout, event: Event, stamp: Stamp) -> Payout:
    match event:
        case PayoutScheduled():
            return Payout(
                "scheduled", event.payout_id, event.redemption_id, event.region, event.payee_uscc, event.amount_fen,
                event.offset_fen, event.channel, event.account_hmac, event.last4,
            )
        case PayoutInstructed():
            return replace(payout, stage="instructed", attempt=event.attempt, end_to_end_id=event.end_to_end_id)
    return replace(payout, stage=STAGES.get(type(event), payout.stage))


PAYOUT = Fold("payout", "settlement", (PayoutScheduled, PayoutInstructed, *STAGES), Payout(), evolve)
"""Keyed by the payout's id."""


def payout_id(redemption_id: UUID, redemption: Redemption) -> UUID:
    """The payout of the current round of a redemption."""
    return uuid5(redemption_id, f"payout/{redemption.rounds}")


def schedule(
    redemption_id: UUID, redemption: Redemption, case: Case, account: Account, terms: PolicyTerms
) -> Decided:
    """The approved sum is due to the payee's confirmed account."""
    event = PayoutScheduled(
        payout_id=payout_id(redemption_id, redemption),
        redemption_id=redemption_id,
        voucher_id=redemption.voucher_id,
        region=case.region,
        payee_uscc=case.payee_uscc,
        amount_fen=redemption.amount_fen,
        offset_fen=0,
        channel=getattr(terms.channel, case.mode),
        account_hmac=account.account_hmac,
        last4=account.last4,
    )
    return Decided(event.payout_id, event, redemption.voucher_id)


def cancel(payout: Payout, case_id: UUID | None, reason: str) -> list[Decided]:
    """A payment that was scheduled and not instructed will not be made."""
    if payout.stage not in ("scheduled", "held"):
        return []
    return [Decided(payout.payout_id, PayoutCancelled(payout_id=payout.payout_id, reason=reason), case_id)]


class Due(NamedTuple):
    """What a release looks at, per payout. ``barred_uscc`` is a party a person must decide on first."""

    payout: Payout
    redemption: Redemption
    objection_open: bool
    barred_uscc: str | None


def end_to_end_id(payout: Payout) -> str:
    """Of the next attempt: 35 characters at most, never used before."""
    return f"T{payout.payout_id.hex[:28]}A{payout.attempt + 1}"


def payment_list(due: Sequence[Payout]) -> bytes:
    """The list that goes out: one line a payment, UTF-8, the same bytes for the same payments."""
    lines = [f"{end_to_end_id(p)},{p.payee_uscc},{p.account_hmac},{p.last4},{p.amount_fen}" for p in due]
    return ("end_to_end_id,payee_uscc,account_hmac,last4,amount_fen\n" + "\n".join(lines) + "\n").encode()


def release(due: Mapping[UUID, Due], principal: Principal, command: ReleaseBatch) -> list[Decided] | Refusal:
    """BatchOpened, BatchReleased and PayoutInstructed for each payment, in one transaction."""
    if principal.region != command.region:
        return NotYours("region")
    refusal = next((r for id_, known in due.items() if (r := _may_go(id_, known, principal, command)) is not None), None)
    if refusal is not None:
        return refusal
    going = [known.payout for known in due.values()]
    channels = {payout.channel for payout in going}
    if len(channels) != 1:
        return OutOfOrder("payout_ids", state="of several channels")
    opened = BatchOpened(batch_id=command.batch_id, payer=command.region, channel=channels.pop())
    released = BatchReleased(
        batch_id=command.batch_id, message_id=f"B{command.batch_id.hex}",
        file_sha256=hashlib.sha256(payment_list(going)).hexdigest(), count=len(going),
        total_fen=sum(payout.amount_fen for payout in going),
    )
    return [
        Decided(command.batch_id, opened),
        Decided(command.batch_id, released),
        *(_instruct(known, command.batch_id) for known in due.values()),
    ]


def _may_go(payout_id: UUID, due: Due, principal: Principal, command: ReleaseBatch) -> Refusal | None:
    payout = due.payout
    if payout.stage == "none":
        return NotFound("payout_ids", what="payout", id=payout_id)
    if payout.region != command.region:
        return WrongRegion("payout_ids")
    if payout.stage not in MAY_INSTRUCT or payout.amount_fen == 0:
        return OutOfOrder("payout_ids", state=payout.stage)
    if principal.sub in due.redemption.reviewers | due.redemption.approvers:
        return SamePerson("payout_ids")
    if due.objection_open:
        return ObjectionOpen("payout_ids")
    return PartyHeld("payout_ids", uscc=due.barred_uscc) if due.barred_uscc else None


def _instruct(due: Due, batch_id: UUID) -> Decided:
    payout = due.payout
    event = PayoutInstructed(
        payout_id=payout.payout_id, batch_id=batch_id, end_to_end_id=end_to_end_id(payout), attempt=payout.attempt + 1,
        amount_fen=payout.amount_fen, account_hmac=payout.account_hmac, last4=payout.last4,
    )
    return Decided(payout.payout_id, event, due.redemption.voucher_id)


def record_payment(
    payout: Payout, redemption: Redemption, case: Case, today: date, command: RecordPayment
) -> list[Decided] | Refusal:
    """The last word about an attempt; RedemptionSettled once, with the PayoutSettled that completes it."""
    if payout.stage == "none":
        return NotFound("payout_id", what="payout", id=command.payout_id)
    if payout.end_to_end_id != command.end_to_end_id:
        return AnotherAttempt("end_to_end_id")
    if payout.stage not in ("instructed", "uncertain"):
        return OutOfOrder("payout_id", state=payout.stage)
    if command.result != "settled":
        return [Decided(command.payout_id, _not_settled(command), redemption.voucher_id)]
    settled = PayoutSettled(
        payout_id=command.payout_id, redemption_id=payout.redemption_id, end_to_end_id=command.end_to_end_id,
        amount_fen=payout.amount_fen, settled_on=today, reference=command.reference,
    )
    decided = [Decided(command.payout_id, settled, redemption.voucher_id)]
    if redemption.stage == "passed":
        decided.append(Decided(payout.redemption_id, _settled(payout, redemption, case), redemption.voucher_id))
    return decided


def _not_settled(command: RecordPayment) -> PayoutFailed | PayoutUncertain:
    if command.result == "uncertain":
        return PayoutUncertain(payout_id=command.payout_id, end_to_end_id=command.end_to_end_id)
    return PayoutFailed(
        payout_id=command.payout_id, end_to_end_id=command.end_to_end_id, reason_code=command.reason_code
    )


def _settled(payout: Payout, redemption: Redemption, case: Case) -> RedemptionSettled:
    return RedemptionSettled(
        redemption_id=payout.redemption_id,
        voucher_id=redemption.voucher_id,
        region=payout.region,
        enterprise_uscc=case.enterprise_uscc,
        provider_uscc=case.provider_uscc,
        approved_fen=redemption.amount_fen,
        paid_fen=payout.amount_fen,
        offset_fen=payout.offset_fen,
    )


def hold(payout: Payout, case_id: UUID | None, principal: Principal, command: HoldPayout) -> list[Decided] | Refusal:
    if payout.region != principal.region:
        return NotYours("payout_id")
    if payout.stage != "scheduled":
        return OutOfOrder("payout_id", state=payout.stage)
    return [Decided(command.payout_id, PayoutHeld(**command.model_dump()), case_id)]


def free(payout: Payout, case_id: UUID | None, principal: Principal, command: FreePayout) -> list[Decided] | Refusal:
    if payout.region != principal.region:
        return NotYours("payout_id")
    if payout.stage != "held":
        return OutOfOrder("payout_id", state=payout.stage)
    return [Decided(command.payout_id, PayoutFreed(**command.model_dump()), case_id)]
