"""From an event's commit to its effect in the next service, at half of what the pair carries, on each bus."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import uvloop

from benchmarks.callers import confirm
from benchmarks.measure import Figure
from benchmarks.prepared import PreparedLog, company
from benchmarks.prepared import voucher as voucher_of
from benchmarks.stage import Stage
from services.platform import service_named
from shared.runtime.bus import bus_of
from shared.runtime.bus.kafka_topics import ensure_topic
from shared.runtime.service import Runtime
from shared.runtime.settings import Settings

VOUCHERS = 16_000
FLAT_OUT = 2500
CALLERS = 64
SECONDS = 6.0
LIMITS_MS = {"embedded": 50, "kafka": 100}


def figures(stage: Stage, told: Callable[[str], None]) -> Iterator[Figure]:
    for bus, limit in LIMITS_MS.items():
        told(bus)
        others = {"kafka_bootstrap_servers": stage.kafka(), "topic_prefix": "latency"} if bus == "kafka" else {}
        settings = stage.settings(bus=bus, **others)
        log = PreparedLog(stage.database())
        log.add_vouchers([company(n % 200) for n in range(VOUCHERS)])
        log.close()
        rate, median, p99 = uvloop.run(_measured(log.store.url, settings))
        note = f"p50 {median:.1f} ms at {rate:,.0f} commands/s; {limit} ms is meant"
        yield Figure(f"event to effect, p99, {bus}", "ms", p99, None, None, note=note)


async def _measured(url: str, settings: Settings) -> tuple[float, float, float]:
    """(commands a second, p50, p99 in ms)."""
    async with _pair(url, settings) as (voucher, settlement):
        applied: list[tuple[int, float]] = []
        _note_applied(settlement, applied)
        started = time.perf_counter()
        numbers = iter(range(FLAT_OUT))
        await asyncio.gather(*(_callers(voucher, numbers) for _ in range(CALLERS)))
        await _until(lambda: _applied(settlement) >= voucher.state.position)
        rate = FLAT_OUT / (time.perf_counter() - started) / 2
        answered = await _at_rate(voucher, rate, FLAT_OUT)
        await _until(lambda: _applied(settlement) >= voucher.state.position)
    positions = [position for position, _ in applied]
    waits = sorted(applied[bisect_left(positions, position)][1] - at for position, at in answered)
    return rate, _milliseconds(waits, 0.5), _milliseconds(waits, 0.99)


@asynccontextmanager
async def _pair(url: str, settings: Settings) -> AsyncIterator[tuple[Runtime, Runtime]]:
    """The voucher service and, behind it, settlement; the registry's relay makes its facts heard."""
    if settings.bus == "kafka":
        await ensure_topic(settings, "audit")
    bus = bus_of(settings)
    runtimes = [Runtime(service_named(name), url, settings, bus) for name in ("registry", "voucher", "settlement", "audit")]
    for runtime in runtimes:
        await runtime.start("all")
    try:
        _, voucher, settlement, _ = runtimes
        await _until(lambda: settlement.inbox.applied.get("registry", 0) > 0)
        await _until(lambda: _applied(settlement) > 4 * VOUCHERS)
        yield voucher, settlement
    finally:
        await asyncio.gather(*(runtime.stop() for runtime in runtimes))


def _applied(settlement: Runtime) -> int:
    return settlement.inbox.applied.get("voucher", 0)


def _note_applied(settlement: Runtime, applied: list[tuple[int, float]]) -> None:
    """Writes down when settlement had applied how much of the voucher log."""
    note = settlement.inbox._note

    def noted(source: str, position: int) -> None:
        note(source, position)
        if source == "voucher":
            applied.append((position, time.perf_counter()))

    settlement.inbox._note = noted  # type: ignore[method-assign]


async def _callers(voucher: Runtime, numbers: Iterator[int]) -> None:
    for number in numbers:
        await confirm(voucher.writer, voucher_of(number))


async def _at_rate(voucher: Runtime, rate: float, first: int) -> list[tuple[int, float]]:
    """(position, when answered) of commands begun at that rate, however long the others take."""
    answered: list[tuple[int, float]] = []

    async def one(number: int) -> None:
        outcome = await confirm(voucher.writer, voucher_of(number))
        answered.append((outcome.position, time.perf_counter()))

    started, begun, tasks = time.perf_counter(), 0, []
    while (elapsed := time.perf_counter() - started) < SECONDS:
        while begun < elapsed * rate:
            tasks.append(asyncio.create_task(one(first + begun)))
            begun += 1
        await asyncio.sleep(0.001)
    await asyncio.gather(*tasks)
    return answered


async def _until(holds: Callable[[], bool], within_seconds: float = 60) -> None:
    async with asyncio.timeout(within_seconds):
        while not holds():
            await asyncio.sleep(0.005)


def _milliseconds(waits: list[float], share: float) -> float:
    return max(0.0, waits[min(len(waits) - 1, int(len(waits) * share))] * 1000)
