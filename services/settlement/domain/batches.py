"""One payment file or list: opened for a payer, checked and released by a person who took no other part. 三(五)

What is instructed is recorded with the release in one transaction. A released batch is never rebuilt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, Field
from tongdui_events.common import Channel
from tongdui_events.document import Code, Event, Stamp
from tongdui_events.payments import BatchOpened, BatchReconciled, BatchReleased, PayoutInstructed

from services.settlement.domain.accounts import Account, AccountDetails
from services.settlement.domain.agents import Agent
from services.settlement.domain.payouts import Payout
from services.settlement.domain.people import releaser_took_no_part
from services.settlement.domain.redemption import Redemption
from services.settlement.domain.refusals import (
    AccountChanging,
    AccountMissing,
    AgentElsewhere,
    InvoiceReversedSince,
    OtherPayer,
    PayoutOnHold,
    ReleaseDefective,
    defective,
)
from services.settlement.domain.window_refusals import RegionUnfunded
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal
from shared.kernel.fields import each_once
from shared.kernel.folding import Fold


@dataclass(frozen=True, slots=True)
class Batch:
    """``payer`` is a region's code or an agent's id; ``released_by`` the persons who let it go out; ``count`` and
    ``total_fen`` what went out; ``reconciled``: every payment of it has its last word."""

    batch_id: UUID | None = None
    payer: str = ""
    channel: Channel = "treasury"
    released_by: frozenset[str] = frozenset()
    count: int = 0
    total_fen: int = 0
    reconciled: bool = False


def evolve(batch: Batch, event: Event, stamp: Stamp) -> Batch:
    match event:
        case BatchOpened():
            return Batch(event.batch_id, event.payer, event.channel)
        case BatchReleased():
            return replace(batch, released_by=stamp.actor.persons, count=event.count, total_fen=event.total_fen)
        case BatchReconciled():
            return replace(batch, reconciled=True)
    return batch


BATCH = Fold("batch", "settlement", (BatchOpened, BatchReleased, BatchReconciled), Batch(), evolve)
"""Keyed by ``batch_id``."""


class OpenBatch(Command):
    """Begin a payment list of a region's treasury (``payer``: its code) or file of an agent (its id)."""

    batch_id: UUID
    payer: Code
    channel: Channel


class ReleaseBatch(Command):
    """Instruct these payments, all or none; by a person who reviewed and approved nothing among them."""

    batch_id: UUID
    payout_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=20_000), AfterValidator(each_once)]


class Due(NamedTuple):
    """One payment to be released. ``rounds``: all redemptions of its case; ``account``: its payee's;
    ``stops``: why its case's payments wait today; ``unfunded``: its region has not sent its agent the money of a window;
    ``reversed``: its invoices that no longer cover it."""

    payout_id: UUID
    payout: Payout
    redemption: Redemption
    rounds: Sequence[Redemption]
    account: Account
    stops: frozenset[str]
    unfunded: bool = False
    payee_name: str = ""
    reversed: tuple[InvoiceReversedSince, ...] = ()


class Instruction(NamedTuple):
    """One line of what goes out."""

    payout_id: UUID
    voucher_id: UUID | None
    end_to_end_id: str
    attempt: int
    payee_uscc: str
    amount_fen: int
    account: AccountDetails
    payee_name: str = ""


def end_to_end_id(payout_id: UUID, attempt: int) -> str:
    """35 of [0-9a-f]: the payment's id and the attempt, so no two attempts ever share one."""
    return f"{payout_id.hex}{attempt:03d}"


def message_id(batch_id: UUID) -> str:
    """32 of [0-9a-f]: a batch goes out under one message id, however often it is sent."""
    return batch_id.hex


# -- deciding ----------------------------------------------------------------------------------


def open_batch(
    batch: Batch, agent: Agent, today: date, principal: Principal, command: OpenBatch
) -> list[Decided] | Refusal:
    """BatchOpened. ``agent``: the payer, of an agent's batch."""
    if batch.batch_id is not None:
        return OutOfOrder("batch_id", state="released" if batch.released_by else "open")
    refusal = handles(principal, command.payer, command.channel)
    if refusal:
        return refusal
    if command.channel == "agent" and not any(agent.pays_for(region, today) for region in agent.regions):
        return NotFound("payer", what="agent", id=command.payer)
    event = BatchOpened(batch_id=command.batch_id, payer=command.payer, channel=command.channel)
    return [Decided(command.batch_id, event)]


def instructions(
    batch: Batch, agent: Agent, dues: Sequence[Due], today: date, principal: Principal, command: ReleaseBatch
) -> list[Instruction] | Refusal:
    """What would go out: every payment checked, everything that forbids one named at once."""
    if batch.batch_id is None:
        return NotFound("batch_id", what="batch", id=command.batch_id)
    refusal = handles(principal, batch.payer, batch.channel)
    if refusal:
        return refusal
    if batch.released_by:
        return OutOfOrder("batch_id", state="released")
    forbidden = [refusal for due in dues for refusal in _forbidden(batch, agent, due, today, principal)]
    return defective(ReleaseDefective, forbidden[:100]) or [_instruction(due) for due in dues]


def released(batch_id: UUID, told: Sequence[Instruction], file_sha256: str) -> list[Decided]:
    """BatchReleased and PayoutInstructed for each. ``file_sha256``: of the bytes that go out."""
    event = BatchReleased(
        batch_id=batch_id,
        message_id=message_id(batch_id),
        file_sha256=file_sha256,
        count=len(told),
        total_fen=sum(line.amount_fen for line in told),
    )
    return [Decided(batch_id, event), *(_instructed(batch_id, line, number) for number, line in enumerate(told, 1))]


def _instructed(batch_id: UUID, line: Instruction, line_no: int) -> Decided:
    event = PayoutInstructed(
        payout_id=line.payout_id,
        batch_id=batch_id,
        end_to_end_id=line.end_to_end_id,
        attempt=line.attempt,
        amount_fen=line.amount_fen,
        account_hmac=line.account.account_hmac,
        last4=line.account.last4,
        line_no=line_no,
        payee_uscc=line.payee_uscc,
        payee_name=line.payee_name or None,
        bank_code=line.account.bank_code,
    )
    return Decided(line.payout_id, event, line.voucher_id)


def _instruction(due: Due) -> Instruction:
    payout, account = due.payout, due.account.confirmed
    if account is None:
        raise ValueError(f"payout {due.payout_id} was not checked for an account")
    attempt = payout.attempts + 1
    return Instruction(
        due.payout_id,
        payout.voucher_id,
        end_to_end_id(due.payout_id, attempt),
        attempt,
        payout.payee_uscc,
        payout.amount_fen,
        account,
        due.payee_name,
    )


def handles(principal: Principal, payer: str, channel: Channel, field: str = "payer") -> Refusal | None:
    """An officer handles its region's treasury lists, an agent's people its own files."""
    if channel == "agent":
        mine = principal.role == "agent" and str(principal.member_of) == payer
    else:
        mine = principal.role == "regional_officer" and principal.region == payer
    return None if mine else NotYours(field)


def _forbidden(batch: Batch, agent: Agent, due: Due, today: date, principal: Principal) -> list[Refusal]:
    """Everything that forbids instructing one payment."""
    payout, field = due.payout, "payout_ids"
    if payout.payout_id is None:
        return [NotFound(field, what="payout", id=due.payout_id)]
    if not payout.is_open or payout.amount_fen == 0 or not _stands(due):
        return [OutOfOrder(field, state=payout.stage)]
    found = [_paid_by_another(batch, agent, payout, today), releaser_took_no_part(principal, due.rounds)]
    waits_for = sorted({*payout.holds, *due.stops})
    if waits_for:
        found.append(PayoutOnHold(field, payout_id=due.payout_id, reasons=", ".join(waits_for)))
    if batch.channel == "agent" and due.unfunded:
        found.append(RegionUnfunded(field, region=payout.region, payout_id=due.payout_id))
    found += due.reversed
    if due.account.confirmed is None:
        found.append(AccountMissing(field, uscc=payout.payee_uscc))
    if due.account.proposed is not None:
        found.append(AccountChanging(field, uscc=payout.payee_uscc))
    return [refusal for refusal in found if refusal is not None]


def _stands(due: Due) -> bool:
    """The payment is of the approval that stands: those of earlier ones were cancelled."""
    return due.redemption.payout_id is not None and due.payout_id in due.redemption.payouts


def _paid_by_another(batch: Batch, agent: Agent, payout: Payout, today: date) -> Refusal | None:
    if payout.channel != batch.channel:
        return OtherPayer("payout_ids", payout_id=payout.payout_id)
    if batch.channel == "agent":
        return None if agent.pays_for(payout.region, today) else AgentElsewhere("payout_ids", region=payout.region)
    return None if payout.region == batch.payer else OtherPayer("payout_ids", payout_id=payout.payout_id)
