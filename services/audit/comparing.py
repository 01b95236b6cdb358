"""Every log's signed checkpoints against the archive's own trees. A difference freezes the log's proofs and is a critical
signal with the first bad position.

Rows: ``audit_seen_checkpoints``, every checkpoint heard of and whether it held; ``audit_frozen``, the logs whose proofs are
not given, and why, until `tongdui audit verify --release` finds nothing any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Protocol
from uuid import uuid5

import psycopg
from psycopg import Connection
from tongdui_events.audit import EvidencePosition
from tongdui_events.common import Subject
from tongdui_events.streams import NAMESPACE

from services.audit.domain.signals import RaiseSignal
from services.audit.trees import PAGE, TILE, Tree, TreeDamaged, grow_own
from services.audit.watch import record
from shared.kernel.decisions import Refusal
from shared.runtime.bus.notes import NoteReader, NotesUnreadable
from shared.runtime.checkpoints import BadCheckpoint, Checkpoint, VerifierKey, verifier_of, verify
from shared.runtime.errors import PlatformError
from shared.runtime.merkle import HASH_BYTES, leaf_hash
from shared.runtime.projections import Projections
from shared.runtime.writer import Writer

log = logging.getLogger("tongdui.audit")

RULE = "log_differs"
RULE_VERSION = 1
RETRY_SECONDS = 1.0
WAITING_LIMIT = 1000

TABLES = (
    "CREATE TABLE IF NOT EXISTS audit_seen_checkpoints (source text NOT NULL, size bigint NOT NULL, root bytea NOT NULL,"
    " note text NOT NULL, holds boolean NOT NULL, seen_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (source, size, root))",
    "CREATE TABLE IF NOT EXISTS audit_frozen (source text PRIMARY KEY, first_bad bigint NOT NULL, reason text NOT NULL,"
    " cause_key text NOT NULL, signalled boolean NOT NULL DEFAULT false, frozen_at timestamptz NOT NULL DEFAULT now())",
)


class Difference(NamedTuple):
    """What does not fit in a log: the first bad position, or the first that is not proven; and why."""

    source: str
    first_bad: int
    reason: str
    cause_key: str


class Compared(Protocol):
    """The running service, as far as comparing needs it."""

    settings: Any
    projections: Projections
    writer: Writer
    bus: Any


class CheckpointComparison:
    """Hears the checkpoints of every log, compares each once the archive has come as far."""

    name = "checkpoints"

    def __init__(self, runtime: Compared, sources: Sequence[str]) -> None:
        self._runtime = runtime
        self._reader: NoteReader = runtime.bus.notes(runtime)
        self.keys: Mapping[str, VerifierKey] = {source: verifier_of(runtime.settings, source) for source in sources}
        self._waiting: dict[str, list[str]] = {source: [] for source in sources}

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``."""
        try:
            while not stop.is_set():
                try:
                    await self.look()
                except (psycopg.OperationalError, NotesUnreadable, PlatformError, Refusal) as error:
                    log.warning("checkpoints wait: %s", error)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), RETRY_SECONDS)
        finally:
            await self._reader.close()

    def waiting(self, head: Any) -> int:
        """Nothing that a step of business would wait for."""
        return 0

    async def look(self) -> None:
        """Once: what was announced, what waited, and signals not recorded yet."""
        for source, note in await self._reader.read():
            self._waiting[source] = [*self._waiting[source], note][-WAITING_LIMIT:]
        await asyncio.to_thread(self._grow_own)
        for source, notes in self._waiting.items():
            while notes and await self._judge(source, notes[0]):
                notes.pop(0)
        await self._signal()

    def _grow_own(self) -> None:
        with self._runtime.projections.connection() as connection:
            try:
                while grow_own(connection) == PAGE:
                    pass
            except TreeDamaged as damage:
                connection.rollback()
                freeze(connection, Difference("audit", 1, str(damage), "audit/tree"))

    async def _judge(self, source: str, note: str) -> bool:
        """False while the archive is not as far."""
        try:
            checkpoint = verify(note, self.keys[source])
        except BadCheckpoint as bad:
            await asyncio.to_thread(self._freeze, Difference(source, 1, f"a checkpoint is not the service's: {bad}", "signature"))
            return True
        verdict = await asyncio.to_thread(self._compare, source, checkpoint, note)
        if verdict is None:
            return False
        holds, proven = verdict
        if not holds:
            await self._differs(source, checkpoint, proven)
        return True

    def _compare(self, source: str, checkpoint: Checkpoint, note: str) -> tuple[bool, int] | None:
        """Whether a checkpoint holds, and the largest size below it that was proven. None while the tree is smaller."""
        with self._runtime.projections.connection() as connection:
            tree = Tree(connection, source)
            if tree.size < checkpoint.size:
                return None
            try:
                holds = tree.root(checkpoint.size) == checkpoint.root
            except TreeDamaged as damage:
                log.critical("%s", damage)
                holds = False
            connection.execute(
                "INSERT INTO audit_seen_checkpoints (source, size, root, note, holds) VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT (source, size, root) DO UPDATE SET holds = excluded.holds",
                (source, checkpoint.size, checkpoint.root, note, holds),
            )
            proven = connection.execute(
                "SELECT coalesce(max(size), 0) FROM audit_seen_checkpoints WHERE source = %s AND holds AND size < %s",
                (source, checkpoint.size),
            ).fetchone()[0]
            connection.commit()
        return holds, proven

    async def _differs(self, source: str, checkpoint: Checkpoint, proven: int) -> None:
        first = await asyncio.to_thread(self._first_in_archive, source, checkpoint.size)
        where = "the archive's bytes do not fit the tree"
        if first is None:
            first = await self._first_in_log(source, checkpoint.size)
            where = "the service's log has other bytes than were archived"
        if first is None:
            first, where = proven + 1, f"the trees differ somewhere from position {proven + 1} to {checkpoint.size}"
        reason = f"the checkpoint of {checkpoint.size} events has another root than the archive: {where}"
        cause = f"{source}/{checkpoint.size}/{checkpoint.root.hex()[:16]}"
        await asyncio.to_thread(self._freeze, Difference(source, first, reason, cause))

    def _first_in_archive(self, source: str, size: int) -> int | None:
        with self._runtime.projections.connection() as connection:
            return first_bad_in_archive(connection, source, size)

    async def _first_in_log(self, source: str, size: int) -> int | None:
        after = 0
        while after < size:
            states = await self._reader.states(source, after, min(PAGE, size - after))
            if states is None:
                return None
            first = await asyncio.to_thread(self._first_of_page, source, after, states)
            if first is not None:
                return first
            after += len(states)
        return None

    def _first_of_page(self, source: str, after: int, states: Sequence[tuple[int, bytes]]) -> int | None:
        """The first position that is missing or does not fit the tree's leaf."""
        with self._runtime.projections.connection() as connection:
            return first_unlike(Tree(connection, source), after, [(at, leaf_hash(state)) for at, state in states])

    def _freeze(self, difference: Difference) -> None:
        with self._runtime.projections.connection() as connection:
            freeze(connection, difference)

    async def _signal(self) -> None:
        for difference in await asyncio.to_thread(self._unsignalled):
            await record(self._runtime.writer, as_signal(difference))
            await asyncio.to_thread(self._signalled, difference.source)

    def _unsignalled(self) -> list[Difference]:
        with self._runtime.projections.connection() as connection:
            return [frozen for frozen, signalled in frozen_logs(connection) if not signalled]

    def _signalled(self, source: str) -> None:
        with self._runtime.projections.connection() as connection:
            connection.execute("UPDATE audit_frozen SET signalled = true WHERE source = %s", (source,))
            connection.commit()


def first_bad_in_archive(connection: Connection[Any], source: str, size: int) -> int | None:
    """The first position up to ``size`` whose archived bytes are missing or do not fit the tree's leaf, or None."""
    tree = Tree(connection, source)
    table, column, where = (
        ("audit_events", "notification_id", "true") if source == "audit" else ("audit_archive", "position", "source = %(source)s")
    )
    for after in range(0, size, PAGE):
        last = min(size, after + PAGE)
        rows = connection.execute(
            f"SELECT {column}, sha256('\\x00'::bytea || state) FROM {table} WHERE {where} AND {column} > %(after)s"
            f" AND {column} <= %(last)s ORDER BY {column}",
            {"source": source, "after": after, "last": last},
        ).fetchall()
        bad = first_unlike(tree, after, [(at, bytes(leaf)) for at, leaf in rows])
        if bad is not None:
            return bad
        if after + len(rows) < last:
            return after + len(rows) + 1
    return None


def first_unlike(tree: Tree, after: int, leaves: Sequence[tuple[int, bytes]]) -> int | None:
    """The first of these positions, expected dense after ``after``, that is missing or has another leaf in the tree."""
    for expected, (position, leaf) in enumerate(leaves, after + 1):
        tile, within = divmod(expected - 1, TILE)
        try:
            told = tree.leaves(tile)[within * HASH_BYTES : (within + 1) * HASH_BYTES]
        except TreeDamaged:
            return expected
        if position != expected or leaf != told:
            return expected
    return None


def freeze(connection: Connection[Any], difference: Difference) -> None:
    """Give no proofs of this log any more; the first reason stays."""
    kept = connection.execute(
        "INSERT INTO audit_frozen (source, first_bad, reason, cause_key) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (difference.source, difference.first_bad, difference.reason, difference.cause_key),
    )
    connection.commit()
    if kept.rowcount:
        log.critical("%s from position %d on: %s", difference.source, difference.first_bad, difference.reason)


def frozen_logs(connection: Connection[Any]) -> list[tuple[Difference, bool]]:
    """The logs whose proofs are not given, and whether the signal is recorded."""
    rows = connection.execute("SELECT source, first_bad, reason, cause_key, signalled FROM audit_frozen ORDER BY source")
    return [(Difference(*row[:4]), row[4]) for row in rows]


def as_signal(difference: Difference) -> RaiseSignal:
    """The critical signal of a difference."""
    return RaiseSignal(
        signal_id=uuid5(NAMESPACE, f"signal/{RULE}/{difference.source}/{difference.cause_key}"),
        rule=RULE,
        rule_version=RULE_VERSION,
        subject=Subject(kind="log", id=difference.source),
        evidence=(EvidencePosition(source=difference.source, position=difference.first_bad),),
        cause_key=difference.cause_key,
        severity="critical",
    )


def compare_checkpoints(runtime: Any) -> CheckpointComparison:
    """The part of the worker."""
    return CheckpointComparison(runtime, (*runtime.service.listens, runtime.service.name))
