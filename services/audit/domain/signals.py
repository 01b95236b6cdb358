"""Signals (预警): what a rule gives, the dated thresholds, and the commands about them. 二(六)

A signal raises; it blocks nothing. It is raised once for one cause, whoever finds it and however often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid5

from tongdui_events.audit import EvidencePosition, SignalDismissed, SignalRaised, SignalTerms, SignalTermsSet
from tongdui_events.common import Number, Subject
from tongdui_events.document import Code, Event, Stamp
from tongdui_events.streams import NAMESPACE

from services.audit.domain.parties import Parties
from services.audit.domain.refusals import TooEarly, VersionOutOfTurn
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal
from shared.kernel.fields import Day
from shared.kernel.folding import Fold

#: of a long list of evidence the last so many: an event has a size limit
EVIDENCE_LIMIT = 200


class Seen(NamedTuple):
    """One recorded event: where it stands, of which business day it is, who acted."""

    source: str
    position: int
    day: date
    actor_id: str
    event: Any

    @property
    def at(self) -> tuple[str, int]:
        return self.source, self.position


class Signal(NamedTuple):
    """What a rule found. ``cause_key`` names the cause within the rule."""

    rule: str
    kind: str
    subject: str
    cause_key: str
    evidence: tuple[tuple[str, int], ...]
    cases: tuple[UUID, ...] = ()

    @property
    def signal_id(self) -> UUID:
        """The same for the same cause, whoever finds it."""
        return uuid5(NAMESPACE, f"signal/{self.rule}/{self.cause_key}")


def signal(
    rule: str, kind: str, subject: str, cause: Sequence[object], evidence: Iterable[tuple[str, int]], cases: Iterable[UUID] = ()
) -> Signal:
    """With the last of the evidence, each position once, in the order of logs."""
    positions = sorted(set(evidence))[-EVIDENCE_LIMIT:]
    return Signal(rule, kind, subject, "/".join(map(str, cause)), tuple(positions), tuple(sorted(set(cases)))[-EVIDENCE_LIMIT:])


DEFAULT_TERMS = SignalTerms(
    near_cap_bp=200,
    near_cap_cases=3,
    provider_share_bp=4000,
    provider_share_cases=10,
    same_pair_cases=5,
    split_days=30,
    split_contracts=2,
    consecutive_invoices=3,
    shareable_documents=("contract", "invoice"),
    new_company_days=90,
    same_persons_cases=20,
    deadline_days=3,
    deadline_requests=5,
)
"""Version 1, ours: the notice names no thresholds. Framework contracts and monthly invoices serve several cases."""


@dataclass(frozen=True)
class DatedTerms:
    """(effective_on, version, thresholds) in the order they were set."""

    known: tuple[tuple[date, int, SignalTerms], ...] = ((date.min, 1, DEFAULT_TERMS),)

    def in_force(self, day: date) -> tuple[int, SignalTerms]:
        """(version, thresholds) of a day."""
        _, version, terms = max(((since, v, t) for since, v, t in self.known if since <= day), key=lambda k: k[:2])
        return version, terms

    @property
    def last_version(self) -> int:
        return self.known[-1][1]


def evolve_terms(terms: DatedTerms, event: Event, stamp: Any) -> DatedTerms:
    if isinstance(event, SignalTermsSet):
        return DatedTerms((*terms.known, (event.effective_on, event.version, event.terms)))
    return terms


SIGNAL_TERMS: Fold[DatedTerms] = Fold("signal_terms", "audit", (SignalTermsSet,), DatedTerms(), evolve_terms)
"""One stream: ``TERMS_ID``."""
TERMS_ID = uuid5(NAMESPACE, "signal-terms")


@dataclass(frozen=True)
class Raised:
    """One signal as the log has it."""

    stage: Literal["unknown", "raised", "dismissed"] = "unknown"


def _raised(raised: Raised, event: Event, stamp: Stamp) -> Raised:
    return replace(raised, stage="raised" if isinstance(event, SignalRaised) else "dismissed")


RAISED: Fold[Raised] = Fold("signal", "audit", (SignalRaised, SignalDismissed), Raised(), _raised)
"""Keyed by ``signal_id``."""


class RaiseSignal(Command):
    """Record a signal. Asked by the platform itself, wherever its rules run."""

    signal_id: UUID
    rule: Code
    rule_version: Number
    subject: Subject
    evidence: tuple[EvidencePosition, ...]
    cause_key: Code
    cases: tuple[UUID, ...] = ()
    severity: Literal["notice", "critical"] = "notice"


class DismissSignal(Command):
    """Say why a signal is of no concern. It stays on record, and its cause does not raise it again."""

    signal_id: UUID
    reason: Code


class SetSignalTerms(Command):
    """Set the thresholds of the signals from a day after the business day on; the next version."""

    version: Number
    effective_on: Day
    terms: SignalTerms


def to_raise(found: Signal, version: int) -> RaiseSignal:
    """The command that records a signal found under a version of the thresholds."""
    evidence = tuple(EvidencePosition(source=source, position=position) for source, position in found.evidence)
    return RaiseSignal(
        signal_id=found.signal_id, rule=found.rule, rule_version=version, cause_key=found.cause_key,
        subject=Subject(kind=found.kind, id=found.subject), evidence=evidence, cases=found.cases,
    )


def raise_signal(
    raised: Raised, parties_of: Callable[[UUID], Parties], principal: Principal, command: RaiseSignal
) -> list[Decided] | Refusal:
    """SignalRaised, once for one cause. ``parties_of``: by a case's id."""
    if principal.role != "service":
        return NotYours()
    if raised.stage != "unknown":
        return OutOfOrder("signal_id", state=raised.stage)
    case_id = command.cases[0] if len(command.cases) == 1 else None
    places = {place for case in command.cases for place in parties_of(case).places}
    event = SignalRaised(**command.model_dump(), places=tuple(sorted(places)))
    return [Decided(command.signal_id, event, case_id)]


def dismiss_signal(raised: Raised, command: DismissSignal) -> list[Decided] | Refusal:
    """SignalDismissed."""
    if raised.stage == "unknown":
        return NotFound("signal_id", what="signal", id=command.signal_id)
    if raised.stage != "raised":
        return OutOfOrder("signal_id", state=raised.stage)
    return [Decided(command.signal_id, SignalDismissed(**command.model_dump()))]


def set_signal_terms(terms: DatedTerms, today: date, command: SetSignalTerms) -> list[Decided] | Refusal:
    """SignalTermsSet; never for a day that has begun, so no day is judged twice."""
    if command.version != terms.last_version + 1:
        return VersionOutOfTurn("version", expected=terms.last_version + 1)
    if command.effective_on <= today:
        return TooEarly("effective_on", date=command.effective_on, earliest=date.fromordinal(today.toordinal() + 1))
    return [Decided(TERMS_ID, SignalTermsSet(**command.model_dump()))]
