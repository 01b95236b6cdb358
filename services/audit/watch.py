"""The rules of the signals in the audit service's worker: they follow the archive and the service's own log.

What the rules remember is in memory and read again at a start; a signal is recorded once all the same, under an id that
follows from its cause.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol
from uuid import uuid5

import psycopg

from services.audit.domain.signals import RaiseSignal
from services.audit.domain.supervisor import SOURCES, TYPES, Arrived, OutOfTurn, Supervisor
from shared.kernel.commands import Principal
from shared.kernel.decisions import OutOfOrder
from shared.runtime.errors import PlatformError
from shared.runtime.jobs import Context
from shared.runtime.projections import Projections
from shared.runtime.writer import Writer

log = logging.getLogger("tongdui.signals")

PAGE = 2000
LOOK_SECONDS = 0.5
RETRY_SECONDS = 0.5
STOPPED_SECONDS = 5.0
ROUTE = "/audit/signals"
PRINCIPAL = Principal(sub="audit", role="service")


class Watched(Protocol):
    """The running service, as far as the watch needs it."""

    settings: Any
    projections: Projections
    writer: Writer


async def record(writer: Writer, command: RaiseSignal) -> None:
    """Record a signal unless it was recorded before. Raises PlatformError when it could not be."""
    command_id = uuid5(command.signal_id, command.model_dump_json())
    try:
        await writer.execute(command, Context(PRINCIPAL, ROUTE, command_id))
    except OutOfOrder:
        log.debug("%s of %s was raised before", command.rule, command.cause_key)


class Watch:
    """Reads on whenever something was archived, raises what the rules find."""

    name = "signals"

    def __init__(self, runtime: Watched) -> None:
        self._runtime = runtime
        self._supervisor = Supervisor()
        self._to_raise: deque[RaiseSignal] = deque()
        self._look = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``."""
        while not stop.is_set():
            self._look.clear()
            try:
                read = await asyncio.to_thread(self._read)
                await self._raise()
            except (psycopg.OperationalError, PlatformError) as error:
                log.warning("signals wait: %s", error)
                await self._pause(stop, RETRY_SECONDS)
                continue
            except OutOfTurn as error:
                # A record is missing from the archive: `tongdui audit verify` says which. The other parts go on.
                log.critical("signals are stopped: %s", error)
                await self._pause(stop, STOPPED_SECONDS)
                continue
            if not read:
                await self._pause(stop, LOOK_SECONDS)

    def waiting(self, head: Any) -> int:
        """1 while something archived was not looked at, or a signal is not recorded. Who asks makes it look."""
        heads = {**head.seen, "audit": head.position}
        behind = any(heads.get(source, 0) > self._supervisor.read[source] for source in SOURCES)
        if behind:
            self._look.set()
        return 1 if behind or self._to_raise else 0

    def _read(self) -> int:
        """One page of each log; how many records."""
        count = 0
        for source in SOURCES:
            with self._runtime.projections.connection() as connection:
                arrived = page(connection, source, self._supervisor.read[source])
            count += len(arrived)
            # outside of the transaction: with a day's end the rules look at all of the day, and take as long as they need
            for one in arrived:
                # kept before the position moves on: a failure to record must not lose one
                self._to_raise.extend(self._supervisor.add(one))
        return count

    async def _raise(self) -> None:
        while self._to_raise:
            await record(self._runtime.writer, self._to_raise[0])
            self._to_raise.popleft()

    async def _pause(self, stop: asyncio.Event, seconds: float) -> None:
        """A while, or until somebody asks; the end is noticed within that while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._look.wait()


def page(connection: psycopg.Connection[Any], source: str, after: int) -> list[Arrived]:
    """The next records of a log, bytes only of the types the rules look at."""
    table, column, type_, where = (
        ("audit_events", "notification_id", "topic", "true")
        if source == "audit"
        else ("audit_archive", "position", "type", f"source = '{source}'")
    )
    rows = connection.execute(
        f"SELECT {column}, {type_}, CASE WHEN {type_} = ANY(%s) THEN state END FROM {table}"
        f" WHERE {where} AND {column} > %s ORDER BY {column} LIMIT %s",
        (sorted(TYPES), after, PAGE),
        binary=True,
    ).fetchall()
    return [Arrived(source, position, type_name, state or b"") for position, type_name, state in rows]


class Elsewhere:
    """Signals come from `tongdui signals`."""

    name = "signals"

    async def run(self, stop: asyncio.Event) -> None:
        await stop.wait()

    def waiting(self, head: Any) -> int:
        return 0


def part(runtime: Any) -> Watch | Elsewhere:
    """As the settings say."""
    return Watch(runtime) if runtime.settings.signals == "in_process" else Elsewhere()


PARTS: tuple[Callable[[Any], Watch | Elsewhere], ...] = (part,)
