"""What rules remember, and no longer than it can make a difference: a signal is raised once for one cause."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

from services.audit.domain.signals import EVIDENCE_LIMIT, Seen

At = tuple[str, int]
K = TypeVar("K", bound=Hashable)
M = TypeVar("M")
T = TypeVar("T")


class UntilTold(Generic[K, M]):
    """By key what was gathered in a year, until it is told. Years come in their order: the last one's is forgotten."""

    def __init__(self, new: Callable[[], M]) -> None:
        self._new = new
        self._year = 0
        self._gathered: dict[K, M | None] = {}

    def of(self, year: int, key: K) -> M | None:
        """What to gather in; None once it was told."""
        if year != self._year:
            self._year = year
            self._gathered.clear()
        if key not in self._gathered:
            self._gathered[key] = self._new()
        return self._gathered[key]

    def tell(self, key: K) -> None:
        """Nothing more is gathered under this key in this year."""
        self._gathered[key] = None


class SoMany(Generic[K]):
    """Cases under one key in a year, told once: when they have become so many."""

    def __init__(self) -> None:
        self._cases: UntilTold[K, list[tuple[At, UUID]]] = UntilTold(list)

    def told(self, year: int, key: K, seen: Seen, least: int) -> tuple[Sequence[At], Sequence[UUID]] | None:
        """Evidence and cases, with this one, where they have now become ``least``."""
        cases = self._cases.of(year, key)
        if cases is None:
            return None
        cases.append((seen.at, seen.event.voucher_id))
        if len(cases) < least:
            return None
        self._cases.tell(key)
        return [at for at, _ in cases], [voucher_id for _, voucher_id in cases]


class Greatest(Generic[T]):
    """Of what was added the greatest so many: as much of a long list as a signal names."""

    def __init__(self) -> None:
        self._kept: set[T] = set()

    def add(self, one: T) -> None:
        self._kept.add(one)
        if len(self._kept) > 2 * EVIDENCE_LIMIT:
            self._kept = set(_greatest(self._kept))

    def __iter__(self) -> Iterator[T]:
        return iter(_greatest(self._kept))


def _greatest(kept: Iterable[Any]) -> list[Any]:
    return sorted(kept)[-EVIDENCE_LIMIT:]
