"""One source on Kafka between the poll loop and the inbox: a short queue, and where to read when order is broken."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

import psycopg
from aiokafka import ConsumerRecord, TopicPartition

from shared.runtime.bus.kafka_topics import record_of
from shared.runtime.bus.port import Applied, Deliver, Lag, Record

log = logging.getLogger("tongdui.bus")

CHUNK = 500
FULL_RECORDS = 4000
FULL_BYTES = 8 * 1024 * 1024
#: an idle source reads its last record again now and then, lest a topic made anew pass in silence
LOOK_BACK_SECONDS = 10.0
RETRY_SECONDS = 0.5


class _Fetched(NamedTuple):
    offset: int
    record: Record


class SourceFeed:
    """The poll loop calls ``offer``, ``take``, ``take_seek`` and ``withdraw``; ``run`` delivers.

    ``done_offset`` is the offset after the last record that was dealt with, for the group's hint.
    """

    def __init__(self, source: str, partition: TopicPartition, applied: Applied) -> None:
        self.source = source
        self.partition = partition
        self.done_offset: int | None = None
        self._read_applied = applied
        self._applied = 0
        self._queue: deque[_Fetched] = deque()
        self._queued_bytes = 0
        self._arrived = asyncio.Event()
        self._seek: int | None = None
        self._rewound = False
        self._last_offset: int | None = None
        self._heard_at = time.monotonic()
        self._highwater = 0
        self._behind_since: float | None = None
        self._generation = 0

    # -- called by the poll loop ---------------------------------------------------------------------

    async def offer(self, *, from_beginning: bool) -> None:
        """The partition is ours, and will be read from its beginning or from the group's hint."""
        self._applied = await self._read_applied(self.source)
        self._forget()
        self._rewound = from_beginning
        self._seek = None
        self._last_offset = None
        self.done_offset = None

    def withdraw(self) -> None:
        """The partition is no longer ours. What is being delivered ends by itself."""
        self._forget()
        self._seek = None

    def _forget(self) -> None:
        self._queue.clear()
        self._queued_bytes = 0
        self._behind_since = None
        self._generation += 1

    def take(self, messages: Sequence[ConsumerRecord], highwater: int | None) -> None:
        """What was fetched, in order. Records that are applied already are let go at once."""
        self._heard_at = time.monotonic()
        self._highwater = highwater or 0
        for message in messages:
            self._last_offset = message.offset
            record = record_of(self.source, message.key, message.value, message.headers)
            if 0 < record.position <= self._applied:
                if not self._queue:
                    self.done_offset = message.offset + 1
                continue
            self._queue.append(_Fetched(message.offset, record))
            self._queued_bytes += len(record.state)
        if self._queue:
            self._behind_since = self._behind_since or self._heard_at
            self._arrived.set()

    def take_seek(self) -> int | None:
        """The offset to read from next, if another than the one at hand. What is queued is dropped with it."""
        if self._seek is None and self._is_idle() and self._last_offset is not None:
            self._seek = self._last_offset
            self._heard_at = time.monotonic()
        offset, self._seek = self._seek, None
        if offset is not None:
            self._forget()
        return offset

    def _is_idle(self) -> bool:
        return not self._queue and self._behind_since is None and time.monotonic() - self._heard_at > LOOK_BACK_SECONDS

    @property
    def is_full(self) -> bool:
        return len(self._queue) >= FULL_RECORDS or self._queued_bytes >= FULL_BYTES

    @property
    def has_room(self) -> bool:
        return len(self._queue) < FULL_RECORDS // 2 and self._queued_bytes < FULL_BYTES // 2

    def lag(self) -> Lag:
        seconds = time.monotonic() - self._behind_since if self._behind_since is not None else 0.0
        return Lag(max(0, self._highwater - (self.done_offset or 0)), seconds)

    # -- the delivering task ----------------------------------------------------------------------------

    async def run(self, deliver: Deliver) -> None:
        """For ever."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._queue and self._seek is None:
                try:
                    await self._deliver_chunk(deliver)
                except psycopg.OperationalError as error:
                    log.warning("%s waits for the database: %s", self.source, error)
                    await asyncio.sleep(RETRY_SECONDS)
            if not self._queue:
                self._behind_since = None

    async def _deliver_chunk(self, deliver: Deliver) -> None:
        if await self._is_gap():
            self._rewind()
            return
        generation = self._generation
        chunk = list(islice(self._queue, CHUNK))
        if not chunk:
            return
        taken = await deliver(self.source, [fetched.record for fetched in chunk])
        self._applied = max(self._applied, taken.applied)
        if generation != self._generation:
            return
        if not taken.whole:
            # Whatever was wrong may have been mended on the topic: read it again, from the first of these.
            self._rewound = False
            self._seek = chunk[0].offset
            return
        if any(fetched.record.position for fetched in chunk):
            self._rewound = False
        for fetched in chunk:
            self._queue.popleft()
            self._queued_bytes -= len(fetched.record.state)
        self.done_offset = chunk[-1].offset + 1

    async def _is_gap(self) -> bool:
        """Whether the next record leaves something out, as far as the store knows, and the topic's beginning was not
        read for it yet."""
        position = self._queue[0].record.position
        if self._rewound or position <= self._applied + 1:
            return False
        self._applied = max(self._applied, await self._read_applied(self.source))
        return bool(self._queue) and self._queue[0].record.position > self._applied + 1

    def _rewind(self) -> None:
        log.warning(
            "%s: position %d came after %d: reading %s from its beginning",
            self.source,
            self._queue[0].record.position,
            self._applied,
            self.partition.topic,
        )
        self._rewound = True
        self._seek = 0
