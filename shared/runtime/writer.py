"""The one writer of a service in this process: a thread that commits decisions in groups.

Any number of processes may have one; the head row puts them in line, and what is recorded was decided on all
that the others had recorded before.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from asyncio import Future
from collections.abc import Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Any

from shared.kernel.commands import Command
from shared.runtime import recorded_access
from shared.runtime.bus.port import Record
from shared.runtime.clock import Clock
from shared.runtime.collecting import no_collection
from shared.runtime.delivery import Reactor
from shared.runtime.errors import Draining, FateUnknown, Overloaded
from shared.runtime.jobs import CommandJob, Context, Delivered, DeliveryJob, Job, Outcome, outcome_key, payload_digest
from shared.runtime.locked import LockedCommit, Observer
from shared.runtime.optimistic import OptimisticCommit
from shared.runtime.state import State
from shared.runtime.store import Store
from shared.runtime.transaction import Handler

log = logging.getLogger("tongdui.writer")

BATCH_LIMIT = 256
HALVED_FROM = 16
#: how long the writer waits, at most, for the callers it has just answered
GATHER_SECONDS = 0.001
_STOP = object()


class Writer:
    """Takes commands and deliveries, up to 256 at a time, into one transaction each group."""

    def __init__(
        self,
        store: Store,
        state: State,
        clock: Clock,
        handlers: Mapping[type[Command], Handler],
        reactor: Reactor,
        *,
        queue_limit: int = 4096,
        event_size_limit: int = 256 * 1024,
        observer: Observer | None = None,
    ) -> None:
        self.store = store
        self.state = state
        #: every service records who was refused and who read
        self.handlers = {**recorded_access.HANDLERS, **handlers}
        self.queue_limit = queue_limit
        self.observer = observer
        self._queue: SimpleQueue[Any] = SimpleQueue()
        self._locked = LockedCommit(store, state, clock, self.handlers, reactor, event_size_limit, observer)
        self._optimistic = OptimisticCommit(self._locked, self.handlers, self._answer)
        self._thread = threading.Thread(target=self._run, name=f"{store.service}-writer", daemon=True)
        self._draining = False
        #: each counted by one thread: the callers', the writer's
        self._asked, self._answered = 0, 0
        #: how many may ask next: those just answered, and those who came meanwhile
        self._awaited = 0
        self._all_came = threading.Event()
        #: why the thread ended before it was asked to; the process then ends too
        self.failure: Exception | None = None

    # -- callers -------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread.start()

    async def execute(self, command: Command, context: Context) -> Outcome:
        """Decide and record. Raises the Refusal, or a PlatformError of ``shared.runtime.errors``."""
        if self.is_full:
            raise Overloaded
        loop = asyncio.get_running_loop()
        key, digest = outcome_key(context), payload_digest(command)
        return await self._submit(CommandJob(loop, loop.create_future(), command, context, key, digest))

    async def deliver(self, source: str, records: Sequence[Record]) -> Delivered:
        """Apply another log's records; see Delivered. Raises StoreUnavailable or FateUnknown: deliver again."""
        loop = asyncio.get_running_loop()
        return await self._submit(DeliveryJob(loop, loop.create_future(), source, records))

    def _submit(self, job: Job) -> Future[Any]:
        if self._draining:
            raise Draining
        self._asked += 1
        self._queue.put(job)
        if self._everybody_came and not self._all_came.is_set():
            self._all_came.set()
        return job.future

    @property
    def _everybody_came(self) -> bool:
        return self._queue.qsize() >= self._awaited

    @property
    def is_full(self) -> bool:
        """Whether one more command would be refused."""
        return self._queue.qsize() >= self.queue_limit

    @property
    def waiting(self) -> int:
        """Jobs not answered yet."""
        return self._asked - self._answered

    def stop(self) -> None:
        """Take no more, finish what was accepted, commit, leave."""
        self._draining = True
        self._queue.put(_STOP)
        if self._thread.ident is not None:
            self._thread.join()

    # -- the thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        stopping = False
        while not stopping:
            jobs, stopping = self._take()
            stopping = self._serve(jobs) or stopping
        self._serve([])
        self._locked.disconnect()

    def _serve(self, jobs: Sequence[Job]) -> bool:
        """Have them decided, and what is under way answered. True when the writer can go on no more."""
        started = time.perf_counter()
        try:
            with no_collection():
                self._commit(jobs, started)
        except Exception as error:
            log.critical("the writer of %s fails: it stops", self.store.service, exc_info=True)
            self.failure = error
            self._draining = True
            self._give_up([*self._optimistic.give_up(), *jobs])
        return self.failure is not None

    def _commit(self, jobs: Sequence[Job], started: float) -> None:
        if not jobs:
            self._optimistic.finish()
            return
        rest = self._optimistic.serve(jobs)
        if rest:
            self._optimistic.finish()
            self._locked.settle(rest)
            self._answer(rest, started)

    def _give_up(self, jobs: Sequence[Job]) -> None:
        unanswered = [job for job in jobs if not job.is_answered]
        for job in unanswered:
            job.result = FateUnknown()
        self._answer(unanswered, time.perf_counter())

    def _take(self) -> tuple[list[Job], bool]:
        """At least one job, at most a group; none when something is under way and nobody has come. True when no more will
        come."""
        first = None if self._optimistic.size else self._queue.get()
        self._let_others_come(first is not None)
        jobs: list[Job] = []
        size, most = 0, self._most(first is not None)
        item = first or self._next()
        while item is not None and item is not _STOP:
            jobs.append(item)
            size += item.size
            if size >= BATCH_LIMIT or len(jobs) >= most:
                return jobs, False
            item = self._next()
        return jobs, item is _STOP

    def _next(self) -> Any:
        try:
            return self._queue.get_nowait()
        except Empty:
            return None

    def _most(self, is_one_in_hand: bool) -> int:
        """While one half of the callers is decided on, what the other half asked is being stored. A few are decided together:
        of eight callers, two groups of four cost more than waiting for one of eight."""
        everybody = self._optimistic.size + self._queue.qsize() + is_one_in_hand
        return (everybody + 1) // 2 if self._optimistic.is_possible and everybody >= HALVED_FROM else BATCH_LIMIT

    def _let_others_come(self, is_one_in_hand: bool) -> None:
        """Callers who were answered together ask again together, one by one: a transaction for the first of them alone
        would make all the others wait for its commit, and so go on for ever by halves. A lone caller never waits here."""
        self._awaited -= is_one_in_hand
        self._all_came.clear()
        until = time.perf_counter() + GATHER_SECONDS
        while not self._everybody_came and time.perf_counter() < until:
            self._all_came.wait(GATHER_SECONDS / 4 if self._optimistic.size else GATHER_SECONDS)
            if self._optimistic.size and self._optimistic.is_done:
                break
        self._awaited = 0

    def _answer(self, jobs: Sequence[Job], started: float) -> None:
        self._awaited = min((self._awaited or self._queue.qsize()) + len(jobs), BATCH_LIMIT)
        # before they are told: who has his answer does not wait any more
        self._answered += len(jobs)
        _tell(jobs)
        if self.observer is not None:
            self.observer.batch(self.store.service, len(jobs), time.perf_counter() - started)
            self.observer.queue(self.store.service, self._queue.qsize())


def _tell(jobs: Sequence[Job]) -> None:
    """Each caller, in its own loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        job.is_answered = True
        by_loop.setdefault(job.loop, []).append(job)
    for loop, waiting in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, waiting)


def _resolve(jobs: Sequence[Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if isinstance(job.result, BaseException):
            job.future.set_exception(job.result)
        else:
            job.future.set_result(job.result)
