"""A sanction (处理决定): proposed, the party told and heard, decided by another person, reviewed, lifted. 二(六)

Only who an inspection found in breach is sanctioned. A decision stands on the credit record (科研信用记录) of both
places, the paying region's and the listing province's; the registry bars and reinstates on these events.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal
from uuid import UUID, uuid5

from tongdui_events.audit import (
    CreditRecordEntered,
    CreditRecordRepaired,
    PartyNotified,
    SanctionDecided,
    SanctionLifted,
    SanctionProposed,
    SanctionReviewed,
    SanctionWithdrawn,
    StatementReceived,
)
from tongdui_events.document import Code, Event, Sha256, Stamp, Text, Uscc

from services.audit.domain.case_facts import AnswerDays, answer_days_on
from services.audit.domain.inspections import Inspection, inspects
from services.audit.domain.parties import Parties
from services.audit.domain.refusals import NothingFound, NotNotified, PartyNotHeard, SamePerson, TooEarly
from shared.kernel.calendar import add_days
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal
from shared.kernel.fields import Day
from shared.kernel.folding import Fold

Stage = Literal["unknown", "proposed", "withdrawn", "decided", "lifted"]


@dataclass(frozen=True)
class Sanction:
    """``notified_on`` and ``heard`` are of the proposal; ``proposed_by`` and
    ``decided_by`` the persons who took that step, a delegate and who sent it alike."""

    stage: Stage = "unknown"
    inspection_id: UUID | None = None
    case_id: UUID | None = None
    party_uscc: str = ""
    places: tuple[str, ...] = ()
    notified_on: date | None = None
    heard: bool = False
    from_on: date | None = None
    until: date | None = None
    decision_no: str = ""
    reviewed: str = ""
    proposed_by: frozenset[str] = frozenset()
    decided_by: frozenset[str] = frozenset()


def evolve(sanction: Sanction, event: Event, stamp: Stamp) -> Sanction:
    match event:
        case SanctionProposed():
            return Sanction(
                "proposed", event.inspection_id, stamp.case_id, event.party_uscc, event.places,
                proposed_by=stamp.actor.persons,
            )
        case PartyNotified():
            return replace(sanction, notified_on=event.on)
        case StatementReceived():
            return replace(sanction, heard=True)
        case SanctionWithdrawn():
            return replace(sanction, stage="withdrawn")
        case SanctionDecided():
            return replace(
                sanction, stage="decided", from_on=event.from_on, until=event.until, places=event.places,
                decision_no=event.decision_no, decided_by=stamp.actor.persons,
            )
        case SanctionReviewed():
            return replace(sanction, reviewed=event.outcome)
        case SanctionLifted():
            return replace(sanction, stage="lifted")
    return sanction


SANCTION: Fold[Sanction] = Fold(
    "sanction",
    "audit",
    (
        SanctionProposed,
        PartyNotified,
        StatementReceived,
        SanctionWithdrawn,
        SanctionDecided,
        SanctionReviewed,
        SanctionLifted,
    ),
    Sanction(),
    evolve,
)
"""Keyed by ``sanction_id``."""


@dataclass(frozen=True)
class CreditRecord:
    """One entry of one place."""

    place: str = ""
    repaired: bool = False
    case_id: UUID | None = None


def _credit(record: CreditRecord, event: Event, stamp: Stamp) -> CreditRecord:
    match event:
        case CreditRecordEntered():
            return CreditRecord(event.place, case_id=stamp.case_id)
        case CreditRecordRepaired():
            return replace(record, repaired=True)
    return record


CREDIT_RECORD: Fold[CreditRecord] = Fold(
    "credit_record", "audit", (CreditRecordEntered, CreditRecordRepaired), CreditRecord(), _credit
)
"""Keyed by ``record_id``."""


def record_id(sanction_id: UUID, place: str) -> UUID:
    """The entry a sanction has on the credit record of a place: there is one."""
    return uuid5(sanction_id, f"credit-record/{place}")


class ProposeSanction(Command):
    """Propose a sanction against a party a closed inspection found in breach, with its basis and, where known, its end."""

    sanction_id: UUID
    inspection_id: UUID
    party_uscc: Uscc
    basis: Text
    until: Day | None = None


class NotifyParty(Command):
    """Record that the party was told today what is proposed; its days to answer begin."""

    sanction_id: UUID


class GiveStatement(Command):
    """State your case on a sanction proposed against you."""

    sanction_id: UUID
    document_sha256: Sha256


class WithdrawSanction(Command):
    """Drop a proposal before it is decided."""

    sanction_id: UUID
    reason: Code


class DecideSanction(Command):
    """Decide a proposed sanction: its basis, its first and, where it ends, its last day. Not by who proposed it."""

    sanction_id: UUID
    basis: Text
    from_on: Day
    until: Day | None = None
    decision_no: Code


class ReviewSanction(Command):
    """Look at a decided sanction again: uphold it, or lift it. Not by who proposed or decided it."""

    sanction_id: UUID
    outcome: Literal["upheld", "lifted"]
    decision_no: Code


class LiftSanction(Command):
    """Lift a sanction by decision."""

    sanction_id: UUID
    decision_no: Code


class EndSanction(Command):
    """Lift a sanction whose last day is over. Asked by the platform the day after."""

    sanction_id: UUID


class RepairCreditRecord(Command):
    """Repair an entry of your place's credit record (信用修复) by decision."""

    record_id: UUID
    decision_no: Code


def propose_sanction(
    sanction: Sanction, inspection: Inspection, parties: Parties, principal: Principal, command: ProposeSanction
) -> list[Decided] | Refusal:
    """SanctionProposed, for both places of the case."""
    if sanction.stage != "unknown":
        return OutOfOrder("sanction_id", state=sanction.stage)
    if inspection.stage == "unknown":
        return NotFound("inspection_id", what="inspection", id=command.inspection_id)
    refusal = inspects(principal, parties)
    if refusal is not None:
        return refusal
    if inspection.stage != "closed" or inspection.recommendation == "none":
        return OutOfOrder("inspection_id", state=inspection.recommendation or inspection.stage)
    if not inspection.breached(command.party_uscc):
        return NothingFound("party_uscc", uscc=command.party_uscc)
    places = (parties.region, parties.listing_province)
    event = SanctionProposed(**command.model_dump(), places=places)
    return [Decided(command.sanction_id, event, inspection.voucher_id)]


def notify_party(sanction: Sanction, today: date, principal: Principal, command: NotifyParty) -> list[Decided] | Refusal:
    """PartyNotified, once."""
    refusal = _stands(sanction, "proposed", command.sanction_id) or _acts_for_a_place(sanction, principal, ("auditor",))
    if refusal is not None:
        return refusal
    if sanction.notified_on is not None:
        return OutOfOrder("sanction_id", state="notified")
    return [Decided(command.sanction_id, PartyNotified(sanction_id=command.sanction_id, on=today), sanction.case_id)]


def give_statement(sanction: Sanction, principal: Principal, command: GiveStatement) -> list[Decided] | Refusal:
    """StatementReceived, from the party."""
    refusal = _stands(sanction, "proposed", command.sanction_id)
    if refusal is not None:
        return refusal
    if principal.uscc != sanction.party_uscc:
        return NotYours("sanction_id")
    return [Decided(command.sanction_id, StatementReceived(**command.model_dump()), sanction.case_id)]


def withdraw_sanction(sanction: Sanction, principal: Principal, command: WithdrawSanction) -> list[Decided] | Refusal:
    """SanctionWithdrawn."""
    refusal = _stands(sanction, "proposed", command.sanction_id) or _acts_for_a_place(sanction, principal, ("auditor",))
    if refusal is not None:
        return refusal
    return [Decided(command.sanction_id, SanctionWithdrawn(**command.model_dump()), sanction.case_id)]


def decide_sanction(
    sanction: Sanction, answer_days: AnswerDays, today: date, principal: Principal, command: DecideSanction
) -> list[Decided] | Refusal:
    """SanctionDecided and CreditRecordEntered in each place."""
    refusal = (
        _stands(sanction, "proposed", command.sanction_id)
        or _acts_for_a_place(sanction, principal)
        or _party_was_heard(sanction, answer_days, today)
    )
    if refusal is not None:
        return refusal
    if sanction.proposed_by & principal.persons:
        return SamePerson(step="proposal")
    if command.from_on < today:
        return TooEarly("from_on", date=command.from_on, earliest=today)
    if command.until is not None and command.until < command.from_on:
        return TooEarly("until", date=command.until, earliest=command.from_on)
    stated = {**command.model_dump(), "party_uscc": sanction.party_uscc}
    decided = SanctionDecided(**stated, places=sanction.places)
    entries = [
        Decided(
            record_id(command.sanction_id, place),
            CreditRecordEntered(record_id=record_id(command.sanction_id, place), place=place, **stated),
            sanction.case_id,
        )
        for place in sanction.places
    ]
    return [Decided(command.sanction_id, decided, sanction.case_id), *entries]


def review_sanction(sanction: Sanction, principal: Principal, command: ReviewSanction) -> list[Decided] | Refusal:
    """SanctionReviewed; with SanctionLifted where it does not stand."""
    refusal = _stands(sanction, "decided", command.sanction_id) or _acts_for_a_place(sanction, principal)
    if refusal is not None:
        return refusal
    for persons, step in ((sanction.proposed_by, "proposal"), (sanction.decided_by, "decision")):
        if persons & principal.persons:
            return SamePerson(step=step)
    reviewed = SanctionReviewed(sanction_id=command.sanction_id, outcome=command.outcome)
    lifted = _lifted(sanction, command.sanction_id, command.decision_no) if command.outcome == "lifted" else []
    return [Decided(command.sanction_id, reviewed, sanction.case_id), *lifted]


def lift_sanction(sanction: Sanction, principal: Principal, command: LiftSanction) -> list[Decided] | Refusal:
    """SanctionLifted."""
    refusal = _stands(sanction, "decided", command.sanction_id) or _acts_for_a_place(sanction, principal)
    return refusal if refusal is not None else _lifted(sanction, command.sanction_id, command.decision_no)


def end_sanction(sanction: Sanction, today: date, principal: Principal, command: EndSanction) -> list[Decided] | Refusal:
    """SanctionLifted under the number of the decision that named the last day."""
    if principal.role != "service":
        return NotYours()
    refusal = _stands(sanction, "decided", command.sanction_id)
    if refusal is not None:
        return refusal
    if sanction.until is None or today <= sanction.until:
        return OutOfOrder("sanction_id", state="in force")
    return _lifted(sanction, command.sanction_id, sanction.decision_no)


def repair_credit_record(
    record: CreditRecord, principal: Principal, command: RepairCreditRecord
) -> list[Decided] | Refusal:
    """CreditRecordRepaired, by an officer of the place."""
    if not record.place:
        return NotFound("record_id", what="credit record", id=command.record_id)
    if principal.role not in ("regional_officer", "provincial_officer") or principal.region != record.place:
        return NotYours("record_id")
    if record.repaired:
        return OutOfOrder("record_id", state="repaired")
    return [Decided(command.record_id, CreditRecordRepaired(**command.model_dump()), record.case_id)]


def _stands(sanction: Sanction, stage: Stage, sanction_id: UUID) -> Refusal | None:
    if sanction.stage == "unknown":
        return NotFound("sanction_id", what="sanction", id=sanction_id)
    return None if sanction.stage == stage else OutOfOrder("sanction_id", state=sanction.stage)


def _acts_for_a_place(sanction: Sanction, principal: Principal, others: tuple[str, ...] = ()) -> Refusal | None:
    """An officer of the paying region or of the listing province."""
    if principal.role in others:
        return None
    mine = principal.role in ("regional_officer", "provincial_officer") and principal.region in sanction.places
    return None if mine else NotYours("sanction_id")


def _party_was_heard(sanction: Sanction, answer_days: AnswerDays, today: date) -> Refusal | None:
    """Told, and has stated its case or had the region's days for it."""
    if sanction.notified_on is None:
        return NotNotified("sanction_id")
    until = add_days(sanction.notified_on, answer_days_on(answer_days, sanction.notified_on))
    if not sanction.heard and today <= until:
        return PartyNotHeard("sanction_id", uscc=sanction.party_uscc, until=until)
    return None


def _lifted(sanction: Sanction, sanction_id: UUID, decision_no: str) -> list[Decided]:
    event = SanctionLifted(sanction_id=sanction_id, party_uscc=sanction.party_uscc, decision_no=decision_no)
    return [Decided(sanction_id, event, sanction.case_id)]
