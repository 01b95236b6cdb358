"""What is said of a whole batch: the bank's first word on a file, and that each of its payments has its last. 三(五)"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field
from tongdui_events.common import Count
from tongdui_events.document import EndToEndId, Sha256
from tongdui_events.payments import BatchAnswered, BatchReconciled

from services.settlement.domain.batches import Batch, handles
from services.settlement.domain.payouts import Payout, Stage
from services.settlement.domain.result_refusals import BatchIncomplete, StillUnderWay
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, OutOfOrder, Refusal
from shared.kernel.fields import each_once

_GONE: frozenset[Stage] = frozenset({"failed", "returned"})
AttemptName = Annotated[EndToEndId, Field(min_length=33, max_length=35, pattern=r"^[0-9a-f]{32}[0-9]{1,3}$")]


class RecordBatchAnswer(Command):
    """The bank's status of a file: how many of its payments it took and how many it refused. Of a duplicate neither is
    known from that answer."""

    batch_id: UUID
    file_sha256: Sha256
    status: Literal["accepted", "partly_rejected", "rejected", "duplicate"]
    accepted: Count
    rejected: Count


class ReconcileBatch(Command):
    """Say that every payment of a batch has its last word: all its end-to-end ids, in any order."""

    batch_id: UUID
    end_to_end_ids: Annotated[tuple[AttemptName, ...], Field(min_length=1, max_length=20_000), AfterValidator(each_once)]


def payout_of(end_to_end_id: str) -> UUID:
    """An end-to-end id begins with the payment's id."""
    return UUID(hex=end_to_end_id[:32])


def answered(batch: Batch, principal: Principal, command: RecordBatchAnswer) -> list[Decided] | Refusal:
    """BatchAnswered."""
    refusal = _is_out(batch, principal, command.batch_id)
    if refusal:
        return refusal
    said = command.accepted + command.rejected
    if said != batch.count and command.status != "duplicate":
        return BatchIncomplete("accepted", said=said, count=batch.count)
    return [Decided(command.batch_id, BatchAnswered(**command.model_dump()))]


def reconciled(
    batch: Batch, payouts: Sequence[Payout], principal: Principal, command: ReconcileBatch
) -> list[Decided] | Refusal:
    """BatchReconciled: what was paid of it and what was not, or came back. ``payouts``: of the ids, in their order."""
    refusal = _is_out(batch, principal, command.batch_id)
    if refusal:
        return refusal
    if batch.reconciled:
        return OutOfOrder("batch_id", state="reconciled")
    attempts = [payout.attempt(name) for payout, name in zip(payouts, command.end_to_end_ids, strict=True)]
    mine = [attempt.batch_id == command.batch_id for attempt in attempts]
    if not all(mine) or len(mine) != batch.count:
        return BatchIncomplete("end_to_end_ids", said=sum(mine), count=batch.count)
    waiting = sum(attempt.stage not in ("settled", *_GONE) for attempt in attempts)
    if waiting:
        return StillUnderWay("end_to_end_ids", open=waiting)
    gone = sum(payout.amount_fen for payout, attempt in zip(payouts, attempts, strict=True) if attempt.stage in _GONE)
    event = BatchReconciled(batch_id=command.batch_id, settled_fen=batch.total_fen - gone, failed_fen=gone)
    return [Decided(command.batch_id, event)]


def _is_out(batch: Batch, principal: Principal, batch_id: UUID) -> Refusal | None:
    """It was released, and who asks pays by it."""
    if batch.batch_id is None:
        return NotFound("batch_id", what="batch", id=batch_id)
    refusal = handles(principal, batch.payer, batch.channel, "batch_id")
    return refusal or (None if batch.released_by else OutOfOrder("batch_id", state="open"))
