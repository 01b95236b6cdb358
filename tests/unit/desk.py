"""A desk without a store: folds given events in memory, so decisions are tested as
given events / when a command / then events or a refusal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar
from uuid import UUID, uuid5

from tongdui_events.document import Document, Event, Stamp

from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, Refusal
from shared.kernel.folding import Fold
from shared.runtime.errors import NoBusinessDay

S = TypeVar("S")
Given = tuple[str, UUID, Event]
COMMAND = UUID("00000000-0000-4000-8000-00000000c0de")


class FakeDesk:
    """What a handler or a reaction is handed, over ``folds`` and the events given so far.

    ``service`` is the log that ``record`` writes to, that of the first fold unless named.
    ``principal`` and ``day`` may be set between steps; a DayOpened or DayReached of the service
    sets ``day`` too; ``command_id`` as well: what events say caused them.
    """

    def __init__(
        self, folds: Iterable[Fold[Any]], today: date | None, principal: Principal, service: str | None = None
    ) -> None:
        self.folds = list(folds)
        self.day = today
        self.principal = principal
        self.service = service or self.folds[0].source
        self.command_id = COMMAND
        self.seen: dict[str, int] = {}
        self.documents: list[Document] = []
        self._states: dict[tuple[str, UUID], Any] = {}
        self._versions: dict[tuple[str, UUID], int] = {}

    @property
    def today(self) -> date:
        if self.day is None:
            raise NoBusinessDay
        return self.day

    def get(self, fold: Fold[S], stream_id: UUID) -> S:
        return self._states.get((fold.name, stream_id), fold.initial)

    def given(self, *recorded: Given) -> FakeDesk:
        """Fold ``(source, originator_id, event)`` one after another, as of ``day``."""
        for source, stream_id, event in recorded:
            self.fold(source, stream_id, event, None)
        return self

    def record(self, decided: list[Decided] | Refusal) -> list[Event]:
        """Fold what was decided into the service's own log and give the events. Raises a refusal."""
        if isinstance(decided, Refusal):
            raise decided
        for stream_id, event, case_id in decided:
            self.fold(self.service, stream_id, event, case_id)
        return [event for _, event, _ in decided]

    def handle(
        self, handlers: Mapping[type[Command], Callable[..., list[Decided] | Refusal]], command: Command
    ) -> list[Event] | Refusal:
        """The events a command leads to, recorded; or its refusal, whether returned or raised."""
        try:
            return self.record(handlers[type(command)](command, self))
        except Refusal as refusal:
            return refusal

    def fold(self, source: str, stream_id: UUID, event: Event, case_id: UUID | None) -> Stamp:
        """Fold one event; the stamp it was given."""
        stamp = self._stamp(source, stream_id, event, case_id)
        for fold in self.folds:
            if fold.source == source and type(event) in fold.types:
                key = (fold.name, stream_id)
                self._states[key] = fold.evolve(self._states.get(key, fold.initial), event, stamp)
        if type(event).__name__ in ("DayOpened", "DayReached") and source == self.service:
            self.day = event.date
        if source != self.service:
            self.seen[source] = self.seen.get(source, 0) + 1
        self.documents.append(Document(stamp, event))
        return stamp

    def _stamp(self, source: str, stream_id: UUID, event: Event, case_id: UUID | None) -> Stamp:
        version = self._versions[(source, stream_id)] = self._versions.get((source, stream_id), 0) + 1
        day = self.day or date(2000, 1, 1)
        instant = datetime.combine(day, time(1), UTC)
        actor = self.principal.actor if source == self.service else Principal(sub=source, role="service").actor
        return Stamp(
            source=source, type=type(event).__name__, schema=type(event).SCHEMA,
            event_id=uuid5(COMMAND, f"{source}/{stream_id}/{version}"), originator_id=stream_id,
            originator_version=version, business_day=day, occurred_at=instant, recorded_at=instant,
            actor=actor, case_id=case_id, causation_id=self.command_id, seen=dict(self.seen),
        )
