"""One mechanism for every figure: subject and reference take turns, the ratio is that of the medians."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

ROUNDS = 5


@dataclass(frozen=True)
class Figure:
    """One line of the table. ``subject`` and ``reference`` are medians in ``unit`` (higher is better);
    ``spread`` is the lowest and highest ratio of one round. ``least`` None: informative, no ratio is asked for."""

    path: str
    unit: str
    subject: float
    reference: float | None
    least: float | None
    spread: tuple[float, float] | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.subject / self.reference if self.reference else None

    @property
    def holds(self) -> bool | None:
        """Whether the ratio reaches what is asked; None where nothing is."""
        return None if self.least is None or self.ratio is None else round(self.ratio, 2) >= self.least

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio, "holds": self.holds}


def largest_memory_mib() -> float:
    """Of this process since it began. Not ``ru_maxrss``: that is inherited from who started it."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


Once = Callable[[int], float]
"""Runs one round (its number is given) and tells the rate."""


def taking_turns(
    path: str, unit: str, subject: Once, reference: Once, least: float | None, *, rounds: int = ROUNDS, note: str = ""
) -> Figure:
    """Reference and subject by turns, so that a busy moment of the machine meets both."""
    pairs: list[tuple[float, float]] = []
    for number in range(rounds):
        told = reference(number)
        pairs.append((subject(number), told))
    return of_pairs(path, unit, pairs, least, note=note)


def of_pairs(path: str, unit: str, pairs: Sequence[tuple[float, float]], least: float | None, note: str = "") -> Figure:
    """A figure from (subject, reference) of each round."""
    ratios = [one / other for one, other in pairs]
    subject, reference = (median(column) for column in zip(*pairs, strict=True))
    return Figure(path, unit, subject, reference, least, (min(ratios), max(ratios)), note)
