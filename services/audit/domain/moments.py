"""As of when: by recorded time, by business day, or by position, and what had been recorded by then.

Recorded and business time differ when something is recorded late: a day's events count for that day, whenever they were
written. A position is a cut through all logs: what the log at that position had itself, and had seen of the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from shared.kernel.decisions import Refusal

_AT = re.compile(r"(registry|voucher|settlement|audit):([1-9][0-9]{0,17})\Z")


class NotAPosition(Refusal):
    zh = "位置应写作voucher:12,多个以逗号分隔"
    en = "a position is written voucher:12, several with commas"


class Moment(NamedTuple):
    """All given limits hold; ``positions``: nothing beyond them, nothing at all of logs not named. Empty: no limit."""

    recorded_by: datetime | None = None
    business_on: date | None = None
    positions: Mapping[str, int] | None = None

    def holds(self, source: str, position: int, recorded_at: datetime, business_day: date) -> bool:
        """Whether an event existed then."""
        if self.recorded_by is not None and recorded_at > self.recorded_by:
            return False
        if self.business_on is not None and business_day > self.business_on:
            return False
        return self.positions is None or position <= self.positions.get(source, 0)


ALWAYS = Moment()


def positions_of(text: str) -> dict[str, int]:
    """``voucher:12,settlement:5``. Raises NotAPosition."""
    found: dict[str, int] = {}
    for part in text.split(","):
        matched = _AT.match(part.strip())
        if matched is None:
            raise NotAPosition("at")
        found[matched[1]] = int(matched[2])
    return found


def cut(named: Mapping[str, int], stamps: Iterable[Any]) -> dict[str, int]:
    """The positions named and, of the logs not named, what the events at them had seen."""
    seen: dict[str, int] = {}
    for stamp in stamps:
        for source, position in stamp.seen.items():
            seen[source] = max(seen.get(source, 0), position)
    return {**seen, **named}
