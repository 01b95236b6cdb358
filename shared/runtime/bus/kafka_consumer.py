"""The consumer on Kafka: one group a service; offsets are only a hint, the store says what is applied.

One loop alone speaks with aiokafka (polls, seeks, pauses); each source has a task of its own that delivers, so a
source that waits or is stopped holds up no other, and the group's member stays alive meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Mapping, Sequence

import psycopg
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from shared.runtime.bus.kafka import stop_client
from shared.runtime.bus.kafka_source import SourceFeed
from shared.runtime.bus.kafka_topics import batch_limit_bytes, connection_options, members_of, partition_of
from shared.runtime.bus.port import Applied, Deliver, Lag
from shared.runtime.settings import Settings

log = logging.getLogger("tongdui.bus")

SESSION_TIMEOUT_MS = 6000
POLL_MS = 200
POLL_RECORDS = 2000
#: no answer from any broker for so long, or no partition though there should be one: start the consumer again
SILENCE_SECONDS = 20.0
CALL_SECONDS = 5.0
COMMIT_SECONDS = 0.5
RESTART_SECONDS = (0.1, 0.5, 1.0, 2.0)


class SessionLost(RuntimeError):
    """The consumer is of no more use; another must be made."""


#: whatever a poll raises, aiokafka's own assertions and a foreign record it cannot decode included
_FAILURES = (KafkaError, SessionLost, psycopg.OperationalError, OSError, TimeoutError, AssertionError, ValueError)


class KafkaConsumer:
    """Follows the topics a service listens to, as a member of the group ``<prefix>.<service>``."""

    def __init__(self, settings: Settings, service: str, listens: Sequence[str], applied: Applied) -> None:
        self.settings = settings
        self.service = service
        self.feeds = {
            partition_of(settings, source): SourceFeed(source, partition_of(settings, source), applied)
            for source in listens
        }

    async def run(self, deliver: Deliver, stop: asyncio.Event) -> None:
        """Until ``stop``. A consumer that fails is replaced."""
        delivering = [
            asyncio.create_task(feed.run(deliver), name=f"deliver {feed.source}") for feed in self.feeds.values()
        ]
        polling = asyncio.create_task(self._poll_for_ever(stop), name=f"{self.service} consumer")
        try:
            done, _ = await asyncio.wait([polling, *delivering], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (polling, *delivering):
                task.cancel()
            await asyncio.gather(polling, *delivering, return_exceptions=True)

    def lags(self) -> Mapping[str, Lag]:
        return {feed.source: feed.lag() for feed in self.feeds.values()}

    async def _poll_for_ever(self, stop: asyncio.Event) -> None:
        attempt = 0
        while not stop.is_set():
            session = _Session(self.settings, self.service, self.feeds)
            started = time.monotonic()
            try:
                await session.run(stop)
            except _FAILURES as error:
                log.warning("%s: the consumer starts again: %r", self.service, error)
                attempt = 0 if time.monotonic() - started > SILENCE_SECONDS else attempt + 1
                await _pause(stop, RESTART_SECONDS[min(attempt, len(RESTART_SECONDS) - 1)])
            finally:
                await session.close()


class _Session(ConsumerRebalanceListener):
    """One aiokafka consumer, from its start to its failure."""

    def __init__(self, settings: Settings, service: str, feeds: Mapping[TopicPartition, SourceFeed]) -> None:
        self.settings = settings
        self.group = f"{settings.topic_prefix}.{service}"
        self.feeds = feeds
        instance = settings.kafka_instance_id
        self.consumer = AIOKafkaConsumer(
            group_id=self.group,
            group_instance_id=f"{instance}.{service}" if instance else None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=SESSION_TIMEOUT_MS // 4,
            request_timeout_ms=2 * SESSION_TIMEOUT_MS,
            fetch_max_wait_ms=POLL_MS,
            max_partition_fetch_bytes=2 * batch_limit_bytes(settings),
            **connection_options(settings),
        )
        self._unplaced: set[TopicPartition] = set()
        self._placed_at: dict[TopicPartition, float] = {}
        self._unassigned_since = time.monotonic()
        self._committing: asyncio.Task[None] | None = None
        self._committed: dict[TopicPartition, int] = {}
        self._committed_at = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``. Raises SessionLost, KafkaError, TimeoutError."""
        self.consumer.subscribe([partition.topic for partition in self.feeds], listener=self)
        if not await self._started(stop):
            return
        while not stop.is_set():
            await self._supervise()
            await self._place()
            self._steer()
            # never inside wait_for: a cancelled getmany switches max_poll_interval_ms off
            fetched = await self.consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)
            for partition, messages in fetched.items():
                self._take(partition, messages)
            self._commit_now_and_then()

    async def _started(self, stop: asyncio.Event) -> bool:
        """Whether the consumer has joined its group. Waits for topics that are not made yet."""
        starting = asyncio.create_task(self.consumer.start())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
            return starting.done() and not stop.is_set()
        finally:
            starting.cancel()
            stopping.cancel()
            await asyncio.gather(starting, stopping, return_exceptions=True)

    async def close(self) -> None:
        """Commit what is applied, leave the group; within a few seconds whatever the brokers do."""
        for feed in self.feeds.values():
            feed.withdraw()
        if self._committing is not None:
            self._committing.cancel()
            await asyncio.gather(self._committing, return_exceptions=True)
        offsets = self._uncommitted()
        if offsets:
            await self._commit(offsets, seconds=1.0)
        await stop_client(self.consumer)

    # -- the group's callbacks: synchronous, so nothing is fetched between assignment and pause ---------

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        for partition in revoked:
            self.feeds[partition].withdraw()
            self._placed_at.pop(partition, None)
        self._unplaced.clear()
        self._committed.clear()
        self._unassigned_since = time.monotonic()

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self.consumer.pause(*assigned)
        self._unplaced = set(assigned)
        log.info("%s: assigned %s", self.group, sorted(partition.topic for partition in assigned))

    # -- seeking: only here, between two polls --------------------------------------------------------

    async def _place(self) -> None:
        """Begin one record before the committed offset: that record shows whether the topic is the one we knew."""
        for partition in list(self._unplaced):
            feed = self.feeds[partition]
            async with asyncio.timeout(CALL_SECONDS):
                committed = await self.consumer.committed(partition)
                begin = (await self.consumer.beginning_offsets([partition]))[partition]
                end = (await self.consumer.end_offsets([partition]))[partition]
            known = committed is not None and begin < committed <= end
            start = committed - 1 if known and committed is not None else begin
            await feed.offer(from_beginning=start == begin)
            if partition not in self._unplaced:
                continue
            self._unplaced.discard(partition)
            self.consumer.seek(partition, start)
            self.consumer.resume(partition)
            self._placed_at[partition] = time.monotonic()

    def _steer(self) -> None:
        """What the feeds ask for: another offset, a pause, or more."""
        paused = self.consumer.paused()
        for partition in self._placed_at:
            feed = self.feeds[partition]
            offset = feed.take_seek()
            if offset is not None:
                self.consumer.seek(partition, offset)
            if feed.is_full and partition not in paused:
                self.consumer.pause(partition)
            elif feed.has_room and partition in paused:
                self.consumer.resume(partition)
                self._placed_at[partition] = time.monotonic()

    def _take(self, partition: TopicPartition, messages: Sequence[ConsumerRecord]) -> None:
        if partition in self._placed_at:
            self.feeds[partition].take(messages, self.consumer.highwater(partition))

    # -- offsets ----------------------------------------------------------------------------------------

    def _uncommitted(self) -> dict[TopicPartition, int]:
        offsets = {partition: self.feeds[partition].done_offset for partition in self._placed_at}
        return {p: o for p, o in offsets.items() if o is not None and o != self._committed.get(p)}

    def _commit_now_and_then(self) -> None:
        if self._committing is not None and not self._committing.done():
            return
        if time.monotonic() - self._committed_at < COMMIT_SECONDS:
            return
        offsets = self._uncommitted()
        if offsets:
            self._committed_at = time.monotonic()
            self._committing = asyncio.create_task(self._commit(offsets, CALL_SECONDS))

    async def _commit(self, offsets: dict[TopicPartition, int], seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.consumer.commit(offsets)
            self._committed.update(offsets)
        except (CommitFailedError, IllegalStateError) as error:
            # Ownership is lost. Nothing to undo: the store fences what is applied twice.
            log.warning("%s: offsets were not committed: %r", self.group, error)
        except (KafkaError, TimeoutError, OSError) as error:
            log.warning("%s: offsets are not committed yet: %r", self.group, error)

    # -- supervision --------------------------------------------------------------------------------------

    async def _supervise(self) -> None:
        now = time.monotonic()
        for partition in self._placed_at:
            if partition not in self.consumer.paused() and self._silence(partition, now) > SILENCE_SECONDS:
                raise SessionLost(f"nothing heard of {partition.topic} for {SILENCE_SECONDS:.0f} s")
        if self.consumer.assignment():
            self._unassigned_since = now
        elif now - self._unassigned_since > SILENCE_SECONDS:
            self._unassigned_since = now
            async with asyncio.timeout(CALL_SECONDS):
                members = await members_of(self.settings, self.group)
            if members <= len(self.feeds):
                raise SessionLost(f"no partition for {SILENCE_SECONDS:.0f} s in a group of {members}")

    def _silence(self, partition: TopicPartition, now: float) -> float:
        """Seconds since a broker last answered a fetch of that partition, or since we began to ask."""
        since = now - self._placed_at[partition]
        answered_ms = self.consumer.last_poll_timestamp(partition)
        return since if answered_ms is None else min(since, time.time() - answered_ms / 1000)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([stopping], timeout=seconds)
    stopping.cancel()
