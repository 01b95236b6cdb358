"""The writer's cached state: one entry a stream, exact while the head row is locked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from psycopg import Cursor
from pydantic import TypeAdapter
from tongdui_events.codec import decode_event, decode_stamp
from tongdui_events.document import Document
from tongdui_events.streams import days_id

from shared.kernel.folding import Fold
from shared.runtime.unread_stamp import UnreadStamp

S = TypeVar("S")
Key = int | tuple[str, int]
"""An own stream by its id's integer, a foreign one by its fold's name besides: a UUID hashes and compares in Python."""
DAY_TYPES = ("DayOpened", "DayReached")


class ReadingNeeded(RuntimeError):
    """What is asked for is not in the state, and the database is not to be read now."""


class Savepoint(NamedTuple):
    """How far the state had come."""

    depth: int
    position: int
    facts: int
    seen: dict[str, int]
    today: date | None


@dataclass(slots=True)
class Entry:
    """A folded stream. ``version`` is the last originator_version (own streams)."""

    state: Any
    version: int
    snapshot_version: int = 0


class State:
    """Folded streams of the service's own log and of the facts it keeps, loaded when first asked for: as they were at
    ``position`` and ``facts``, whatever others have recorded since.

    ``position``, ``facts`` and ``seen`` say how far it has read; ``today`` is the service's business
    day; ``seen`` is replaced, never changed in place. What was applied since a savepoint can be undone.
    """

    def __init__(self, service: str, folds: Iterable[Fold[Any]], capacity: int = 200_000) -> None:
        self.service = service
        self.own = {cls.__name__: fold for fold in folds if fold.source == service for cls in fold.types}
        self.foreign: dict[tuple[str, str], list[Fold[Any]]] = {}
        for fold in folds:
            if fold.source != service:
                for cls in fold.types:
                    self.foreign.setdefault((fold.source, cls.__name__), []).append(fold)
        self._capacity = capacity
        self._adapters = {fold.name: TypeAdapter(type(fold.initial)) for fold in folds if fold.snapshot_every}
        #: None while the database is not to be read
        self.cursor: Cursor[Any] | None = None
        self.clear()

    def clear(self) -> None:
        """Forget everything; the next look reads it again."""
        self.position = 0
        self.facts = 0
        self.seen: dict[str, int] = {}
        self.today: date | None = None
        self.fresh = False
        self._entries: dict[Key, Entry] = {}
        #: facts applied in this transaction and not yet in the table, as its rows will be: (source, topic, state)
        self._pending: dict[int, list[tuple[str, str, bytes]]] = {}
        #: own streams known to have no events, until the next commit
        self._absent: set[int] = set()
        self._undo: list[tuple[Any, Entry | None]] = []

    # -- taking back ---------------------------------------------------------------------------

    def savepoint(self) -> Savepoint:
        return Savepoint(len(self._undo), self.position, self.facts, self.seen, self.today)

    def undo(self, to: Savepoint) -> None:
        """Take back what was applied since the savepoint."""
        while len(self._undo) > to.depth:
            key, entry = self._undo.pop()
            if entry is None:
                self._pending[key].pop()
            else:
                self._entries[key] = entry
        _, self.position, self.facts, self.seen, self.today = to

    def accepted(self) -> None:
        """What was applied is taken back no more, but with the whole transaction."""
        self._undo.clear()

    def committed(self) -> None:
        """What was applied is in the tables now."""
        self._undo.clear()
        self._pending.clear()
        self._absent.clear()

    def forget(self, to: Savepoint, stream_ids: Iterable[UUID]) -> None:
        """Own events since the savepoint, in these streams, were not recorded: the streams are read again when asked for."""
        for stream_id in stream_ids:
            self._entries.pop(stream_id.int, None)
        self._undo.clear()
        self._absent.clear()
        _, self.position, self.facts, self.seen, self.today = to

    def trim(self) -> None:
        """Forget, over the capacity, the streams that were read first: one still in use is read again, once in as many streams.
        Not while something is decided that is not stored: what the database lacks cannot be read again."""
        while len(self._entries) > self._capacity:
            del self._entries[next(iter(self._entries))]

    # -- reading -------------------------------------------------------------------------------

    def get(self, fold: Fold[S], stream_id: UUID) -> S:
        # asked ten times in a decision, nearly always of what is here: no further call for that
        key = stream_id.int if fold.source == self.service else (fold.name, stream_id.int)
        entry = self._entries.get(key)
        if entry is None:
            load = self._load_own if fold.source == self.service else self._load_facts
            entry = self._entries[key] = load(fold, stream_id)
        return entry.state

    def version(self, type_name: str, stream_id: UUID) -> int:
        """The originator_version of the last event in one of our own streams; 0 for none."""
        return self._own_entry(self.own.get(type_name), stream_id).version

    def _own_entry(self, fold: Fold[Any] | None, stream_id: UUID) -> Entry:
        key = stream_id.int
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = self._load_own(fold, stream_id)
        return entry

    def prefetch(self, stream_ids: Iterable[UUID]) -> None:
        """Load these own streams in one query, those with snapshots excepted."""
        wanted = [stream_id for stream_id in stream_ids if stream_id.int not in self._entries]
        if not wanted:
            return
        self._absent.update(stream_id.int for stream_id in wanted)
        rows = self._select(
            f"SELECT originator_id, originator_version, topic, state FROM {self.service}_events"
            " WHERE originator_id = ANY(%b) AND notification_id + 0 <= %s ORDER BY originator_id, originator_version",
            (wanted, self.position),
        )
        for stream_id, group in groupby(rows, key=itemgetter(0)):
            self._absent.discard(stream_id.int)
            stream = list(group)
            fold = next((self.own[topic] for _, _, topic, _ in stream if topic in self.own), None)
            if fold is not None and not fold.snapshot_every:
                entry = Entry(fold.initial, 0)
                self._evolve(entry, fold, [row[1:] for row in stream])
                self._entries[stream_id.int] = entry

    def _evolve(self, entry: Entry, fold: Fold[Any] | None, rows: Iterable[tuple[int, str, bytes]]) -> None:
        for version, topic, stored in rows:
            if fold is not None and self.own.get(topic) is fold:
                entry.state = fold.evolve(entry.state, decode_event(self.service, topic, stored), UnreadStamp(stored))
            entry.version = version

    def _load_own(self, fold: Fold[Any] | None, stream_id: UUID) -> Entry:
        if stream_id.int in self._absent:
            return Entry(fold.initial if fold else None, 0)
        state, version = self._load_snapshot(fold, stream_id)
        entry = Entry(state, version, version)
        rows = self._select(
            f"SELECT originator_version, topic, state FROM {self.service}_events"
            " WHERE originator_id = %s AND originator_version > %s AND notification_id + 0 <= %s ORDER BY originator_version",
            (stream_id, version, self.position),
        )
        self._evolve(entry, fold, rows)
        return entry

    def _load_snapshot(self, fold: Fold[Any] | None, stream_id: UUID) -> tuple[Any, int]:
        if fold is None or not fold.snapshot_every:
            return (fold.initial if fold else None), 0
        rows = self._select(
            f"SELECT originator_version, state FROM {self.service}_snapshots"
            " WHERE originator_id = %s AND topic = %s ORDER BY originator_version DESC LIMIT 1",
            (stream_id, snapshot_topic(fold)),
        )
        if not rows:
            return fold.initial, 0
        version, stored = rows[0]
        return self._adapters[fold.name].validate_json(stored), version

    def _load_facts(self, fold: Fold[Any], stream_id: UUID) -> Entry:
        topics = [cls.__name__ for cls in fold.types]
        rows = self._select(
            f"SELECT topic, state FROM {self.service}_facts"
            " WHERE originator_id = %s AND source = %s AND topic = ANY(%s) AND fact_id + 0 <= %s ORDER BY fact_id",
            (stream_id, fold.source, topics, self.facts),
        )
        pending = self._pending.get(stream_id.int, ())
        rows += [(topic, stored) for source, topic, stored in pending if source == fold.source and topic in topics]
        state = fold.initial
        for topic, stored in rows:
            state = fold.evolve(state, decode_event(fold.source, topic, stored), UnreadStamp(stored))
        return Entry(state, 0)

    def _select(self, statement: str, parameters: Sequence[Any]) -> list[Any]:
        # «position + 0»: a bound that nearly every row meets is to be looked at, and no way to the rows; the planner would
        # walk the index of all positions for it
        if self.cursor is None:
            raise ReadingNeeded
        return self.cursor.execute(statement, parameters, prepare=True, binary=True).fetchall()

    # -- applying ------------------------------------------------------------------------------

    def apply_own(self, document: Document) -> Fold[Any] | None:
        """One event of our own log, the next of its stream. The fold it went into."""
        stamp, event = document
        fold = self.own.get(stamp.type)
        key = stamp.originator_id.int
        entry = self._entries.get(key) or self._own_entry(fold, stamp.originator_id)
        state = fold.evolve(entry.state, event, stamp) if fold is not None else entry.state
        self._undo.append((key, entry))
        self._entries[key] = Entry(state, stamp.originator_version, entry.snapshot_version)
        if stamp.type in DAY_TYPES and stamp.originator_id == days_id(self.service):
            self.today = event.date
        return fold

    def apply_fact(self, document: Document, stored: bytes) -> None:
        """One kept event of another log, and its bytes. A stream nobody has asked for is not loaded for it: should somebody
        before the end, the bytes are read again, so that hundreds of documents need not stay."""
        stamp, event = document
        stream = stamp.originator_id.int
        for fold in self.foreign.get((stamp.source, stamp.type), ()):
            key = (fold.name, stream)
            entry = self._entries.get(key)
            if entry is not None:
                self._undo.append((key, entry))
                self._entries[key] = Entry(fold.evolve(entry.state, event, stamp), 0)
        self._pending.setdefault(stream, []).append((stamp.source, stamp.type, stored))
        self._undo.append((stream, None))

    def keeps(self, source: str, type_name: str) -> bool:
        return (source, type_name) in self.foreign

    # -- catching up with other writers ----------------------------------------------------------

    def catch_up(self, position: int, facts: int, seen: dict[str, int]) -> None:
        """Read what other processes have recorded since we last looked."""
        if not self.fresh or position < self.position or facts < self.facts:
            self.clear()
            self.today = self._last_day()
            self.fresh = True
        else:
            if position > self.position:
                self._catch_up_own()
            if facts > self.facts:
                self._catch_up_facts()
        self.position, self.facts, self.seen = position, facts, seen
        self._undo.clear()

    def _last_day(self) -> date | None:
        rows = self._select(
            f"SELECT topic, state FROM {self.service}_events WHERE originator_id = %s"
            " ORDER BY originator_version DESC LIMIT 1",
            (days_id(self.service),),
        )
        return decode_event(self.service, *rows[0]).date if rows else None

    def _catch_up_own(self) -> None:
        rows = self._select(
            f"SELECT topic, state, originator_id FROM {self.service}_events"
            " WHERE notification_id > %s ORDER BY notification_id",
            (self.position,),
        )
        for topic, stored, stream_id in rows:
            if topic in DAY_TYPES or stream_id.int in self._entries:
                stamp = decode_stamp(stored)
                entry = self._entries.get(stream_id.int)
                if entry is None or entry.version < stamp.originator_version:
                    self.apply_own(Document(stamp, decode_event(self.service, topic, stored)))

    def _catch_up_facts(self) -> None:
        rows = self._select(
            f"SELECT source, topic, state, originator_id FROM {self.service}_facts"
            " WHERE fact_id > %s ORDER BY fact_id",
            (self.facts,),
        )
        for source, topic, stored, stream_id in rows:
            for fold in self.foreign.get((source, topic), ()):
                entry = self._entries.get((fold.name, stream_id.int))
                if entry is not None:
                    event = decode_event(source, topic, stored)
                    evolved = fold.evolve(entry.state, event, UnreadStamp(stored))
                    self._entries[(fold.name, stream_id.int)] = Entry(evolved, 0)

    # -- snapshots -----------------------------------------------------------------------------

    def snapshots_due(self, touched: Iterable[tuple[Fold[Any], UUID]]) -> list[tuple[UUID, int, str, bytes]]:
        """Rows for the snapshot table: (originator_id, version, topic, state)."""
        due = []
        for fold, stream_id in touched:
            entry = self._own_entry(fold, stream_id)
            if entry.version - entry.snapshot_version >= fold.snapshot_every:
                entry.snapshot_version = entry.version
                state = self._adapters[fold.name].dump_json(entry.state)
                due.append((stream_id, entry.version, snapshot_topic(fold), state))
        return due


def snapshot_topic(fold: Fold[Any]) -> str:
    """Names a fold and its version; a snapshot of another version is not found."""
    return f"{fold.name}.{fold.version}"


