"""The bus of one machine: a service's log in the shared PostgreSQL is its topic; consumers follow it by position."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import AsyncConnection

from shared.runtime.bus.port import Applied, Deliver, Lag, PublishFailed, Record

log = logging.getLogger("tongdui.bus")

CHUNK = 500
LOOK_SECONDS = 1.0
RETRY_SECONDS = 0.2

_CASE = b',"case_id":"'
_ORIGINATOR = b',"originator_id":"'
_UUID_LENGTH = 36
#: the stamp ends before; a payload need not be searched
_STAMP_BYTES = 1200


def key_of(state: bytes) -> bytes:
    """The bus key of a stored document: its ``case_id``, else its ``originator_id``.

    Read off the bytes: quotes inside a JSON string are escaped, so neither mark can stand in a text, and the stamp
    comes before the payload.
    """
    at = state.find(_CASE, 0, _STAMP_BYTES)
    if at >= 0:
        return state[at + len(_CASE) : at + len(_CASE) + _UUID_LENGTH]
    at = state.index(_ORIGINATOR) + len(_ORIGINATOR)
    return state[at : at + _UUID_LENGTH]


class EmbeddedPublisher:
    """Nothing is sent: recording an event has published it, and woken those who follow."""

    def __init__(self, url: str, service: str) -> None:
        self.url = url
        self.service = service

    async def start(self) -> None:
        """Nothing to connect to."""

    async def last(self) -> tuple[int, bytes] | None:
        try:
            async with await AsyncConnection.connect(self.url, autocommit=True, connect_timeout=2) as connection:
                cursor = await connection.execute(
                    f"SELECT notification_id, state FROM {self.service}_events ORDER BY notification_id DESC LIMIT 1",
                    binary=True,
                )
                return await cursor.fetchone()
        except psycopg.OperationalError as error:
            raise PublishFailed(f"the database cannot be reached: {error}") from error

    async def publish(self, records: Sequence[Record]) -> None:
        """They are there already."""

    async def announce(self, note: str) -> None:
        """It is read where the relay keeps it."""

    async def discard(self) -> None:
        """Nothing is held."""


class EmbeddedConsumer:
    """Follows ``<source>_events`` of every source, each on a connection of its own, so a slow one holds up no other."""

    def __init__(self, url: str, listens: Sequence[str], applied: Applied) -> None:
        self.url = url
        self.followers = {source: _Follower(url, source, applied) for source in listens}

    async def run(self, deliver: Deliver, stop: asyncio.Event) -> None:
        tasks = [
            asyncio.create_task(follower.follow(deliver, stop), name=f"follow {source}")
            for source, follower in self.followers.items()
        ]
        stopped = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopped}:
                task.result()
        finally:
            for task in (stopped, *tasks):
                task.cancel()
            await asyncio.gather(stopped, *tasks, return_exceptions=True)

    def lags(self) -> Mapping[str, Lag]:
        return {source: follower.lag() for source, follower in self.followers.items()}


class _Follower:
    """One source's log, read in chunks after what is applied."""

    def __init__(self, url: str, source: str, applied: Applied) -> None:
        self.url = url
        self.source = source
        self._applied = applied
        self._position = 0
        self._head = 0
        self._behind_since: float | None = None

    def lag(self) -> Lag:
        events = max(0, self._head - self._position)
        since = self._behind_since
        return Lag(events, time.monotonic() - since if events and since is not None else 0.0)

    async def follow(self, deliver: Deliver, stop: asyncio.Event) -> None:
        """Until ``stop``; a lost connection is made again."""
        while not stop.is_set():
            try:
                self._position = await self._applied(self.source)
                async with await AsyncConnection.connect(self.url, autocommit=True, connect_timeout=2) as connection:
                    await connection.execute(f"LISTEN tongdui_{self.source}")
                    await self._follow_on(connection, deliver, stop)
            except psycopg.errors.UndefinedTable:
                await asyncio.sleep(RETRY_SECONDS / 4)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("not following %s: %s", self.source, error)
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow_on(self, connection: AsyncConnection[Any], deliver: Deliver, stop: asyncio.Event) -> None:
        while not stop.is_set():
            records = await self._read(connection)
            if not records:
                self._behind_since = None
                # what was notified since the last look is answered at once
                async for _ in connection.notifies(timeout=LOOK_SECONDS, stop_after=1):
                    break
                continue
            await self._note_head(connection, records)
            taken = await deliver(self.source, records)
            self._position = max(self._position, taken.applied)

    async def _read(self, connection: AsyncConnection[Any]) -> list[Record]:
        cursor = await connection.execute(
            f"SELECT notification_id, state, topic FROM {self.source}_events"
            f" WHERE notification_id > %b::bigint ORDER BY notification_id LIMIT {CHUNK}",
            (self._position,),
            prepare=True,
            binary=True,
        )
        return [Record(position, key_of(state), state, topic) for position, state, topic in await cursor.fetchall()]

    async def _note_head(self, connection: AsyncConnection[Any], records: Sequence[Record]) -> None:
        """How far the log goes, asked only where a whole chunk says there may be more."""
        self._head = records[-1].position
        if self._behind_since is None:
            self._behind_since = time.monotonic()
        if len(records) == CHUNK:
            row = await (await connection.execute(f"SELECT position FROM {self.source}_head")).fetchone()
            self._head = row[0]
