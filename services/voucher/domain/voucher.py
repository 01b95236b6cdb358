"""One voucher (创新券): its state, folded from its own stream. Its id is the case id."""

from __future__ import annotations

from datetime import date
from typing import Literal, NamedTuple
from uuid import UUID

from tongdui_events.common import AppealDecided, AppealLodged, RecusalRecorded
from tongdui_events.document import Event, Stamp
from tongdui_events.voucher import (
    AllocationConfirmed,
    AllocationCorrected,
    AllocationRefused,
    ApplicationRefused,
    ContractAcknowledged,
    ContractAmended,
    ContractDisputed,
    ContractLine,
    ContractSubmitted,
    HoldsCarriedOver,
    PerformanceAllowed,
    PresentationEnded,
    PresentationRefused,
    ProviderChanged,
    SupplementAllowed,
    SupplementRefused,
    VoucherApplied,
    VoucherCollected,
    VoucherExpired,
    VoucherExtended,
    VoucherIssued,
    VoucherPassedOn,
    VoucherPresented,
    VoucherRedeemed,
    VoucherReinstated,
    VoucherTendered,
    VoucherVoided,
    VoucherWithdrawn,
)

from shared.kernel.folding import Fold

Stage = Literal[
    "unknown", "applied", "refused", "issued", "contracted", "acknowledged", "allocated", "tendered", "collected",
    "presented", "withdrawn", "expired", "voided", "redeemed",
]
ENDED = frozenset({"refused", "withdrawn", "expired", "voided", "redeemed"})
HOLDING = frozenset({"allocated", "tendered", "collected", "presented"})


class Hold(NamedTuple):
    """What the voucher holds under one ceiling."""

    kind: str
    key: str
    year: int
    amount_fen: int


class Line(NamedTuple):
    """One line of the contract, as much of it as decisions look at: a sixth of what the event's own part takes in memory."""

    line_no: int
    item_code: str
    category: str
    amount_fen: int
    tax_bp: int
    fingerprint: str


class Ruling(NamedTuple):
    """The last decision against a case: which, by whom, on which day. It can be appealed."""

    kind: Literal["application", "allocation", "void"]
    by: frozenset[str]
    on: date


class Voucher(NamedTuple):
    """``before_presented`` is the stage it returns to when a presentation ends, ``before_ended`` when it is reinstated;
    ``held`` is what it held at the end; ``predecessors`` are whose it was before mergers passed it on."""

    stage: Stage = "unknown"
    enterprise_uscc: str = ""
    provider_uscc: str = ""
    region: str = ""
    mode: Literal["tongyong", "tongdui"] = "tongyong"
    use_by: date | None = None
    redeem_by: date | None = None
    contract_no: str = ""
    lines: tuple[Line, ...] = ()
    contract_amount_fen: int = 0
    submitted_by: str = ""
    allocation_fen: int = 0
    policy_version: int = 0
    holds: tuple[Hold, ...] = ()
    consumed: tuple[Hold, ...] = ()
    redemption_id: UUID | None = None
    before_presented: Stage = "tendered"
    performance_allowed: bool = False
    open_appeals: tuple[UUID, ...] = ()
    ruling: Ruling | None = None
    allocated_by: UUID | None = None
    recused: frozenset[str] = frozenset()
    waits_for_budget: bool = False
    before_ended: Stage = "issued"
    held: tuple[Hold, ...] = ()
    predecessors: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        return self.stage in ENDED

    @property
    def handed_over(self) -> bool:
        """The enterprise let it go; in 通兑 the provider has collected it too."""
        return self.stage == ("collected" if self.mode == "tongdui" else "tendered")

    def party_of(self, uscc: str | None) -> Literal["enterprise", "provider"] | None:
        if uscc == self.enterprise_uscc:
            return "enterprise"
        return "provider" if uscc == self.provider_uscc else None

    def last_day(self) -> date | None:
        """The deadline that counts as things stand: use_by before the contract, redeem_by after."""
        return self.use_by if self.stage == "issued" else self.redeem_by


def _contracted(voucher: Voucher, event: ContractSubmitted | ContractAmended) -> Voucher:
    return voucher._replace(
        stage="contracted",
        contract_no=event.contract_no,
        lines=tuple(map(_line, event.lines)),
        contract_amount_fen=event.amount_fen,
        submitted_by=event.submitted_by,
    )


def _line(line: ContractLine) -> Line:
    return Line(line.line_no, line.item_code, line.category, line.amount_fen, line.tax_bp, line.fingerprint)


def _allocated(voucher: Voucher, event: AllocationConfirmed | AllocationCorrected, stamp: Stamp) -> Voucher:
    stage = "allocated" if isinstance(event, AllocationConfirmed) else voucher.stage
    return voucher._replace(
        stage=stage,
        allocation_fen=event.amount_fen,
        policy_version=event.policy_version,
        allocated_by=stamp.event_id,
        ruling=None,
        holds=_holds(event),
    )


def _holds(event: AllocationConfirmed | AllocationCorrected | HoldsCarriedOver) -> tuple[Hold, ...]:
    return tuple(Hold(hold.kind, hold.key, hold.year, hold.amount_fen) for hold in event.holds)


def _presenting(voucher: Voucher, event: Event) -> Voucher:
    match event:
        case VoucherPresented():
            return voucher._replace(stage="presented", redemption_id=event.redemption_id, before_presented=voucher.stage)
        case PresentationEnded():
            return voucher._replace(stage=voucher.before_presented, redemption_id=None)
        case VoucherRedeemed():
            return voucher._replace(stage="redeemed", consumed=consumed_parts(voucher.holds, event.amount_fen), holds=())
        case SupplementAllowed():
            more = tuple(hold._replace(amount_fen=hold.amount_fen + event.amount_fen) for hold in voucher.consumed)
            return voucher._replace(consumed=more)
        case AppealLodged():
            return voucher._replace(open_appeals=(*voucher.open_appeals, event.appeal_id))
        case AppealDecided():
            still_open = tuple(a for a in voucher.open_appeals if a != event.appeal_id)
            return voucher._replace(open_appeals=still_open, ruling=None)
    return voucher


def consumed_parts(holds: tuple[Hold, ...], amount_fen: int) -> tuple[Hold, ...]:
    """What each ceiling is charged when ``amount_fen`` is paid: never more than it held."""
    return tuple(hold._replace(amount_fen=min(amount_fen, hold.amount_fen)) for hold in holds)


def _over(voucher: Voucher, stage: Stage, ruling: Ruling | None = None) -> Voucher:
    return voucher._replace(stage=stage, before_ended=voucher.stage, held=voucher.holds, holds=(), ruling=ruling)


def _ruled(kind: Literal["application", "allocation", "void"], stamp: Stamp) -> Ruling:
    return Ruling(kind, stamp.actor.persons, stamp.business_day)


def _ending(voucher: Voucher, event: Event, stamp: Stamp) -> Voucher:
    match event:
        case ApplicationRefused():
            return voucher._replace(stage="refused", ruling=_ruled("application", stamp))
        case AllocationRefused():
            return voucher._replace(ruling=_ruled("allocation", stamp))
        case VoucherWithdrawn():
            return _over(voucher, "withdrawn")
        case VoucherExpired():
            return _over(voucher, "expired")
        case VoucherVoided():
            return _over(voucher, "voided", _ruled("void", stamp))
        case VoucherExtended():
            return voucher._replace(use_by=event.use_by, redeem_by=event.redeem_by)
        case VoucherReinstated():
            return voucher._replace(stage=voucher.before_ended, holds=voucher.held, ruling=None)
        case PerformanceAllowed():
            return voucher._replace(performance_allowed=True)
        case HoldsCarriedOver():
            return voucher._replace(holds=_holds(event), waits_for_budget=event.waiting)
        case RecusalRecorded():
            return voucher._replace(recused=voucher.recused | {event.recused_actor})
    return _presenting(voucher, event)


def evolve(voucher: Voucher, event: Event, stamp: Stamp) -> Voucher:
    match event:
        case VoucherApplied():
            return Voucher("applied", event.enterprise_uscc, event.provider_uscc, event.region, event.mode)
        case VoucherIssued():
            return voucher._replace(stage="issued", use_by=event.use_by, redeem_by=event.redeem_by, ruling=None)
        case ProviderChanged():
            return voucher._replace(provider_uscc=event.provider_uscc)
        case VoucherPassedOn():
            predecessors = (*voucher.predecessors, event.predecessor_uscc)
            return voucher._replace(enterprise_uscc=event.enterprise_uscc, predecessors=predecessors)
        case ContractSubmitted() | ContractAmended():
            return _contracted(voucher, event)
        case ContractAcknowledged():
            return voucher._replace(stage="acknowledged")
        case ContractDisputed():
            return voucher._replace(stage="issued", lines=(), contract_amount_fen=0)
        case AllocationConfirmed() | AllocationCorrected():
            return _allocated(voucher, event, stamp)
        case VoucherTendered():
            return voucher._replace(stage="tendered")
        case VoucherCollected():
            return voucher._replace(stage="collected")
    return _ending(voucher, event, stamp)


VOUCHER = Fold(
    "voucher",
    "voucher",
    (
        VoucherApplied, ApplicationRefused, VoucherIssued, ProviderChanged, VoucherPassedOn, ContractSubmitted, ContractAmended,
        ContractAcknowledged, ContractDisputed, AllocationConfirmed, AllocationCorrected, AllocationRefused,
        VoucherTendered, VoucherCollected, VoucherPresented, PresentationRefused, PresentationEnded, VoucherWithdrawn,
        VoucherExpired, VoucherExtended, VoucherVoided, PerformanceAllowed, VoucherReinstated, VoucherRedeemed,
        SupplementAllowed, SupplementRefused, AppealLodged, AppealDecided, RecusalRecorded,
        HoldsCarriedOver,
    ),
    Voucher(),
    evolve,
)
"""Keyed by the voucher's id."""
