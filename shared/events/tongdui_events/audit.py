"""What the audit service publishes: signals, inspections, sanctions, credit records, accesses."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from tongdui_events.common import Count, Flag, Number, Place, Position, Subject
from tongdui_events.document import BasisPoints, Code, Event, Fen, Frozen, Sha256, Source, Text, Uscc


class EvidencePosition(Frozen):
    """One event of one log, by its position."""

    source: Source
    position: Position


class AuditEvent(Event):
    """An event only the audit service publishes."""

    SOURCES: ClassVar[frozenset[str]] = frozenset({"audit"})


class SignalTerms(Frozen):
    """The thresholds of the signals' rules: counts of cases, days, shares in basis points."""

    near_cap_bp: BasisPoints
    near_cap_cases: Number
    provider_share_bp: BasisPoints
    provider_share_cases: Number
    same_pair_cases: Number
    split_days: Count
    split_contracts: Number
    consecutive_invoices: Number
    shareable_documents: tuple[Code, ...]
    new_company_days: Count
    same_persons_cases: Number
    deadline_days: Count
    deadline_requests: Number


class DrawnCase(Frozen):
    """One case of a sample, with its weight in the draw."""

    voucher_id: UUID
    redemption_id: UUID
    inspection_id: UUID
    weight: Number


class SignalTermsSet(AuditEvent):
    """The thresholds from a day on; the ``version`` is named by every signal raised under it."""

    version: Number
    effective_on: date
    terms: SignalTerms


class SampleDrawn(AuditEvent):
    """Cases settled between two days included, drawn by a seed and weighted by risk, to be inspected.

    ``population_sha256`` is over the lines ``redemption_id weight``, sorted: whoever has the logs can draw again.
    """

    sample_id: UUID
    seed: Code
    size: Number
    region: Place | None = None
    from_on: date
    until: date
    population: Count
    total_weight: Count
    population_sha256: Sha256
    drawn: tuple[DrawnCase, ...] = ()


class SignalRaised(AuditEvent):
    """A rule fired on what the logs say; ``cause_key`` keeps the same cause from firing twice.

    ``rule_version`` is that of the thresholds in force; ``cases`` are the vouchers it is about, ``places`` the regions and
    provinces of these. ``critical`` says that the record itself is in doubt.
    """

    signal_id: UUID
    rule: Code
    rule_version: Number
    subject: Subject
    evidence: tuple[EvidencePosition, ...]
    cause_key: Code
    cases: tuple[UUID, ...] = ()
    places: tuple[Place, ...] = ()
    severity: Literal["notice", "critical"] = "notice"


class SignalDismissed(AuditEvent):
    """A signal is of no concern."""

    signal_id: UUID
    reason: Code


class InspectionOpened(AuditEvent):
    """Somebody checks a case; ``seed`` is the lot it was drawn by, ``places`` the case's region and listing province."""

    inspection_id: UUID
    voucher_id: UUID
    cause: Literal["regular", "signal", "report"]
    seed: Code | None = None
    sample_id: UUID | None = None
    signal_id: UUID | None = None
    places: tuple[Place, ...] = ()


class FindingRecorded(AuditEvent):
    """What an inspection found about one party."""

    inspection_id: UUID
    party_uscc: Uscc
    grade: Code
    stop_payment: Flag
    document_sha256: tuple[Sha256, ...] = ()


class InspectionStatementReceived(AuditEvent):
    """A party was heard about what an inspection found."""

    inspection_id: UUID
    party_uscc: Uscc
    document_sha256: Sha256


class InspectionClosed(AuditEvent):
    """An inspection ended with a recommendation; a person decides on it.

    For a clawback: of which redemption, how much, from whom, and whether for a breach.
    """

    inspection_id: UUID
    redemption_id: UUID | None = None
    recommendation: Literal["none", "clawback", "sanction"]
    amount_fen: Fen | None = None
    debtor_uscc: Uscc | None = None
    ground: Literal["breach", "no_fault"] | None = None


class SanctionProposed(AuditEvent):
    """A sanction is proposed, with its basis, end and the places of its record."""

    sanction_id: UUID
    party_uscc: Uscc
    basis: Text
    until: date | None = None
    places: tuple[Place, ...]
    inspection_id: UUID | None = None


class SanctionWithdrawn(AuditEvent):
    """A proposed sanction was dropped before a decision."""

    sanction_id: UUID
    reason: Code


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
