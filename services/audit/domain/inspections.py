"""An inspection (检查): opened on a case, findings, the parties heard, closed with a recommendation. 二(六)

It decides nothing about money or standing: what it recommends is decided elsewhere, by other persons.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, NamedTuple
from uuid import UUID

from tongdui_events.audit import FindingRecorded, InspectionClosed, InspectionOpened, InspectionStatementReceived
from tongdui_events.common import Flag
from tongdui_events.document import Event, PositiveFen, Sha256, Stamp, Uscc

from services.audit.domain.case_facts import AnswerDays, Paid, answer_days_on
from services.audit.domain.parties import Parties
from services.audit.domain.refusals import (
    ClawbackNotStated,
    NoBreachFound,
    NothingFound,
    NothingToRecover,
    PartyNotHeard,
    StrangerToTheCase,
)
from shared.kernel.calendar import add_days
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal
from shared.kernel.folding import Fold

Grade = Literal["minor", "serious", "falsified"]
"""轻微 · 严重 · 弄虚作假; the last two are breaches."""
BREACHES: frozenset[str] = frozenset({"serious", "falsified"})


class Finding(NamedTuple):
    """What was found about one party, and the day it could read it."""

    party_uscc: str
    grade: str
    found_on: date


@dataclass(frozen=True)
class Inspection:
    """``inspectors`` opened it, found or closed; ``heard`` are the parties that stated their case."""

    voucher_id: UUID | None = None
    stage: Literal["unknown", "open", "closed"] = "unknown"
    findings: tuple[Finding, ...] = ()
    heard: frozenset[str] = frozenset()
    inspectors: frozenset[str] = frozenset()
    recommendation: str = ""

    def breached(self, uscc: str) -> bool:
        """Whether a grave finding is about this party."""
        return any(finding.party_uscc == uscc and finding.grade in BREACHES for finding in self.findings)


def evolve(inspection: Inspection, event: Event, stamp: Stamp) -> Inspection:
    match event:
        case InspectionOpened():
            return Inspection(event.voucher_id, "open", inspectors=stamp.actor.persons)
        case FindingRecorded():
            finding = Finding(event.party_uscc, event.grade, stamp.business_day)
            inspectors = inspection.inspectors | stamp.actor.persons
            return replace(inspection, findings=(*inspection.findings, finding), inspectors=inspectors)
        case InspectionStatementReceived():
            return replace(inspection, heard=inspection.heard | {event.party_uscc})
        case InspectionClosed():
            inspectors = inspection.inspectors | stamp.actor.persons
            return replace(inspection, stage="closed", recommendation=event.recommendation, inspectors=inspectors)
    return inspection


INSPECTION: Fold[Inspection] = Fold(
    "inspection",
    "audit",
    (InspectionOpened, FindingRecorded, InspectionStatementReceived, InspectionClosed),
    Inspection(),
    evolve,
)
"""Keyed by ``inspection_id``."""


class OpenInspection(Command):
    """Open an inspection of one case, for a signal or a report. Regular ones are opened by drawing a sample."""

    inspection_id: UUID
    voucher_id: UUID
    cause: Literal["signal", "report"]
    signal_id: UUID | None = None


class RecordFinding(Command):
    """Record what was found about one party of the case; ``stop_payment`` holds what is not instructed yet."""

    inspection_id: UUID
    party_uscc: Uscc
    grade: Grade
    stop_payment: Flag = False
    document_sha256: tuple[Sha256, ...] = ()


class StateOnFindings(Command):
    """State your case on what an inspection found about you."""

    inspection_id: UUID
    document_sha256: Sha256


class CloseInspection(Command):
    """Close an inspection with a recommendation, when everybody found against was heard or had the days to answer.

    For ``clawback``: the redemption, the sum and who owes it. Settlement makes it a proposal that a person decides.
    """

    inspection_id: UUID
    recommendation: Literal["none", "clawback", "sanction"]
    redemption_id: UUID | None = None
    amount_fen: PositiveFen | None = None
    debtor_uscc: Uscc | None = None


def inspects(principal: Principal, parties: Parties) -> Refusal | None:
    """An auditor, or an officer of the case's paying region or listing province."""
    match principal.role:
        case "auditor":
            return None
        case "regional_officer":
            return None if principal.region == parties.region else NotYours("voucher_id")
        case "provincial_officer":
            return None if principal.region == parties.listing_province else NotYours("voucher_id")
    return NotYours("voucher_id")


def open_inspection(
    inspection: Inspection, parties: Parties, principal: Principal, command: OpenInspection
) -> list[Decided] | Refusal:
    """InspectionOpened."""
    if inspection.stage != "unknown":
        return OutOfOrder("inspection_id", state=inspection.stage)
    if not parties.region:
        return NotFound("voucher_id", what="case", id=command.voucher_id)
    refusal = inspects(principal, parties)
    if refusal is not None:
        return refusal
    return [Decided(command.inspection_id, InspectionOpened(**command.model_dump(), places=parties.places), command.voucher_id)]


def record_finding(
    inspection: Inspection, parties: Parties, principal: Principal, command: RecordFinding
) -> list[Decided] | Refusal:
    """FindingRecorded; settlement holds the case's payments where it says so."""
    refusal = _is_open(inspection, command.inspection_id) or inspects(principal, parties)
    if refusal is not None:
        return refusal
    if command.party_uscc not in (parties.enterprise_uscc, parties.provider_uscc):
        return StrangerToTheCase("party_uscc", uscc=command.party_uscc)
    return [Decided(command.inspection_id, FindingRecorded(**command.model_dump()), inspection.voucher_id)]


def state_on_findings(
    inspection: Inspection, principal: Principal, command: StateOnFindings
) -> list[Decided] | Refusal:
    """InspectionStatementReceived, by a party with a finding."""
    refusal = _is_open(inspection, command.inspection_id)
    if refusal is not None:
        return refusal
    uscc = principal.uscc or ""
    if uscc not in {finding.party_uscc for finding in inspection.findings}:
        return NotYours("inspection_id")
    event = InspectionStatementReceived(
        inspection_id=command.inspection_id, party_uscc=uscc, document_sha256=command.document_sha256
    )
    return [Decided(command.inspection_id, event, inspection.voucher_id)]


class Closing(NamedTuple):
    """What closing is decided by, besides the inspection: the parties, the days to answer, what was paid."""

    parties: Parties
    answer_days: AnswerDays
    paid: Paid


def close_inspection(
    inspection: Inspection, facts: Closing, today: date, principal: Principal, command: CloseInspection
) -> list[Decided] | Refusal:
    """InspectionClosed."""
    refusal = (
        _is_open(inspection, command.inspection_id)
        or inspects(principal, facts.parties)
        or _everybody_was_heard(inspection, facts.answer_days, today)
        or _recommendation_is_supported(inspection, facts, command)
    )
    if refusal is not None:
        return refusal
    ground = None
    if command.recommendation == "clawback":
        ground = "breach" if inspection.breached(command.debtor_uscc or "") else "no_fault"
    event = InspectionClosed(**command.model_dump(), ground=ground)
    return [Decided(command.inspection_id, event, inspection.voucher_id)]


def _is_open(inspection: Inspection, inspection_id: UUID) -> Refusal | None:
    if inspection.stage == "unknown":
        return NotFound("inspection_id", what="inspection", id=inspection_id)
    return None if inspection.stage == "open" else OutOfOrder("inspection_id", state=inspection.stage)


def _everybody_was_heard(inspection: Inspection, answer_days: AnswerDays, today: date) -> Refusal | None:
    """Each party found against has stated its case, or has had the region's days for it."""
    for finding in inspection.findings:
        until = add_days(finding.found_on, answer_days_on(answer_days, finding.found_on))
        if finding.party_uscc not in inspection.heard and today <= until:
            return PartyNotHeard(uscc=finding.party_uscc, until=until)
    return None


def _recommendation_is_supported(inspection: Inspection, facts: Closing, command: CloseInspection) -> Refusal | None:
    stated = (command.redemption_id, command.amount_fen, command.debtor_uscc)
    if command.recommendation != "clawback":
        if any(part is not None for part in stated):
            return ClawbackNotStated("recommendation")
        breached = any(finding.grade in BREACHES for finding in inspection.findings)
        return None if command.recommendation == "none" or breached else NoBreachFound("recommendation")
    if command.redemption_id is None or command.amount_fen is None or command.debtor_uscc is None:
        return ClawbackNotStated("recommendation")
    if command.debtor_uscc not in (facts.parties.enterprise_uscc, facts.parties.provider_uscc):
        return StrangerToTheCase("debtor_uscc", uscc=command.debtor_uscc)
    if not inspection.findings:
        return NothingFound("recommendation", uscc=command.debtor_uscc)
    paid_fen = facts.paid.amount_fen if facts.paid.voucher_id == inspection.voucher_id else 0
    if command.amount_fen > paid_fen:
        return NothingToRecover("amount_fen", paid_fen=paid_fen, amount_fen=command.amount_fen)
    return None
