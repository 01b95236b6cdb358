"""A history read from ``events.jsonl``: plain JSON, nothing of the services' code."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

SOURCES = ("registry", "voucher", "settlement", "audit")


class Unreadable(ValueError):
    """The file is not a history: which line, and why."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One event at its place. ``fact["name"]`` is a field of its document."""

    source: str
    position: int
    document: Mapping[str, Any]

    def __getitem__(self, field: str) -> Any:
        return self.document[field]

    def get(self, field: str, default: Any = None) -> Any:
        return self.document.get(field, default)

    @property
    def type(self) -> str:
        return self.document["type"]

    @property
    def stream(self) -> str:
        return self.document["originator_id"]

    @property
    def day(self) -> str:
        """The business day, ISO: such texts order as the days do."""
        return self.document["business_day"]

    @property
    def cause(self) -> str:
        return self.document["causation_id"]

    @property
    def person(self) -> str:
        return self.document["actor"]["id"]

    def saw(self, source: str) -> int:
        """How much of another log its decider had applied."""
        return self.document.get("seen", {}).get(source, 0)

    def __str__(self) -> str:
        return f"{self.source}/{self.position} {self.document.get('type', '?')}"


class History:
    """The facts of each log in the order of their positions."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self.logs: dict[str, list[Fact]] = {source: [] for source in SOURCES}
        for fact in facts:
            self.logs.setdefault(fact.source, []).append(fact)
        for log in self.logs.values():
            log.sort(key=lambda fact: fact.position)

    def of(self, source: str, *types: str) -> Iterator[Fact]:
        """The facts of one log of these types; of all types when none is named."""
        return (fact for fact in self.logs[source] if not types or fact.type in types)

    def transactions(self, source: str) -> Iterator[Sequence[Fact]]:
        """Facts that one command or one event caused, next to each other: what was recorded at once."""
        return (list(group) for _, group in groupby(self.logs[source], key=lambda fact: fact.cause))

    def __len__(self) -> int:
        return sum(len(log) for log in self.logs.values())


def history_of(entries: Iterable[Mapping[str, Any]]) -> History:
    """From objects ``{"source", "position", "event"}``. Raises Unreadable."""
    facts = []
    for number, entry in enumerate(entries, 1):
        try:
            fact = Fact(str(entry["source"]), int(entry["position"]), entry["event"])
        except (KeyError, TypeError, ValueError) as error:
            raise Unreadable(f"entry {number} is not an event at its place: {error!r}") from error
        if not isinstance(fact.document, Mapping):
            raise Unreadable(f"entry {number} ({fact.source}/{fact.position}) holds no document")
        facts.append(fact)
    return History(facts)


def read_history(path: Path) -> History:
    """From a file of one object a line. Raises Unreadable, or OSError."""

    def entries() -> Iterator[Mapping[str, Any]]:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield json.loads(line)
                except ValueError as error:
                    raise Unreadable(f"line {number}: {error}") from error

    return history_of(entries())
