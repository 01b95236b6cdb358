"""From one service's log to another's inbox, on both buses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from shared.runtime.bus.port import Record
from shared.runtime.jobs import Delivered
from tests.conftest import BusUnderTest
from tests.integration.line import Line, running, until


@pytest.fixture
def line(bus: BusUnderTest, database_url: str, tmp_path) -> Iterator[Line]:
    line = Line(database_url, bus.settings(state_dir=tmp_path))
    yield line
    line.close()


def _positions(line: Line) -> list[int]:
    return [record.position for record in line.writer.records.get("registry", [])]


async def test_every_event_arrives_in_order_as_it_was_stored(line: Line) -> None:
    line.record(1200)
    async with running(line.relay(), line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 1200)
    assert line.writer.records["registry"] == line.stored()


async def test_an_event_arrives_soon_after_it_was_recorded(line: Line) -> None:
    line.record(1)
    async with running(line.relay(), line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 1)
        loop, seconds = asyncio.get_running_loop(), []
        for _ in range(20):
            await asyncio.sleep(0.02)
            begun, last = loop.time(), line.record(1)
            while line.writer.applied["registry"] < last:
                await asyncio.sleep(0.001)
            seconds.append(loop.time() - begun)
    assert sorted(seconds)[10] < 0.2


async def test_what_was_recorded_while_nobody_listened_arrives_later(line: Line) -> None:
    for upto in (10, 700, 701):
        line.record(upto - line.log.position)
        async with running(line.relay(), line.inbox()):
            await until(lambda upto=upto: line.writer.applied.get("registry") == upto)
    assert _positions(line) == list(range(1, 702))


async def test_a_restart_delivers_nothing_again_but_what_the_store_lacks(line: Line) -> None:
    line.record(600)
    async with running(line.relay(), line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 600)
    offered = line.writer.offered
    line.record(1)
    async with running(line.relay(), line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 601)
    assert line.writer.offered <= offered + 2


async def test_a_store_that_forgot_everything_gets_everything_again(line: Line) -> None:
    """A group's offsets, or whatever else the bus remembers, are only a hint."""
    line.record(600)
    async with running(line.relay(), line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 600)
    line.writer.applied.clear()
    line.writer.records.clear()
    async with running(line.relay(), line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 600)
    assert _positions(line) == list(range(1, 601))


async def test_a_store_that_fell_back_gets_again_what_it_lost(line: Line) -> None:
    line.record(600)
    async with running(line.relay(), line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 600)
    line.writer.applied["registry"] = 250
    del line.writer.records["registry"][250:]
    async with running(line.relay(), line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 600)
    assert _positions(line) == list(range(1, 601))


async def test_two_members_of_one_service_apply_each_event_once(line: Line) -> None:
    line.record(300)
    async with running(line.relay(), line.inbox()):
        await until(lambda: line.writer.applied.get("registry", 0) > 0)
        async with running(line.inbox()):
            line.record(300)
            await until(lambda: line.writer.applied.get("registry") == 600)
        line.record(10)
        await until(lambda: line.writer.applied.get("registry") == 610)
    assert _positions(line) == list(range(1, 611))


async def test_a_stopped_source_goes_on_after_the_operator_wants_it_tried_again(line: Line) -> None:
    line.record(5)
    refused = {3}

    async def picky(source: str, records: list[Record]) -> Delivered:
        if any(record.position in refused for record in records):
            line.writer.stops.add(source)
            return Delivered(line.writer.applied.get(source, 0), stopped="it cannot be read")
        return await apply(source, records)

    apply, line.writer.deliver = line.writer.deliver, picky
    inbox = line.inbox()
    async with running(line.relay(), inbox):
        await until(lambda: inbox.stopped.get("registry") == "it cannot be read")
        refused.clear()
        line.writer.stops.clear()
        await until(lambda: line.writer.applied.get("registry") == 5)
        assert inbox.stopped == {}
    assert _positions(line) == [1, 2, 3, 4, 5]


async def test_sessions_ended_by_the_database_server_are_made_again(line: Line) -> None:
    line.record(5)
    async with running(line.relay(), line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 5)
        with line.store.connect(autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid()"
            )
        line.record(5)
        await until(lambda: line.writer.applied.get("registry") == 10)
    assert _positions(line) == list(range(1, 11))


async def test_lag_is_counted_in_events_and_seconds_and_ends_at_zero(line: Line) -> None:
    line.record(3)
    held = asyncio.Event()

    async def slow(source: str, records: list[Record]) -> Delivered:
        await held.wait()
        return await apply(source, records)

    apply, line.writer.deliver = line.writer.deliver, slow
    inbox = line.inbox()
    async with running(line.relay(), inbox):
        await until(lambda: inbox.lags()["registry"].events == 3 and inbox.lags()["registry"].seconds > 0.1)
        held.set()
        await until(lambda: inbox.lags()["registry"] == (0, 0.0))
