"""The tables behind a service's views: rows, positions, and the pointer that says which table is read.

Rows are ``json``, not ``jsonb``, which would put their members in another order: what a fold is given
must not depend on where a chunk ended.

A view has one table, or two while it is rebuilt. ``<service>_positions`` has a row for each table;
``<service>_views`` names, for each view, the table that is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from psycopg import Connection, Cursor
from psycopg.sql import SQL, Composed, Identifier, Literal
from pydantic_core import from_json, to_json

Row = dict[str, Any]


class Kept(NamedTuple):
    """A table that follows the log: whose rows it has and the last position they show."""

    view: str
    table: str
    position: int


class ViewTables:
    """Statements over the view tables of one service. Each works in the caller's transaction."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._positions = Identifier(f"{service}_positions")
        self._pointers = Identifier(f"{service}_views")

    def first_table(self, view: str) -> str:
        return f"{self.service}_view_{view}"

    def other_table(self, view: str, table: str) -> str:
        """The second place of a view's rows, seen from the first, and the other way round."""
        first = self.first_table(view)
        return f"{first}_2" if table == first else first

    # -- making --------------------------------------------------------------------------------

    def create(self, connection: Connection[Any], views: Mapping[str, Iterable[str]]) -> None:
        """Make what is missing, for each view with the fields it is indexed by."""
        connection.execute(
            SQL(
                "CREATE TABLE IF NOT EXISTS {} (table_name text PRIMARY KEY, view text NOT NULL,"
                " position bigint NOT NULL, filling boolean NOT NULL, updated_at timestamptz NOT NULL DEFAULT now())"
            ).format(self._positions)
        )
        connection.execute(
            SQL("CREATE TABLE IF NOT EXISTS {} (view text PRIMARY KEY, table_name text NOT NULL)").format(self._pointers)
        )
        for view, indexed in views.items():
            if self._pointer(connection, view) is None:
                table = self.first_table(view)
                self.create_table(connection, view, table, filling=False)
                self.create_indexes(connection, table, indexed)
                connection.execute(SQL("INSERT INTO {} VALUES (%s, %s)").format(self._pointers), (view, table))

    def create_table(self, connection: Connection[Any], view: str, table: str, *, filling: bool) -> None:
        """An empty table at position 0. While ``filling`` only its rebuild writes it."""
        connection.execute(
            SQL('CREATE TABLE {} (key text COLLATE "C" PRIMARY KEY, row json NOT NULL, due_on date)').format(
                Identifier(table)
            )
        )
        connection.execute(
            SQL("INSERT INTO {} (table_name, view, position, filling) VALUES (%s, %s, 0, %s)").format(self._positions),
            (table, view, filling),
        )

    def create_indexes(self, connection: Connection[Any], table: str, indexed: Iterable[str]) -> None:
        name = Identifier(table)
        connection.execute(SQL("CREATE INDEX ON {} (due_on, key) WHERE due_on IS NOT NULL").format(name))
        connection.execute(SQL("CREATE INDEX ON {} USING gin ((row::jsonb) jsonb_path_ops)").format(name))
        for field in indexed:
            connection.execute(SQL("CREATE INDEX ON {} ((row->>{}), key)").format(name, Literal(field)))

    def drop_table(self, connection: Connection[Any], table: str) -> None:
        """Its position first: whoever is about to write it finds it gone."""
        connection.execute(SQL("DELETE FROM {} WHERE table_name = %s").format(self._positions), (table,))
        connection.execute(SQL("DROP TABLE IF EXISTS {}").format(Identifier(table)))

    # -- the pointer ---------------------------------------------------------------------------

    def read_table(self, connection: Connection[Any], view: str) -> str:
        """The table that is read. KeyError for a view there is none of."""
        table = self._pointer(connection, view)
        if table is None:
            raise KeyError(view)
        return table

    def _pointer(self, connection: Connection[Any], view: str) -> str | None:
        row = connection.execute(
            SQL("SELECT table_name FROM {} WHERE view = %s").format(self._pointers), (view,)
        ).fetchone()
        return row[0] if row else None

    def point_to(self, connection: Connection[Any], view: str, table: str) -> None:
        connection.execute(SQL("UPDATE {} SET table_name = %s WHERE view = %s").format(self._pointers), (table, view))

    # -- positions -----------------------------------------------------------------------------

    def lowest_read(self, connection: Connection[Any], views: Iterable[str]) -> int | None:
        """The lowest position of the tables that are read, None without views."""
        return connection.execute(
            SQL(
                "SELECT min(p.position) FROM {} v JOIN {} p ON p.table_name = v.table_name WHERE v.view = ANY(%s)"
            ).format(self._pointers, self._positions),
            (list(views),),
        ).fetchone()[0]

    def lock_kept(self, cursor: Cursor[Any], views: Iterable[str]) -> list[Kept]:
        """The tables that follow the log, theirs alone for this transaction: two workers do not both project."""
        rows = cursor.execute(
            SQL(
                "SELECT view, table_name, position FROM {} WHERE view = ANY(%s) AND NOT filling"
                " ORDER BY table_name FOR UPDATE"
            ).format(self._positions),
            (list(views),),
        )
        return [Kept(*row) for row in rows]

    def move(self, cursor: Cursor[Any], tables: Sequence[str], position: int) -> None:
        cursor.execute(
            SQL(
                "UPDATE {} SET position = %s, updated_at = now() WHERE table_name = ANY(%s) AND position < %s"
            ).format(self._positions),
            (position, list(tables), position),
        )

    def fill_ended(self, cursor: Cursor[Any], table: str) -> None:
        """From now on the workers keep the table current."""
        cursor.execute(SQL("UPDATE {} SET filling = false WHERE table_name = %s").format(self._positions), (table,))

    def tables_of(self, connection: Connection[Any], view: str) -> list[tuple[str, int, bool]]:
        """(table, position, filling) of each table of a view."""
        return connection.execute(
            SQL("SELECT table_name, position, filling FROM {} WHERE view = %s ORDER BY table_name").format(
                self._positions
            ),
            (view,),
        ).fetchall()

    # -- rows ----------------------------------------------------------------------------------

    def load(self, cursor: Cursor[Any], table: str, keys: Iterable[str]) -> dict[str, Row]:
        rows = cursor.execute(
            SQL("SELECT key, row::text FROM {} WHERE key = ANY(%s)").format(Identifier(table)),
            (list(keys),),
            binary=True,
        )
        return {key: from_json(text) for key, text in rows}

    def write(self, cursor: Cursor[Any], table: str, rows: Mapping[str, Row]) -> None:
        """Each key once, in one statement. ``due_on`` is the row's member of that name."""
        if not rows:
            return
        # One JSON object is the cheapest array of pairs: encoded once here, taken apart once there.
        cursor.execute(_upsert(table), (to_json(rows).decode(),))

    def delete(self, cursor: Cursor[Any], table: str, keys: Sequence[str]) -> None:
        if keys:
            cursor.execute(SQL("DELETE FROM {} WHERE key = ANY(%s)").format(Identifier(table)), (list(keys),))


def _upsert(table: str) -> Composed:
    return SQL(
        "INSERT INTO {} (key, row, due_on)"
        " SELECT key, value, (value->>'due_on')::date FROM json_each(%b::json)"
        " ON CONFLICT (key) DO UPDATE SET row = excluded.row, due_on = excluded.due_on"
    ).format(Identifier(table))
