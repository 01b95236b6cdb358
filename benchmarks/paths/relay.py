"""The relay with 200,000 events behind, against a bare ``SELECT`` feeding aiokafka's ``send_batch``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

from aiokafka import AIOKafkaProducer
from psycopg import AsyncConnection

from benchmarks.measure import Figure, taking_turns
from benchmarks.prepared import PreparedLog
from benchmarks.stage import LONG_LOG as EVENTS
from benchmarks.stage import Stage
from shared.runtime.bus.embedded import key_of
from shared.runtime.bus.kafka import KafkaPublisher
from shared.runtime.bus.kafka_topics import batch_limit_bytes, ensure_topic, headers_of, partition_of
from shared.runtime.relay import Relay
from shared.runtime.relay_reader import CHUNK_RECORDS
from shared.runtime.settings import Settings


def figures(stage: Stage, told: Callable[[str], None]) -> Iterator[Figure]:
    told(f"{EVENTS:,} events")
    log = stage.long_log()
    brokers = stage.kafka()

    def settings(turn: int, kind: str) -> Settings:
        return stage.settings(bus="kafka", kafka_bootstrap_servers=brokers, topic_prefix=f"{kind}{turn}")

    yield taking_turns(
        f"relay, {EVENTS:,} events behind",
        "events/s",
        lambda turn: asyncio.run(_relayed(log, settings(turn, "relay"))),
        lambda turn: asyncio.run(_bare(log, settings(turn, "bare"))),
        0.8,
    )


async def _relayed(log: PreparedLog, settings: Settings) -> float:
    """From the moment a new relay leads, its producer connected as the reference's is, to the last acknowledged event."""
    await ensure_topic(settings, "voucher")
    relay = Relay(log.store, "voucher", KafkaPublisher(settings, "voucher"), settings)
    _from_the_beginning(log)
    stop = asyncio.Event()
    head = EVENTS + 1
    running = asyncio.create_task(relay.run(stop))
    while not relay.leads and not running.done():
        await asyncio.sleep(0.001)
    started = time.perf_counter()
    while relay.cursor < head:
        if running.done():
            running.result()
        await asyncio.sleep(0.005)
    rate = head / (time.perf_counter() - started)
    stop.set()
    await running
    return rate


def _from_the_beginning(log: PreparedLog) -> None:
    with log.store.connect() as connection:
        if connection.execute("SELECT to_regclass('voucher_relay')").fetchone()[0] is not None:
            connection.execute("UPDATE voucher_relay SET cursor = 0, tree_size = 0, tree_edge = ''")
            connection.execute("DELETE FROM voucher_checkpoints")


async def _bare(log: PreparedLog, settings: Settings) -> float:
    """The same rows, keys and headers, the same batches, one in flight; nothing else."""
    await ensure_topic(settings, "voucher")
    partition = partition_of(settings, "voucher")
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        enable_idempotence=True,
        acks="all",
        max_batch_size=batch_limit_bytes(settings) - 1024,
    )
    await producer.start()
    await producer.partitions_for(partition.topic)
    started = time.perf_counter()
    position = 0
    async with await AsyncConnection.connect(log.store.url, autocommit=True) as connection:
        while True:
            cursor = await connection.execute(
                "SELECT notification_id, state, topic FROM voucher_events WHERE notification_id > %b::bigint"
                " ORDER BY notification_id LIMIT %b::bigint",
                (position, CHUNK_RECORDS),
                prepare=True,
                binary=True,
            )
            rows = await cursor.fetchall()
            if not rows:
                break
            batch = producer.create_batch()
            for at, state, topic in rows:
                batch.append(key=key_of(state), value=state, timestamp=None, headers=headers_of(at, topic, b"voucher"))
            await (await producer.send_batch(batch, partition.topic, partition=partition.partition))
            position = rows[-1][0]
    rate = position / (time.perf_counter() - started)
    await producer.stop()
    return rate
