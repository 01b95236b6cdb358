"""A request for payment, and its files, whose digests are in the events."""

from __future__ import annotations

import hashlib
from typing import Any

from services.demo.casebook import Case

KINDS = {"contract": "意向合同", "receipt": "到款凭证", "invoice": "发票", "result": "服务结果"}


def request_body(case: Case, today: str, short: bool = False) -> dict[str, Any]:
    """The request of one case. ``short``: the receipts fall one yuan short of what is needed."""
    payable = case.payable_fen()
    paid = case.performed_fen if case.mode == "tongyong" else case.performed_fen - payable
    receipt = {
        "payer_uscc": case.enterprise.uscc, "payee_uscc": case.provider.uscc, "amount_fen": paid - 100 * short,
        "paid_on": today, "reference": f"凭证 {case.number}",
    }
    invoice = {
        "number": f"25{case.number:018d}", "issued_on": today, "buyer_uscc": case.enterprise.uscc,
        "seller_uscc": case.provider.uscc, "total_fen": case.performed_fen, "allotted_fen": case.performed_fen,
    }
    return {
        "redemption_id": str(case.redemption_id),
        "voucher_id": str(case.voucher_id),
        "invoices": [invoice],
        "receipts": [receipt],
        "documents": [_stated(kind, content) for kind, content in documents(case).items()],
        "lines": [{"line_no": 1, "performed_fen": case.performed_fen, "invoiced_fen": case.performed_fen}],
        "claimed_fen": payable,
    }


def documents(case: Case) -> dict[str, bytes]:
    """The files of one request, by kind."""
    return {kind: _document(case, kind) for kind in KINDS}


def _document(case: Case, kind: str) -> bytes:
    title, parties = KINDS[kind], f"{case.enterprise.name} · {case.provider.name}"
    text = f'<?xml version="1.0" encoding="UTF-8"?><{kind} title="{title}" contract="{case.contract_no}">{parties}</{kind}>\n'
    return text.encode()


def _stated(kind: str, content: bytes) -> dict[str, Any]:
    return {"kind": kind, "size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
