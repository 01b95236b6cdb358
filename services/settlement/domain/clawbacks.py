"""Taking money back (追回) after it was paid: proposed, ordered by a second person, recovered, closed. 二(六)

For breach or without fault; a sanction is never decided here. Several, partial, raised, lowered and cancelled orders
are legal histories; what is ordered for a redemption stays within what was paid of it, and what is recovered within
what is ordered (invariant 5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, Field
from tongdui_events.document import Code, Event, PositiveFen, Sha256, Stamp, Text, Uscc, Year
from tongdui_events.settlement import (
    ClawbackCancelled,
    ClawbackClosed,
    ClawbackOrdered,
    ClawbackProposed,
    DebtBooked,
    Instalment,
    OffsetDropped,
    OffsetPlanned,
    RecoveryRecorded,
    RecoverySought,
)
from tongdui_events.streams import debtor_id

from services.settlement.domain.case_facts import Case
from services.settlement.domain.clawback_refusals import (
    AlreadyRecovered,
    DebtorElsewhere,
    DecisionUsed,
    FiscalYearOutside,
    InstalmentsDiffer,
    LessThanRecovered,
    MoreThanOwed,
    MoreThanPaid,
    NothingPaid,
    ReceivedTomorrow,
)
from services.settlement.domain.people import acts_for_region, reviews_for_region
from services.settlement.domain.redemption import Redemption
from services.settlement.domain.refusals import SamePerson
from services.settlement.domain.registry_facts import Region
from services.settlement.domain.windows import recovery_booked
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, OutOfOrder, Refusal
from shared.kernel.fields import Day, each_once
from shared.kernel.folding import Fold

Stage = Literal["unknown", "proposed", "ordered", "cancelled", "closed"]


@dataclass(frozen=True, slots=True)
class Clawback:
    """One recovery. ``ordered_fen`` is the total of the order that stands, 0 before there is one; ``proposers`` the
    persons who may not decide it; ``planned`` what payments under way will set off. Sums in fen."""

    clawback_id: UUID | None = None
    redemption_id: UUID | None = None
    voucher_id: UUID | None = None
    debtor_uscc: str = ""
    stage: Stage = "unknown"
    proposers: frozenset[str] = frozenset()
    decision_no: str = ""
    ordered_fen: int = 0
    recovered_fen: int = 0
    planned: Mapping[UUID, int] = field(default_factory=dict)

    @property
    def left_fen(self) -> int:
        """What is still owed."""
        return self.ordered_fen - self.recovered_fen if self.stage == "ordered" else 0

    @property
    def free_fen(self) -> int:
        """What of it no payment is to set off yet."""
        return self.left_fen - sum(self.planned.values())


def evolve(clawback: Clawback, event: Event, stamp: Stamp) -> Clawback:
    match event:
        case ClawbackProposed():
            return Clawback(
                clawback_id=event.clawback_id,
                redemption_id=event.redemption_id,
                voucher_id=stamp.case_id,
                debtor_uscc=event.debtor_uscc,
                stage="proposed",
                proposers=clawback.proposers | stamp.actor.persons,
            )
        case ClawbackOrdered():
            return replace(clawback, stage="ordered", decision_no=event.decision_no, ordered_fen=event.amount_fen)
        case ClawbackCancelled():
            return replace(clawback, stage="cancelled", ordered_fen=0)
        case RecoveryRecorded():
            without = {payout: fen for payout, fen in clawback.planned.items() if payout != event.payout_id}
            return replace(clawback, recovered_fen=clawback.recovered_fen + event.amount_fen, planned=without)
        case OffsetPlanned():
            return replace(clawback, planned={**clawback.planned, event.payout_id: event.amount_fen})
        case OffsetDropped():
            without = {payout: fen for payout, fen in clawback.planned.items() if payout != event.payout_id}
            return replace(clawback, planned=without)
        case ClawbackClosed():
            return replace(clawback, stage="closed")
    return clawback


CLAWBACK = Fold(
    "clawback",
    "settlement",
    (
        ClawbackProposed,
        ClawbackOrdered,
        ClawbackCancelled,
        RecoveryRecorded,
        ClawbackClosed,
        OffsetPlanned,
        OffsetDropped,
    ),
    Clawback(),
    evolve,
)
"""Keyed by ``clawback_id``. What was written off stays ordered: it is not asked for a second time."""


def _booked(debts: tuple[UUID, ...], event: Event, stamp: Stamp) -> tuple[UUID, ...]:
    return (*debts, event.clawback_id) if isinstance(event, DebtBooked) else debts


DEBTS: Fold[tuple[UUID, ...]] = Fold("debts", "settlement", (DebtBooked,), (), _booked)
"""The clawbacks ordered of a debtor, oldest first; keyed by ``debtor_id(region, uscc)``."""

Evidence = Annotated[tuple[Sha256, ...], Field(min_length=1, max_length=50), AfterValidator(each_once)]
DecisionNo = Annotated[Code, Field(min_length=1)]


class ProposeClawback(Command):
    """Propose to take back a part of what was paid, for ``breach`` or without fault (a reversed invoice, an officer's
    mistake, a later duplicate), with the digests of the evidence. A second person decides."""

    clawback_id: UUID
    redemption_id: UUID
    debtor_uscc: Uscc
    amount_fen: PositiveFen
    ground: Literal["breach", "no_fault"]
    evidence_sha256: Evidence


class OrderClawback(Command):
    """Decide a recovery: ``amount_fen`` is its total. A new order, with a number of its own, raises or lowers it, never
    below what has come back. By another person than proposed it."""

    clawback_id: UUID
    decision_no: DecisionNo
    amount_fen: PositiveFen
    instalments: Annotated[tuple[Instalment, ...], Field(max_length=120)] | None = None


class CancelClawback(Command):
    """Call a recovery off by decision, before anything of it has come back; by another person than proposed it."""

    clawback_id: UUID
    decision_no: DecisionNo


class RecordRecovery(Command):
    """Money came back to the paying treasury: repaid to its account (``reference``: that of the statement), or through
    the treasury (``reference``: the number of the 缴款书), for a fiscal year from that of the payment on. By instalments,
    never more than is owed."""

    clawback_id: UUID
    amount_fen: PositiveFen
    method: Literal["repaid", "treasury"]
    fiscal_year: Year
    reference: Annotated[Text, Field(min_length=1)]
    received_on: Day


class WriteOffClawback(Command):
    """Give up by decision what is still owed; by another person than proposed the recovery."""

    clawback_id: UUID
    decision_no: DecisionNo


class Paid(NamedTuple):
    """What was paid of a redemption: ``fen`` settled less returned, and offset; ``year`` in which it was settled."""

    fen: int
    year: int | None


# -- deciding ----------------------------------------------------------------------------------


def propose(
    clawback: Clawback,
    redemption: Redemption,
    others: Sequence[Clawback],
    paid: Paid,
    case: Case,
    region: Region,
    today: date,
    principal: Principal,
    command: ProposeClawback,
) -> list[Decided] | Refusal:
    """ClawbackProposed, RecoverySought. ``others``: the redemption's other recoveries."""
    if redemption.redemption_id is None:
        return NotFound("redemption_id", what="redemption", id=command.redemption_id)
    refusal = _proposes(principal, case, region, today)
    if refusal:
        return refusal
    if clawback.stage != "unknown":
        return OutOfOrder("clawback_id", state=clawback.stage)
    if command.debtor_uscc not in (case.enterprise_uscc, case.provider_uscc):
        return DebtorElsewhere("debtor_uscc", uscc=command.debtor_uscc)
    refusal = within_paid(command.amount_fen, paid, others)
    if refusal:
        return refusal
    event = ClawbackProposed(**command.model_dump(), region=case.region)
    return [Decided(command.clawback_id, event, case.voucher_id), sought(redemption, command.clawback_id)]


def sought(redemption: Redemption, clawback_id: UUID) -> Decided:
    """RecoverySought: by it a redemption knows its recoveries."""
    if redemption.redemption_id is None:
        raise ValueError(f"clawback {clawback_id} is of no redemption")
    event = RecoverySought(redemption_id=redemption.redemption_id, clawback_id=clawback_id)
    return Decided(redemption.redemption_id, event, redemption.voucher_id)


def order(
    clawback: Clawback,
    redemption: Redemption,
    others: Sequence[Clawback],
    paid: Paid,
    case: Case,
    principal: Principal,
    command: OrderClawback,
) -> list[Decided] | Refusal:
    """ClawbackOrdered, with the first DebtBooked; and ClawbackClosed where no more is ordered than has come back."""
    refusal = _decided_by(principal, clawback, case, command.clawback_id, ("proposed", "ordered"))
    refusal = refusal or _orderable(clawback, others, paid, command)
    if refusal:
        return refusal
    told = _ordered(clawback, redemption, case, command)
    first = [_debt(clawback, case.region)] if clawback.stage == "proposed" else []
    return [told, *first, *closed_when_whole(clawback, command.amount_fen, clawback.recovered_fen)]


def _debt(clawback: Clawback, region: str) -> Decided:
    if clawback.clawback_id is None:
        raise ValueError("no such clawback")
    event = DebtBooked(debtor_uscc=clawback.debtor_uscc, region=region, clawback_id=clawback.clawback_id)
    return Decided(debtor_id(region, clawback.debtor_uscc), event, clawback.voucher_id)


def cancel(
    clawback: Clawback, case: Case, principal: Principal, command: CancelClawback
) -> list[Decided] | Refusal:
    """ClawbackCancelled."""
    refusal = _decided_by(principal, clawback, case, command.clawback_id, ("proposed", "ordered"))
    if refusal:
        return refusal
    if clawback.recovered_fen:
        return AlreadyRecovered("clawback_id", recovered_fen=clawback.recovered_fen)
    return [Decided(command.clawback_id, ClawbackCancelled(**command.model_dump()), clawback.voucher_id)]


def recover(
    clawback: Clawback, paid: Paid, case: Case, today: date, principal: Principal, command: RecordRecovery
) -> list[Decided] | Refusal:
    """RecoveryRecorded, booked for the region's window; and ClawbackClosed with the last of it."""
    if clawback.clawback_id is None:
        return NotFound("clawback_id", what="clawback", id=command.clawback_id)
    refusal = acts_for_region(principal, case.region)
    if refusal is None and clawback.stage != "ordered":
        refusal = OutOfOrder("clawback_id", state=clawback.stage)
    if refusal is None and command.amount_fen > clawback.left_fen:
        refusal = MoreThanOwed("amount_fen", amount_fen=command.amount_fen, left_fen=clawback.left_fen)
    refusal = refusal or _dated(command, paid, today)
    if refusal:
        return refusal
    event = RecoveryRecorded(region=case.region, **command.model_dump())
    told = Decided(command.clawback_id, event, clawback.voucher_id)
    come = recovery_booked(command.clawback_id, case.region, command.amount_fen, clawback.voucher_id)
    return [told, come, *closed_when_whole(clawback, clawback.ordered_fen, clawback.recovered_fen + command.amount_fen)]


def write_off(
    clawback: Clawback, case: Case, principal: Principal, command: WriteOffClawback
) -> list[Decided] | Refusal:
    """ClawbackClosed with what is given up."""
    refusal = _decided_by(principal, clawback, case, command.clawback_id, ("ordered",))
    if refusal:
        return refusal
    event = ClawbackClosed(
        clawback_id=command.clawback_id,
        recovered_fen=clawback.recovered_fen,
        written_off_fen=clawback.left_fen,
        decision_no=command.decision_no,
    )
    return [Decided(command.clawback_id, event, clawback.voucher_id)]


def lowered(
    redemption: Redemption, clawbacks: Sequence[Clawback], paid_fen: int, case: Case
) -> list[Decided]:
    """A payment came back: the redemption's orders shrink, the latest first, to what is left paid of it.

    An order with nothing left is cancelled. What the debtor has repaid already is not taken out of an order: that
    money is recorded, and goes back to it by the region's hand.
    """
    excess = sum(one.ordered_fen for one in clawbacks) - paid_fen
    decided: list[Decided] = []
    for one in reversed(clawbacks):
        cut = min(excess, one.left_fen)
        if cut <= 0 or one.clawback_id is None:
            continue
        excess -= cut
        decided += _shrunk(one, redemption, case, one.ordered_fen - cut)
    return decided


def _shrunk(clawback: Clawback, redemption: Redemption, case: Case, total_fen: int) -> list[Decided]:
    if clawback.clawback_id is None:
        return []
    if total_fen == 0:
        cancelled = ClawbackCancelled(clawback_id=clawback.clawback_id, decision_no=clawback.decision_no)
        return [Decided(clawback.clawback_id, cancelled, clawback.voucher_id)]
    asked = OrderClawback(clawback_id=clawback.clawback_id, decision_no=clawback.decision_no, amount_fen=total_fen)
    told = _ordered(clawback, redemption, case, asked)
    return [told, *closed_when_whole(clawback, total_fen, clawback.recovered_fen)]


def _ordered(clawback: Clawback, redemption: Redemption, case: Case, command: OrderClawback) -> Decided:
    if redemption.redemption_id is None:
        raise ValueError(f"clawback {command.clawback_id} is of no redemption")
    event = ClawbackOrdered(
        clawback_id=command.clawback_id,
        redemption_id=redemption.redemption_id,
        enterprise_uscc=case.enterprise_uscc,
        provider_uscc=case.provider_uscc,
        debtor_uscc=clawback.debtor_uscc,
        region=case.region,
        listing_province=case.listing_province,
        decision_no=command.decision_no,
        amount_fen=command.amount_fen,
        instalments=command.instalments,
    )
    return Decided(command.clawback_id, event, clawback.voucher_id)


def closed_when_whole(clawback: Clawback, ordered_fen: int, recovered_fen: int) -> list[Decided]:
    """ClawbackClosed, where nothing is owed any more."""
    if recovered_fen < ordered_fen or clawback.clawback_id is None:
        return []
    event = ClawbackClosed(clawback_id=clawback.clawback_id, recovered_fen=recovered_fen, written_off_fen=0)
    return [Decided(clawback.clawback_id, event, clawback.voucher_id)]


# -- rules -------------------------------------------------------------------------------------


def _proposes(principal: Principal, case: Case, region: Region, today: date) -> Refusal | None:
    """An officer of the paying region, or a centre it entrusts with review."""
    if principal.role == "centre":
        return reviews_for_region(principal, region, today)
    return acts_for_region(principal, case.region)


def _decided_by(
    principal: Principal, clawback: Clawback, case: Case, clawback_id: UUID, stages: tuple[Stage, ...]
) -> Refusal | None:
    """An officer of the paying region who did not propose it."""
    if clawback.clawback_id is None:
        return NotFound("clawback_id", what="clawback", id=clawback_id)
    refusal = acts_for_region(principal, case.region)
    if refusal:
        return refusal
    if principal.persons & clawback.proposers:
        return SamePerson(step="the proposal")
    return None if clawback.stage in stages else OutOfOrder("clawback_id", state=clawback.stage)


def _orderable(
    clawback: Clawback, others: Sequence[Clawback], paid: Paid, command: OrderClawback
) -> Refusal | None:
    if command.decision_no == clawback.decision_no:
        return DecisionUsed("decision_no", decision_no=command.decision_no)
    if command.amount_fen < clawback.recovered_fen:
        return LessThanRecovered("amount_fen", recovered_fen=clawback.recovered_fen, asked_fen=command.amount_fen)
    if command.instalments is not None:
        total_fen = sum(one.amount_fen for one in command.instalments)
        if total_fen != command.amount_fen:
            return InstalmentsDiffer("instalments", total_fen=total_fen, amount_fen=command.amount_fen)
    return within_paid(command.amount_fen, paid, others)


def within_paid(asked_fen: int, paid: Paid, others: Sequence[Clawback]) -> Refusal | None:
    """Σ ordered ≤ settled − returned + offset."""
    if paid.fen == 0 or paid.year is None:
        return NothingPaid("redemption_id")
    most_fen = paid.fen - sum(other.ordered_fen for other in others)
    return MoreThanPaid("amount_fen", most_fen=max(most_fen, 0), asked_fen=asked_fen) if asked_fen > most_fen else None


def _dated(command: RecordRecovery, paid: Paid, today: date) -> Refusal | None:
    first = paid.year or today.year
    if not first <= command.fiscal_year <= today.year:
        return FiscalYearOutside("fiscal_year", fiscal_year=command.fiscal_year, paid_year=first, year=today.year)
    return ReceivedTomorrow("received_on", on=command.received_on) if command.received_on > today else None
