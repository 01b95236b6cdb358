"""One transaction of the writer: the head row's lock, decisions one after another, one commit."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Cursor
from psycopg.types.numeric import Int8

from shared.kernel.commands import Command
from shared.kernel.decisions import Decided, Refusal
from shared.kernel.folding import Fold
from shared.runtime.clock import Clock
from shared.runtime.desk import Desk
from shared.runtime.errors import CommandConflict, DecisionFailed, DocumentTooLarge
from shared.runtime.jobs import CommandJob, Outcome
from shared.runtime.stamping import Cause, stamp_all
from shared.runtime.state import ReadingNeeded, State
from shared.runtime.store import Append, SnapshotRow, Store

log = logging.getLogger("tongdui.writer")

Handler = Callable[[Any, Desk], list[Decided] | Refusal]


class Transaction:
    """Gathers what is to be added. With a cursor of the writer's connection it is opened, reads, and adds it; without one it
    decides on what the state holds, and raises ReadingNeeded where that is not enough."""

    def __init__(self, store: Store, state: State, clock: Clock, cursor: Cursor[Any] | None, event_size_limit: int) -> None:
        self.store = store
        self.state = state
        self.clock = clock
        self._cursor = cursor
        self.event_size_limit = event_size_limit
        self.added = Append(0, 0, {})
        self.tracked: dict[str, int] = {}
        self._known: dict[bytes, tuple[bytes, int, int]] = {}
        #: by its integer, each stream that got an event and may want a snapshot
        self._grown: dict[int, tuple[Fold[Any], UUID]] = {}

    @property
    def cursor(self) -> Cursor[Any]:
        """For a statement of this transaction."""
        if self._cursor is None:
            raise ReadingNeeded
        return self._cursor

    def open(self) -> None:
        """Take the head row's lock and read what other writers recorded meanwhile; the state may be read until it is told
        otherwise."""
        self.cursor.execute(f"BEGIN; SELECT position, facts, seen FROM {self.store.service}_head FOR UPDATE")
        self.cursor.nextset()
        position, facts, seen = self.cursor.fetchone()
        self.state.cursor = self.cursor
        self.state.catch_up(position, facts, json.loads(seen))

    def knows(self, key: bytes) -> bool:
        """Whether a command under this key was recorded before, or is decided here."""
        return key in self._known

    # -- commands ------------------------------------------------------------------------------

    def look_up_outcomes(self, jobs: Sequence[CommandJob]) -> None:
        rows = self.cursor.execute(
            f"SELECT key, digest, first_position, last_position FROM {self.store.service}_outcomes WHERE key = ANY(%b)",
            ([job.key for job in jobs],),
            prepare=True,
            binary=True,
        )
        self._known = {bytes(key): (bytes(digest), first, last) for key, digest, first, last in rows}
        self.prefetch(jobs)

    def prefetch(self, jobs: Iterable[CommandJob]) -> None:
        """The streams the commands name, in one query."""
        self.state.prefetch({getattr(job.command, name) for job in jobs for name in job.command.id_fields})

    def decide(self, job: CommandJob, handlers: Mapping[type[Command], Handler]) -> Outcome | Refusal:
        """The job's answer. What it recorded is added and applied; a refusal or a failure leaves no trace."""
        known = self._known.get(job.key)
        if known is not None:
            return self._first_outcome(job, known)
        before = self.state.savepoint()
        try:
            desk = Desk(job.context.principal, job.context.command_id, self.state)
            decided = handlers[type(job.command)](job.command, desk)
            if isinstance(decided, Refusal):
                return decided
            states = self.record(decided, self._cause(job))
        except Refusal as refusal:
            self.state.undo(before)
            return refusal
        except (psycopg.Error, ReadingNeeded):
            self.state.undo(before)
            raise
        except Exception:
            log.exception("the decision on %s failed; it alone", type(job.command).__name__)
            self.state.undo(before)
            return DecisionFailed()
        return self._accept(job, states)

    def _cause(self, job: CommandJob) -> Cause:
        context = job.context
        scope = f"{self.store.service}{context.route}/{context.principal.organisation}"
        return Cause(context.command_id, scope, context.principal.actor, context.occurred_at)

    def _accept(self, job: CommandJob, states: list[bytes]) -> Outcome:
        last = self.state.position
        outcome = (job.key, job.digest, last - len(states) + 1, last)
        self.added.outcomes.append(outcome)
        self._known[job.key] = outcome[1:]
        # what a command left behind is looked at no more: the next one finds its memory still warm
        self.state.accepted()
        return Outcome(last, states)

    def _first_outcome(self, job: CommandJob, known: tuple[bytes, int, int]) -> Outcome | Refusal:
        digest, first, last = known
        if digest != job.digest:
            return CommandConflict()
        rows = self.cursor.execute(
            f"SELECT state FROM {self.store.service}_events WHERE notification_id BETWEEN %s AND %s"
            " ORDER BY notification_id",
            (Int8(first), Int8(last)),
            binary=True,
        ).fetchall()
        pending = [event.state for event in self.added.events[first - self._first_new() :]] if not rows else []
        states = [bytes(state) for (state,) in rows] or pending[: last - first + 1]
        return Outcome(last, states)

    def _first_new(self) -> int:
        """The position of the first event this transaction adds."""
        return self.state.position - len(self.added.events) + 1

    # -- recording -----------------------------------------------------------------------------

    def record(self, decided: Sequence[Decided], cause: Cause) -> list[bytes]:
        """Stamp, encode, apply and add. The stored bytes. Raises DocumentTooLarge before anything is added."""
        documents = stamp_all(self.state, decided, cause, self.clock)
        stored = [self.store.mapper.to_stored_event(document) for document in documents]
        for event in stored:
            if len(event.state) > self.event_size_limit:
                raise DocumentTooLarge(size=len(event.state), limit=self.event_size_limit)
        for document in documents:
            fold = self.state.apply_own(document)
            if fold is not None and fold.snapshot_every:
                stream_id = document.stamp.originator_id
                self._grown[stream_id.int] = fold, stream_id
        self.state.position += len(stored)
        self.added.events.extend(stored)
        return [event.state for event in stored]

    def see(self, source: str, position: int) -> None:
        """A source's event is applied."""
        self.state.seen = {**self.state.seen, source: position}

    # -- ending --------------------------------------------------------------------------------

    @property
    def adds_anything(self) -> bool:
        return bool(self.added.events or self.added.outcomes or self.added.kept or self.tracked)

    def write(self) -> None:
        """Everything that was added; tracking and snapshots where there are any."""
        if not self.adds_anything:
            return
        self.added.position, self.added.facts, self.added.seen = self.state.position, self.state.facts, self.state.seen
        for source, position in self.tracked.items():
            self.store.track(self.cursor, source, position)
        due = self.snapshots_due()
        if due:
            self.store.keep_snapshots(self.cursor, due)
        self.store.recorder.append(self.cursor, self.added)

    def flush(self) -> None:
        """Write what was added so far and go on in the same transaction; what is written cannot be undone but with all."""
        self.write()
        self.added = Append(0, 0, {})
        self._grown.clear()
        self.tracked.clear()
        self.state.committed()
        self.state.trim()

    def snapshots_due(self) -> list[SnapshotRow]:
        """Of the streams that have grown enough since their last, as they are now."""
        return self.state.snapshots_due(self._grown.values())
