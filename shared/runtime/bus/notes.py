"""Signed checkpoints on the bus: the relay announces them, who recomputes the tree reads them.

On the embedded bus they are read where the relay keeps them, as the log itself is. On Kafka each service has a topic
``<prefix>.<service>.checkpoints`` beside that of its log. A note may come again, and one may be skipped: each stands for
all before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

import psycopg
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from shared.runtime.bus.kafka import stop_client
from shared.runtime.bus.kafka_topics import REQUEST_TIMEOUT_MS, connection_options, ensure_topic, partition_of
from shared.runtime.settings import Settings

LATEST = 50
WAIT_SECONDS = 1.0
START_SECONDS = 15.0


class NotesUnreadable(RuntimeError):
    """The bus does not answer: try again."""


def notes_of(source: str) -> str:
    """What the topic of a service's checkpoints is called, after the prefix."""
    return f"{source}.checkpoints"


class NoteReader(Protocol):
    """Used by one task at a time."""

    async def read(self) -> list[tuple[str, str]]:
        """(source, note) of what was announced, after a second at most. NotesUnreadable."""

    async def states(self, source: str, after: int, limit: int) -> Sequence[tuple[int, bytes]] | None:
        """(position, bytes) of a log as its service has it; None where it cannot be read again."""

    async def close(self) -> None: ...


class EmbeddedNotes:
    """Reads the latest of each service from the shared database."""

    def __init__(self, url: str, sources: Sequence[str]) -> None:
        self.url = url
        self.sources = tuple(sources)
        self._told: dict[str, set[str]] = {source: set() for source in sources}

    async def read(self) -> list[tuple[str, str]]:
        await asyncio.sleep(WAIT_SECONDS)
        return await asyncio.to_thread(self._read)

    def _read(self) -> list[tuple[str, str]]:
        found = []
        for source in self.sources:
            rows = self._rows(f"SELECT note FROM {source}_checkpoints ORDER BY size DESC LIMIT {LATEST}", ())
            notes = [note for (note,) in reversed(rows)]
            found += [(source, note) for note in notes if note not in self._told[source]]
            self._told[source] = set(notes)
        return found

    async def states(self, source: str, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        statement = (
            f"SELECT notification_id, state FROM {source}_events WHERE notification_id > %s ORDER BY notification_id LIMIT %s"
        )
        return [(at, bytes(state)) for at, state in await asyncio.to_thread(self._rows, statement, (after, limit))]

    def _rows(self, statement: str, parameters: tuple[int, ...]) -> list[tuple[Any, ...]]:
        try:
            with psycopg.connect(self.url, autocommit=True, connect_timeout=2) as connection:
                return connection.execute(statement, parameters).fetchall()
        except psycopg.errors.UndefinedTable:
            return []
        except psycopg.OperationalError as error:
            raise NotesUnreadable(f"the database does not answer: {error}") from error

    async def close(self) -> None:
        """Nothing is held."""


class KafkaNotes:
    """Reads each topic of checkpoints from its beginning, then what comes."""

    def __init__(self, settings: Settings, sources: Sequence[str]) -> None:
        self.settings = settings
        self._sources = {partition_of(settings, notes_of(source)): source for source in sources}
        self._consumer: AIOKafkaConsumer | None = None

    async def read(self) -> list[tuple[str, str]]:
        try:
            if self._consumer is None:
                await self._start()
            batches = await self._consumer.getmany(timeout_ms=int(WAIT_SECONDS * 1000))
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise NotesUnreadable(f"no broker gives the checkpoints: {error!r}") from error
        return [
            (self._sources[partition], message.value.decode(errors="replace"))
            for partition, messages in batches.items()
            for message in messages
            if message.value
        ]

    async def _start(self) -> None:
        self._consumer = AIOKafkaConsumer(
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            **connection_options(self.settings),
        )
        async with asyncio.timeout(START_SECONDS):
            for source in self._sources.values():
                await ensure_topic(self.settings, notes_of(source))
            await self._consumer.start()
        self._consumer.assign(list(self._sources))

    async def states(self, source: str, after: int, limit: int) -> None:
        """The log would be read again from its beginning: `tongdui audit verify` compares with the database."""
        return

    async def close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await stop_client(consumer)


__all__ = ["EmbeddedNotes", "KafkaNotes", "NoteReader", "NotesUnreadable", "notes_of"]
