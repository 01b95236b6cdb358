"""Jobs decided under the head row's lock: a transaction for a group, and one by one where that fails."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import psycopg
from psycopg import Connection, Cursor

from shared.kernel.commands import Command
from shared.runtime.clock import Clock
from shared.runtime.delivery import Reactor, Stop, record_digest
from shared.runtime.errors import DecisionFailed, FateUnknown, StoreUnavailable
from shared.runtime.failpoints import failpoint
from shared.runtime.jobs import CommandJob, Delivered, DeliveryJob, Job
from shared.runtime.state import State
from shared.runtime.store import Store
from shared.runtime.transaction import Handler, Transaction

log = logging.getLogger("tongdui.writer")

LOCK_TIMEOUT_MS = 3000
#: the last: this process slept too long inside a transaction, and the server ended its session
SESSION_LOST = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.IdleInTransactionSessionTimeout)


class Observer(Protocol):
    """Who counts: see ``shared.runtime.metrics``."""

    def batch(self, service: str, size: int, seconds: float) -> None: ...

    def queue(self, service: str, depth: int) -> None: ...

    def recorded(self, service: str, types: Sequence[str]) -> None: ...


class LockedCommit:
    """Has the writer's connection. Whatever other processes recorded is read before anything is decided."""

    def __init__(
        self,
        store: Store,
        state: State,
        clock: Clock,
        handlers: Mapping[type[Command], Handler],
        reactor: Reactor,
        event_size_limit: int,
        observer: Observer | None,
    ) -> None:
        self.store = store
        self.state = state
        self._clock = clock
        self._handlers = handlers
        self._reactor = reactor
        self._event_size_limit = event_size_limit
        self._observer = observer
        self._connection: Connection[Any] | None = None

    def settle(self, jobs: Sequence[Job]) -> None:
        """Give every job its result: together, or one by one when the transaction of all failed."""
        try:
            self._commit_group(jobs)
        except SESSION_LOST as error:
            self.unavailable(jobs, error)
        except psycopg.Error as error:
            self.disconnect()
            self._refused(jobs, error)
        finally:
            self.state.cursor = None

    def transaction(self, cursor: Cursor[Any] | None) -> Transaction:
        return Transaction(self.store, self.state, self._clock, cursor, self._event_size_limit)

    def observe(self, transaction: Transaction) -> None:
        """What it recorded is counted."""
        if self._observer is not None:
            self._observer.recorded(self.store.service, [event.topic for event in transaction.added.events])

    def _opened(self, cursor: Cursor[Any]) -> Transaction:
        transaction = self.transaction(cursor)
        transaction.open()
        return transaction

    # -- a group -------------------------------------------------------------------------------

    def _commit_group(self, jobs: Sequence[Job]) -> None:
        with self.connected().cursor() as cursor:
            transaction = self._opened(cursor)
            stops = self._decide_all(transaction, jobs)
            transaction.write()
            failpoint("writer.before_commit")
            if transaction.adds_anything or stops:
                self._record_stops(cursor, stops)
                self._commit(jobs, cursor)
            else:
                # nothing was written; psycopg would forget every prepared statement after a ROLLBACK
                cursor.execute("COMMIT")
        self.state.committed()
        self.state.trim()
        failpoint("writer.after_commit")
        self.observe(transaction)

    def _decide_all(self, transaction: Transaction, jobs: Sequence[Job]) -> list[tuple[str, Stop]]:
        commands = [job for job in jobs if isinstance(job, CommandJob)]
        if commands:
            transaction.look_up_outcomes(commands)
        stops = []
        for job in jobs:
            if isinstance(job, CommandJob):
                job.result = transaction.decide(job, self._handlers)
            elif isinstance(job, DeliveryJob):
                job.result, stop = self._reactor.deliver(transaction, job.source, job.records)
                if stop is not None:
                    stops.append((job.source, stop))
        return stops

    def _record_stops(self, cursor: Cursor[Any], stops: Sequence[tuple[str, Stop]]) -> None:
        for source, (record, reason) in stops:
            cursor.execute(
                f"INSERT INTO {self.store.service}_stopped (source, position, digest, state, reason)"
                " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (source) DO UPDATE SET position = excluded.position,"
                " digest = excluded.digest, state = excluded.state, reason = excluded.reason, stopped_at = now()",
                (source, record.position, record_digest(record), record.state, reason.replace("\0", "")),
            )

    def _commit(self, jobs: Sequence[Job], cursor: Cursor[Any]) -> None:
        """A commit whose answer is lost may have happened: said so, never «refused»."""
        try:
            cursor.execute("COMMIT")
            failpoint("writer.unknown_commit")
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            log.warning("the fate of a commit is unknown: %s", error)
            for job in jobs:
                job.result = FateUnknown()
            self.disconnect()

    # -- what the database refuses ---------------------------------------------------------------

    def _refused(self, jobs: Sequence[Job], error: psycopg.Error) -> None:
        """The database refused the transaction: whoever is to blame fails alone."""
        if len(jobs) > 1:
            for job in jobs:
                self.settle([job])
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
            except SESSION_LOST as lost:
                self.unavailable([job], lost)
            return
        for record in job.records:
            single = DeliveryJob(job.loop, job.future, source=job.source, records=[record])
            self.settle([single])
            job.result = single.result
            if not isinstance(job.result, Delivered) or job.result.stopped or job.result.waits_for:
                return

    def _stop_at(self, job: DeliveryJob, error: psycopg.Error) -> Delivered:
        """Stop the source at its one record; or pass the record over, when an operator has parked it."""
        record, source = job.records[0], job.source
        with self.connected().cursor() as cursor:
            transaction = self._opened(cursor)
            stop = self._reactor.pass_parked(transaction, source, Stop(record, f"the database refused it: {error}"[:2000]))
            transaction.write()
            self._record_stops(cursor, [(source, stop)] if stop else [])
            cursor.execute("COMMIT")
        self.state.committed()
        return Delivered(self.state.seen.get(source, 0), None, stop.reason if stop else None)

    # -- the connection --------------------------------------------------------------------------

    @property
    def is_connected(self) -> bool:
        return self._connection is not None and not self._connection.closed

    def connected(self) -> Connection[Any]:
        if self._connection is None or self._connection.closed:
            self.state.clear()
            self._connection = self.store.connect(autocommit=True)
            # A writer that is stopped while it holds the lock must not stop the others.
            self._connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
            self._connection.execute("SET idle_in_transaction_session_timeout = 5000")
            self._connection.execute("SET synchronous_commit = on")
            # All it reads it reads by key. A plan is kept as long as the connection, and one that was made while a table was
            # empty would read all of it when it is large. (Before 18 a plan without a choice would be compiled each time.)
            self._connection.execute("SET enable_seqscan = off; SET jit = off")
        return self._connection

    def disconnect(self) -> None:
        """What is cached may be wrong now: read it again over a new connection."""
        self.state.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def unavailable(self, jobs: Sequence[Job], error: psycopg.Error) -> None:
        log.warning("the database cannot be reached: %s", error)
        self.disconnect()
        for job in jobs:
            job.result = StoreUnavailable()


__all__ = ["SESSION_LOST", "LockedCommit", "Observer"]
