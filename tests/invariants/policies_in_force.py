"""Which version of a region's terms was in force on a day, as far as a decider had seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from tests.invariants.history import Fact, History


class Policies:
    """PolicyAdopted by region."""

    def __init__(self, history: History) -> None:
        self._adopted: defaultdict[str, list[Fact]] = defaultdict(list)
        for fact in history.of("registry", "PolicyAdopted"):
            self._adopted[fact["region"]].append(fact)

    def adopted(self, region: str, version: int) -> Fact | None:
        return next((fact for fact in self._adopted[region] if fact["version"] == version), None)

    def terms(self, region: str, version: int) -> Mapping[str, Any] | None:
        fact = self.adopted(region, version)
        return None if fact is None else fact["terms"]

    def in_force(self, region: str, day: str, seen: int) -> int | None:
        """The version, None when there is none."""
        known = [fact for fact in self._adopted[region] if fact.position <= seen and fact["effective_on"] <= day]
        return max(known, key=lambda fact: (fact["effective_on"], fact.position))["version"] if known else None
