"""What reads the archive for signals holds no transaction while the rules think: the database would end it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from services.audit import watch
from services.audit.domain.supervisor import SOURCES, Arrived
from services.audit.watch import Watch


def test_the_rules_think_outside_of_any_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    transactions: list[str] = []

    @contextmanager
    def connection() -> Iterator[None]:
        transactions.append("open")
        yield None
        transactions.append("closed")

    def seen(arrived: Arrived) -> list[Any]:
        assert transactions[-1] == "closed", f"the rules look at {arrived.source} inside of a transaction"
        return []

    monkeypatch.setattr(watch, "page", lambda connection, source, after: [Arrived(source, 1, "DayReached", b"")])
    watching = Watch(SimpleNamespace(projections=SimpleNamespace(connection=connection)))
    monkeypatch.setattr(watching._supervisor, "add", seen)
    assert watching._read() == len(SOURCES)
