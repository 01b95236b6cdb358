"""The register of reversed invoices as a file: what an operator exports from the tax platform (发票查验).

CSV or XLSX with the columns 发票号码, 红冲金额(元) and, where there is one, 替换发票号码. It is read again whenever it changed.
"""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from services.settlement.domain.invoice_status import InvoiceRegister, NoRegister, Reversal
from services.settlement.papers.results import fen_of
from shared.kernel.decisions import Refusal
from shared.kernel.identifiers import normalised_invoice_number
from shared.runtime.tables import Row, Unreadable, rows_of

NUMBER, AMOUNT, REPLACED = "发票号码", "红冲金额(元)", "替换发票号码"


class RegisterUnreadable(Refusal):
    """The register cannot be read: nothing is reviewed or paid until it can."""

    status = 503
    section = "三(五)"
    zh = "红冲发票清单无法读取:{why}"
    en = "the register of reversed invoices cannot be read: {why}"


class InvoiceSettings(BaseSettings):
    """``TONGDUI_REVERSED_INVOICES``: the file; empty: nobody is asked."""

    model_config = SettingsConfigDict(env_prefix="TONGDUI_", frozen=True)

    reversed_invoices: Path | None = None


class FileRegister:
    """One per process; asked by its writer's thread alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._reversals: dict[str, Reversal] = {}

    def reversal(self, number: str) -> Reversal | None:
        """Raises RegisterUnreadable."""
        try:
            found = self._path.stat()
            if (found.st_mtime_ns, found.st_size) != self._seen:
                self._reversals = _read(self._path)
                self._seen = found.st_mtime_ns, found.st_size
        except (OSError, Unreadable) as error:
            raise RegisterUnreadable(why=str(error)) from error
        return self._reversals.get(number)


def register_of(settings: InvoiceSettings) -> InvoiceRegister:
    return FileRegister(settings.reversed_invoices) if settings.reversed_invoices else NoRegister()


def _read(path: Path) -> dict[str, Reversal]:
    """Several lines of one invoice add up. Raises Unreadable, RegisterUnreadable."""
    found: dict[str, Reversal] = {}
    for row in rows_of(path):
        number, reversal = _line(row)
        before = found.get(number, Reversal(0))
        found[number] = Reversal(before.amount_fen + reversal.amount_fen, reversal.replaced_by or before.replaced_by)
    return found


def _line(row: Row) -> tuple[str, Reversal]:
    fen = fen_of(row.cells.get(AMOUNT, ""))
    if not fen:
        raise RegisterUnreadable(why=f"第{row.number}行 {AMOUNT}")
    try:
        number = normalised_invoice_number(row.cells.get(NUMBER, ""))
        replaced = row.cells.get(REPLACED, "")
        return number, Reversal(fen, normalised_invoice_number(replaced) if replaced else None)
    except Refusal as refusal:
        raise RegisterUnreadable(why=f"第{row.number}行 {refusal.text_zh}") from refusal
