"""Papers given out, in a private table: what a verification code stands for. No party and no account is in it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from services.settlement.papers.codes import facts_digest
from services.settlement.papers.kinds import KINDS, Facts
from services.settlement.papers.reading import SERVICE, Reading
from services.settlement.papers.refusals import PaperDiffers
from shared.runtime.sweeps import day_reached

TABLES = (
    "CREATE TABLE IF NOT EXISTS settlement_papers (code text PRIMARY KEY, kind text NOT NULL, subject text NOT NULL,"
    " stream uuid NOT NULL, version bigint NOT NULL, number text NOT NULL, sum_fen bigint NOT NULL, facts_hmac text NOT NULL,"
    " pdf_sha256 text NOT NULL, day date NOT NULL)",
)
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('settlement_papers'))"


class Issued(NamedTuple):
    """One paper that was given out. ``current``: nothing came since that the paper would say."""

    kind: str
    number: str
    sum_fen: int
    day: Any
    pdf_sha256: str
    current: bool


class Papers:
    """``connection`` gives one to the settlement database, committed at the end."""

    def __init__(self, connection: Callable[[], AbstractContextManager[Connection[Any]]]) -> None:
        self._connection = connection
        self._is_there = False

    def keep(self, code: str, facts: Facts, pdf_sha256: str) -> None:
        """Once for a code. Raises PaperDiffers where that code was given to other bytes."""
        values = (code, facts.kind, facts.subject, facts.stream, facts.version, facts.number, facts.sum_fen)
        with self._connection() as connection:
            self._prepare(connection)
            # a paper that is out must stay verifiable: this commit waits for the disk
            connection.execute("SET LOCAL synchronous_commit = on")
            day = day_reached(connection, SERVICE, SERVICE)
            connection.execute(
                "INSERT INTO settlement_papers VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (*values, facts_digest(facts), pdf_sha256, day),
            )
            kept = connection.execute("SELECT pdf_sha256 FROM settlement_papers WHERE code = %s", (code,)).fetchone()
        if kept is None or kept[0] != pdf_sha256:
            raise PaperDiffers(code=code)

    def find(self, code: str) -> Issued | None:
        """What a code stands for, by its key; None for a code that was never given out."""
        with self._connection() as connection:
            self._prepare(connection)
            row = connection.execute(
                "SELECT kind, number, sum_fen, day, pdf_sha256, subject, stream, version FROM settlement_papers WHERE code = %s",
                (code,),
            ).fetchone()
            return Issued(*row[:5], row[7] == _version(connection, *row[:1], *row[5:7])) if row else None

    def _prepare(self, connection: Connection[Any]) -> None:
        """The table, before its first use in this process; several may ask at once."""
        if self._is_there:
            return
        connection.execute(_LOCK)
        for statement in TABLES:
            connection.execute(statement)
        connection.commit()
        self._is_there = True


def _version(connection: Connection[Any], kind: str, subject: str, stream: UUID) -> int:
    """Of the last event by now that this paper would say something of."""
    told = Reading(connection).told(stream, KINDS[kind].events)
    return max((one.version for one in told if KINDS[kind].concerns(one.event, subject)), default=0)
