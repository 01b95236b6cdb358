"""Rows of the view ``documents``: which cases a digest stands in. One file behind several vouchers shows here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Use:
    """One place of one document: the key of its case's row, and its voucher."""

    sha256: str
    kind: str
    case: str
    voucher: str
    region: str | None = None


def document_row(row: dict[str, Any] | None, use: Any, stamp: Any) -> dict[str, Any]:
    """The cases a digest stands in, and ``shared``: whether there is more than one voucher behind it."""
    known = row or {"sha256": use.sha256, "kinds": [], "cases": [], "vouchers": [], "regions": []}
    regions = [use.region] if use.region else []
    grown = {
        "kinds": sorted({*known["kinds"], use.kind}),
        "cases": sorted({*known["cases"], use.case}),
        "vouchers": sorted({*known["vouchers"], use.voucher}),
        "regions": sorted({*known["regions"], *regions}),
    }
    return {**known, **grown, "shared": "yes" if len(grown["vouchers"]) > 1 else "no"}
