"""``tongdui signals``: the rules of the signals as a faust app on the topics of the four services.

The same rules as in the audit service's worker, over the same records in the same order (``domain/supervisor``). Faust
delivers at least once and keeps nothing here: each start reads the topics from their beginning under a group of its own,
and a signal that was recorded before is not recorded again. Signals are recorded by a writer of the audit service.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import faust

from services.audit.domain.supervisor import SOURCES, Arrived, Supervisor
from services.audit.watch import record
from shared.runtime.bus import bus_of
from shared.runtime.bus.kafka_topics import ensure_topic, partition_of, record_of
from shared.runtime.errors import PlatformError
from shared.runtime.service import Runtime
from shared.runtime.settings import Settings

log = logging.getLogger("tongdui.signals")

RETRY_SECONDS = 0.5


def signals_app(settings: Settings) -> faust.App:
    """The app; ``settings`` name the brokers and the audit service's database."""
    from services.audit.main import SERVICE

    if settings.database_url is None:
        raise ValueError("TONGDUI_DATABASE_URL is not set")
    app = faust.App(
        f"{settings.topic_prefix}-signals-{uuid4().hex}",
        broker=f"kafka://{settings.kafka_bootstrap_servers}",
        key_serializer="raw",
        value_serializer="raw",
        store="memory://",
        topic_partitions=1,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
    )
    writing = settings.model_copy(update={"signals": "faust"})
    _Watch(Runtime(SERVICE, settings.database_url, writing, bus_of(writing)), settings).join(app)
    return app


class _Watch:
    """One agent over all topics: positions are checked by source, so what comes again is passed over."""

    def __init__(self, runtime: Runtime, settings: Settings) -> None:
        self._runtime = runtime
        self._settings = settings
        self._supervisor = Supervisor()
        self._source_of = {partition_of(settings, source).topic: source for source in SOURCES}

    def join(self, app: faust.App) -> None:
        topic = app.topic(*self._source_of, key_type=bytes, value_type=bytes)
        app.agent(topic, concurrency=1, name="signals")(self._follow)
        app.on_before_shutdown.connect(self._leave, weak=False)

    async def _follow(self, stream: Any) -> None:
        for source in SOURCES:
            await ensure_topic(self._settings, source)
        await self._runtime.start("api")
        async for event in stream.events():
            await self._take(event.message)

    async def _take(self, message: Any) -> None:
        source = self._source_of[message.topic]
        headers = message.headers or ()
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        found = record_of(source, message.key, message.value, pairs)
        if not found.position:
            return
        for command in self._supervisor.add(Arrived(source, found.position, found.type, found.state)):
            while True:
                try:
                    await record(self._runtime.writer, command)
                    break
                except PlatformError as error:
                    log.warning("signals wait: %s", error)
                    await asyncio.sleep(RETRY_SECONDS)

    async def _leave(self, app: faust.App, **_: Any) -> None:
        await self._runtime.stop()


def run(settings: Settings) -> None:
    """Until SIGTERM; ends the process."""
    faust.Worker(signals_app(settings), loglevel="WARN", quiet=True).execute_from_commandline()
