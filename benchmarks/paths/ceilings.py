"""One hot ceiling against many, and a ceiling with a long past against a young one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tongdui_events.streams import ceiling_id

from benchmarks.callers import rate, writer_on
from benchmarks.measure import Figure, taking_turns
from benchmarks.prepared import PreparedLog, company
from benchmarks.stage import Stage
from tests.unit.voucher_world import DAY

CALLERS = 128
COMMANDS = 5000
ROUNDS = 5
LONG, YOUNG = 50_000, 50
FEW = 300


def figures(stage: Stage, told: Callable[[str], None]) -> Iterator[Figure]:
    log = PreparedLog(stage.database())
    try:
        told("one ceiling and 200")
        hot = log.add_vouchers([company(0)] * COMMANDS * ROUNDS)
        spread = log.add_vouchers([company(1 + n % 200) for n in range(COMMANDS * ROUNDS)])
        with writer_on(log.store) as writer:
            yield taking_turns(
                "every caller on one ceiling, of 200",
                "commands/s",
                lambda turn: rate(writer, hot[turn * COMMANDS : (turn + 1) * COMMANDS], CALLERS),
                lambda turn: rate(writer, spread[turn * COMMANDS : (turn + 1) * COMMANDS], CALLERS),
                0.95,
            )
        told(f"{LONG} holds behind")
        yield _long_past(log)
    finally:
        log.close()


def _long_past(log: PreparedLog) -> Figure:
    """Each round begins with nothing cached, as after a restart; the first command once made the snapshot."""
    numbers = {}
    for holds in (LONG, YOUNG):
        uscc = company(1000 + holds)
        log.add_holds(ceiling_id("enterprise-year", uscc, DAY.year), uscc, holds)
        numbers[holds] = log.add_vouchers([uscc] * (FEW * ROUNDS + 1))
        _restarted(log, numbers[holds][-1:])

    def of(holds: int) -> Callable[[int], float]:
        return lambda turn: _restarted(log, numbers[holds][turn * FEW : (turn + 1) * FEW])

    return taking_turns(f"a ceiling with {LONG:,} holds behind it, of {YOUNG}", "commands/s", of(LONG), of(YOUNG), 0.9)


def _restarted(log: PreparedLog, numbers: Sequence[int]) -> float:
    with writer_on(log.store) as writer:
        return rate(writer, numbers, 1)
