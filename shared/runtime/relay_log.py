"""Where a relay keeps how far it is, and the lock that lets one of them lead."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any, NamedTuple

import psycopg
from psycopg import AsyncConnection

from shared.runtime.checkpoints import Checkpoint
from shared.runtime.merkle import EMPTY_ROOT, Frontier, TreeHead

#: the server ends a leader's session, and with it the lock, after so long a silence
IDLE_SESSION_MS = 8000
HEARTBEAT_SECONDS = 1.0
#: a leader that has not heard of the server for so long was stopped itself, and asks before it sends
STALE_SECONDS = 3.0


class LeadershipLost(RuntimeError):
    """Another relay leads, or may: send nothing more."""


class Progress(NamedTuple):
    """The position of the last acknowledged event, and the edge of the log's tree. Either may be ahead."""

    cursor: int
    frontier: Frontier


async def create_relay_tables(url: str, service: str) -> None:
    """Make what is missing. Several processes may do so at once."""
    async with await AsyncConnection.connect(url, autocommit=True, connect_timeout=2) as connection:
        await connection.execute("SELECT pg_advisory_lock(hashtext(%s))", (f"tongdui_tables_{service}",))
        for statement in _TABLES:
            await connection.execute(statement.replace("{service}", service))


class Lead:
    """The lock, and the session that everything a leader writes goes over."""

    def __init__(self, connection: AsyncConnection[Any], service: str) -> None:
        self._connection = connection
        self.service = service
        self._confirmed_at = time.monotonic()
        self._beating: asyncio.Task[None] | None = None

    @classmethod
    async def connect(cls, url: str, service: str) -> Lead:
        connection = await AsyncConnection.connect(url, autocommit=True, connect_timeout=2)
        return cls(connection, service)

    async def __aenter__(self) -> Lead:
        self._beating = asyncio.create_task(self._beat(), name=f"{self.service} relay heartbeat")
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        await self._connection.close()

    async def take(self) -> bool:
        """Whether we lead now."""
        statement = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
        row = await (await self._connection.execute(statement, (f"tongdui_relay_{self.service}",))).fetchone()
        self._confirmed_at = time.monotonic()
        if row[0]:
            await self._connection.execute(f"SET idle_session_timeout = {IDLE_SESSION_MS}")
            # The cursor is a hint that the topic corrects, and the tree can be folded again: no need to wait for disk.
            await self._connection.execute("SET synchronous_commit = off")
        return row[0]

    async def confirm(self) -> None:
        """Call before sending. LeadershipLost when the session is gone."""
        if self._connection.closed:
            raise LeadershipLost("the session that held the lock is gone")
        if time.monotonic() - self._confirmed_at > STALE_SECONDS:
            await self._execute("SELECT 1")

    async def _beat(self) -> None:
        """Keeps the session while this process runs; ends with the session."""
        with suppress(LeadershipLost):
            while True:
                await asyncio.sleep(HEARTBEAT_SECONDS)
                await self._execute("SELECT 1")

    async def read(self) -> tuple[Progress, TreeHead]:
        """How far we are, and what was signed last (size 0 when nothing was)."""
        cursor = await self._execute(
            f"SELECT r.cursor, r.tree_size, r.tree_edge, c.size, c.root FROM {self.service}_relay r LEFT JOIN"
            f" (SELECT size, root FROM {self.service}_checkpoints ORDER BY size DESC LIMIT 1) c ON true"
        )
        position, size, edge, signed, root = await cursor.fetchone()
        signed_head = TreeHead(signed, bytes(root)) if signed else TreeHead(0, EMPTY_ROOT)
        return Progress(position, Frontier.from_bytes(size, bytes(edge))), signed_head

    async def move(self, old: Progress, new: Progress) -> None:
        """Compare and set. LeadershipLost when another has moved it."""
        cursor = await self._execute(
            f"UPDATE {self.service}_relay SET cursor = %s, tree_size = %s, tree_edge = %s"
            " WHERE cursor = %s AND tree_size = %s AND tree_edge = %s",
            (
                new.cursor,
                new.frontier.size,
                new.frontier.to_bytes(),
                old.cursor,
                old.frontier.size,
                old.frontier.to_bytes(),
            ),
        )
        if cursor.rowcount != 1:
            raise LeadershipLost(f"the cursor no longer stands at {old.cursor}")

    async def keep_checkpoint(self, checkpoint: Checkpoint, note: str) -> bool:
        """False when another root was signed for that size."""
        cursor = await self._execute(
            f"INSERT INTO {self.service}_checkpoints (size, root, note) VALUES (%s, %s, %s)"
            " ON CONFLICT (size) DO UPDATE SET size = excluded.size RETURNING root",
            (checkpoint.size, checkpoint.root, note),
        )
        row = await cursor.fetchone()
        return bytes(row[0]) == checkpoint.root

    async def last_note(self) -> str | None:
        """The checkpoint signed last: it may not have been announced."""
        cursor = await self._execute(f"SELECT note FROM {self.service}_checkpoints ORDER BY size DESC LIMIT 1")
        row = await cursor.fetchone()
        return row[0] if row else None

    async def _execute(self, statement: str, parameters: tuple[Any, ...] = ()) -> psycopg.AsyncCursor[Any]:
        try:
            cursor = await self._connection.execute(statement, parameters, prepare=True)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise LeadershipLost(f"the session that held the lock is gone: {error}") from error
        self._confirmed_at = time.monotonic()
        return cursor


_TABLES = (
    "CREATE TABLE IF NOT EXISTS {service}_relay (id smallint PRIMARY KEY CHECK (id = 1), cursor bigint NOT NULL,"
    " tree_size bigint NOT NULL, tree_edge bytea NOT NULL) WITH (fillfactor = 10)",
    "INSERT INTO {service}_relay VALUES (1, 0, 0, '') ON CONFLICT DO NOTHING",
    "CREATE TABLE IF NOT EXISTS {service}_checkpoints (size bigint PRIMARY KEY, root bytea NOT NULL,"
    " note text NOT NULL, signed_at timestamptz NOT NULL DEFAULT now())",
)
