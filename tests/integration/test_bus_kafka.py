"""What only a broker can do to us: topics wiped and made again, foreign records, gaps, rewound groups, outages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer

from shared.runtime.bus.kafka import KafkaPublisher
from shared.runtime.bus.kafka_source import LOOK_BACK_SECONDS
from shared.runtime.bus.kafka_topics import partition_of
from shared.runtime.bus.port import PublishFailed, Record
from shared.runtime.local_kafka import LocalKafka
from shared.runtime.settings import Settings
from tests.integration.line import Line, on_topic, running, until, wipe_topic, write_foreign


@pytest.fixture
def line_on(database_url: str, tmp_path) -> Iterator[Callable[..., Line]]:
    """``line_on(servers)``: a line on topics nobody else uses."""
    made: list[Line] = []

    def create(servers: str, **others: object) -> Line:
        prefix = f"t{uuid4().hex[:12]}"
        settings = Settings(
            bus="kafka", KAFKA_BOOTSTRAP_SERVERS=servers, topic_prefix=prefix, state_dir=tmp_path, **others
        )
        made.append(Line(database_url, settings))
        return made[-1]

    yield create
    for line in made:
        line.close()


@pytest.fixture
def line(line_on: Callable[..., Line], kafka_servers: str) -> Line:
    return line_on(kafka_servers)


async def _publish(line: Line, records: list[Record]) -> None:
    publisher = KafkaPublisher(line.settings, "registry")
    await publisher.start()
    try:
        await publisher.publish(records)
    finally:
        await publisher.discard()


def _positions(line: Line) -> list[int]:
    return [record.position for record in line.writer.records.get("registry", [])]


# -- the publisher -----------------------------------------------------------------------------------


async def test_an_empty_topic_has_no_last_record(line: Line) -> None:
    publisher = KafkaPublisher(line.settings, "registry")
    await publisher.start()
    assert await publisher.last() is None
    await publisher.discard()


async def test_the_last_record_is_found_behind_any_number_of_foreign_ones(line: Line) -> None:
    line.record(3)
    await _publish(line, line.stored())
    for number in range(5):
        await write_foreign(line.settings, b"not ours %d" % number, [])
    publisher = KafkaPublisher(line.settings, "registry")
    assert await publisher.last() == (3, line.stored()[2].state)


async def test_an_event_over_the_limit_is_refused_before_it_is_sent(line: Line) -> None:
    publisher = KafkaPublisher(line.settings, "registry")
    await publisher.start()
    large = bytes(line.settings.event_size_limit + 1)
    with pytest.raises(PublishFailed, match="over the size limit"):
        await publisher.publish([Record(1, b"k", large, "T")])
    largest = Record(1, b"k", bytes(line.settings.event_size_limit), "T")
    await publisher.publish([largest._replace(position=n) for n in range(1, 8)])
    await publisher.discard()
    assert [record.position for record in await on_topic(line.settings)] == list(range(1, 8))


async def test_a_publisher_without_a_broker_fails_in_time_and_can_be_discarded(line_on: Callable[..., Line]) -> None:
    line = line_on("127.0.0.1:9")
    publisher = KafkaPublisher(line.settings, "registry")
    with pytest.raises(PublishFailed):
        await publisher.start()
    with pytest.raises(PublishFailed):
        await publisher.last()
    await publisher.discard()


# -- the consumer ------------------------------------------------------------------------------------


async def test_records_that_come_twice_or_late_are_applied_once(line: Line) -> None:
    line.record(20)
    stored = line.stored()
    await _publish(line, [*stored[:10], *stored[4:10], *stored[2:20]])
    async with running(line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 20)
    assert _positions(line) == list(range(1, 21))


async def test_a_gap_stops_the_source_until_the_topic_is_made_whole(line: Line) -> None:
    line.record(9)
    stored = line.stored()
    await _publish(line, [*stored[:5], *stored[7:]])
    inbox = line.inbox()
    async with running(inbox):
        await until(lambda: "registry" in inbox.stopped)
        assert "position 8 came where 6 was expected" in inbox.stopped["registry"]
        assert _positions(line) == [1, 2, 3, 4, 5]
        await wipe_topic(line.settings, make_again=True)
        await _publish(line, stored)
        line.writer.stops.clear()
        await until(lambda: line.writer.applied.get("registry") == 9)
    assert _positions(line) == list(range(1, 10))


async def test_a_gap_that_stays_stops_the_source_again(line: Line) -> None:
    line.record(9)
    stored = line.stored()
    await _publish(line, [*stored[:5], *stored[7:]])
    inbox = line.inbox()
    async with running(inbox):
        await until(lambda: "registry" in inbox.stopped)
        line.writer.stops.clear()
        await until(lambda: "registry" not in inbox.stopped)
        await until(lambda: "registry" in inbox.stopped)
    assert _positions(line) == [1, 2, 3, 4, 5]


async def test_a_foreign_record_stops_the_source_until_it_is_parked(line: Line) -> None:
    line.record(2)
    await _publish(line, line.stored())
    await write_foreign(line.settings, b"hello", [("position", b"3")])
    inbox = line.inbox()
    async with running(line.relay(), inbox):
        await until(lambda: "registry" in inbox.stopped)
        assert "not ours" in inbox.stopped["registry"]
        line.record(1)
        await asyncio.sleep(0.5)
        assert _positions(line) == [1, 2]
        line.writer.parked.add(b"hello")
        line.writer.stops.clear()
        await until(lambda: line.writer.applied.get("registry") == 3)
    assert _positions(line) == [1, 2, 3]


@pytest.mark.parametrize(
    "headers", [[("position", b"-1"), ("source", b"registry")], [("position", b"3"), ("source", b"audit")]]
)
async def test_a_record_with_headers_of_another_is_foreign(line: Line, headers: list[tuple[str, bytes]]) -> None:
    line.record(2)
    await _publish(line, line.stored())
    await write_foreign(line.settings, b"hello", headers)
    assert [record.position for record in await on_topic(line.settings)] == [1, 2, 0]


async def test_a_rewound_group_changes_nothing(line: Line) -> None:
    line.record(30)
    async with running(line.relay(), line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 30)
    partition = partition_of(line.settings, "registry")
    group = AIOKafkaConsumer(
        partition.topic, group_id=f"{line.settings.topic_prefix}.voucher", enable_auto_commit=False,
        bootstrap_servers=line.settings.kafka_bootstrap_servers,
    )
    await group.start()
    await group.commit({partition: 0})
    await group.stop()
    line.record(1)
    async with running(line.relay(), line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 31)
    assert _positions(line) == list(range(1, 32))


async def test_a_group_that_is_ahead_of_the_store_is_not_believed(line: Line) -> None:
    """As after a database was restored: the offsets say everything was read."""
    line.record(30)
    async with running(line.relay(), line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 30)
        await asyncio.sleep(1)
    line.writer.applied["registry"] = 12
    del line.writer.records["registry"][12:]
    async with running(line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 30)
    assert _positions(line) == list(range(1, 31))


async def test_a_topic_wiped_between_runs_is_filled_again_and_nothing_is_applied_twice(line: Line) -> None:
    line.record(40)
    async with running(line.relay(), line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 40)
    await wipe_topic(line.settings)
    line.record(5)
    async with running(line.relay(), line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 45)
    assert _positions(line) == list(range(1, 46))
    assert await on_topic(line.settings) == line.stored()


async def test_a_topic_wiped_under_a_running_line_is_filled_again(line: Line) -> None:
    line.record(40)
    async with running(line.relay(), line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 40)
        await wipe_topic(line.settings)
        line.record(5)
        await until(lambda: line.writer.applied.get("registry") == 45, within=60)
    assert _positions(line) == list(range(1, 46))
    assert await on_topic(line.settings) == line.stored()


async def test_a_topic_made_anew_in_silence_is_noticed_by_an_idle_consumer(line: Line) -> None:
    """The new topic has as many records as the old one, but says more: nothing new will come to show it."""
    line.record(20)
    stored = line.stored()
    await _publish(line, [*stored[:10], *stored[5:10]])
    async with running(line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 10)
        await wipe_topic(line.settings, make_again=True)
        await _publish(line, stored[:15])
        await until(lambda: line.writer.applied.get("registry") == 15, within=LOOK_BACK_SECONDS + 20)
    assert _positions(line) == list(range(1, 16))


async def test_a_static_member_is_replaced_at_once(line_on: Callable[..., Line], kafka_servers: str) -> None:
    line = line_on(kafka_servers, kafka_instance_id="worker-1")
    for upto in (10, 20, 30):
        line.record(10)
        async with running(line.relay(), line.inbox()):
            await until(lambda upto=upto: line.writer.applied.get("registry") == upto, within=5)
    assert _positions(line) == list(range(1, 31))


# -- outages -----------------------------------------------------------------------------------------


async def test_a_broker_killed_and_restarted_loses_nothing(line_on: Callable[..., Line], own_kafka: LocalKafka) -> None:
    line = line_on(own_kafka.bootstrap_servers)
    line.record(100)
    async with running(line.relay(), line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 100)
        await asyncio.to_thread(own_kafka.kill)
        line.record(100)
        await asyncio.to_thread(own_kafka.start_node)
        await until(lambda: line.writer.applied.get("registry") == 200, within=40)
    assert _positions(line) == list(range(1, 201))


async def test_a_broker_that_stops_answering_for_a_while_loses_nothing(
    line_on: Callable[..., Line], own_kafka: LocalKafka
) -> None:
    line = line_on(own_kafka.bootstrap_servers)
    line.record(100)
    async with running(line.relay(), line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 100)
        own_kafka.pause()
        line.record(100)
        await asyncio.sleep(8)
        own_kafka.resume()
        await until(lambda: line.writer.applied.get("registry") == 200, within=40)
    assert _positions(line) == list(range(1, 201))
