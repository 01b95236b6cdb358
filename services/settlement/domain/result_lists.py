"""What the treasury did with a list it was sent (结果清单): each line becomes the answer it would be by itself. 三(五)

The whole list is recorded, or nothing of it with every defect named. Another person hands it in than released the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from tongdui_events.document import Code, PositiveFen, Sha256
from tongdui_events.payments import BatchAnswered, BatchReconciled

from services.settlement.domain.bank_answers import RecordFailure, RecordSettlement
from services.settlement.domain.batch_words import AttemptName, payout_of
from services.settlement.domain.batches import Batch
from services.settlement.domain.payouts import Payout
from services.settlement.domain.refusals import ResultsDefective, defective
from services.settlement.domain.result_refusals import NotATreasuryList, ResultLineWrong
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, Refusal
from shared.kernel.fields import Day, Entry

MOST_LINES = 20_000
MOST_DEFECTS = 100


class ResultLine(Entry):
    """One line: the payment by its business number, its sum, and whether it was paid (with the number of the voucher, 凭证号,
    and the day) or not (with the reason)."""

    end_to_end_id: AttemptName
    amount_fen: PositiveFen
    outcome: Literal["paid", "failed"]
    on: Day
    reference: Code | None = None
    reason_code: Code | None = None

    @property
    def payout_id(self) -> UUID:
        """A business number begins with the payment's id."""
        return payout_of(self.end_to_end_id)


def _each_payment_once(lines: tuple[ResultLine, ...]) -> tuple[ResultLine, ...]:
    if len({line.end_to_end_id for line in lines}) != len(lines):
        raise PydanticCustomError("repeated", "a payment is named twice", {"zh": "有重复的业务编号"})
    return lines


class RecordResults(Command):
    """Hand in the treasury's result list of a batch: JSON, or the list itself as CSV (UTF-8 or GB18030) or XLSX with the
    columns 业务编号, 金额(元), 结果 (成功 or 失败), 日期, 凭证号, 失败原因."""

    batch_id: UUID
    list_sha256: Sha256
    lines: Annotated[
        tuple[ResultLine, ...], Field(min_length=1, max_length=MOST_LINES), AfterValidator(_each_payment_once)
    ]


class Answered(NamedTuple):
    """One line, the payment it is about as it stands, and what the line's answer leads to."""

    line: ResultLine
    payout: Payout
    decided: list[Decided] | Refusal


def answer(line: ResultLine) -> RecordSettlement | RecordFailure:
    """The command a line is."""
    if line.outcome == "paid":
        return RecordSettlement(
            payout_id=line.payout_id,
            end_to_end_id=line.end_to_end_id,
            amount_fen=line.amount_fen,
            settled_on=line.on,
            reference=line.reference,
        )
    return RecordFailure(
        payout_id=line.payout_id, end_to_end_id=line.end_to_end_id, reason_code=line.reason_code or "not_stated"
    )


def record(
    batch: Batch, answered: Sequence[Answered], principal: Principal, command: RecordResults
) -> list[Decided] | Refusal:
    """BatchAnswered, and for each line what its answer leads to; BatchReconciled by a list that has every line."""
    if batch.batch_id is None:
        return NotFound("batch_id", what="batch", id=command.batch_id)
    if principal.role != "regional_officer" or principal.region != batch.payer:
        return NotYours("batch_id")
    if batch.channel != "treasury" or batch.released_by is None:
        return NotATreasuryList("batch_id")
    wrong = [defect for number, one in enumerate(answered, 1) if (defect := _defect(number, one, command)) is not None]
    refusal = defective(ResultsDefective, wrong[:MOST_DEFECTS])
    if refusal:
        return refusal
    paid = sum(one.line.outcome == "paid" for one in answered)
    event = BatchAnswered(
        batch_id=command.batch_id,
        file_sha256=command.list_sha256,
        status="settled" if paid == len(answered) else "failed" if not paid else "partly_settled",
        accepted=paid,
        rejected=len(answered) - paid,
    )
    follows = [event for one in answered if not isinstance(one.decided, Refusal) for event in one.decided]
    paid_fen = sum(one.line.amount_fen for one in answered if one.line.outcome == "paid")
    last = BatchReconciled(batch_id=command.batch_id, settled_fen=paid_fen, failed_fen=batch.total_fen - paid_fen)
    whole = len(answered) == batch.count and not batch.reconciled
    return [Decided(command.batch_id, event), *follows, *([Decided(command.batch_id, last)] if whole else [])]


def _defect(number: int, answered: Answered, command: RecordResults) -> Refusal | None:
    """Why one line cannot be; ``number`` counts from 1."""
    line, payout, decided = answered
    where = {"line": number, "end_to_end_id": line.end_to_end_id}
    if payout.batch_id != command.batch_id:
        return ResultLineWrong("lines", **where, zh="不在该批次中", en="it is not in this batch")
    if line.outcome == "paid" and line.reference is None:
        return ResultLineWrong("lines", **where, zh="缺少凭证号", en="the number of its voucher is missing")
    if line.outcome == "failed" and line.reason_code is None:
        return ResultLineWrong("lines", **where, zh="缺少失败原因", en="the reason it failed is missing")
    if line.amount_fen != payout.amount_fen:
        zh, en = f"金额应为{payout.amount_fen}分", f"its sum is {payout.amount_fen} fen"
        return ResultLineWrong("lines", **where, zh=zh, en=en)
    if isinstance(decided, Refusal):
        return ResultLineWrong("lines", **where, zh=decided.text_zh, en=f"{decided.code}: {decided.text_en}")
    return None
