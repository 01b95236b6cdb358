"""Views: rows folded from the service's own log, in tables that can be dropped and made again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple, TypeVar

import psycopg
from psycopg import Connection, Cursor
from psycopg.pq import TransactionStatus
from psycopg.sql import SQL, Composable, Identifier
from psycopg.types.numeric import Int8
from pydantic_core import from_json, to_json
from tongdui_events.codec import decode_event
from tongdui_events.document import Event, Stamp

from shared.runtime.collecting import no_collection
from shared.runtime.failpoints import failpoint
from shared.runtime.pool import Pool
from shared.runtime.store import Store
from shared.runtime.unread_stamp import UnreadStamp
from shared.runtime.view_tables import Kept, Row, ViewTables

T = TypeVar("T")
Scope = dict[str, Any] | list[dict[str, Any]] | None

_NAME = re.compile(r"[a-z][a-z_]{0,39}")


@dataclass(frozen=True, eq=False)
class View:
    """Rows by key, folded from the service's own events of ``types``.

    ``key(event, stamp)`` names the row an event touches; None: none. ``evolve(row, event, stamp)`` is
    pure and total: the row (a dict JSON can hold) or None for no row, and it never changes the row it is
    given. A member ``due_on`` (ISO date or None) is the day a sweep looks for. ``indexed`` are members
    that lists are filtered by.
    """

    name: str
    types: tuple[type[Event], ...]
    key: Callable[[Any, Stamp], str | None]
    evolve: Callable[[Row | None, Any, Stamp], Row | None]
    indexed: tuple[str, ...] = ()
    #: for an event that touches several rows: each key with the part that ``evolve`` is given for it
    parts: Callable[[Any, Stamp], Iterable[tuple[str, Any]]] | None = None

    def touched(self, event: Event, stamp: Any) -> Iterable[tuple[str, Any]]:
        """The rows an event touches, with what it says of each."""
        if self.parts is not None:
            return self.parts(event, stamp)
        key = self.key(event, stamp)
        return () if key is None else ((key, event),)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r}: a view's name is up to 40 of a-z and _")


class Read(NamedTuple):
    """One event of a chunk that some view wants. ``stamp`` is as good as a Stamp."""

    position: int
    stamp: Any
    event: Event


class Chunk(NamedTuple):
    """What a stretch of the log has for the views: the wanted events, and where it ends."""

    events: list[Read]
    size: int
    last: int


def read_chunk(cursor: Cursor[Any], service: str, after: int, limit: int, types: Iterable[type[Event]]) -> Chunk:
    """The ``limit`` events after a position. Those of other types are counted, their bytes not even sent."""
    rows = cursor.execute(
        f"SELECT notification_id, topic, CASE WHEN topic = ANY(%s) THEN state END FROM {service}_events"
        " WHERE notification_id > %s AND notification_id <= %s ORDER BY notification_id",
        (sorted({cls.__name__ for cls in types}), Int8(after), Int8(after + limit)),
        binary=True,
        prepare=True,
    ).fetchall()
    events = [
        Read(position, UnreadStamp(state), decode_event(service, topic, state))
        for position, topic, state in rows
        if state is not None
    ]
    return Chunk(events, len(rows), rows[-1][0] if rows else after)


def fold_into(tables: ViewTables, cursor: Cursor[Any], view: View, table: str, events: Iterable[Read]) -> None:
    """Fold events over the rows of one table and write each touched key once."""
    # decoded events are of their very class, so a set answers what isinstance would walk a long tuple for
    wanted = frozenset(view.types)
    touched = [
        (key, part, stamp)
        for _, stamp, event in events
        if type(event) in wanted
        for key, part in view.touched(event, stamp)
    ]
    if not touched:
        return
    before = tables.load(cursor, table, {key for key, _, _ in touched})
    rows: dict[str, Row | None] = dict(before)
    for key, event, stamp in touched:
        rows[key] = view.evolve(rows.get(key), event, stamp)
    changed = {key: row for key, row in rows.items() if row is not None and row != before.get(key)}
    tables.write(cursor, table, changed)
    tables.delete(cursor, table, [key for key, row in rows.items() if row is None and key in before])


class Projections:
    """The views of one service: keeps them current, and reads them. Reads may run in any thread.

    Every method raises psycopg.OperationalError when the database cannot be reached.
    """

    def __init__(self, store: Store, views: Sequence[View]) -> None:
        self.store = store
        self.service = store.service
        self.views = {view.name: view for view in views}
        if len(self.views) != len(views):
            raise ValueError(f"{self.service}: two views have one name")
        self.tables = ViewTables(self.service)
        self._pool = Pool(store.connect)

    def create_tables(self) -> None:
        """Make what is missing. Several processes may do so at once."""
        with self._pool.connection() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (f"tongdui_views_{self.service}",))
            self.tables.create(connection, {view.name: view.indexed for view in self.views.values()})

    def connection(self) -> AbstractContextManager[Connection[Any]]:
        """One of the connections for reading, idle; committed at the end."""
        return self._pool.connection()

    def close(self) -> None:
        self._pool.close()

    # -- keeping current -----------------------------------------------------------------------

    def project_chunk(self, connection: Connection[Any], limit: int = 1000) -> int:
        """Fold the next events into every view in one transaction of its own; how many there were.

        A view that is behind the others (it is new) catches up first; the others pass over what they have.
        """
        if connection.info.transaction_status != TransactionStatus.IDLE:
            raise psycopg.ProgrammingError("a chunk is a transaction of its own: the connection must be idle")
        with no_collection(), connection.transaction(), connection.cursor() as cursor:
            kept = self.tables.lock_kept(cursor, self.views)
            if not kept:
                return 0
            after = min(table.position for table in kept)
            wanted = {cls for table in kept for cls in self.views[table.view].types}
            chunk = read_chunk(cursor, self.service, after, limit, wanted)
            if chunk.size:
                self._fold(cursor, kept, chunk)
                failpoint("projection.before_commit")
        return chunk.size

    def _fold(self, cursor: Cursor[Any], kept: Sequence[Kept], chunk: Chunk) -> None:
        for view, table, position in kept:
            if position < chunk.last:
                new = (read for read in chunk.events if read.position > position)
                fold_into(self.tables, cursor, self.views[view], table, new)
        self.tables.move(cursor, [table.table for table in kept], chunk.last)

    # -- reading -------------------------------------------------------------------------------

    def position(self) -> int:
        """The position up to which every view shows the log; without views, the log's head."""

        def read(connection: Connection[Any]) -> int:
            if not self.views:
                return connection.execute(f"SELECT position FROM {self.service}_head").fetchone()[0]
            return self.tables.lowest_read(connection, self.views) or 0

        return self._pool.run(read)

    def get(self, name: str, key: str) -> Row | None:
        """One row, None when there is none. KeyError for an unknown view."""
        rows = self._select(name, SQL("WHERE key = %s"), (key,))
        return rows[0][1] if rows else None

    def find(
        self, name: str, scope: Scope, where: Mapping[str, Any], after: str | None, limit: int
    ) -> list[tuple[str, Row]]:
        """(key, row) in the order of keys, from the key after ``after``.

        ``scope``: rows that contain the pattern, or one of the patterns (jsonb containment); None: all.
        ``where``: members equal to these values; a text equals a number or truth value written so.
        """
        view = self.views[name]
        conditions: list[Composable] = []
        parameters: list[Any] = []
        if scope is not None:
            patterns = scope if isinstance(scope, list) else [scope]
            if not patterns:
                return []
            conditions.append(_any_contained(len(patterns)))
            parameters += [_json(pattern) for pattern in patterns]
        for member, value in where.items():
            condition, values = _equals(member, value, member in view.indexed)
            conditions.append(condition)
            parameters += values
        if after is not None:
            conditions.append(SQL("key > %s"))
            parameters.append(after)
        chosen = SQL("WHERE ") + SQL(" AND ").join(conditions) if conditions else SQL("")
        return self._select(name, chosen + SQL(" ORDER BY key LIMIT %s"), (*parameters, limit))

    def having(self, name: str, member: str, value: str) -> list[Row]:
        """The rows of one value of an indexed member, in the order of keys."""
        chosen = SQL("WHERE row->>{} = %s ORDER BY key").format(member)
        return [row for _, row in self._select(name, chosen, (value,))]

    def due(self, name: str, day: date) -> list[Row]:
        """The rows whose ``due_on`` is at or before ``day``, in the order of that day, then of keys."""
        rows = self._select(name, SQL("WHERE due_on <= %s ORDER BY due_on, key"), (day,))
        return [row for _, row in rows]

    def _select(self, name: str, chosen: Composable, parameters: Sequence[Any]) -> list[tuple[str, Row]]:
        if name not in self.views:
            raise KeyError(name)

        def read(connection: Connection[Any]) -> list[tuple[str, Row]]:
            table = self.tables.read_table(connection, name)
            statement = SQL("SELECT key, row::text FROM {} ").format(Identifier(table)) + chosen
            return [(key, from_json(row)) for key, row in connection.execute(statement, parameters, binary=True)]

        try:
            return self._pool.run(read)
        except psycopg.errors.UndefinedTable:
            # The pointer moved and the old table was dropped between the two statements.
            return self._pool.run(read)


def _json(value: Any) -> str:
    return to_json(value).decode()


def _any_contained(patterns: int) -> Composable:
    return SQL("(") + SQL(" OR ").join([SQL("row::jsonb @> %s::jsonb")] * patterns) + SQL(")")


def _equals(member: str, value: Any, is_indexed: bool) -> tuple[Composable, list[Any]]:
    if isinstance(value, str) and is_indexed:
        return SQL("row->>{} = %s").format(member), [value]
    meant = [value]
    if isinstance(value, str):
        if re.fullmatch(r"0|-?[1-9][0-9]{0,17}", value):
            meant.append(int(value))
        if value in ("true", "false"):
            meant.append(value == "true")
    return _any_contained(len(meant)), [_json({member: one}) for one in meant]


__all__ = ["Projections", "Row", "Scope", "View"]
