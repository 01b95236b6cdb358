"""What a running service says about itself: its head, its stops, its readiness."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection
from psycopg.rows import dict_row

from shared.runtime.store import Store


class Head(NamedTuple):
    """How far a service's log, kept facts, inbox and sweeps are."""

    position: int
    facts: int
    seen: dict[str, int]
    swept: bool


def head_of(connection: Connection[Any], service: str) -> Head:
    row = connection.execute(
        f"SELECT h.position, h.facts, h.seen, s.position, s.facts FROM {service}_head h, {service}_swept s"
    ).fetchone()
    position, facts, seen, swept_position, swept_facts = row
    return Head(position, facts, json.loads(seen), (position, facts) == (swept_position, swept_facts))


def database_complaints(store: Store) -> list[str]:
    """Whether the database answers, has the tables, and keeps what it acknowledged."""
    try:
        with store.connect() as connection:
            head = connection.execute("SELECT to_regclass(%s)", (f"{store.service}_head",)).fetchone()[0]
            durability = connection.execute("SHOW synchronous_commit").fetchone()[0]
            fsync = connection.execute("SHOW fsync").fetchone()[0]
    except psycopg.OperationalError as error:
        return [f"the database does not answer ({error}): check TONGDUI_DATABASE_URL and the server".replace("\n", " ")]
    complaints = []
    if head is None:
        complaints.append("its tables are missing: start the process with rights to create them")
    if durability == "off" or fsync == "off":
        complaints.append(f"synchronous_commit is {durability}, fsync {fsync}: set both on, or payments can be lost")
    return complaints


class Stops:
    """Sources that are stopped, and the records an operator parked."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def stopped(self) -> list[dict[str, Any]]:
        """source, position, reason, stopped_at of each stopped source."""
        with self.store.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(f"SELECT source, position, reason, stopped_at FROM {self.store.service}_stopped ORDER BY source")
            return [{**row, "stopped_at": row["stopped_at"].isoformat()} for row in cursor]

    def park(self, source: str, position: int, parked_by: str) -> bool:
        """Set the record a source is stopped at aside, whole; False when it is not stopped there."""
        service = self.store.service
        with self.store.connect() as connection:
            row = connection.execute(
                f"DELETE FROM {service}_stopped WHERE source = %s AND position = %s RETURNING digest, state, reason",
                (source, position),
            ).fetchone()
            if row is None:
                return False
            connection.execute(
                f"INSERT INTO {service}_parked (source, position, digest, state, reason, parked_by)"
                " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (source, position, *row, parked_by),
            )
        return True

    def retry(self, source: str) -> bool:
        """Let a stopped source try again; False when it is not stopped."""
        with self.store.connect() as connection:
            cursor = connection.execute(f"DELETE FROM {self.store.service}_stopped WHERE source = %s", (source,))
            return cursor.rowcount == 1
