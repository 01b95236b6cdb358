"""Ceilings (限额): a limit of one year, what is held under it and what was consumed. Three numbers. 二(四)"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

from tongdui_events.document import Event, Stamp
from tongdui_events.streams import ceiling_id
from tongdui_events.voucher import (
    CeilingSet,
    ConsumptionReversed,
    HoldConsumed,
    HoldPlaced,
    HoldReduced,
    HoldReleased,
)

from services.voucher.domain.voucher import Hold
from shared.kernel.decisions import Decided
from shared.kernel.folding import Fold


@dataclass(frozen=True, slots=True)
class Ceiling:
    """All in fen. ``consumed_fen`` is net of reversals; ``wanted_fen`` None before the ceiling is set."""

    wanted_fen: int | None = None
    limit_fen: int = 0
    held_fen: int = 0
    consumed_fen: int = 0

    @property
    def committed_fen(self) -> int:
        return self.held_fen + self.consumed_fen


def evolve(ceiling: Ceiling, event: Event, stamp: Stamp) -> Ceiling:
    match event:
        case HoldPlaced():
            return _held(ceiling, event.amount_fen)
        case HoldReleased():
            return _held(ceiling, -event.held_fen)
        case HoldReduced():
            return _held(ceiling, -event.by_fen)
        case CeilingSet():
            return replace(ceiling, wanted_fen=event.wanted_fen, limit_fen=event.limit_fen)
        case HoldConsumed():
            return Ceiling(
                ceiling.wanted_fen,
                ceiling.limit_fen,
                ceiling.held_fen - event.held_fen,
                ceiling.consumed_fen + event.amount_fen,
            )
        case ConsumptionReversed():
            return replace(ceiling, consumed_fen=ceiling.consumed_fen - event.amount_fen)
    return ceiling


def _held(ceiling: Ceiling, more_fen: int) -> Ceiling:
    # not by replace(): it takes longer than the whole of the rest, twice in every allocation
    return Ceiling(ceiling.wanted_fen, ceiling.limit_fen, ceiling.held_fen + more_fen, ceiling.consumed_fen)


CEILING = Fold(
    "ceiling",
    "voucher",
    (CeilingSet, HoldPlaced, HoldReduced, HoldReleased, HoldConsumed, ConsumptionReversed),
    Ceiling(),
    evolve,
    snapshot_every=500,
)
"""Keyed by ``ceiling_id(kind, key, year)``."""


class Wanted(NamedTuple):
    """A ceiling a decision takes part in, with the term in force."""

    kind: str
    key: str
    year: int
    wanted_fen: int
    ceiling: Ceiling

    @property
    def left_fen(self) -> int:
        """What may still be held: under the term in force, whatever the limit came to."""
        return max(self.wanted_fen - self.ceiling.committed_fen, 0)

    @property
    def stream_id(self) -> UUID:
        return ceiling_id(self.kind, self.key, self.year)

    def set_if_new(self) -> list[Decided]:
        """CeilingSet when the ceiling is new or the term changed."""
        if self.ceiling.wanted_fen == self.wanted_fen:
            return []
        limit_fen = max(self.wanted_fen, self.ceiling.committed_fen)
        term = CeilingSet(kind=self.kind, key=self.key, year=self.year, wanted_fen=self.wanted_fen, limit_fen=limit_fen)
        return [Decided(self.stream_id, term)]

    def place(self, voucher_id: UUID, amount_fen: int) -> Decided:
        placed = HoldPlaced(kind=self.kind, key=self.key, year=self.year, voucher_id=voucher_id, amount_fen=amount_fen)
        return Decided(self.stream_id, placed, voucher_id)


def release(voucher_id: UUID, holds: tuple[Hold, ...], reason: str) -> list[Decided]:
    """Everything a voucher holds is free again."""
    return [
        Decided(
            ceiling_id(hold.kind, hold.key, hold.year),
            HoldReleased(voucher_id=voucher_id, held_fen=hold.amount_fen, reason=reason),
            voucher_id,
        )
        for hold in holds
    ]


def consume(voucher_id: UUID, holds: tuple[Hold, ...], amount_fen: int) -> list[Decided]:
    """The approved sum is used, the rest is free; the holds end."""
    return [
        Decided(
            ceiling_id(hold.kind, hold.key, hold.year),
            HoldConsumed(voucher_id=voucher_id, amount_fen=min(amount_fen, hold.amount_fen), held_fen=hold.amount_fen),
            voucher_id,
        )
        for hold in holds
    ]


def reverse(voucher_id: UUID, consumed: tuple[Hold, ...], amount_fen: int, reason: str) -> list[Decided]:
    """Money came back, and each ceiling with it."""
    return [
        Decided(
            ceiling_id(part.kind, part.key, part.year),
            ConsumptionReversed(voucher_id=voucher_id, amount_fen=min(amount_fen, part.amount_fen), reason=reason),
            voucher_id,
        )
        for part in consumed
    ]
