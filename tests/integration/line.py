"""A line of two services on a bus: the registry's log and relay, and an inbox of the voucher service that hears it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from tongdui_events.registry import RegionJoined
from tongdui_events.streams import region_id

from shared.runtime.bus import Bus, bus_of
from shared.runtime.bus.embedded import EmbeddedConsumer
from shared.runtime.bus.kafka_consumer import KafkaConsumer
from shared.runtime.bus.kafka_topics import ensure_topic, partition_of, record_of
from shared.runtime.bus.port import Consumer, Record
from shared.runtime.inbox import Inbox
from shared.runtime.jobs import Delivered
from shared.runtime.relay import Relay
from shared.runtime.settings import Settings
from shared.runtime.store import Store
from tests.integration.written_log import WrittenLog


@dataclass(frozen=True)
class Party:
    """The name of a service and whom it listens to."""

    name: str
    listens: tuple[str, ...] = ()


@dataclass(frozen=True)
class Member:
    """Who a bus makes its ends for."""

    service: Party
    store: Store


class Part(Protocol):
    async def run(self, stop: asyncio.Event) -> None: ...


@dataclass
class MemoryWriter:
    """Applies records as the writer does (last + 1, duplicates, gaps, foreign ones), in memory."""

    store: Store
    applied: dict[str, int] = field(default_factory=dict)
    records: dict[str, list[Record]] = field(default_factory=dict)
    stops: set[str] = field(default_factory=set)
    parked: set[bytes] = field(default_factory=set)
    offered: int = 0

    async def applied_of(self, source: str) -> int:
        return self.applied.get(source, 0)

    async def deliver(self, source: str, records: Sequence[Record]) -> Delivered:
        await asyncio.sleep(0)
        last = self.applied.get(source, 0)
        self.offered += len(records)
        for record in records:
            if not record.position and record.state not in self.parked:
                return self._stop(source, last, "a record without a position is not ours")
            if record.position > last + 1:
                return self._stop(source, last, f"position {record.position} came where {last + 1} was expected")
            if record.position == last + 1:
                last = self.applied[source] = record.position
                self.records.setdefault(source, []).append(record)
        return Delivered(last)

    def _stop(self, source: str, applied: int, reason: str) -> Delivered:
        self.stops.add(source)
        return Delivered(applied, stopped=reason)


class Line:
    """Parts are made anew for each run; what lasts is the log, the topic and what the writer applied."""

    def __init__(self, database_url: str, settings: Settings) -> None:
        self.settings = settings
        self.bus: Bus = bus_of(settings)
        self.store = Store(database_url, "registry")
        self.store.create_tables()
        self.voucher_store = Store(database_url, "voucher")
        self.voucher_store.create_tables()
        self.log = WrittenLog(self.store)
        self.writer = MemoryWriter(self.voucher_store)

    @property
    def on_kafka(self) -> bool:
        return self.settings.bus == "kafka"

    def record(self, count: int) -> int:
        """So many more events in the registry's log; the position of the last."""
        events = []
        for number in range(self.log.position + 1, self.log.position + count + 1):
            region = f"{number:06d}"
            joined = RegionJoined(
                region=region, name=f"区域{number}", province="31", prefixes=[region], joins_on="2025-03-01"
            )
            events.append((region_id(region), joined))
        return self.log.append(*events)

    def relay(self) -> Relay:
        member = Member(Party("registry"), self.store)
        return Relay(self.store, "registry", self.bus.publisher(member), self.settings)

    def inbox(self) -> Inbox:
        return Inbox("voucher", ("registry",), self.consumer(), self.writer, lambda: self.writer.stops)

    def consumer(self) -> Consumer:
        """One that asks the writer in memory, not the store, how far it is."""
        if self.on_kafka:
            return KafkaConsumer(self.settings, "voucher", ("registry",), self.writer.applied_of)
        return EmbeddedConsumer(self.store.url, ("registry",), self.writer.applied_of)

    def stored(self) -> list[Record]:
        """The registry's log as it would be published."""
        with self.store.connect() as connection:
            rows = connection.execute(
                "SELECT notification_id, originator_id::text, state, topic FROM registry_events ORDER BY 1"
            ).fetchall()
        return [Record(position, key.encode(), state, topic) for position, key, state, topic in rows]

    def restore_to(self, position: int) -> None:
        """What a restored backup looks like: the log's tail is gone, and the relay's row is as old."""
        with self.store.connect() as connection:
            connection.execute("DELETE FROM registry_events WHERE notification_id > %s", (position,))
            connection.execute("UPDATE registry_head SET position = %s", (position,))
            connection.execute("UPDATE registry_relay SET cursor = 0, tree_size = 0, tree_edge = ''")
            connection.execute("DELETE FROM registry_checkpoints")
        self.log.position = position

    def close(self) -> None:
        self.store.close()
        self.voucher_store.close()


@asynccontextmanager
async def running(*parts: Part) -> AsyncIterator[None]:
    """Runs the parts; they are told to stop at the end and must leave within ten seconds."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(part.run(stop)) for part in parts]
    try:
        yield
        for task in tasks:
            assert not task.done(), task.exception()
    finally:
        stop.set()
        done, late = await asyncio.wait(tasks, timeout=10)
        for task in late:
            task.cancel()
        for task in done:
            task.result()
        assert not late


async def until(holds: Callable[[], bool | Awaitable[bool]], within: float = 20.0) -> None:
    """Wait for something to come true; AssertionError when it does not in time."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        found = holds()
        if found if isinstance(found, bool) else await found:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come true in time")


# -- what others may do to a topic -------------------------------------------------------------------


async def on_topic(settings: Settings, source: str = "registry") -> list[Record]:
    """Every record on the topic, in order."""
    partition = partition_of(settings, source)
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        found: list[Record] = []
        while await consumer.position(partition) < end:
            for message in (await consumer.getmany(timeout_ms=200)).get(partition, ()):
                found.append(record_of(source, message.key, message.value, message.headers))
        return found
    finally:
        await consumer.stop()


async def wipe_topic(settings: Settings, source: str = "registry", *, make_again: bool = False) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await admin.start()
    try:
        await admin.delete_topics([partition_of(settings, source).topic])
    finally:
        await admin.close()
    if make_again:
        await ensure_topic(settings, source)


async def write_foreign(
    settings: Settings, value: bytes, headers: list[tuple[str, bytes]], source: str = "registry"
) -> None:
    """A record of somebody else's on the topic."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await producer.start()
    try:
        await producer.send_and_wait(partition_of(settings, source).topic, value, headers=headers, partition=0)
    finally:
        await producer.stop()
