"""Reads a service's log for its relay, in chunks sized by bytes, and waits for more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import AsyncConnection

from shared.runtime.bus.embedded import key_of
from shared.runtime.bus.port import Record

CHUNK_RECORDS = 1000
CHUNK_BYTES = 4 * 1024 * 1024
LOOK_SECONDS = 1.0


class LogReader:
    """One connection that reads and listens. Used by one task at a time."""

    def __init__(self, connection: AsyncConnection[Any], service: str) -> None:
        self._connection = connection
        self.service = service
        self._limit = CHUNK_RECORDS
        self._asked = CHUNK_RECORDS

    @classmethod
    async def connect(cls, url: str, service: str) -> LogReader:
        connection = await AsyncConnection.connect(url, autocommit=True, connect_timeout=2)
        await connection.execute(f"LISTEN tongdui_{service}")
        return cls(connection, service)

    async def __aenter__(self) -> LogReader:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._connection.close()

    async def head(self) -> int:
        """The position of the last event."""
        cursor = await self._connection.execute(f"SELECT coalesce(max(notification_id), 0) FROM {self.service}_events")
        return (await cursor.fetchone())[0]

    async def state(self, position: int) -> bytes | None:
        """The stored bytes at a position."""
        cursor = await self._connection.execute(
            f"SELECT state FROM {self.service}_events WHERE notification_id = %s", (position,), binary=True
        )
        row = await cursor.fetchone()
        return row[0] if row else None

    def is_full(self, records: Sequence[Record]) -> bool:
        """Whether the chunk last read was as large as asked for, so that there may be more."""
        return len(records) >= self._asked

    async def after(self, position: int) -> list[Record]:
        """The next events, as many as make a good batch."""
        self._asked = self._limit
        cursor = await self._connection.execute(
            f"SELECT notification_id, state, topic FROM {self.service}_events"
            " WHERE notification_id > %b::bigint ORDER BY notification_id LIMIT %b::bigint",
            (position, self._asked),
            prepare=True,
            binary=True,
        )
        records = [Record(at, key_of(state), state, topic) for at, state, topic in await cursor.fetchall()]
        if records:
            average = sum(len(record.state) for record in records) // len(records) + 1
            self._limit = max(1, min(CHUNK_RECORDS, CHUNK_BYTES // average))
        return records

    async def wait_after(self, position: int) -> list[Record]:
        """What comes next, as soon as it does; nothing after a second."""
        records = await self.after(position)
        if records:
            return records
        async for _ in self._connection.notifies(timeout=LOOK_SECONDS, stop_after=1):
            break
        return await self.after(position)
