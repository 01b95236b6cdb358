"""Rebuilding a view while it is read: a second table, filled and then kept current beside the first.

``rebuild`` fills it, ``compare`` looks row by row whether both say the same, ``switch`` moves the
pointer to the other one (and, called again, back), ``discard`` drops the one not read. Readers never
wait. A rebuild that was killed leaves a half table nobody reads; it is dropped when the next begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier

from shared.runtime.failpoints import failpoint
from shared.runtime.projections import Projections, View, fold_into, no_collection, read_chunk
from shared.runtime.view_tables import Row

CHUNK = 5000
_DIFFER = "a.row::text IS DISTINCT FROM b.row::text OR a.due_on IS DISTINCT FROM b.due_on"

Progress = Callable[[int, int], None]
"""Told after each chunk: the position filled, the position to reach."""


class RebuildImpossible(RuntimeError):
    """The step cannot be taken now; the text says why."""


class Status(NamedTuple):
    """One table of a view. ``is_read``: the pointer names it; ``filling``: its rebuild has not ended."""

    view: str
    table: str
    is_read: bool
    filling: bool
    position: int
    head: int
    updated_at: datetime


class Difference(NamedTuple):
    """A key whose rows differ; None where a table has no row."""

    key: str
    read: Row | None
    other: Row | None


class Comparison(NamedTuple):
    """Both tables at one position: how many keys were looked at, and the first differences."""

    position: int
    keys: int
    different: int
    differences: list[Difference]


class Rebuild:
    """The steps of rebuilding one view of a service. Each raises RebuildImpossible when out of order."""

    def __init__(self, projections: Projections, view: str) -> None:
        self.view: View = projections.views[view]
        self.service = projections.service
        self.tables = projections.tables
        self._store = projections.store

    def rebuild(self, progress: Progress | None = None) -> str:
        """Fill the second table from position 1 to where the first is; its name. Drops an older second table."""
        with self._alone() as connection:
            table = self._start(connection)
            while not self._fill_chunk(connection, table, progress):
                pass
            with connection.transaction():
                self.tables.create_indexes(connection, table, self.view.indexed)
            self._hand_over(connection, table)
        return table

    def compare(self, most: int = 20) -> Comparison:
        """Row by row and byte by byte, at one moment; at most ``most`` differences are told."""
        with self._store.connect() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            read, other = self._both(connection)
            positions = {table: position for table, position, _ in self.tables.tables_of(connection, self.view.name)}
            if positions[read] != positions[other]:
                raise RebuildImpossible(f"{other} is at {positions[other]}, {read} at {positions[read]}: try again")
            keys, different = connection.execute(
                _both_sides(read, other, f"count(*), count(*) FILTER (WHERE {_DIFFER})")
            ).fetchone()
            rows = connection.execute(
                _both_sides(read, other, "coalesce(a.key, b.key), a.row, b.row")
                + SQL(f" WHERE {_DIFFER} ORDER BY 1 LIMIT %s"),
                (most,),
            ).fetchall()
        return Comparison(positions[read], keys, different, [Difference(*row) for row in rows])

    def switch(self) -> str:
        """Read the other table from now on; its name. Again: back."""
        with self._alone() as connection, connection.transaction():
            read, other = self._both(connection)
            positions = {table: position for table, position, _ in self.tables.tables_of(connection, self.view.name)}
            if positions[other] < positions[read]:
                raise RebuildImpossible(f"{other} is at {positions[other]}, behind {positions[read]}: try again")
            self.tables.point_to(connection, self.view.name, other)
            failpoint("rebuild.before_switch")
        return other

    def discard(self) -> str | None:
        """Drop the table that is not read; its name, None when there is none."""
        with self._alone() as connection, connection.transaction():
            return self._drop_unread(connection)

    # -- steps ---------------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[Connection[Any]]:
        """A connection that holds this view's rebuild lock."""
        with self._store.connect(autocommit=True) as connection:
            lock = f"tongdui_rebuild_{self.service}_{self.view.name}"
            if not connection.execute("SELECT pg_try_advisory_lock(hashtext(%s))", (lock,)).fetchone()[0]:
                raise RebuildImpossible(f"{self.view.name} is being rebuilt by another process")
            connection.execute("SET synchronous_commit = off")
            try:
                yield connection
            finally:
                # The end of a session is noticed a moment later; the next step must not find the lock taken.
                if not connection.closed:
                    connection.execute("SELECT pg_advisory_unlock(hashtext(%s))", (lock,))

    def _start(self, connection: Connection[Any]) -> str:
        with connection.transaction():
            self._drop_unread(connection)
            read = self.tables.read_table(connection, self.view.name)
            table = self.tables.other_table(self.view.name, read)
            self.tables.create_table(connection, self.view.name, table, filling=True)
        return table

    def _drop_unread(self, connection: Connection[Any]) -> str | None:
        read = self.tables.read_table(connection, self.view.name)
        dropped = None
        for table, _, _ in self.tables.tables_of(connection, self.view.name):
            if table != read:
                self.tables.drop_table(connection, table)
                dropped = table
        return dropped

    def _fill_chunk(self, connection: Connection[Any], table: str, progress: Progress | None) -> bool:
        """True when the end of the log was met."""
        with no_collection(), connection.transaction():
            position, head = self._fill(connection, table)
            failpoint("projection.before_commit")
        if progress is not None:
            progress(position, head)
        return head - position < CHUNK // 2

    def _fill(self, connection: Connection[Any], table: str) -> tuple[int, int]:
        with connection.cursor() as cursor:
            positions = {name: at for name, at, _ in self.tables.tables_of(connection, self.view.name)}
            chunk = read_chunk(cursor, self.service, positions[table], CHUNK, self.view.types)
            fold_into(self.tables, cursor, self.view, table, chunk.events)
            self.tables.move(cursor, [table], chunk.last)
        return chunk.last, self._head(connection)

    def _hand_over(self, connection: Connection[Any], table: str) -> None:
        """With the workers held up for a moment: fill what is left, and let them keep both tables."""
        with connection.transaction(), connection.cursor() as cursor:
            others = self.tables.lock_kept(cursor, [self.view.name])
            goal = max(kept.position for kept in others)
            while self._fill(connection, table)[0] < goal:
                pass
            self.tables.fill_ended(cursor, table)

    def _both(self, connection: Connection[Any]) -> tuple[str, str]:
        """(the table that is read, the other one), both kept current."""
        read = self.tables.read_table(connection, self.view.name)
        for table, _, filling in self.tables.tables_of(connection, self.view.name):
            if table != read and not filling:
                return read, table
        raise RebuildImpossible(f"{self.view.name} has no second table: rebuild it first")

    def _head(self, connection: Connection[Any]) -> int:
        return connection.execute(f"SELECT position FROM {self.service}_head").fetchone()[0]


def _both_sides(read: str, other: str, columns: str) -> Composed:
    return SQL(f"SELECT {columns} FROM {{}} a FULL JOIN {{}} b USING (key)").format(
        Identifier(read), Identifier(other)
    )


def status(projections: Projections) -> Sequence[Status]:
    """Every table of every view of a service."""
    service = projections.service
    with projections.connection() as connection:
        rows = connection.execute(
            f"SELECT p.view, p.table_name, p.table_name = v.table_name, p.filling, p.position, h.position, p.updated_at"
            f" FROM {service}_positions p JOIN {service}_views v USING (view), {service}_head h"
            " WHERE p.view = ANY(%s) ORDER BY p.view, p.table_name",
            (list(projections.views),),
        ).fetchall()
    return [Status(*row) for row in rows]
