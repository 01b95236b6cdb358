"""One statement, a transaction of its own, that records what was decided before the head row was locked, if nobody else
recorded anything since."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any
from uuid import UUID

from psycopg import Connection, generators, pq, waiting
from psycopg.errors import error_from_result

from shared.runtime.state import Savepoint
from shared.runtime.store import EVENTS, OUTCOMES, SNAPSHOTS, Append, SnapshotRow, seen_text

_APPEND, _UNCHANGED = b"tongdui_append", b"tongdui_unchanged"
#: the types of PostgreSQL's catalogue
_BYTEA, _INT8, _TEXT, _UUID = 17, 20, 25, 2950
_BINARY, _AS_TEXT = 1, 0
_TABLES = (EVENTS, OUTCOMES, SNAPSHOTS)


class GuardedAppend:
    """Sent, and then asked for its end: the caller goes on meanwhile. One at a time on a connection in autocommit mode."""

    def __init__(self, connection: Connection[Any], service: str) -> None:
        """Raises psycopg.Error."""
        self.connection = connection
        self._pgconn = connection.pgconn
        for name, statement in ((_APPEND, _append_statement(service)), (_UNCHANGED, _unchanged_statement(service))):
            self._pgconn.send_prepare(name, statement.encode())
            self._results()

    def send(self, decided_on: Savepoint, keys: Sequence[bytes], added: Append, snapshots: Sequence[SnapshotRow]) -> None:
        """Record the events and outcomes of ``added`` with the snapshots and move the head's position to its, if the head is
        where the state was that they were decided on and no outcome is known under one of the keys; where there is nothing to
        record, only look whether so."""
        values = [_int8(decided_on.position), _int8(decided_on.facts), _bytes(keys), seen_text(decided_on.seen).encode()]
        name = _UNCHANGED
        if added.outcomes:
            name = _APPEND
            events, outcomes, _ = added.rows()
            values.append(_int8(added.position))
            for table, rows in zip(_TABLES, (events, outcomes, snapshots), strict=True):
                values += [_PACKED[kind](column) for (_, kind), column in zip(table.columns, table.of(rows), strict=True)]
        formats = [_BINARY] * len(values)
        formats[3] = _AS_TEXT
        self._pgconn.send_query_prepared(name, values, formats)

    def is_done(self) -> bool:
        """Whether ``wait`` would not wait. Raises psycopg.OperationalError when the connection is lost."""
        if self._pgconn.flush():
            return False
        self._pgconn.consume_input()
        return not self._pgconn.is_busy()

    def wait(self) -> bool:
        """True: recorded, for good. False: nothing was, for somebody else recorded something, or one of the outcomes was there
        already. Raises psycopg.Error: what the database has against it, or that the connection is lost and the fate unknown."""
        return self._results()[-1].ntuples == 1

    def _results(self) -> list[pq.abc.PGresult]:
        # to the last, which comes after the commit
        results = waiting.wait(generators.execute(self._pgconn), self._pgconn.socket, 0.1)
        for result in results:
            if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
                raise error_from_result(result)
        return results


def _is_as_decided(service: str) -> str:
    """The head is where it was, and none of the commands is known already."""
    return (
        "WHERE position = $1 AND facts = $2 AND seen = $4"
        f" AND NOT EXISTS (SELECT FROM {service}_outcomes WHERE key = ANY($3::bytea[]))"
    )


def _append_statement(service: str) -> str:
    arrays = (f"${number}" for number in count(6))
    when = " WHERE EXISTS (SELECT FROM head)"
    inserts = [f"{table.table} AS ({table.insert(service, arrays, when)})" for table in _TABLES]
    return (
        f"WITH head AS (UPDATE {service}_head SET position = $5 {_is_as_decided(service)} RETURNING 1), {', '.join(inserts)}"
        f" SELECT pg_notify('tongdui_{service}', '') FROM head"
    )


def _unchanged_statement(service: str) -> str:
    return f"SELECT 1 FROM {service}_head {_is_as_decided(service)}"


# -- arrays in PostgreSQL's binary form (array_recv): dimensions, flags, the elements' type; length and lower bound; elements
# each after its length. psycopg would ask a Python object of each element for its bytes.

_HEADER = struct.Struct(">iiIii").pack
_INT4 = struct.Struct(">i").pack
_int8 = struct.Struct(">q").pack


def _array(kind: int, length: int, elements: bytes) -> bytes:
    return _HEADER(1, 0, kind, length, 1) + elements if length else struct.pack(">iiI", 0, 0, kind)


def _integers(values: Sequence[int]) -> bytes:
    flat = [8] * (2 * len(values))
    flat[1::2] = values
    return _array(_INT8, len(values), struct.pack(">" + "iq" * len(values), *flat))


def _uuids(ids: Sequence[UUID]) -> bytes:
    return _array(_UUID, len(ids), _varied([one.bytes for one in ids]))


def _texts(texts: Sequence[str]) -> bytes:
    return _array(_TEXT, len(texts), _varied([text.encode() for text in texts]))


def _bytes(values: Sequence[bytes]) -> bytes:
    return _array(_BYTEA, len(values), _varied(values))


def _varied(values: Sequence[bytes]) -> bytes:
    parts = [b""] * (2 * len(values))
    parts[0::2] = [_INT4(len(value)) for value in values]
    parts[1::2] = values
    return b"".join(parts)


_PACKED: dict[str, Callable[[Sequence[Any]], bytes]] = {"bigint": _integers, "uuid": _uuids, "text": _texts, "bytea": _bytes}
