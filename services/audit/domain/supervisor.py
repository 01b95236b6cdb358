"""All rules over all logs, in one order everywhere: the same events in, the same signals out, on any bus.

Logs arrive interleaved as a bus pleases. Events are held until their business day is over in every log, then seen by
day, recorded time, source and position. So neither the order of arrival nor a restart changes a signal.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from sys import intern
from typing import NamedTuple, Protocol
from uuid import UUID

from tongdui_events.audit import SignalTermsSet
from tongdui_events.codec import UnreadableDocument, decode_event, decode_stamp
from tongdui_events.common import DayReached
from tongdui_events.registry import DayOpened

from services.audit.domain import known_facts
from services.audit.domain.known_facts import Known
from services.audit.domain.rules_of_evidence import (
    AccountOfSeveral,
    BurstBeforeADeadline,
    ConsecutiveInvoices,
    DocumentOfSeveral,
)
from services.audit.domain.rules_of_persons import NewCompany, RelatedParties, SamePersonsAlways
from services.audit.domain.rules_of_sums import ClaimsAtTheCap, ContractsSplit, SamePairAgain, ShareOfARegion
from services.audit.domain.signals import DatedTerms, RaiseSignal, Seen, Signal, evolve_terms, to_raise

SOURCES = ("registry", "voucher", "settlement", "audit")
RULES = (
    ClaimsAtTheCap, ShareOfARegion, SamePairAgain, ContractsSplit, ConsecutiveInvoices, AccountOfSeveral,
    DocumentOfSeveral, RelatedParties, NewCompany, SamePersonsAlways, BurstBeforeADeadline,
)
TYPES = frozenset(
    cls.__name__
    for cls in (DayOpened, DayReached, SignalTermsSet, *known_facts.TYPES, *(t for rule in RULES for t in rule.types))
)
"""The event types that are looked at; records of others only count as read."""
DAYS = (DayOpened.__name__, DayReached.__name__)


class Rule(Protocol):
    name: str
    types: tuple[type, ...]

    def see(self, seen: Seen, known: Known, terms: object) -> Iterable[Signal]: ...


class OutOfTurn(ValueError):
    """A record came that is not the next of its log: what was held back would be judged without it."""


class Arrived(NamedTuple):
    """One record of a log; ``state`` may be empty where the type is not looked at."""

    source: str
    position: int
    type: str
    state: bytes


class Held(NamedTuple):
    """A record whose day is not over, in the order in which records are seen. Its bytes, not its document: a busy day's
    documents would be most of what the process keeps in memory."""

    day: date
    recorded_at: datetime
    source: str
    position: int
    actor_id: str
    type: str
    state: bytes

    def seen(self) -> Seen | None:
        """None for what does not read: it is here because an operator has parked it, which is no secret any more."""
        try:
            event = decode_event(self.source, self.type, self.state)
        except UnreadableDocument:
            return None
        return Seen(self.source, self.position, self.day, self.actor_id, event)


class DayGate:
    """Holds records until their day is over in every log."""

    def __init__(self) -> None:
        self._day: dict[str, date] = {}
        self._held: list[Held] = []

    def add(self, held: Held) -> list[Held]:
        """What may now be seen, in its order."""
        self._held.append(held)
        if held.type not in DAYS:
            return []
        self._day[held.source] = held.day
        if len(self._day) < len(SOURCES):
            return []
        open_day = min(self._day.values())
        over = [one for one in self._held if one.day < open_day]
        self._held = [one for one in self._held if one.day >= open_day]
        return sorted(over)


class Supervisor:
    """Reads every log from its first position on. ``read`` says how far, by source."""

    def __init__(self) -> None:
        self.read: dict[str, int] = dict.fromkeys(SOURCES, 0)
        self._gate = DayGate()
        self._known = Known()
        self._terms = DatedTerms()
        self._rules: list[Rule] = [rule() for rule in RULES]
        self._raised: set[UUID] = set()

    def add(self, arrived: Arrived) -> list[RaiseSignal]:
        """The signals to raise now. A record that was read before is passed over. Raises OutOfTurn."""
        expected = self.read[arrived.source] + 1
        if arrived.position < expected:
            return []
        if arrived.position > expected:
            raise OutOfTurn(f"{arrived.source}: position {arrived.position} came where {expected} was expected")
        self.read[arrived.source] = arrived.position
        if arrived.type not in TYPES:
            return []
        held = _held(arrived)
        over = self._gate.add(held) if held is not None else []
        return [command for one in over if (seen := one.seen()) is not None for command in self._see(seen)]

    def _see(self, seen: Seen) -> list[RaiseSignal]:
        self._terms = evolve_terms(self._terms, seen.event, None)
        self._known.fold(seen)
        version, terms = self._terms.in_force(seen.day)
        found = [
            one for rule in self._rules if isinstance(seen.event, rule.types) for one in rule.see(seen, self._known, terms)
        ]
        new = [one for one in found if one.signal_id not in self._raised]
        self._raised.update(one.signal_id for one in new)
        return [to_raise(one, version) for one in new]


def _held(arrived: Arrived) -> Held | None:
    """None where not even a stamp is to be read."""
    try:
        stamp = decode_stamp(arrived.state)
    except UnreadableDocument:
        return None
    return Held(
        stamp.business_day, stamp.recorded_at, arrived.source, arrived.position, intern(stamp.actor.id), intern(arrived.type),
        arrived.state,
    )
