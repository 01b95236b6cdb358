"""What people read of a bundle: the report (PDF) and the ledger (XLSX) of one case."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from openpyxl import Workbook
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from shared.kernel.money import yuan

FONT = "STSong-Light"
Told = Sequence[tuple[Any, dict[str, Any]]]
"""Each entry of the case and its document."""
_STAMP = frozenset({
    "source", "type", "schema", "event_id", "originator_id", "originator_version", "business_day", "occurred_at", "recorded_at",
    "actor", "case_id", "causation_id", "seen",
})  # fmt: skip


def report(asked: Any, case: Told, signed: Mapping[str, Any]) -> bytes:
    """Every event of the case in a line, and the checkpoints it is proven against. A4, in Chinese."""
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    text = ParagraphStyle("text", fontName=FONT, fontSize=8.5, leading=11, wordWrap="CJK")
    title = ParagraphStyle("title", parent=text, fontSize=15, leading=22)
    rows = [[Paragraph(escape(str(cell)), text) for cell in row] for row in _lines(case)]
    table = LongTable(rows, colWidths=(70, 78, 120, 90, 157), repeatRows=1)
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.25, (0.7, 0.7, 0.7))]))
    about = [
        asked.title, f"出具时间 {asked.at:%Y-%m-%d %H:%M} UTC,用途:{asked.purpose}",
        *(f"{source} 日志检查点:{one.checkpoint.size} 个事件,根 {one.checkpoint.root.hex()}" for source, one in signed.items()),
        "核验:python verify_bundle.py FILE.zip --keys keys.json",
    ]  # fmt: skip
    stream = io.BytesIO()
    document = SimpleDocTemplate(stream, pagesize=A4, leftMargin=40, rightMargin=40, title=f"案卷 {asked.title}")
    document.build([Paragraph("案卷报告", title), *(Paragraph(escape(line), text) for line in about), Spacer(1, 10), table])
    return stream.getvalue()


def _lines(case: Told) -> Iterable[Sequence[object]]:
    yield ("业务日", "日志位置", "事件", "经办", "内容")
    for entry, document in case:
        actor = document["actor"]
        said = "; ".join(f"{name}={_short(value)}" for name, value in document.items() if name not in _STAMP)
        by = f"{actor['role']} {actor['id']}"
        yield (document["business_day"], f"{entry.source} {entry.position}", entry.type, by, said[:900])


def _short(value: Any) -> str:
    told = str(value)
    return told if len(told) <= 120 else f"{told[:117]}..."


def ledger(case: Told) -> bytes:
    """One row for every sum that an event of the case states, in fen and in yuan."""
    book = Workbook()
    sheet = book.active
    sheet.title = "台账"
    sheet.append(["业务日", "日志", "位置", "事件", "项目", "金额(分)", "金额(元)", "经办角色", "经办人"])
    for entry, document in case:
        for name, fen in document.items():
            if name.endswith("_fen") and isinstance(fen, int):
                actor = document["actor"]
                sheet.append([document["business_day"], entry.source, entry.position, entry.type, name, fen, yuan(fen),
                              actor["role"], actor["id"]])  # fmt: skip
    events = book.create_sheet("事件")
    events.append(["业务日", "记录时间", "日志", "位置", "事件", "流", "版本", "经办角色", "经办人"])
    for entry, document in case:
        events.append([document["business_day"], document["recorded_at"], entry.source, entry.position, entry.type,
                       document["originator_id"], document["originator_version"], document["actor"]["role"],
                       document["actor"]["id"]])  # fmt: skip
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()
