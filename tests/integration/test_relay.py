"""The relay, on both buses: what it keeps, what it signs, who leads, and when it refuses to send."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest

from shared.runtime import relay as relay_module
from shared.runtime.bus.port import PublishFailed, Record
from shared.runtime.checkpoints import Checkpoint, verify
from shared.runtime.failpoints import FailpointReached
from shared.runtime.merkle import Frontier, leaf_hash
from tests.conftest import BusUnderTest
from tests.integration.line import Line, on_topic, running, until, wipe_topic


@pytest.fixture
def line(bus: BusUnderTest, database_url: str, tmp_path) -> Iterator[Line]:
    settings = bus.settings(state_dir=tmp_path, checkpoint_every_events=100, checkpoint_every_seconds=0.3)
    line = Line(database_url, settings)
    yield line
    line.close()


@pytest.fixture
def embedded_line(database_url: str, tmp_path) -> Iterator[Line]:
    """For tests that bring a publisher of their own."""
    line = Line(database_url, BusUnderTest("embedded", None, "t").settings(state_dir=tmp_path))
    yield line
    line.close()


@pytest.fixture
def kafka_line(kafka_servers: str, database_url: str, tmp_path) -> Iterator[Line]:
    bus = BusUnderTest("kafka", kafka_servers, f"t{tmp_path.name}")
    line = Line(database_url, bus.settings(state_dir=tmp_path, checkpoint_every_seconds=0.3))
    yield line
    line.close()


def _one(line: Line, query: str) -> tuple[Any, ...]:
    with line.store.connect() as connection:
        return connection.execute(query).fetchone()


def _root(line: Line, size: int) -> bytes:
    return Frontier().extend([leaf_hash(record.state) for record in line.stored()[:size]]).root()


def _checkpoints(line: Line) -> list[tuple[int, bytes, str]]:
    with line.store.connect() as connection:
        return connection.execute("SELECT size, root, note FROM registry_checkpoints ORDER BY size").fetchall()


def _signed(line: Line) -> int:
    """The size of the last checkpoint; 0 before the tables are made."""
    try:
        return max((size for size, _, _ in _checkpoints(line)), default=0)
    except psycopg.errors.UndefinedTable:
        return 0


class _Publisher:
    """A publisher in memory that fails, waits or forgets as it is told."""

    def __init__(self) -> None:
        self.topic: list[Record] = []
        self.failures = 0
        self.lost_answers = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = False

    async def start(self) -> None:
        pass

    async def announce(self, note: str) -> None:
        """Nobody listens."""

    async def last(self) -> tuple[int, bytes] | None:
        return (self.topic[-1].position, self.topic[-1].state) if self.topic else None

    async def publish(self, records: Sequence[Record]) -> None:
        if self.failures:
            self.failures -= 1
            raise PublishFailed("the broker is away")
        self.waiting = not self.gate.is_set()
        await self.gate.wait()
        self.topic.extend(records)
        if self.lost_answers:
            self.lost_answers -= 1
            raise PublishFailed("the answer did not come")

    async def discard(self) -> None:
        pass


def _relay_to(line: Line, publisher: _Publisher) -> relay_module.Relay:
    return relay_module.Relay(line.store, "registry", publisher, line.settings)


# -- progress, tree and checkpoints --------------------------------------------------------------------


async def test_the_cursor_and_the_tree_reach_the_head(line: Line) -> None:
    line.record(1500)
    relay = line.relay()
    async with running(relay):
        await until(lambda: relay.cursor == 1500)
        await until(lambda: _one(line, "SELECT cursor, tree_size FROM registry_relay") == (1500, 1500))
        assert relay.lag() == (0, 0.0)
    size, edge = _one(line, "SELECT tree_size, tree_edge FROM registry_relay")
    assert Frontier.from_bytes(size, edge).root() == _root(line, 1500)


async def test_a_checkpoint_is_signed_after_so_many_events_or_seconds(line: Line) -> None:
    relay = line.relay()
    async with running(relay):
        line.record(100)
        await until(lambda: _signed(line) == 100)
        line.record(1)
        await until(lambda: _signed(line) == 101)
    for size, root, note in _checkpoints(line):
        assert verify(note, relay.signer.verifier) == Checkpoint(relay.signer.name, size, root)
        assert root == _root(line, size)


async def test_a_relay_that_starts_late_adds_everything_to_the_tree(line: Line) -> None:
    """On the embedded bus the topic is ahead of the cursor at once; the tree is not."""
    line.record(250)
    async with running(line.relay()):
        await until(lambda: _signed(line) == 250)
    line.record(250)
    async with running(line.relay()):
        await until(lambda: _signed(line) == 500)
    assert _checkpoints(line)[-1][1] == _root(line, 500)


async def test_a_tree_that_differs_from_what_was_signed_stops_the_relay(line: Line) -> None:
    line.record(10)
    async with running(line.relay()):
        await until(lambda: _signed(line) == 10)
    with line.store.connect() as connection:
        connection.execute("UPDATE registry_checkpoints SET root = sha256(root) WHERE size = 10")
    relay = line.relay()
    async with running(relay):
        await until(lambda: relay.stopped is not None)
        assert "another root was signed for 10 events" in relay.stopped


async def test_a_hole_in_the_table_stops_the_relay(line: Line) -> None:
    line.record(10)
    with line.store.connect() as connection:
        connection.execute("DELETE FROM registry_events WHERE notification_id = 4")
    relay = line.relay()
    async with running(relay):
        await until(lambda: relay.stopped is not None)
        assert "lacks a position" in relay.stopped
        assert relay.cursor in (0, 10)


# -- failures -------------------------------------------------------------------------------------------


async def test_after_a_failure_it_sends_from_the_first_unacknowledged(embedded_line: Line) -> None:
    line = embedded_line
    publisher = _Publisher()
    publisher.failures = 2
    line.record(30)
    relay = _relay_to(line, publisher)
    async with running(relay):
        await until(lambda: relay.cursor == 30)
    assert publisher.topic == line.stored()


async def test_what_was_sent_though_the_answer_was_lost_is_not_sent_again(embedded_line: Line) -> None:
    line = embedded_line
    publisher = _Publisher()
    publisher.lost_answers = 2
    line.record(30)
    relay = _relay_to(line, publisher)
    async with running(relay):
        await until(lambda: relay.cursor == 30)
        line.record(5)
        await until(lambda: relay.cursor == 35)
    assert publisher.topic == line.stored()


async def test_a_crash_between_acknowledgement_and_cursor_sends_nothing_twice(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.record(20)

    def die(name: str) -> None:
        if name == "relay.after_ack":
            raise FailpointReached(name)

    with monkeypatch.context() as armed:
        armed.setattr(relay_module, "failpoint", die)
        relay = line.relay()
        crashing = asyncio.create_task(relay.run(asyncio.Event()))
        if line.on_kafka:
            with pytest.raises(FailpointReached):
                await crashing
        else:
            await until(lambda: relay.cursor == 20)
            line.record(1)
            with pytest.raises(FailpointReached):
                await crashing
    relay = line.relay()
    async with running(relay):
        await until(lambda: relay.cursor == line.log.position)
    if line.on_kafka:
        assert await on_topic(line.settings) == line.stored()


async def test_an_ended_session_is_made_again(line: Line) -> None:
    line.record(5)
    relay = line.relay()
    async with running(relay):
        await until(lambda: relay.cursor == 5)
        with line.store.connect(autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid()"
            )
        line.record(5)
        await until(lambda: relay.cursor == 10)


# -- who leads ----------------------------------------------------------------------------------------------


async def test_one_of_two_relays_leads_and_the_other_takes_over(line: Line) -> None:
    first, second = line.relay(), line.relay()
    async with running(second):
        async with running(first):
            await until(lambda: first.leads or second.leads)
            line.record(50)
            await until(lambda: 50 in (first.cursor, second.cursor))
            assert first.leads != second.leads
        line.record(50)
        await until(lambda: second.leads and second.cursor == 100)
    if line.on_kafka:
        assert await on_topic(line.settings) == line.stored()


async def test_a_leader_that_wakes_after_another_took_over_does_no_harm(embedded_line: Line) -> None:
    """Its last batch may still arrive, late and twice; it moves no cursor and sends nothing more."""
    line = embedded_line
    publisher, other = _Publisher(), _Publisher()
    other.topic = publisher.topic
    zombie, successor = _relay_to(line, publisher), _relay_to(line, other)
    line.record(10)
    publisher.gate.clear()
    async with running(zombie):
        await until(lambda: publisher.waiting)
        _end_lock_holder(line)
        async with running(successor):
            await until(lambda: successor.cursor == 10)
            publisher.gate.set()
            await until(lambda: not zombie.leads)
            line.record(10)
            await until(lambda: successor.cursor == 20)
            assert not zombie.leads
    positions = [record.position for record in publisher.topic]
    assert positions == [*range(1, 11), *range(1, 11), *range(11, 21)]
    assert _one(line, "SELECT cursor, tree_size FROM registry_relay") == (20, 20)


def _end_lock_holder(line: Line) -> None:
    """What the server does by itself to a session that has been silent for too long."""
    with line.store.connect(autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")


# -- the comparison, where a broker keeps the topic -----------------------------------------------------------


async def test_a_table_restored_to_an_earlier_moment_stops_the_relay(kafka_line: Line) -> None:
    line = kafka_line
    line.record(30)
    relay = line.relay()
    async with running(relay):
        await until(lambda: relay.cursor == 30)
    line.restore_to(20)
    relay = line.relay()
    async with running(relay):
        await until(lambda: relay.stopped is not None)
        assert "the topic ends at position 30, the table at 20" in relay.stopped
        line.record(5)
        await asyncio.sleep(0.5)
        relay.retry()
        await until(lambda: relay.stopped is not None)
    assert len(await on_topic(line.settings)) == 30


async def test_positions_given_again_after_a_restore_stop_the_relay(kafka_line: Line) -> None:
    line = kafka_line
    line.record(30)
    relay = line.relay()
    async with running(relay):
        await until(lambda: relay.cursor == 30)
    line.restore_to(20)
    with line.store.connect() as connection:
        connection.execute("UPDATE registry_events SET originator_version = originator_version + 100")
    line.record(15)
    with line.store.connect() as connection:
        connection.execute("UPDATE registry_events SET state = state || ' '::bytea WHERE notification_id = 30")
    relay = line.relay()
    async with running(relay):
        await until(lambda: relay.stopped is not None)
        assert "other bytes" in relay.stopped
    assert len(await on_topic(line.settings)) == 30


async def test_a_wiped_topic_is_filled_again_and_the_tree_is_left_alone(kafka_line: Line) -> None:
    line = kafka_line
    line.record(1200)
    relay = line.relay()
    async with running(relay):
        await until(lambda: relay.cursor == 1200)
        await until(lambda: _signed(line) == 1200)
    before = _checkpoints(line)
    await wipe_topic(line.settings)
    relay = line.relay()
    async with running(relay):
        await until(lambda: relay.leads and relay.cursor == 1200)
    assert await on_topic(line.settings) == line.stored()
    assert _checkpoints(line) == before
    size, edge = _one(line, "SELECT tree_size, tree_edge FROM registry_relay")
    assert Frontier.from_bytes(size, edge).root() == _root(line, 1200)


async def test_a_topic_wiped_while_nothing_happens_is_filled_again(
    kafka_line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "CHECK_SECONDS", 1.0)
    line = kafka_line
    line.record(10)
    relay = line.relay()
    async with running(relay):
        await until(lambda: relay.cursor == 10)
        await wipe_topic(line.settings, make_again=True)
        await asyncio.sleep(2)
        await until(lambda: relay.leads and relay.cursor == 10)
    assert await on_topic(line.settings) == line.stored()


async def test_a_topic_ahead_of_the_cursor_moves_it_up(kafka_line: Line) -> None:
    line = kafka_line
    line.record(10)
    relay = line.relay()
    async with running(relay):
        await until(lambda: relay.cursor == 10)
    with line.store.connect() as connection:
        connection.execute("UPDATE registry_relay SET cursor = 4")
    relay = line.relay()
    async with running(relay):
        await until(lambda: relay.leads and relay.cursor == 10)
        await asyncio.sleep(0.2)
    assert await on_topic(line.settings) == line.stored()
