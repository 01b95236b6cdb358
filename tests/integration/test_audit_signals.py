"""The same events in, the same signals out: in the audit service's worker, and in the faust app on Kafka."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from services.audit.domain.signals import RaiseSignal
from services.audit.domain.supervisor import SOURCES
from services.audit.watch import Watch
from shared.runtime.bus.kafka_topics import ensure_topic, headers_of, partition_of
from shared.runtime.bus.port import Record
from shared.runtime.observing import head_of
from shared.runtime.settings import Settings
from tests.integration.line import until
from tests.integration.test_audit import Audit
from tests.unit.signal_history import SignalHistory, busy_history

OTHERS = SOURCES[:3]


@pytest.fixture
async def audit(database_url: str, tmp_path: Path) -> AsyncIterator[Audit]:
    parts = Audit(database_url, tmp_path)
    parts.writer.start()
    yield parts
    await asyncio.to_thread(parts.writer.stop)
    parts.projections.close()
    parts.store.close()


async def archive(audit: Audit, history: SignalHistory, source: str) -> None:
    records = [Record(one.position, b"k", one.state, one.type) for one in history.records[source]]
    await audit.deliver(source, records)


def raised(audit: Audit) -> list[dict[str, Any]]:
    """The signals in the audit log, without their stamps, in the order of their ids."""
    rows = audit.rows("SELECT state FROM audit_events WHERE topic = 'SignalRaised'")
    return sorted((_payload(json.loads(bytes(state))) for (state,) in rows), key=lambda one: one["signal_id"])


def expected(history: SignalHistory) -> list[dict[str, Any]]:
    return sorted((one.model_dump(mode="json") for one in history.signals()), key=lambda one: one["signal_id"])


def _payload(document: dict[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in RaiseSignal.model_fields}


async def watched(audit: Audit) -> None:
    """A watch of its own reads everything, then stops."""
    watch, stop = Watch(audit), asyncio.Event()
    running = asyncio.create_task(watch.run(stop))

    def at_rest() -> bool:
        with audit.projections.connection() as connection:
            return watch.waiting(head_of(connection, "audit")) == 0

    await until(at_rest)
    stop.set()
    await running


async def test_the_worker_raises_what_the_rules_find_and_a_restart_raises_nothing_again(audit: Audit) -> None:
    history = busy_history()
    for source in OTHERS:
        await archive(audit, history, source)
    assert raised(audit) == []
    await watched(audit)
    assert raised(audit) == expected(history) != []
    await watched(audit)
    assert raised(audit) == expected(history)


async def test_a_record_missing_from_the_archive_stops_the_signals_and_not_the_service(audit: Audit, caplog: Any) -> None:
    history = busy_history()
    for source in OTHERS:
        await archive(audit, history, source)
    with audit.store.connect() as connection:
        connection.execute("CREATE TABLE kept AS SELECT * FROM audit_archive WHERE source = 'voucher' AND position = 7")
        connection.execute("DELETE FROM audit_archive WHERE source = 'voucher' AND position = 7")
    watch, stop = Watch(audit), asyncio.Event()
    running = asyncio.create_task(watch.run(stop))
    await until(lambda: "signals are stopped" in caplog.text)
    assert not running.done() and raised(audit) == []
    with audit.store.connect() as connection:
        connection.execute("INSERT INTO audit_archive SELECT * FROM kept")

    def at_rest() -> bool:
        with audit.projections.connection() as connection:
            return watch.waiting(head_of(connection, "audit")) == 0

    await until(at_rest)
    assert raised(audit) == expected(history)
    stop.set()
    await running


async def test_the_faust_app_on_kafka_raises_the_same(audit: Audit, kafka_servers: str, database_url: str) -> None:
    history = busy_history()
    await archive(audit, history, "registry")
    prefix = f"signals{time.time_ns()}"
    settings = Settings(KAFKA_BOOTSTRAP_SERVERS=kafka_servers, bus="kafka", topic_prefix=prefix)
    await publish(settings, history)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.cli", "signals", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": kafka_servers, "TONGDUI_BUS": "kafka",
             "TONGDUI_TOPIC_PREFIX": prefix, "TONGDUI_DATABASE_URL": database_url, "TONGDUI_CLOCK": "simulated"},
    )
    try:
        wanted = expected(history)
        await until(lambda: len(raised(audit)) >= len(wanted) or process.returncode is not None, within=90)
        assert raised(audit) == wanted
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        _, told = await process.communicate()
    assert process.returncode == 0, told.decode()[-3000:]


async def publish(settings: Settings, history: SignalHistory) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await producer.start()
    try:
        for source in SOURCES:
            await ensure_topic(settings, source)
        for one in history.arrivals(3):
            topic = partition_of(settings, one.source).topic
            headers = headers_of(one.position, one.type, one.source.encode())
            await producer.send(topic, one.state, key=b"k", headers=headers, partition=0)
        await producer.flush()
    finally:
        await producer.stop()
