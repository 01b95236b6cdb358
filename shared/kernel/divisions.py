"""Division codes (GB/T 2260, dated): does a county-level division exist on a day."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from stdnum import numdb

_ENTRY = re.compile(r"(?:\[(?P<first>[0-9]{4})?-(?P<last>[0-9]{4})?\])?(?P<name>[^,\[]+)")


@lru_cache(maxsize=4096)
def _spans(code: str) -> tuple[tuple[int, int, str], ...]:
    """(first year, last year, name) of each division that ever had the code; years included."""
    parts = numdb.get("cn/loc").info(code)
    listed = parts[-1][1].get("county", "") if len(parts) == 2 else ""
    return tuple(
        (int(entry["first"] or 0), int(entry["last"] or 9999), entry["name"]) for entry in _ENTRY.finditer(listed)
    )


def division_name(code: str, day: date) -> str | None:
    """The name of the county-level division with this code on a day, or None.

    The table knows years only: in the year a code was replaced both the old and the new one pass.
    """
    if code.endswith("00"):
        return None
    return next((name for first, last, name in reversed(_spans(code)) if first <= day.year <= last), None)
