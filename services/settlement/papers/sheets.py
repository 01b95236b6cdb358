"""Sheets for people to sign: the treasury's payment list (拨付汇总表) and a region's statement of a window (结算单)."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.worksheet import Worksheet

from shared.kernel.money import in_words, yuan

Row = Mapping[str, Any]
_LIST = ("序号", "收款单位", "统一社会信用代码", "开户行行号", "账号", "金额(元)", "金额大写", "业务编号")
_WIDTHS = (6, 32, 22, 16, 24, 16, 36, 40)
_RESULTS = ("业务编号", "金额(元)", "结果", "日期", "凭证号", "失败原因")


_STATED = (
    ("本期应付", "payable_fen"), ("本期追回", "recovered_fen"), ("应拨资金", "asked_fen"), ("已到资金", "received_fen"),
)  # fmt: skip


class Signed(NamedTuple):
    """Who took part in a batch, by their opaque ids: 经办 opened it, 审批 released it; 复核 signs on paper."""

    opened_by: str
    released_by: str


def payment_list(batch: Row, lines: Sequence[Row], numbers: Mapping[str, str], signed: Signed) -> bytes:
    """拨付汇总表 of a released batch as XLSX, and a sheet the treasury fills with its results. ``numbers``: account numbers
    by keyed digest; an account that is not known is written by its last four."""
    book = Workbook()
    results, listed = book.active, book.create_sheet("拨付汇总表")
    results.title = "结果回填"
    results.append(_RESULTS)
    about = f"批次 {batch['batch_id']}  报文 {batch['message_id']}  付款方 {batch['payer']}"
    _head(listed, "财政科技创新券资金拨付汇总表", about)
    listed.append(_LIST)
    for line in lines:
        account = numbers.get(line["account_hmac"], f"尾号{line['last4']}")
        listed.append(
            [line["line_no"], line["payee_name"], line["payee_uscc"], line["bank_code"], account, yuan(line["amount_fen"]),
             in_words(line["amount_fen"]), line["end_to_end_id"]]
        )  # fmt: skip
        results.append([line["end_to_end_id"], yuan(line["amount_fen"])])
    total = sum(line["amount_fen"] for line in lines)
    listed.append([f"合计 {len(lines)} 笔", "", "", "", "", yuan(total), in_words(total)])
    listed.append([])
    listed.append(["经办", signed.opened_by, "复核", "", "审批", signed.released_by])
    listed.append(["清单摘要(SHA-256)", batch["file_sha256"]])
    for number, width in enumerate(_WIDTHS):
        listed.column_dimensions["ABCDEFGH"[number]].width = width
    book.active = 1
    return _saved(book)


def statement(window: Row, position: Row, name: str) -> bytes:
    """结算单 of one region in one window as XLSX. ``name``: the region's, or its code."""
    book = Workbook()
    sheet = book.active
    sheet.title = "结算单"
    _head(sheet, "创新券跨区域结算单", f"{name}({position['region']})  {window['opens_on']} 至 {window['closes_on']}")
    sheet.append(["项目", "金额(元)", "金额大写"])
    for label, member in _STATED:
        sheet.append([label, yuan(position[member]), in_words(position[member])])
    missing = position["asked_fen"] - position["received_fen"]
    sheet.append(["尚缺资金", yuan(missing), in_words(missing)])
    sheet.append([])
    sheet.append(["结算机构", window["agent_id"]])
    sheet.append(["结算期", window["window_id"]])
    sheet.append(["经办", "", "复核", "", "审批"])
    for letter, width in zip("ABC", (20, 44, 48), strict=True):
        sheet.column_dimensions[letter].width = width
    return _saved(book)


def notice_attachment(notice: Row, code: str) -> bytes:
    """公示附件 as XLSX: parties, region, item and sum of each item, and the code its PDF is verified by."""
    book = Workbook()
    sheet = book.active
    sheet.title = "公示附件"
    period = f"{notice['region_name']}({notice['region']})  公示期 {notice['opens_on']} 至 {notice['last_day_on']}"
    _head(sheet, f"{notice['number']}附件", f"{period}{'  本公示已撤回' if notice['withdrawn'] else ''}")
    sheet.append(["序号", "企业 / 服务机构", "区域", "金额(元)", "金额大写", "事项编号", "备注"])
    for number, item in enumerate(notice["items"], 1):
        fen, noted = item["amount_fen"], "已撤下" if item["dropped"] else ""
        sheet.append([number, item["name"], item["region"], yuan(fen), in_words(fen), item["item_id"], noted])
    sheet.append(["合计", "", "", yuan(notice["total_fen"]), in_words(notice["total_fen"])])
    sheet.append(["验证码", code])
    for letter, width in zip("ABCDEFG", (8, 60, 10, 16, 36, 40, 10), strict=True):
        sheet.column_dimensions[letter].width = width
    return _saved(book)


def _head(sheet: Worksheet, title: str, about: str) -> None:
    sheet.append([title])
    sheet.append([about])
    sheet["A1"].font = Font(bold=True, size=14)
    sheet["A1"].alignment = Alignment(horizontal="left")


def _saved(book: Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()
