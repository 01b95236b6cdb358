"""The publisher on Kafka: idempotent, all replicas acknowledge, one batch in flight.

A failed batch poisons aiokafka's producer for good (its sequence number is taken), so after any failure the producer
is dropped and another made; the relay then compares and sends again. A failed batch may be on the topic all the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from shared.runtime.bus.kafka_topics import (
    REQUEST_TIMEOUT_MS,
    batch_limit_bytes,
    connection_options,
    ensure_topic,
    headers_of,
    partition_of,
    record_of,
)
from shared.runtime.bus.port import PublishFailed, Record
from shared.runtime.settings import Settings

log = logging.getLogger("tongdui.bus")

#: an idempotent batch is retried for ever by the client; we give up on it after so long
ACKNOWLEDGE_SECONDS = 10.0
START_SECONDS = 15.0
LAST_SECONDS = 30.0
CLOSE_SECONDS = 2.0


class KafkaPublisher:
    """Appends one service's log to its topic."""

    def __init__(self, settings: Settings, service: str) -> None:
        self.settings = settings
        self.service = service
        self.partition = partition_of(settings, service)
        self.notes = partition_of(settings, f"{service}.checkpoints")
        self._source = service.encode()
        self._size_limit = settings.event_size_limit
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        await self.discard()
        self._producer = AIOKafkaProducer(
            enable_idempotence=True,
            acks="all",
            max_batch_size=batch_limit_bytes(self.settings) - 1024,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            **connection_options(self.settings),
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                await ensure_topic(self.settings, self.service)
                await ensure_topic(self.settings, f"{self.service}.checkpoints")
                await self._producer.start()
                await self._producer.partitions_for(self.partition.topic)
        except (KafkaError, OSError, TimeoutError) as error:
            raise PublishFailed(f"no producer for {self.partition.topic}: {error!r}") from error

    async def publish(self, records: Sequence[Record]) -> None:
        if self._producer is None:
            raise PublishFailed("the publisher is not started")
        batch = self._producer.create_batch()
        for record in records:
            if not self._add(batch, record):
                await self._send(batch)
                batch = self._producer.create_batch()
                self._add(batch, record)
        await self._send(batch)

    async def announce(self, note: str) -> None:
        if self._producer is None:
            raise PublishFailed("the publisher is not started")
        try:
            async with asyncio.timeout(ACKNOWLEDGE_SECONDS):
                await self._producer.send_and_wait(self.notes.topic, note.encode(), partition=self.notes.partition)
        except (KafkaError, OSError, TimeoutError) as error:
            raise PublishFailed(f"a checkpoint for {self.notes.topic} was not acknowledged: {error!r}") from error

    def _add(self, batch: BatchBuilder, record: Record) -> bool:
        """False when the batch is full. The first record of a batch always fits; too large a one is refused here,
        because the broker's refusal would cost the producer."""
        position, key, state, type_name = record
        if len(state) > self._size_limit:
            raise PublishFailed(f"position {position} has {len(state)} bytes, over the size limit")
        headers = headers_of(position, type_name, self._source)
        return batch.append(key=key, value=state, timestamp=None, headers=headers) is not None

    async def _send(self, batch: BatchBuilder) -> None:
        if not batch.record_count():
            return
        try:
            async with asyncio.timeout(ACKNOWLEDGE_SECONDS):
                acknowledged = await self._producer.send_batch(
                    batch, self.partition.topic, partition=self.partition.partition
                )
                await acknowledged
        except (KafkaError, OSError, TimeoutError) as error:
            raise PublishFailed(f"a batch for {self.partition.topic} was not acknowledged: {error!r}") from error

    async def discard(self) -> None:
        """``stop()`` can hang and may still deliver: cancel the sender, wait for what it has in flight, then close."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        producer._closed = True
        sender = asyncio.create_task(producer._sender.close())
        _, pending = await asyncio.wait([sender], timeout=REQUEST_TIMEOUT_MS / 1000 + 1)
        closing = asyncio.create_task(producer.client.close())
        _, late = await asyncio.wait([sender, closing], timeout=CLOSE_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(sender, closing, return_exceptions=True)
        if pending:
            log.warning("a producer for %s had a request in flight when it was closed", self.partition.topic)

    async def last(self) -> tuple[int, bytes] | None:
        """Records that are not ours are stepped over: they stop who reads them, and say nothing of our log."""
        consumer = AIOKafkaConsumer(
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=4 * batch_limit_bytes(self.settings),
            **connection_options(self.settings),
        )
        try:
            async with asyncio.timeout(LAST_SECONDS):
                await consumer.start()
                consumer.assign([self.partition])
                return await self._last_of(consumer)
        except (KafkaError, OSError, TimeoutError) as error:
            raise PublishFailed(f"the end of {self.partition.topic} cannot be read: {error!r}") from error
        finally:
            await stop_client(consumer)

    async def _last_of(self, consumer: AIOKafkaConsumer) -> tuple[int, bytes] | None:
        """Look at the last offset, then at ever more before it: an offset need not hold a record."""
        begin = (await consumer.beginning_offsets([self.partition]))[self.partition]
        end = upper = (await consumer.end_offsets([self.partition]))[self.partition]
        step = 1
        while upper > begin:
            lower = max(begin, end - step)
            found = await self._last_between(consumer, lower, upper)
            if found is not None:
                return found.position, found.state
            upper, step = lower, step * 16
        return None

    async def _last_between(self, consumer: AIOKafkaConsumer, lower: int, upper: int) -> Record | None:
        consumer.seek(self.partition, lower)
        found = None
        while await consumer.position(self.partition) < upper:
            batches = await consumer.getmany(self.partition, timeout_ms=200)
            for message in batches.get(self.partition, ()):
                record = record_of(self.service, message.key, message.value, message.headers)
                if message.offset >= upper:
                    break
                if record.position:
                    found = record
                else:
                    log.error("%s holds a foreign record at offset %d", self.partition.topic, message.offset)
        return found


async def stop_client(consumer: AIOKafkaConsumer) -> None:
    """``stop()`` can raise CancelledError or hang: it runs as a task of its own, for a limited time."""
    stopping = asyncio.create_task(consumer.stop())
    _, late = await asyncio.wait([stopping], timeout=CLOSE_SECONDS)
    for task in late:
        log.warning("a consumer did not stop in %.0f s and is left behind", CLOSE_SECONDS)
        task.cancel()
    await asyncio.wait([stopping], timeout=CLOSE_SECONDS)
    if stopping.done() and not stopping.cancelled() and stopping.exception() is not None:
        log.warning("a consumer stopped with %r", stopping.exception())
