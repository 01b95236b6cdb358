"""The tables of one service, on the recorders of the ``eventsourcing`` library.

The library's ``notification_id`` is the log's **position**: here it has no default, is given by the
writer under the head row's lock, and is dense from 1.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent, Tracking
from eventsourcing.postgres import PostgresAggregateRecorder, PostgresDatastore, PostgresProcessRecorder
from psycopg import Connection, Cursor, conninfo
from psycopg.sql import SQL, Composed, Identifier
from tongdui_events.codec import decode, encode
from tongdui_events.document import Document

SERVICES = ("registry", "voucher", "settlement", "audit")
#: rows of one table from which on COPY is worth its round trips
COPY_FROM = 48

OutcomeRow = tuple[bytes, bytes, int, int]
"""(key, digest, first position, last position)."""
SnapshotRow = tuple[UUID, int, str, bytes]
"""(originator_id, version, fold name and version, folded state)."""


class Columns(NamedTuple):
    """What a row of a service's table has, each with its type, and what an insert does about a row that is there already."""

    table: str
    columns: tuple[tuple[str, str], ...]
    on_conflict: str = ""

    def insert(self, service: str, arrays: Iterable[str] = repeat("%b"), when: str = "") -> str:
        """The statement that inserts rows given as ``arrays``: the next placeholder for each column."""
        names = ", ".join(name for name, _ in self.columns)
        typed = ", ".join(f"{array}::{kind}[]" for (_, kind), array in zip(self.columns, arrays, strict=False))
        return f"INSERT INTO {service}_{self.table} ({names}) SELECT * FROM unnest({typed}){when}{self.on_conflict}"

    def copy(self, service: str) -> str:
        """The statement that takes rows in."""
        return f"COPY {service}_{self.table} ({', '.join(name for name, _ in self.columns)}) FROM STDIN (FORMAT BINARY)"

    def of(self, rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
        """The rows, column by column."""
        return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in self.columns]


_STREAM = (("originator_id", "uuid"), ("originator_version", "bigint"), ("topic", "text"), ("state", "bytea"))
EVENTS = Columns("events", (*_STREAM, ("notification_id", "bigint")))
OUTCOMES = Columns("outcomes", (("key", "bytea"), ("digest", "bytea"), ("first_position", "bigint"), ("last_position", "bigint")))
FACTS = Columns("facts", (("fact_id", "bigint"), ("source", "text"), ("position", "bigint"), ("originator_id", "uuid"),
                          ("topic", "text"), ("state", "bytea")))  # fmt: skip
SNAPSHOTS = Columns(
    "snapshots",
    _STREAM,
    " ON CONFLICT (originator_id, originator_version) DO UPDATE SET topic = excluded.topic, state = excluded.state",
)


class DocumentMapper(Mapper[UUID]):
    """Documents to the library's stored events: the topic is the type's name, the state its bytes."""

    def __init__(self) -> None:
        super().__init__(transcoder=None)

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID] | Document) -> StoredEvent:
        stamp = domain_event.stamp
        return StoredEvent(stamp.originator_id, stamp.originator_version, stamp.type, encode(domain_event))

    def to_domain_event(self, stored_event: StoredEvent) -> Document:
        return decode(stored_event.state)


@dataclass
class Append:
    """What one transaction adds."""

    position: int
    facts: int
    seen: dict[str, int]
    events: list[StoredEvent] = field(default_factory=list)
    outcomes: list[OutcomeRow] = field(default_factory=list)
    kept: list[tuple[str, int, UUID, str, bytes]] = field(default_factory=list)

    def rows(self) -> tuple[Sequence[tuple[Any, ...]], ...]:
        """The events, the outcomes and the facts, as their tables have them."""
        first = self.position - len(self.events) + 1
        first_fact = self.facts - len(self.kept) + 1
        events = [
            (event.originator_id, event.originator_version, event.topic, event.state, first + at)
            for at, event in enumerate(self.events)
        ]
        return events, self.outcomes, [(first_fact + at, *fact) for at, fact in enumerate(self.kept)]


def seen_text(seen: Mapping[str, int]) -> str:
    """How much of each other log was applied, as the head row has it: the same mapping always gives the same text."""
    return json.dumps(seen, separators=(",", ":"), sort_keys=True)


def _bare_table(schema: str, table: str, originator_id_type: str) -> Composed:
    return SQL(
        "CREATE TABLE IF NOT EXISTS {}.{} (originator_id {} NOT NULL, originator_version bigint NOT NULL,"
        " topic text NOT NULL, state bytea NOT NULL, notification_id bigint NOT NULL,"
        " PRIMARY KEY (originator_id, originator_version))"
    ).format(Identifier(schema), Identifier(table), Identifier(originator_id_type))


class LogRecorder(PostgresProcessRecorder):
    """The library's process recorder with positions of our own, for all a transaction adds at once."""

    def __init__(self, datastore: PostgresDatastore, service: str) -> None:
        super().__init__(
            datastore, events_table_name=f"{service}_events", tracking_table_name=f"{service}_tracking"
        )
        table = _bare_table(datastore.schema, self.events_table_name, datastore.originator_id_type)
        self.sql_create_statements[self.create_table_statement_index] = table
        del self.sql_create_statements[self.create_insert_function_statement_index]
        self._service = service
        self._move_head = f"UPDATE {service}_head SET position = %s, facts = %s, seen = %s"
        self._notify = f"SELECT pg_notify('tongdui_{service}', '')"

    def append(self, cursor: Cursor[Any], added: Append) -> None:
        """Insert events at the positions before ``added.position``, outcomes and kept facts, and move the head.

        Few rows go in one statement, which is one round trip; many by binary COPY, which takes half the time a row.
        """
        rows = added.rows()
        head = (added.position, added.facts, seen_text(added.seen))
        filled = [(table, of) for table, of in zip((EVENTS, OUTCOMES, FACTS), rows, strict=True) if of]
        inserts, arrays = "", []
        if max(map(len, rows)) < COPY_FROM:
            for table, of in filled:
                inserts += f"{table.table} AS ({table.insert(self._service)}), "
                arrays += table.of(of)
        else:
            for table, of in filled:
                self._copy_in(cursor, table, of)
        cursor.execute(f"WITH {inserts}h AS ({self._move_head}) {self._notify}", (*arrays, *head), prepare=True)

    def _copy_in(self, cursor: Cursor[Any], table: Columns, rows: Sequence[tuple[Any, ...]]) -> None:
        with cursor.copy(table.copy(self._service)) as copy:
            copy.set_types([kind for _, kind in table.columns])
            for row in rows:
                copy.write_row(row)


class Store:
    """Where one service keeps its log, outcomes, tracking, snapshots, kept facts and stops."""

    def __init__(self, url: str, service: str) -> None:
        self.url = url
        self.service = service
        self.mapper = DocumentMapper()
        self._datastore = _datastore(url)
        self.recorder = LogRecorder(self._datastore, service)
        self.snapshots = PostgresAggregateRecorder(self._datastore, events_table_name=f"{service}_snapshots")

    def connect(self, *, autocommit: bool = False, **options: Any) -> Connection[Any]:
        """A new connection of the caller's own; psycopg.OperationalError when there is no database."""
        return psycopg.connect(self.url, autocommit=autocommit, connect_timeout=2, **options)

    def create_tables(self) -> None:
        """Make what is missing. Several processes may do so at once."""
        with self.connect(autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(hashtext(%s))", (f"tongdui_tables_{self.service}",))
            self.recorder.create_table()
            self.snapshots.create_table()
            for statement in _TABLES:
                connection.execute(statement.replace("{service}", self.service))

    def track(self, cursor: Cursor[Any], source: str, position: int) -> None:
        """Record ``Tracking(source, position)`` in the transaction of its effects."""
        self.recorder._insert_tracking(cursor, Tracking(source, position))

    def keep_snapshots(self, cursor: Cursor[Any], rows: Sequence[SnapshotRow]) -> None:
        """Of long streams."""
        cursor.execute(SNAPSHOTS.insert(self.service), SNAPSHOTS.of(rows))

    def close(self) -> None:
        self._datastore.close()


def _datastore(url: str) -> PostgresDatastore:
    parts = conninfo.conninfo_to_dict(url)
    return PostgresDatastore(
        dbname=parts.get("dbname", "postgres"),
        host=parts.get("host", ""),
        port=parts.get("port", "5432"),
        user=parts.get("user", ""),
        password=parts.get("password", ""),
        pool_size=1,
        max_overflow=4,
    )


_TABLES = (
    "CREATE TABLE IF NOT EXISTS {service}_head (id smallint PRIMARY KEY CHECK (id = 1), position bigint NOT NULL,"
    " facts bigint NOT NULL, seen text NOT NULL)",
    "INSERT INTO {service}_head VALUES (1, 0, 0, '{}') ON CONFLICT DO NOTHING",
    "CREATE TABLE IF NOT EXISTS {service}_outcomes (key bytea PRIMARY KEY, digest bytea NOT NULL,"
    " first_position bigint NOT NULL, last_position bigint NOT NULL)",
    "CREATE TABLE IF NOT EXISTS {service}_facts (fact_id bigint PRIMARY KEY, source text NOT NULL,"
    " position bigint NOT NULL, originator_id uuid NOT NULL, topic text NOT NULL, state bytea NOT NULL)",
    "CREATE INDEX IF NOT EXISTS {service}_facts_stream ON {service}_facts (originator_id, source, fact_id)",
    "CREATE INDEX IF NOT EXISTS {service}_facts_centres ON {service}_facts (fact_id)"
    " WHERE topic IN ('CentreEntrusted', 'CentreReleased')",
    "CREATE TABLE IF NOT EXISTS {service}_stopped (source text PRIMARY KEY, position bigint NOT NULL,"
    " digest bytea NOT NULL, state bytea NOT NULL, reason text NOT NULL, stopped_at timestamptz NOT NULL DEFAULT now())",
    "CREATE TABLE IF NOT EXISTS {service}_parked (source text NOT NULL, position bigint NOT NULL, digest bytea NOT NULL,"
    " state bytea NOT NULL, reason text NOT NULL, parked_by text NOT NULL,"
    " parked_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (source, position, digest))",
    "CREATE TABLE IF NOT EXISTS {service}_swept (id smallint PRIMARY KEY CHECK (id = 1), position bigint NOT NULL,"
    " facts bigint NOT NULL)",
    "INSERT INTO {service}_swept VALUES (1, 0, 0) ON CONFLICT DO NOTHING",
)
