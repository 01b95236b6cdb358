"""A treasury's result list as it is sent: CSV or XLSX, every defect of the reading named at once."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.settlement.domain.result_refusals import ResultListUnreadable
from shared.runtime.bodies import read_json
from shared.runtime.tables import Row, Unreadable, rows_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_ENDINGS = {"text/csv": ".csv", XLSX: ".xlsx"}
_COLUMNS = ("业务编号", "金额(元)", "结果", "日期", "凭证号", "失败原因")
_OUTCOMES = {"成功": "paid", "失败": "failed"}
_YUAN = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})*|[0-9]+)(?:\.([0-9]{1,2}))?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOST = 100


def read_results(headers: Mapping[bytes, bytes], body: bytes) -> Any:
    """The members of ``RecordResults`` besides the batch. JSON passes as it is. Raises ResultListUnreadable with every
    line that cannot be read, UnsupportedContentType for what is no table."""
    media_type = headers.get(b"content-type", b"").split(b";", 1)[0].strip().lower().decode("latin-1")
    if media_type not in _ENDINGS:
        return read_json(headers, body)
    lines, defects = [], []
    for row in _rows(body, _ENDINGS[media_type]):
        line, wrong = _line(row)
        lines.append(line)
        defects += [f"第{row.number}行 {text}" for text in wrong]
    if defects:
        raise ResultListUnreadable("lines", why="; ".join(defects[:_MOST]))
    return {"list_sha256": hashlib.sha256(body).hexdigest(), "lines": lines}


def _rows(body: bytes, ending: str) -> list[Row]:
    with tempfile.NamedTemporaryFile(suffix=ending) as file:
        file.write(body)
        file.flush()
        try:
            rows = list(rows_of(Path(file.name)))
        except Unreadable as error:
            raise ResultListUnreadable("lines", why=str(error).replace(Path(file.name).name, "清单")) from error
    missing = [name for name in _COLUMNS if rows and name not in rows[0].cells]
    if missing or not rows:
        raise ResultListUnreadable("lines", why=f"缺少列:{'、'.join(missing)}" if missing else "清单为空")
    return rows


def _line(row: Row) -> tuple[dict[str, Any], list[str]]:
    """The members of one line, and what is wrong with it."""
    cells = row.cells
    fen, outcome = fen_of(cells["金额(元)"]), _OUTCOMES.get(cells["结果"])
    wrong = []
    if not re.fullmatch(r"[0-9a-f]{32}[0-9]{1,3}", cells["业务编号"]):
        wrong.append(f"业务编号「{cells['业务编号'][:40]}」")
    if not fen:
        wrong.append(f"金额「{cells['金额(元)'][:40]}」")
    if outcome is None:
        wrong.append(f"结果「{cells['结果'][:40]}」")
    if not _DATE.fullmatch(cells["日期"]):
        wrong.append(f"日期「{cells['日期'][:40]}」")
    line = {
        "end_to_end_id": cells["业务编号"], "amount_fen": fen, "outcome": outcome, "on": cells["日期"],
        "reference": cells["凭证号"] or None, "reason_code": cells["失败原因"] or None,
    }  # fmt: skip
    return line, wrong


def fen_of(text: str) -> int | None:
    """Yuan as people write them, in fen; None where it is no sum."""
    found = _YUAN.fullmatch(text)
    if found is None:
        return None
    return int(found[1].replace(",", "")) * 100 + int((found[2] or "0").ljust(2, "0"))
