"""The relay: sends a service's log to its topic, in order, and waits; keeps the log's tree and signs checkpoints.

One relay of a service is active: who holds an advisory lock, on a session the server ends when it stays silent, so a
process that is stopped loses it and finds out when it wakes. The cursor and the tree's edge stand in one row, moved by
compare-and-set over that very session. They have positions of their own: republishing a wiped topic leaves the tree
alone. After any failure the producer is dropped and all begins with the comparison again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from hashlib import sha256

import psycopg

from shared.runtime import metrics
from shared.runtime.bus.port import Lag, Publisher, PublishFailed, Record
from shared.runtime.checkpoints import Checkpoint, signer_of
from shared.runtime.failpoints import failpoint
from shared.runtime.merkle import Frontier
from shared.runtime.relay_log import Lead, LeadershipLost, Progress, create_relay_tables
from shared.runtime.relay_reader import LogReader
from shared.runtime.settings import Settings
from shared.runtime.store import Store

log = logging.getLogger("tongdui.relay")

RETRY_SECONDS = (0.1, 0.5, 1.0, 2.0)
STANDBY_SECONDS = 1.0
METRICS_SECONDS = 1.0
#: an idle relay looks again whether the topic still ends where it left it
CHECK_SECONDS = 15.0
HASH_SLICE = 100


class RelayStopped(RuntimeError):
    """The topic holds what the table does not: nothing is sent until an operator has looked."""


class Relay:
    """``cursor`` is the position of the last acknowledged event; ``stopped`` says why nothing is sent, or None."""

    def __init__(self, store: Store, service: str, publisher: Publisher, settings: Settings) -> None:
        self.store = store
        self.service = service
        self.publisher = publisher
        self.settings = settings
        self.signer = signer_of(settings, service)
        self.stopped: str | None = None
        self.leads = False
        self._progress = Progress(0, Frontier())
        self._head = 0
        self._behind_since: float | None = None
        self._signed = 0
        self._unsigned_since: float | None = None
        self._looked_at = asyncio.Event()
        self._checked_at = 0.0

    @property
    def cursor(self) -> int:
        return self._progress.cursor

    def lag(self) -> Lag:
        """What is recorded and not yet acknowledged by the bus. Zero on a standby."""
        events = max(0, self._head - self.cursor) if self.leads else 0
        since = self._behind_since
        return Lag(events, time.monotonic() - since if events and since is not None else 0.0)

    def retry(self) -> None:
        """An operator has looked: compare again."""
        self._looked_at.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``. A failure begins again; RelayStopped waits for ``retry`` or another process."""
        reporting = asyncio.create_task(self._report(), name=f"{self.service} relay metrics")
        relaying = asyncio.create_task(self._relay_for_ever(stop), name=f"{self.service} relay")
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([relaying, stopping], return_when=asyncio.FIRST_COMPLETED)
            if relaying.done():
                relaying.result()
        finally:
            for task in (relaying, reporting, stopping):
                task.cancel()
            await asyncio.gather(relaying, reporting, stopping, return_exceptions=True)
            await self.publisher.discard()

    async def _relay_for_ever(self, stop: asyncio.Event) -> None:
        attempt = 0
        while not stop.is_set():
            started = time.monotonic()
            try:
                await self._lead_once()
            except RelayStopped as alarm:
                await self._until_looked_at(str(alarm))
            except (psycopg.Error, PublishFailed, LeadershipLost) as error:
                log.warning("%s: the relay begins again: %s", self.service, error)
                attempt = 0 if time.monotonic() - started > RETRY_SECONDS[-1] else attempt + 1
                await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
            finally:
                self.leads = False
                await self.publisher.discard()

    async def _until_looked_at(self, reason: str) -> None:
        log.critical("%s: the relay is stopped: %s", self.service, reason)
        self.stopped = reason
        self._looked_at.clear()
        metrics.stopped(self.service, self.service, True)
        await self._looked_at.wait()
        self.stopped = None
        metrics.stopped(self.service, self.service, False)

    # -- leading -----------------------------------------------------------------------------------

    async def _lead_once(self) -> None:
        """Wait for the lead, compare, send. Ends only by raising."""
        await create_relay_tables(self.store.url, self.service)
        async with await Lead.connect(self.store.url, self.service) as lead:
            while not await lead.take():
                await asyncio.sleep(STANDBY_SECONDS)
            await self.publisher.start()
            if (last := await lead.last_note()) is not None:
                await self.publisher.announce(last)
            self._progress, signed = await lead.read()
            self._signed = signed.size
            if signed.size == self._progress.frontier.size and signed.root != self._progress.frontier.root():
                raise RelayStopped(f"another root was signed for {signed.size} events: history was changed")
            async with await LogReader.connect(self.store.url, self.service) as reader:
                await self._compare(lead, reader)
                self.leads = True
                await self._send_for_ever(lead, reader)

    async def _compare(self, lead: Lead, reader: LogReader) -> None:
        """The cursor follows the topic, never the other way; what the table does not hold stops the relay."""
        position, state = await self.publisher.last() or (0, b"")
        self._checked_at = time.monotonic()
        self._head = await reader.head()
        if position > self._head:
            raise RelayStopped(f"the topic ends at position {position}, the table at {self._head}: was it restored?")
        if position and await reader.state(position) != state:
            raise RelayStopped(f"position {position} on the topic has other bytes than in the table")
        if self._progress.frontier.size > self._head:
            raise RelayStopped(f"the tree has {self._progress.frontier.size} leaves, the table {self._head} events")
        if position != self.cursor:
            log.info("%s: the topic ends at %d, the cursor stood at %d", self.service, position, self.cursor)
            await self._move(lead, Progress(position, self._progress.frontier))

    async def _send_for_ever(self, lead: Lead, reader: LogReader) -> None:
        """One chunk is read ahead while another is on its way."""
        begin = min(self.cursor, self._progress.frontier.size)
        ahead = asyncio.create_task(reader.after(begin))
        try:
            while True:
                records = await ahead
                last = records[-1].position if records else max(self.cursor, self._progress.frontier.size)
                more = reader.is_full(records)
                ahead = asyncio.create_task(reader.after(last) if more else reader.wait_after(last))
                if records:
                    await self._relay(lead, records)
                self._note_head(last, more)
                await self._sign_when_due(lead)
                if not records:
                    await self._check_now_and_then()
        finally:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)

    async def _relay(self, lead: Lead, records: list[Record]) -> None:
        """Send what is beyond the cursor, add to the tree what is beyond its edge, then move both."""
        cursor, frontier = self._progress
        self._ensure_dense(records)
        failpoint("relay.between_batches")
        await lead.confirm()
        unsent = records[max(0, cursor + 1 - records[0].position) :]
        growing = asyncio.create_task(self._grown(frontier, records[max(0, frontier.size + 1 - records[0].position) :]))
        try:
            if unsent:
                self._behind_since = self._behind_since or time.monotonic()
                self._head = max(self._head, unsent[-1].position)
                await self.publisher.publish(unsent)
                failpoint("relay.after_ack")
            await self._move(lead, Progress(max(cursor, records[-1].position), await growing))
        finally:
            growing.cancel()

    async def _grown(self, frontier: Frontier, records: Sequence[Record]) -> Frontier:
        """The tree's edge after these; in slices, so it is computed while the batch is on its way."""
        for start in range(0, len(records), HASH_SLICE):
            await asyncio.sleep(0)
            leaves = [sha256(b"\x00" + record.state).digest() for record in records[start : start + HASH_SLICE]]
            frontier = frontier.extend(leaves)
        return frontier

    async def _check_now_and_then(self) -> None:
        """A topic that was wiped while nothing happened is filled again. PublishFailed: begin with the comparison."""
        if time.monotonic() - self._checked_at < CHECK_SECONDS:
            return
        position, _ = await self.publisher.last() or (0, b"")
        self._checked_at = time.monotonic()
        if position < self.cursor:
            raise PublishFailed(f"the topic ends at {position}, {self.cursor} was acknowledged")

    def _ensure_dense(self, records: Sequence[Record]) -> None:
        """A gap in the table is proof of loss. RelayStopped."""
        first, last = records[0].position, records[-1].position
        expected = min(self.cursor, self._progress.frontier.size) + 1
        if first > expected or last - first + 1 != len(records):
            raise RelayStopped(f"the table lacks a position between {expected} and {last}")

    async def _move(self, lead: Lead, progress: Progress) -> None:
        await lead.move(self._progress, progress)
        self._progress = progress

    def _note_head(self, last: int, more: bool) -> None:
        self._head = max(self._head, last)
        if not more and self.cursor >= self._head:
            self._behind_since = None

    # -- checkpoints -------------------------------------------------------------------------------

    async def _sign_when_due(self, lead: Lead) -> None:
        """After so many events; or so many seconds after the first that no checkpoint covers."""
        unsigned = self._progress.frontier.size - self._signed
        if unsigned <= 0:
            self._unsigned_since = None
            return
        now = time.monotonic()
        self._unsigned_since = self._unsigned_since or now
        waited = now - self._unsigned_since
        if unsigned < self.settings.checkpoint_every_events and waited < self.settings.checkpoint_every_seconds:
            return
        frontier = self._progress.frontier
        checkpoint = Checkpoint(self.signer.name, frontier.size, frontier.root())
        note = self.signer.sign(checkpoint)
        if not await lead.keep_checkpoint(checkpoint, note):
            raise RelayStopped(f"another root was signed for {frontier.size} events: history was changed")
        self._signed, self._unsigned_since = frontier.size, None
        await self.publisher.announce(note)

    async def _report(self) -> None:
        while True:
            lag = self.lag()
            metrics.relay_lag(self.service, lag.events, lag.seconds)
            await asyncio.sleep(METRICS_SECONDS)


__all__ = ["Relay", "RelayStopped"]
