"""The archive: every record of the three other logs, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection, Cursor
from pydantic_core import from_json
from tongdui_events.codec import UnreadableDocument, decode_stamp

from services.audit import trees
from shared.runtime.bus.port import Record

TABLES = (
    "CREATE TABLE IF NOT EXISTS audit_archive (source text NOT NULL, position bigint NOT NULL,"
    " recorded_at timestamptz, case_id uuid, originator_id uuid, type text NOT NULL, state bytea NOT NULL,"
    " PRIMARY KEY (source, position))",
    "CREATE INDEX IF NOT EXISTS audit_archive_case ON audit_archive (case_id, recorded_at, source, position)"
    " WHERE case_id IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS audit_archive_stream ON audit_archive (originator_id, source, position)",
    *trees.TABLES,
)

_COLUMNS = ("text", "int8", "timestamptz", "uuid", "uuid", "text", "bytea")


class Archived(NamedTuple):
    """One record as archived. Without a stamp that reads, the times and ids are None."""

    source: str
    position: int
    recorded_at: datetime | None
    case_id: UUID | None
    originator_id: UUID | None
    type: str
    state: bytes


def archive(cursor: Cursor, source: str, records: Sequence[Record]) -> None:
    """Keep delivered records and grow their log's tree, in the transaction of their delivery; whatever they are.

    A record without a position is not of that log: an operator parked it, and there it is kept whole.
    """
    keep_records(cursor, source, records)
    kept = [record for record in records if record.position]
    if kept:
        trees.grow(cursor, source, kept[0].position, [record.state for record in kept])


def keep_records(cursor: Cursor, source: str, records: Sequence[Record]) -> None:
    """The rows alone."""
    with cursor.copy("COPY audit_archive FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(_COLUMNS)
        for record in records:
            if record.position:
                copy.write_row(_archived(source, record))


def _archived(source: str, record: Record) -> Archived:
    try:
        stamp = decode_stamp(record.state)
    except UnreadableDocument:
        return Archived(source, record.position, None, None, None, record.type.replace("\0", ""), record.state)
    return Archived(
        source, record.position, stamp.recorded_at, stamp.case_id, stamp.originator_id, stamp.type, record.state
    )


def is_one_line(state: bytes) -> bool:
    """Whether the bytes are a JSON document that a line can hold as it is."""
    try:
        return b"\n" not in state and b"\r" not in state and isinstance(from_json(state, allow_inf_nan=False), dict)
    except ValueError:
        return False


def last_position(connection: Connection, source: str) -> int:
    """The last position archived of a log; of the audit service's own, its head. 0 when there is none."""
    table, column, where, parameters = _log(source)
    row = connection.execute(f"SELECT coalesce(max({column}), 0) FROM {table} {where}", parameters).fetchone()
    return row[0]


def page(connection: Connection, source: str, after: int, last: int, limit: int) -> list[tuple[int, bytes]]:
    """(position, stored bytes) in order, after ``after`` up to ``last``, at most ``limit``."""
    table, column, where, parameters = _log(source)
    joined = "AND" if where else "WHERE"
    return connection.execute(
        f"SELECT {column}, state FROM {table} {where} {joined} {column} > %s AND {column} <= %s"
        f" ORDER BY {column} LIMIT %s",
        (*parameters, after, last, limit),
        binary=True,
    ).fetchall()


def _log(source: str) -> tuple[str, str, str, tuple[str, ...]]:
    """(table, position column, where, parameters) of one log."""
    if source == "audit":
        return "audit_events", "notification_id", "", ()
    return "audit_archive", "position", "WHERE source = %s", (source,)
