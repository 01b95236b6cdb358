"""Which paid cases a regular inspection looks at: drawn by a seed, weighted by risk, the same for whoever draws again.

Whole numbers only: no machine rounds them otherwise. 二(六)
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Annotated, NamedTuple
from uuid import UUID, uuid5

from pydantic import Field
from tongdui_events.audit import DrawnCase, InspectionOpened, SampleDrawn
from tongdui_events.common import Count, Number, Place
from tongdui_events.document import Code, Event, Sha256, Stamp

from services.audit.domain.parties import Parties
from shared.kernel.commands import Command
from shared.kernel.decisions import Decided, OutOfOrder, Refusal
from shared.kernel.fields import Day
from shared.kernel.folding import Fold

Size = Annotated[int, Field(strict=True, ge=1, le=200)]
"""How many cases: one event names them all."""
_FEN_A_POINT = 1_000_000
_POINTS_A_SIGNAL = 10


class Settled(NamedTuple):
    """One settled redemption of the population, fen paid and set off, and its weight in the draw."""

    redemption_id: UUID
    voucher_id: UUID
    amount_fen: int
    weight: int


class DrawSample(Command):
    """Draw ``size`` cases settled between two days, both included and over in every log."""

    sample_id: UUID
    seed: Code
    size: Size
    region: Place | None = None
    from_on: Day
    until: Day


class RecordSample(DrawSample):
    """The drawn sample, as the platform computed it from the logs."""

    population: Count
    total_weight: Count
    population_sha256: Sha256
    drawn: tuple[DrawnCase, ...] = ()


def weight_of(amount_fen: int, live_signals: int) -> int:
    """One, a point for every 10,000 yuan, ten for every signal about the case that was not dismissed."""
    return 1 + amount_fen // _FEN_A_POINT + _POINTS_A_SIGNAL * live_signals


def population_digest(population: Iterable[Settled]) -> str:
    """SHA-256 over the lines ``redemption_id weight``, sorted."""
    lines = sorted(f"{one.redemption_id} {one.weight}\n" for one in population)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def draw(population: Sequence[Settled], seed: str, size: int) -> list[Settled]:
    """Without putting back: lot n is SHA-256(seed/n) modulo the total weight; a case drawn before is drawn past."""
    ordered = sorted(population, key=lambda one: str(one.redemption_id))
    upto = list(accumulate(one.weight for one in ordered))
    drawn: dict[int, Settled] = {}
    lot = 0
    while len(drawn) < min(size, len(ordered)):
        ticket = int.from_bytes(hashlib.sha256(f"{seed}/{lot}".encode()).digest()) % upto[-1]
        index = bisect_right(upto, ticket)
        drawn.setdefault(index, ordered[index])
        lot += 1
    return list(drawn.values())


def sampled(asked: DrawSample, population: Sequence[Settled]) -> RecordSample:
    """The sample of a population, in the order it was drawn."""
    drawn = tuple(
        DrawnCase(
            voucher_id=one.voucher_id, redemption_id=one.redemption_id, weight=one.weight,
            inspection_id=inspection_id(asked.sample_id, one.redemption_id),
        )
        for one in draw(population, asked.seed, asked.size)
    )
    fields = {name: getattr(asked, name) for name in DrawSample.model_fields}
    return RecordSample(
        **fields, population=len(population), total_weight=sum(one.weight for one in population),
        population_sha256=population_digest(population), drawn=drawn,
    )


def inspection_id(sample_id: UUID, redemption_id: UUID) -> UUID:
    """The inspection a drawn case leads to."""
    return uuid5(sample_id, str(redemption_id))


def _drawn(drawn: bool, event: Event, stamp: Stamp) -> bool:
    return True


SAMPLE: Fold[bool] = Fold("sample", "audit", (SampleDrawn,), False, _drawn)
"""Whether it was drawn; keyed by ``sample_id``."""


def record_sample(
    is_drawn: bool, parties_of: Callable[[UUID], Parties], command: RecordSample
) -> list[Decided] | Refusal:
    """SampleDrawn, and InspectionOpened for each case. ``parties_of``: by the case's id."""
    if is_drawn:
        return OutOfOrder("sample_id", state="drawn")
    opened = [
        Decided(
            one.inspection_id,
            InspectionOpened(
                inspection_id=one.inspection_id, voucher_id=one.voucher_id, cause="regular", seed=command.seed,
                sample_id=command.sample_id, places=parties_of(one.voucher_id).places,
            ),
            one.voucher_id,
        )
        for one in command.drawn
    ]
    return [Decided(command.sample_id, SampleDrawn(**command.model_dump())), *opened]


__all__ = [
    "SAMPLE",
    "DrawSample",
    "Number",
    "RecordSample",
    "Settled",
    "draw",
    "inspection_id",
    "population_digest",
    "record_sample",
    "sampled",
    "weight_of",
]
