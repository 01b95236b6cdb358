"""All rules over all logs, in one order everywhere: the same events in, the same signals out, on any bus.

Logs arrive interleaved as a bus pleases. Events are held until their business day is over in every log, then seen by
day, recorded time, source and position. So neither the order of arrival nor a restart changes a signal.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
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


class DayGate:
    """Holds events until their day is over in every log."""

    def __init__(self) -> None:
        self._day: dict[str, date] = {}
        self._held: list[Seen] = []

    def add(self, seen: Seen) -> list[Seen]:
        """What may now be seen, in its order."""
        self._held.append(seen)
        if not isinstance(seen.event, DayOpened | DayReached):
            return []
        self._day[seen.source] = seen.event.date
        if len(self._day) < len(SOURCES):
            return []
        open_day = min(self._day.values())
        over = [one for one in self._held if one.day < open_day]
        self._held = [one for one in self._held if one.day >= open_day]
        return sorted(over, key=lambda one: (one.day, one.stamp.recorded_at, one.source, one.position))


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
        seen = _seen(arrived)
        return [command for one in self._gate.add(seen) for command in self._see(one)] if seen else []

    def _see(self, seen: Seen) -> list[RaiseSignal]:
        self._terms = evolve_terms(self._terms, seen.event, seen.stamp)
        self._known.fold(seen)
        version, terms = self._terms.in_force(seen.day)
        found = [
            one for rule in self._rules if isinstance(seen.event, rule.types) for one in rule.see(seen, self._known, terms)
        ]
        new = [one for one in found if one.signal_id not in self._raised]
        self._raised.update(one.signal_id for one in new)
        return [to_raise(one, version) for one in new]


def _seen(arrived: Arrived) -> Seen | None:
    """None for what does not read: it is here because an operator has parked it, which is no secret any more."""
    try:
        event = decode_event(arrived.source, arrived.type, arrived.state)
        return Seen(arrived.source, arrived.position, decode_stamp(arrived.state), event)
    except UnreadableDocument:
        return None
