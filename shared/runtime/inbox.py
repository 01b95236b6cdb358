"""The inbox: hands other services' records to the writer, waits where order asks for it, stays stopped until told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

import psycopg

from shared.runtime import metrics
from shared.runtime.bus.port import Consumer, Lag, Record, Taken
from shared.runtime.errors import DecisionFailed, Draining, FateUnknown, Overloaded, StoreUnavailable
from shared.runtime.failpoints import failpoint
from shared.runtime.jobs import Delivered
from shared.runtime.observing import Stops
from shared.runtime.store import Store

log = logging.getLogger("tongdui.inbox")

#: how long one looks away from what another process may have applied, or an operator let go on
WAIT_SECONDS = 0.25
RETRY_SECONDS = (0.05, 0.2, 0.5, 1.0)
METRICS_SECONDS = 1.0


class Delivery(Protocol):
    """The part of the writer that the inbox needs."""

    store: Store

    async def deliver(self, source: str, records: Sequence[Record]) -> Delivered: ...


StoppedSources = Callable[[], Collection[str]]
"""Names of the sources that wait for an operator, from the store. psycopg.OperationalError when there is none."""


class Inbox:
    """``applied`` and ``stopped`` by source are what this process knows; the store has the last word."""

    def __init__(
        self,
        service: str,
        listens: Sequence[str],
        consumer: Consumer,
        writer: Delivery,
        stopped_sources: StoppedSources | None = None,
    ) -> None:
        self.service = service
        self.listens = tuple(listens)
        self.consumer = consumer
        self.writer = writer
        self.applied: dict[str, int] = dict.fromkeys(listens, 0)
        self.stopped: dict[str, str] = {}
        self._stopped_sources = stopped_sources or _in_store(writer.store)
        self._stop = asyncio.Event()
        self._moved = asyncio.Event()
        self._checked: set[str] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``."""
        self._stop = stop
        reporting = asyncio.create_task(self._report(), name=f"{self.service} inbox metrics")
        try:
            await self.consumer.run(self._deliver, stop)
        finally:
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)

    def lags(self) -> Mapping[str, Lag]:
        """What is published and not yet applied, by source."""
        return self.consumer.lags()

    # -- delivering --------------------------------------------------------------------------------

    async def _deliver(self, source: str, records: Sequence[Record]) -> Taken:
        if source not in self._checked:
            await self._until_released(source, "stopped before this process began")
            self._checked.add(source)
        while True:
            delivered = await self._apply(source, records)
            if delivered is None:
                return Taken(self.applied[source], whole=False)
            failpoint("inbox.after_effects")
            self._note(source, delivered.applied)
            if delivered.stopped is not None:
                await self._until_released(source, delivered.stopped)
                return Taken(self.applied[source], whole=False)
            if delivered.waits_for is None:
                return Taken(delivered.applied, whole=True)
            await self._until_moved(*delivered.waits_for)
            records = [r for r in records if not r.position or r.position > delivered.applied]

    async def _apply(self, source: str, records: Sequence[Record]) -> Delivered | None:
        """What the writer says, however often it must be asked; None when the process is stopping."""
        attempt = 0
        while not self._stop.is_set():
            try:
                return await self.writer.deliver(source, records)
            except DecisionFailed:
                # One record of many may be what the database refuses: then the others must not suffer.
                if len(records) > 1:
                    return await self._apply_one_by_one(source, records)
                log.error("%s: the database refuses %s at %d", self.service, source, records[0].position)
                self.stopped[source] = f"the database refuses the effects of position {records[0].position}"
            except (StoreUnavailable, FateUnknown, Overloaded, Draining) as error:
                log.warning("%s: %s waits: %s", self.service, source, error)
            await self._pause(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            attempt += 1
        return None

    async def _apply_one_by_one(self, source: str, records: Sequence[Record]) -> Delivered | None:
        delivered: Delivered | None = None
        for record in records:
            delivered = await self._apply(source, [record])
            if delivered is None or delivered.waits_for is not None or delivered.stopped is not None:
                break
            self._note(source, delivered.applied)
        return delivered

    def _note(self, source: str, applied: int) -> None:
        self.stopped.pop(source, None)
        if applied > self.applied[source]:
            self.applied[source] = applied
            self._moved.set()
            self._moved = asyncio.Event()

    # -- waiting -----------------------------------------------------------------------------------

    async def _until_moved(self, other: str, position: int) -> None:
        """Until another source is applied that far here, or for a moment: it may move in another process."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                while self.applied.get(other, 0) < position and not self._stop.is_set():
                    await self._moved.wait()

    async def _until_released(self, source: str, reason: str) -> None:
        """Until no row says the source is stopped: an operator parked the record, or wants it tried again."""
        while not self._stop.is_set():
            try:
                stopped = await asyncio.to_thread(self._stopped_sources)
                if source not in stopped:
                    break
                if source not in self.stopped:
                    log.error("%s: %s is stopped: %s", self.service, source, reason)
                    self.stopped[source] = reason
            except psycopg.OperationalError as error:
                log.warning("%s: whether %s is still stopped is unknown: %s", self.service, source, error)
            await self._pause(WAIT_SECONDS)
        if self.stopped.pop(source, None) is not None:
            log.warning("%s: %s goes on", self.service, source)

    async def _pause(self, seconds: float) -> None:
        # not wait_for: it swallows a cancellation that comes together with the stop
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()

    # -- metrics -----------------------------------------------------------------------------------

    async def _report(self) -> None:
        while True:
            for source, lag in self.lags().items():
                metrics.consumer_lag(self.service, source, lag.events, lag.seconds)
                metrics.stopped(self.service, source, source in self.stopped)
            await asyncio.sleep(METRICS_SECONDS)


def _in_store(store: Store) -> StoppedSources:
    stops = Stops(store)
    return lambda: {row["source"] for row in stops.stopped()}


__all__ = ["Delivery", "Inbox", "StoppedSources"]
