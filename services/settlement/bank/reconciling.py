"""A statement beside what the platform instructed: every entry is matched by its end-to-end id and its amount, or is a break."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from openpyxl import Workbook

from services.settlement.bank.answers import Answer, Said
from shared.kernel.money import yuan

#: 勾稽结果; all but the first two are breaks
RESULTS = {
    "matched": "相符", "credit": "其他入账", "unknown": "未知付款", "amount": "金额不符", "duplicate": "重复付款",
    "missing": "应付未见", "returned": "退票",
}  # fmt: skip
_FINE = frozenset({"matched", "credit"})
HEADINGS = ("结果", "端到端编号", "金额(元)", "应付(元)", "日期", "说明")


class Line(NamedTuple):
    """One entry, or one payment that has none. Sums in fen; ``ours_fen`` is what was instructed."""

    result: str
    end_to_end_id: str
    fen: int
    ours_fen: int | None
    on: date | None
    note: str = ""

    @property
    def is_break(self) -> bool:
        return self.result not in _FINE


def reconcile(answer: Answer, payouts: Iterable[Mapping[str, Any]]) -> list[Line]:
    """The statement's entries in their order, then what should be in it and is not.

    ``payouts``: rows as the settlement service lists them. Raises ValueError for what is no statement.
    """
    if answer.statement is None:
        raise ValueError(f"a {answer.message} is no statement")
    ours: dict[str, Mapping[str, Any]] = {}
    for row in payouts:
        ours |= {name: {"amount_fen": row["amount_fen"], "state": state} for name, state in row.get("earlier", {}).items()}
        if row.get("end_to_end_id"):
            ours[row["end_to_end_id"]] = row
    lines = list(_entries(answer.said, ours))
    stated = {line.end_to_end_id for line in lines}
    return [*lines, *_missing(ours, stated, answer.statement.day)]


def _entries(said: Iterable[Said], ours: Mapping[str, Mapping[str, Any]]) -> Iterator[Line]:
    paid: set[str] = set()
    for one in said:
        name, fen = one.end_to_end_id or "", one.fen or 0
        row = ours.get(name)
        due = row["amount_fen"] if row else None
        if one.kind == "accepted":
            yield Line("credit", name, fen, due, one.on, one.reference or "")
        elif row is None:
            yield Line("unknown", name, fen, None, one.on, one.reference or "")
        elif fen != due:
            yield Line("amount", name, fen, due, one.on, one.reference or "")
        elif one.kind == "returned":
            yield Line("returned", name, fen, due, one.on, one.reason or "")
        elif name in paid:
            yield Line("duplicate", name, fen, due, one.on, one.reference or "")
        else:
            paid.add(name)
            yield Line("matched", name, fen, due, one.on, row["state"])


def _missing(ours: Mapping[str, Mapping[str, Any]], stated: set[str], day: date) -> Iterator[Line]:
    """Recorded as paid on the statement's day, and not in it."""
    for name, row in ours.items():
        if name not in stated and row.get("settled_on") == day.isoformat():
            yield Line("missing", name, 0, row["amount_fen"], day, row["state"])


def cells(line: Line) -> tuple[str, str, str, str, str, str]:
    """As a person reads it."""
    ours = "" if line.ours_fen is None else yuan(line.ours_fen)
    return RESULTS[line.result], line.end_to_end_id, yuan(line.fen), ours, str(line.on or ""), line.note


def workbook(lines: Iterable[Line]) -> Workbook:
    """The same as XLSX (对账单勾稽表)."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("对账")
    sheet.append(HEADINGS)
    for line in lines:
        sheet.append(cells(line))
    return book
