"""A desk that already knows what was decided a moment ago in the same command: one decision made of many."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from shared.kernel.decisions import Decided
from shared.kernel.folding import Fold
from shared.runtime.desk import Desk


class Ahead:
    """``desk`` with the events added so far folded over its states. ``service``: whose own events they are."""

    def __init__(self, desk: Desk, folds: Iterable[Fold[Any]], service: str) -> None:
        self._desk = desk
        self._fold_of = {cls: fold for fold in folds if fold.source == service for cls in fold.types}
        self._states: dict[tuple[str, UUID], Any] = {}
        self._stamp: Any = SimpleNamespace(business_day=desk.today, actor=desk.principal.actor, case_id=None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._desk, name)

    def get(self, fold: Fold[Any], stream_id: UUID) -> Any:
        known = self._states.get((fold.name, stream_id))
        return self._desk.get(fold, stream_id) if known is None else known

    def add(self, decided: Iterable[Decided]) -> None:
        for stream_id, event, _ in decided:
            fold = self._fold_of.get(type(event))
            if fold is not None:
                state = fold.evolve(self.get(fold, stream_id), event, self._stamp)
                self._states[fold.name, stream_id] = state
