"""What a paper is made from: streams of settlement's own log and of the facts it keeps, in one short transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from psycopg import Connection
from tongdui_events.codec import decode_event
from tongdui_events.document import Event
from tongdui_events.streams import enterprise_id, provider_id, region_id

from services.settlement.domain.registry_facts import ENTERPRISE, PROVIDER, REGION, name_on
from shared.kernel.folding import Fold
from shared.runtime.unread_stamp import UnreadStamp

S = TypeVar("S")
SERVICE = "settlement"


class Told(NamedTuple):
    """One event of a stream. ``stamp`` is as good as a Stamp."""

    version: int
    event: Any
    stamp: Any


class Reading:
    """Reads through one connection. Everything is as of the last commit it sees."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection

    def told(self, stream: UUID, types: Iterable[type[Event]]) -> list[Told]:
        """The events of one of our own streams, of these types, in order."""
        rows = self._connection.execute(
            f"SELECT originator_version, topic, state FROM {SERVICE}_events WHERE originator_id = %s AND topic = ANY(%s)"
            " ORDER BY originator_version",
            (stream, [cls.__name__ for cls in types]),
        ).fetchall()
        return [
            Told(version, decode_event(SERVICE, topic, bytes(state)), UnreadStamp(bytes(state))) for version, topic, state in rows
        ]

    def get(self, fold: Fold[S], stream: UUID) -> S:
        """The state of a stream of another service, by the facts that are kept here."""
        rows = self._connection.execute(
            f"SELECT topic, state FROM {SERVICE}_facts WHERE originator_id = %s AND source = %s AND topic = ANY(%s)"
            " ORDER BY fact_id",
            (stream, fold.source, [cls.__name__ for cls in fold.types]),
        ).fetchall()
        state = fold.initial
        for topic, stored in rows:
            state = fold.evolve(state, decode_event(fold.source, topic, bytes(stored)), UnreadStamp(bytes(stored)))
        return state

    def enterprise_name(self, uscc: str, on: date) -> str:
        """The registered name on a day, or the USCC."""
        return name_on(self.get(ENTERPRISE, enterprise_id(uscc)).names, on) or uscc

    def provider_name(self, uscc: str, on: date) -> str:
        return name_on(self.get(PROVIDER, provider_id(uscc)).names, on) or uscc

    def region_name(self, region: str) -> str:
        return self.get(REGION, region_id(region)).name or region
