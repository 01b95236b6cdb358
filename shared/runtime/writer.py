"""The one writer of a service in this process: a thread that commits decisions in groups.

Any number of processes may have one; the head row's lock puts them in line, and each reads what the
others recorded before it decides.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Protocol

import psycopg
from psycopg import Connection

from shared.kernel.commands import Command
from shared.runtime import recorded_access
from shared.runtime.bus.port import Record
from shared.runtime.clock import Clock
from shared.runtime.collecting import no_collection
from shared.runtime.delivery import Reactor, Stop, record_digest
from shared.runtime.errors import DecisionFailed, Draining, FateUnknown, Overloaded, StoreUnavailable
from shared.runtime.failpoints import failpoint
from shared.runtime.jobs import (
    CommandJob,
    Context,
    Delivered,
    DeliveryJob,
    Job,
    Outcome,
    outcome_key,
    payload_digest,
)
from shared.runtime.state import State
from shared.runtime.store import Store
from shared.runtime.transaction import Handler, Transaction

log = logging.getLogger("tongdui.writer")

BATCH_LIMIT = 256
LOCK_TIMEOUT_MS = 3000
#: how long the writer waits, at most, for the callers it has just answered
GATHER_SECONDS = 0.001
_STOP = object()
#: the last: this process slept too long inside a transaction, and the server ended its session
_SESSION_LOST = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.IdleInTransactionSessionTimeout)


class Observer(Protocol):
    """Who counts: see ``shared.runtime.metrics``."""

    def batch(self, service: str, size: int, seconds: float) -> None: ...

    def queue(self, service: str, depth: int) -> None: ...

    def recorded(self, service: str, types: Sequence[str]) -> None: ...


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
        self.clock = clock
        #: every service records who was refused and who read
        self.handlers = {**recorded_access.HANDLERS, **handlers}
        self.reactor = reactor
        self.queue_limit = queue_limit
        self.event_size_limit = event_size_limit
        self.observer = observer
        self._queue: SimpleQueue[Any] = SimpleQueue()
        self._connection: Connection[Any] | None = None
        self._thread = threading.Thread(target=self._run, name=f"{store.service}-writer", daemon=True)
        self._draining = False
        self._in_hand = 0
        #: how many may ask next: those just answered, and those who came meanwhile
        self._expected = 0
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
        return await self._submit(
            CommandJob, command=command, context=context, key=outcome_key(context), digest=payload_digest(command)
        )

    async def deliver(self, source: str, records: Sequence[Record]) -> Delivered:
        """Apply another log's records; see Delivered. Raises StoreUnavailable or FateUnknown: deliver again."""
        return await self._submit(DeliveryJob, source=source, records=records)

    async def _submit(self, kind: type[Job], **fields: Any) -> Any:
        if self._draining:
            raise Draining
        loop = asyncio.get_running_loop()
        job = kind(loop=loop, future=loop.create_future(), **fields)
        self._queue.put(job)
        if self._everybody_came and not self._all_came.is_set():
            self._all_came.set()
        return await job.future

    @property
    def _everybody_came(self) -> bool:
        """Besides the one the writer has in hand."""
        return self._queue.qsize() + 1 >= self._expected

    @property
    def is_full(self) -> bool:
        """Whether one more command would be refused."""
        return self._queue.qsize() >= self.queue_limit

    @property
    def waiting(self) -> int:
        """Jobs queued or in hand."""
        return self._queue.qsize() + self._in_hand

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
            if jobs:
                stopping = self._serve(jobs) or stopping
        self._disconnect()

    def _serve(self, jobs: Sequence[Job]) -> bool:
        """Settle and answer one group. True when the writer can go on no more."""
        self._in_hand = len(jobs)
        started = time.perf_counter()
        try:
            with no_collection():
                self._settle(jobs)
        except Exception as error:
            log.critical("the writer of %s fails: it stops", self.store.service, exc_info=True)
            self.failure = error
            self._draining = True
            for job in jobs:
                job.result = FateUnknown()
        self._expected = min(len(jobs) + self._queue.qsize(), BATCH_LIMIT)
        self._answer(jobs)
        self._in_hand = 0
        if self.observer is not None:
            self.observer.batch(self.store.service, len(jobs), time.perf_counter() - started)
            self.observer.queue(self.store.service, self._queue.qsize())
        return self.failure is not None

    def _take(self) -> tuple[list[Job], bool]:
        """At least one job, at most a group. True when no more will come."""
        jobs: list[Job] = []
        size = 0
        item = self._queue.get()
        self._let_others_come()
        while item is not _STOP:
            jobs.append(item)
            size += item.size
            if size >= BATCH_LIMIT:
                return jobs, False
            try:
                item = self._queue.get_nowait()
            except Empty:
                return jobs, False
        return jobs, True

    def _let_others_come(self) -> None:
        """Callers who were answered together ask again together, one by one: a transaction for the first of them alone,
        or for those alone who came during the last, would make all the others wait for its commit, and so go on for ever
        by halves. A lone caller never waits here."""
        self._all_came.clear()
        if not self._everybody_came:
            self._all_came.wait(GATHER_SECONDS)

    def _settle(self, jobs: Sequence[Job]) -> None:
        """Give every job its result: together, or one by one when the transaction of all failed."""
        try:
            self._commit_group(jobs)
        except _SESSION_LOST as error:
            self._unavailable(jobs, error)
        except psycopg.Error as error:
            self._disconnect()
            self._refused(jobs, error)

    def _refused(self, jobs: Sequence[Job], error: psycopg.Error) -> None:
        """The database refused the transaction: whoever is to blame fails alone."""
        if len(jobs) > 1:
            for job in jobs:
                self._settle([job])
        elif isinstance(jobs[0], DeliveryJob):
            self._narrow(jobs[0], error)
        else:
            log.error("the database refused a transaction: %s", error)
            jobs[0].result = DecisionFailed()

    def _narrow(self, job: DeliveryJob, error: psycopg.Error) -> None:
        """Record by record, so that just the one the database refuses stops its source."""
        if len(job.records) == 1:
            try:
                job.result = self._stop_at(job, error)
            except _SESSION_LOST as lost:
                self._unavailable([job], lost)
            return
        for record in job.records:
            single = DeliveryJob(job.loop, job.future, source=job.source, records=[record])
            self._settle([single])
            job.result = single.result
            if not isinstance(job.result, Delivered) or job.result.stopped or job.result.waits_for:
                return

    def _stop_at(self, job: DeliveryJob, error: psycopg.Error) -> Delivered:
        """Stop the source at its one record; or pass the record over, when an operator has parked it."""
        record, source = job.records[0], job.source
        with self._connected().cursor() as cursor:
            transaction = Transaction(self.store, self.state, self.clock, cursor, self.event_size_limit)
            transaction.open()
            stop = self.reactor.pass_parked(transaction, source, Stop(record, f"the database refused it: {error}"[:2000]))
            transaction.write()
            self._record_stops(cursor, [(source, stop)] if stop else [])
            cursor.execute("COMMIT")
        self.state.committed()
        return Delivered(self.state.seen.get(source, 0), None, stop.reason if stop else None)

    def _commit_group(self, jobs: Sequence[Job]) -> None:
        connection = self._connected()
        with connection.cursor() as cursor:
            transaction = Transaction(self.store, self.state, self.clock, cursor, self.event_size_limit)
            transaction.open()
            stops = self._decide_all(transaction, jobs)
            transaction.write()
            failpoint("writer.before_commit")
            if transaction.adds_anything or stops:
                self._record_stops(cursor, stops)
                self._commit(jobs, cursor)
            else:
                cursor.execute("ROLLBACK")
        self.state.committed()
        failpoint("writer.after_commit")
        if self.observer is not None:
            self.observer.recorded(self.store.service, [event.topic for event in transaction.added.events])

    def _decide_all(self, transaction: Transaction, jobs: Sequence[Job]) -> list[tuple[str, Stop]]:
        commands = [job for job in jobs if isinstance(job, CommandJob)]
        if commands:
            transaction.look_up_outcomes(commands)
        stops = []
        for job in jobs:
            if isinstance(job, CommandJob):
                job.result = transaction.decide(job, self.handlers)
            elif isinstance(job, DeliveryJob):
                job.result, stop = self.reactor.deliver(transaction, job.source, job.records)
                if stop is not None:
                    stops.append((job.source, stop))
        return stops

    def _record_stops(self, cursor: psycopg.Cursor[Any], stops: Sequence[tuple[str, Stop]]) -> None:
        for source, (record, reason) in stops:
            cursor.execute(
                f"INSERT INTO {self.store.service}_stopped (source, position, digest, state, reason)"
                " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (source) DO UPDATE SET position = excluded.position,"
                " digest = excluded.digest, state = excluded.state, reason = excluded.reason, stopped_at = now()",
                (source, record.position, record_digest(record), record.state, reason.replace("\0", "")),
            )

    def _commit(self, jobs: Sequence[Job], cursor: psycopg.Cursor[Any]) -> None:
        """A commit whose answer is lost may have happened: said so, never «refused»."""
        try:
            cursor.execute("COMMIT")
            failpoint("writer.unknown_commit")
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            log.warning("the fate of a commit is unknown: %s", error)
            for job in jobs:
                job.result = FateUnknown()
            self._disconnect()

    def _unavailable(self, jobs: Sequence[Job], error: psycopg.Error) -> None:
        log.warning("the database cannot be reached: %s", error)
        self._disconnect()
        for job in jobs:
            job.result = StoreUnavailable()

    def _connected(self) -> Connection[Any]:
        if self._connection is None or self._connection.closed:
            self.state.clear()
            self._connection = self.store.connect(autocommit=True)
            # A writer that is stopped while it holds the lock must not stop the others.
            self._connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
            self._connection.execute("SET idle_in_transaction_session_timeout = 5000")
            self._connection.execute("SET synchronous_commit = on")
        return self._connection

    def _disconnect(self) -> None:
        """What is cached may be wrong now: read it again over a new connection."""
        self.state.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @staticmethod
    def _answer(jobs: Sequence[Job]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
        for job in jobs:
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
