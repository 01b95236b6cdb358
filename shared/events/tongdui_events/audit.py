"""What the audit service publishes: signals, inspections, sanctions, credit records, accesses."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from tongdui_events.common import Flag, Number, Place, Position, Subject
from tongdui_events.document import Code, Event, Fen, Frozen, Sha256, Source, Text, Uscc


class EvidencePosition(Frozen):
    """One event of one log, by its position."""

    source: Source
    position: Position


class AuditEvent(Event):
    """An event only the audit service publishes."""

    SOURCES: ClassVar[frozenset[str]] = frozenset({"audit"})


class SignalRaised(AuditEvent):
    """A rule fired on what the logs say; ``cause_key`` keeps the same cause from firing twice."""

    signal_id: UUID
    rule: Code
    rule_version: Number
    subject: Subject
    evidence: tuple[EvidencePosition, ...]
    cause_key: Code


class SignalDismissed(AuditEvent):
    """A signal is of no concern."""

    signal_id: UUID
    reason: Code


class InspectionOpened(AuditEvent):
    """Somebody checks a case; ``seed`` is the lot it was drawn by."""

    inspection_id: UUID
    voucher_id: UUID
    cause: Literal["regular", "signal", "report"]
    seed: Code | None = None


class FindingRecorded(AuditEvent):
    """What an inspection found about one party."""

    inspection_id: UUID
    party_uscc: Uscc
    grade: Code
    stop_payment: Flag
    document_sha256: tuple[Sha256, ...] = ()


class InspectionClosed(AuditEvent):
    """An inspection ended with a recommendation; a person decides on it."""

    inspection_id: UUID
    redemption_id: UUID | None = None
    recommendation: Literal["none", "clawback", "sanction"]
    amount_fen: Fen | None = None


class SanctionProposed(AuditEvent):
    """A sanction is proposed, with its basis, end and the places of its record."""

    sanction_id: UUID
    party_uscc: Uscc
    basis: Text
    until: date | None = None
    places: tuple[Place, ...]


class PartyNotified(AuditEvent):
    """The party was told what is proposed."""

    sanction_id: UUID
    on: date


class StatementReceived(AuditEvent):
    """The party was heard."""

    sanction_id: UUID
    document_sha256: Sha256


class SanctionDecided(AuditEvent):
    """The sanction was decided, between two days included."""

    sanction_id: UUID
    party_uscc: Uscc
    basis: Text
    from_on: date
    until: date | None = None
    places: tuple[Place, ...]
    decision_no: Code


class SanctionReviewed(AuditEvent):
    """The sanction was looked at again."""

    sanction_id: UUID
    outcome: Code


class SanctionLifted(AuditEvent):
    """The sanction no longer holds, by decision."""

    sanction_id: UUID
    party_uscc: Uscc
    decision_no: Code


class CreditRecordEntered(AuditEvent):
    """A sanction stands on the research-credit record of one place."""

    record_id: UUID
    party_uscc: Uscc
    place: Place
    basis: Text
    from_on: date
    until: date | None = None
    decision_no: Code
    sanction_id: UUID


class CreditRecordRepaired(AuditEvent):
    """An entry was repaired by decision."""

    record_id: UUID
    decision_no: Code
