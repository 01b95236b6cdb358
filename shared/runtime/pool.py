"""A few connections for reading, kept between reads and replaced when the server went away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg import Connection
from psycopg.pq import TransactionStatus

T = TypeVar("T")

PATIENCE_SECONDS = 2.0

# Views can be made again from the log, so their writes need not wait for the disk; and whoever is
# stopped while it holds a lock must not stop the others.
_SESSION = (
    "SET synchronous_commit = off; SET lock_timeout = 3000; SET idle_in_transaction_session_timeout = 5000"
)


class PoolExhausted(psycopg.OperationalError):
    """Every connection stayed in use for two seconds."""


class Pool:
    """At most ``size`` connections, made when first needed. Thread-safe."""

    def __init__(self, connect: Callable[[], Connection[Any]], size: int = 8) -> None:
        self._connect = connect
        self._idle: list[Connection[Any]] = []
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(size)

    @contextmanager
    def connection(self) -> Iterator[Connection[Any]]:
        """One connection, idle at the start; committed at the end, rolled back when something is raised.

        psycopg.OperationalError when there is no database, PoolExhausted when all are in use.
        """
        if not self._free.acquire(timeout=PATIENCE_SECONDS):
            raise PoolExhausted("every connection is in use")
        try:
            connection = self._take()
            try:
                yield connection
                connection.commit()
            except psycopg.OperationalError:
                self.close()
                raise
            except psycopg.errors.IdleInTransactionSessionTimeout as error:
                # a process that slept too long: the server ended the session, which psycopg calls another kind of error
                raise psycopg.OperationalError(str(error)) from error
            finally:
                self._give_back(connection)
        finally:
            self._free.release()

    def run(self, reading: Callable[[Connection[Any]], T]) -> T:
        """What ``reading`` gives; tried once more when it fails because a kept connection was lost."""
        try:
            with self.connection() as connection:
                return reading(connection)
        except PoolExhausted:
            raise
        except psycopg.OperationalError:
            with self.connection() as connection:
                return reading(connection)

    def close(self) -> None:
        """Close the connections nobody uses."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> Connection[Any]:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        connection = self._connect()
        connection.execute(_SESSION)
        connection.commit()
        return connection

    def _give_back(self, connection: Connection[Any]) -> None:
        if connection.info.transaction_status not in (TransactionStatus.IDLE, TransactionStatus.UNKNOWN):
            connection.rollback()
        if connection.closed or connection.broken:
            connection.close()
            return
        with self._lock:
            self._idle.append(connection)
