"""A region's treasury (财政): it is sent a payment list as XLSX, pays on the next working day and sends the list back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import chinese_calendar
from openpyxl import load_workbook

from services.demo.cast import YEAR, Region
from services.demo.client import Client

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FILLED_IN = "结果回填"


@dataclass(frozen=True)
class Sent:
    """A list that waits for its answer."""

    region: Region
    batch_id: str
    path: Path
    answered_on: date


class Treasury:
    """All regions' ones. ``papers``: where each list and its answer stay."""

    def __init__(self, client: Client, papers: Path) -> None:
        self._client = client
        self._papers = papers
        self._waiting: list[Sent] = []
        self._vouchers = count(1)

    async def take(self, region: Region, batch_id: str, today: date) -> None:
        """The list of a released batch, as its region's officer fetches it."""
        answer = await self._client.get(region.officer("payment"), f"/settlement/v1/batches/{batch_id}/list")
        path = self._papers / "treasury" / region.code / f"{today}-拨付汇总表.xlsx"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(answer.content)
        self._waiting.append(Sent(region, batch_id, path, self._next_working(today)))

    async def answer(self, today: date) -> bool:
        """Hand in what was paid by now: each line with the number of its voucher (凭证号). True if there was any."""
        due = [sent for sent in self._waiting if sent.answered_on <= today]
        for sent in due:
            filled_in = self._filled_in(sent, today)
            officer = sent.region.officer("results")
            await self._client.hand_in(officer, f"/settlement/v1/batches/{sent.batch_id}/results", filled_in, XLSX)
        self._waiting = [sent for sent in self._waiting if sent not in due]
        return bool(due)

    def _filled_in(self, sent: Sent, today: date) -> bytes:
        book = load_workbook(sent.path)
        sheet = book[_FILLED_IN]
        for row in range(2, sheet.max_row + 1):
            for column, value in ((3, "成功"), (4, str(today)), (5, f"{YEAR}{sent.region.code}{next(self._vouchers):06d}")):
                sheet.cell(row, column, value)
        path = sent.path.with_name(f"{today}-结果清单.xlsx")
        book.save(path)
        return path.read_bytes()

    def _next_working(self, today: date) -> date:
        day = today + timedelta(days=1)
        while not chinese_calendar.is_workday(day):
            day += timedelta(days=1)
        return day
