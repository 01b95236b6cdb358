"""What the writer does with another service's records: keep, react, or stop the source."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from tongdui_events.codec import UnreadableDocument, decode_event, decode_stamp
from tongdui_events.common import ReactionRefused
from tongdui_events.document import Actor, Document, Stamp
from tongdui_events.streams import refusal_id

from shared.kernel.commands import Principal
from shared.kernel.decisions import Decided, Refusal
from shared.runtime.bus.port import Record
from shared.runtime.desk import Desk
from shared.runtime.jobs import Delivered
from shared.runtime.stamping import Cause
from shared.runtime.transaction import Transaction

log = logging.getLogger("tongdui.inbox")

Reaction = Callable[[Any, Stamp, Desk], list[Decided] | Refusal]
Archive = Callable[[Any, str, Sequence[Record]], None]


class Stop(NamedTuple):
    """Why a source is stopped, and at which record."""

    record: Record
    reason: str


class Reactor:
    """Applies records of other logs inside a transaction of the writer."""

    def __init__(
        self,
        service: str,
        listens: Sequence[str],
        reactions: Mapping[tuple[str, str], Reaction],
        archive: Archive | None = None,
    ) -> None:
        self.service = service
        self.listens = tuple(listens)
        self.reactions = reactions
        self.archive = archive
        self._actor = Actor(id=service, role="service")
        self._principal = Principal(sub=service, role="service")

    def deliver(self, transaction: Transaction, source: str, records: Sequence[Record]) -> tuple[Delivered, Stop | None]:
        """Apply what comes next, in order, until a record must wait or stops the source."""
        state = transaction.state
        before = state.seen.get(source, 0)
        archived: list[Record] = []
        waits_for: tuple[str, int] | None = None
        stop: Stop | None = None
        self._prefetch(transaction, source, records)
        for record in records:
            if record.position and record.position <= state.seen.get(source, 0):
                continue
            stop, waits_for = self._apply_next(transaction, source, record)
            if stop or waits_for:
                break
            archived.append(record)
        if archived and self.archive is not None:
            self.archive(transaction.cursor, source, archived)
        applied = state.seen.get(source, 0)
        if applied > before:
            transaction.tracked[source] = applied
        return Delivered(applied, waits_for, stop.reason if stop else None), stop

    def _prefetch(self, transaction: Transaction, source: str, records: Sequence[Record]) -> None:
        """The cases that reactions are about to ask for, in one query instead of one each."""
        before = transaction.state.seen.get(source, 0)
        reacted = [record for record in records if record.position > before and (source, record.type) in self.reactions]
        transaction.state.prefetch({case for record in reacted if (case := _case_of(record)) is not None})

    def pass_parked(self, transaction: Transaction, source: str, stop: Stop) -> Stop | None:
        """The stop; or None, and the record passed over, when an operator has parked it."""
        if not self._is_parked(transaction, source, stop.record):
            log.error("%s stops %s at %s: %s", self.service, source, stop.record.position, stop.reason)
            return stop
        if self.archive is not None:
            self.archive(transaction.cursor, source, [stop.record])
        transaction.see(source, stop.record.position)
        transaction.tracked[source] = stop.record.position
        return None

    def _apply_next(
        self, transaction: Transaction, source: str, record: Record
    ) -> tuple[Stop | None, tuple[str, int] | None]:
        expected = transaction.state.seen.get(source, 0) + 1
        if record.position not in (0, expected):
            return Stop(record, f"position {record.position} came where {expected} was expected"), None
        before = transaction.state.savepoint()
        added = len(transaction.added.events), len(transaction.added.kept)
        try:
            return None, self._apply(transaction, source, record)
        except psycopg.Error:
            raise
        except Exception as error:
            transaction.state.undo(before)
            del transaction.added.events[added[0] :], transaction.added.kept[added[1] :]
            if self._is_parked(transaction, source, record):
                if record.position:
                    transaction.see(source, record.position)
                return None, None
            log.error("%s stops %s at %s: %r", self.service, source, record.position, error, exc_info=True)
            return Stop(record, f"{type(error).__name__}: {error}"[:2000]), None

    def _apply(self, transaction: Transaction, source: str, record: Record) -> tuple[str, int] | None:
        """None when applied; else what must be applied before."""
        if not record.position:
            raise UnreadableDocument("a record without a position is not ours")
        if not self._is_wanted(transaction, source, record):
            transaction.see(source, record.position)
            return None
        stamp = decode_stamp(record.state)
        behind = self._behind(transaction, source, stamp)
        if behind is not None:
            return behind
        event = decode_event(source, stamp.type, record.state)
        transaction.see(source, record.position)
        if transaction.state.keeps(source, stamp.type):
            self._keep(transaction, source, record, Document(stamp, event))
        reaction = self.reactions.get((source, stamp.type))
        if reaction is not None:
            self._react(transaction, source, record, Document(stamp, event), reaction)
        return None

    def _is_wanted(self, transaction: Transaction, source: str, record: Record) -> bool:
        key = (source, record.type)
        if record.type:
            return key in self.reactions or transaction.state.keeps(*key)
        if self.archive is not None and not _reads(record.state):
            return False
        stamp = decode_stamp(record.state)
        return (source, stamp.type) in self.reactions or transaction.state.keeps(source, stamp.type)

    def _behind(self, transaction: Transaction, source: str, stamp: Stamp) -> tuple[str, int] | None:
        """Registry facts behind an event's stamp are applied before the event."""
        if source == "registry" or "registry" not in self.listens:
            return None
        needed = stamp.seen.get("registry", 0)
        return ("registry", needed) if transaction.state.seen.get("registry", 0) < needed else None

    def _keep(self, transaction: Transaction, source: str, record: Record, document: Document) -> None:
        stamp = document.stamp
        transaction.added.kept.append((source, record.position, stamp.originator_id, stamp.type, record.state))
        transaction.state.facts += 1
        transaction.state.apply_fact(document, record.state)

    def _react(
        self, transaction: Transaction, source: str, record: Record, document: Document, reaction: Reaction
    ) -> None:
        stamp, event = document
        try:
            decided = reaction(event, stamp, Desk(self._principal, stamp.event_id, transaction.state))
        except Refusal as refusal:
            decided = refusal
        if isinstance(decided, Refusal):
            stream = refusal_id(self.service, source, record.position)
            refused = ReactionRefused(from_source=source, from_position=record.position, rule=decided.code)
            decided = [Decided(stream, refused, stamp.case_id)]
        if decided:
            transaction.record(decided, Cause(stamp.event_id, self.service, self._actor, None))

    def _is_parked(self, transaction: Transaction, source: str, record: Record) -> bool:
        row = transaction.cursor.execute(
            f"SELECT 1 FROM {self.service}_parked WHERE source = %s AND position = %s AND digest = %s",
            (source, record.position, record_digest(record)),
        ).fetchone()
        return row is not None


def _case_of(record: Record) -> UUID | None:
    """The case or stream a record is keyed by; None where the key is not ours."""
    try:
        return UUID(record.key.decode("ascii"))
    except ValueError:
        return None


def _reads(state: bytes) -> bool:
    try:
        decode_stamp(state)
    except UnreadableDocument:
        return False
    return True


def record_digest(record: Record) -> bytes:
    """32 bytes that stand for a record's content."""
    return hashlib.sha256(record.state).digest()
