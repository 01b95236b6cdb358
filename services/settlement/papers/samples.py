"""Invented facts of each paper: what a template is tried with, and the names it may use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PARTIES: dict[str, Any] = {
    "region": "310118", "region_name": "示例区", "enterprise_name": "示例材料有限公司", "enterprise_uscc": "91310118MA0TEXT048",
    "provider_name": "示例检测研究院", "provider_uscc": "91320509MA0TEXT040", "mode": "tongdui",
    "voucher_id": "00000000-0000-4000-8000-000000000011", "redemption_id": "00000000-0000-4000-8000-000000000014",
}  # fmt: skip
_REQUEST: dict[str, Any] = {
    **_PARTIES, "submitted_by": "provider", "submitted_on": "2026-03-05", "claimed_fen": 3_000_000, "allocation_fen": 3_000_000,
    "applicant_name": "示例检测研究院", "applicant_uscc": "91320509MA0TEXT040", "payee_name": "示例检测研究院",
    "lines": [{"line_no": 1, "performed_fen": 10_000_000, "invoiced_fen": 10_000_000}],
    "invoices": [{
        "number": "26312000000000000017", "issued_on": "2026-03-02", "buyer_uscc": "91310118MA0TEXT048",
        "seller_uscc": "91320509MA0TEXT040", "total_fen": 10_000_000, "allotted_fen": 10_000_000,
    }],
    "receipts": [{
        "payer_uscc": "91310118MA0TEXT048", "payee_uscc": "91320509MA0TEXT040", "amount_fen": 7_000_000, "paid_on": "2026-03-03",
    }],
    "documents": [{"kind": "contract", "size_bytes": 204_800, "sha256": "ab" * 32}],
}  # fmt: skip

SAMPLES: Mapping[str, Mapping[str, Any]] = {
    "request": _REQUEST,
    "undertaking": _REQUEST,
    "decision": {
        **_PARTIES, "approved": True, "decided_on": "2026-03-10", "approved_fen": 3_000_000, "adjusted_fen": -50_000,
        "sum_fen": 2_950_000, "payee_name": "示例检测研究院", "policy_version": 1, "reasons": ["发票与合同不符"],
        "decision_no": "示例科〔2026〕3号",
    },
    "letter": {
        **_PARTIES, "clawback_id": "00000000-0000-4000-8000-000000000035", "decision_no": "示例科追〔2026〕1号",
        "ground": "breach", "debtor_name": "示例检测研究院", "debtor_uscc": "91320509MA0TEXT040", "ordered_on": "2026-09-01",
        "amount_fen": 3_000_000,
        "instalments": [{"until": "2026-10-31", "amount_fen": 1_000_000}, {"until": "2026-12-31", "amount_fen": 2_000_000}],
        "offset_allowed": True,
    },
    "attachment": {
        "number": "公示〔2026〕第1号", "kind": "redemption", "region": "310118", "region_name": "示例区", "withdrawn": False,
        "opens_on": "2026-03-12", "last_day_on": "2026-03-19", "total_fen": 3_000_000,
        "items": [{
            "item_id": "00000000-0000-4000-8000-000000000014", "name": "示例材料有限公司 / 示例检测研究院", "region": "310118",
            "amount_fen": 3_000_000, "opens_on": "2026-03-12", "last_day_on": "2026-03-19", "dropped": False,
        }],
    },
    "list": {
        "batch_id": "00000000-0000-4000-8000-000000000033", "message_id": "20260320EXAMPLE", "payer": "310118",
        "region_name": "示例区", "opened_by": "clerk", "released_by": "payer", "file_sha256": "ab" * 32, "total_fen": 3_000_000,
        "lines": [{
            "line_no": 1, "payee_name": "示例检测研究院", "payee_uscc": "91320509MA0TEXT040", "bank_code": "102290002916",
            "account": "6222000000000173", "amount_fen": 3_000_000, "end_to_end_id": "0" * 32 + "001",
        }],
    },
    "statement": {
        "window_id": "00000000-0000-4000-8000-000000000037", "agent_id": "00000000-0000-4000-8000-000000000003",
        "region": "310118", "region_name": "示例区", "opens_on": "2026-03-16", "closes_on": "2026-03-22",
        "payable_fen": 3_000_000, "recovered_fen": 50_000, "asked_fen": 2_950_000, "received_fen": 0, "missing_fen": 2_950_000,
    },
}  # fmt: skip
