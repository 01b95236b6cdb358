"""The case as the voucher service tells it: parties, contract, allocation, presentation, end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal
from uuid import UUID

from tongdui_events.common import RecusalRecorded
from tongdui_events.document import Event, Stamp
from tongdui_events.voucher import (
    AllocationConfirmed,
    AllocationCorrected,
    ContractAmended,
    ContractSubmitted,
    PerformanceAllowed,
    PresentationEnded,
    ProviderChanged,
    SupplementAllowed,
    SupplementRefused,
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

Ended = Literal["", "withdrawn", "expired", "voided", "redeemed"]


@dataclass(frozen=True, slots=True)
class AllocatedLine:
    """One contract line as the allocation froze it: ``eligible_fen`` is on the policy's tax basis."""

    line_no: int
    eligible_fen: int
    ratio_bp: int


@dataclass(frozen=True, slots=True)
class Case:
    """One voucher. ``allocation_fen`` is None before an allocation was confirmed; ``policy_version``
    is the version that allocation froze; ``presented`` is every redemption it ever backed; ``predecessors`` are
    whose voucher it was before mergers passed it on."""

    voucher_id: UUID | None = None
    enterprise_uscc: str = ""
    provider_uscc: str = ""
    region: str = ""
    listing_province: str = ""
    mode: Literal["tongyong", "tongdui"] = "tongyong"
    redeem_by: date | None = None
    signed_on: date | None = None
    tax_bp: tuple[tuple[int, int], ...] = ()
    allocation_fen: int | None = None
    lines: tuple[AllocatedLine, ...] = ()
    policy_version: int = 0
    tendered: bool = False
    collected: bool = False
    presented: tuple[UUID, ...] = ()
    live: UUID | None = None
    ended: Ended = ""
    performance_allowed_on: date | None = None
    supplements: tuple[bool, ...] = ()
    recused: frozenset[str] = frozenset()
    predecessors: frozenset[str] = frozenset()

    @property
    def payee_uscc(self) -> str:
        """Who is paid: the enterprise is reimbursed (通用), the provider paid (通兑). 二(五)"""
        return self.enterprise_uscc if self.mode == "tongyong" else self.provider_uscc

    @property
    def enterprises(self) -> frozenset[str]:
        """The enterprise, and whom it took the voucher over from: what was invoiced to and paid by them counts."""
        return self.predecessors | {self.enterprise_uscc}

    @property
    def handed_over(self) -> bool:
        """The enterprise let the voucher go; in 通兑 the provider has collected it too."""
        return self.collected if self.mode == "tongdui" else self.tendered

    def tax_of(self, line_no: int) -> int:
        """The tax rate of a contract line in basis points; 0 for a line unknown."""
        return dict(self.tax_bp).get(line_no, 0)


def _contracted(case: Case, event: ContractSubmitted | ContractAmended) -> Case:
    tax_bp = tuple((line.line_no, line.tax_bp) for line in event.lines)
    return replace(case, signed_on=event.signed_on, tax_bp=tax_bp)


def _allocated(case: Case, event: AllocationConfirmed | AllocationCorrected) -> Case:
    return replace(
        case,
        enterprise_uscc=event.enterprise_uscc,
        provider_uscc=event.provider_uscc,
        region=event.region,
        mode=event.mode,
        redeem_by=event.redeem_by,
        allocation_fen=event.amount_fen,
        lines=tuple(AllocatedLine(line.line_no, line.eligible_fen, line.ratio_bp) for line in event.lines),
        policy_version=event.policy_version,
    )


def _lived(case: Case, event: Event, stamp: Stamp) -> Case:
    """What happens to the voucher besides contract and allocation."""
    match event:
        case VoucherTendered():
            return replace(case, tendered=True)
        case VoucherCollected():
            return replace(case, collected=True)
        case VoucherPresented():
            return replace(case, live=event.redemption_id, presented=(*case.presented, event.redemption_id))
        case PresentationEnded():
            return replace(case, live=None)
        case SupplementAllowed() | SupplementRefused():
            return replace(case, supplements=(*case.supplements, isinstance(event, SupplementAllowed)))
        case VoucherExtended():
            return replace(case, redeem_by=event.redeem_by)
        case VoucherWithdrawn():
            return replace(case, ended="withdrawn")
        case VoucherExpired():
            return replace(case, ended="expired")
        case VoucherVoided():
            return replace(case, ended="voided")
        case VoucherRedeemed():
            return replace(case, ended="redeemed")
        case VoucherReinstated():
            return replace(case, ended="")
        case RecusalRecorded():
            return replace(case, recused=case.recused | {event.recused_actor})
        case VoucherPassedOn():
            predecessors = case.predecessors | {event.predecessor_uscc}
            return replace(case, enterprise_uscc=event.enterprise_uscc, predecessors=predecessors)
        case PerformanceAllowed():
            return replace(case, performance_allowed_on=stamp.business_day)
    return case


def evolve(case: Case, event: Event, stamp: Stamp) -> Case:
    match event:
        case VoucherIssued():
            return replace(
                case,
                voucher_id=event.voucher_id,
                enterprise_uscc=event.enterprise_uscc,
                provider_uscc=event.provider_uscc,
                region=event.region,
                listing_province=event.listing_province,
                mode=event.mode,
                redeem_by=event.redeem_by,
            )
        case ProviderChanged():
            return replace(case, provider_uscc=event.provider_uscc)
        case ContractSubmitted() | ContractAmended():
            return _contracted(case, event)
        case AllocationConfirmed() | AllocationCorrected():
            return _allocated(case, event)
    return _lived(case, event, stamp)


CASE = Fold(
    "case",
    "voucher",
    (
        VoucherIssued,
        ProviderChanged,
        ContractSubmitted,
        ContractAmended,
        AllocationConfirmed,
        AllocationCorrected,
        VoucherTendered,
        VoucherCollected,
        VoucherPresented,
        PresentationEnded,
        VoucherExtended,
        VoucherWithdrawn,
        VoucherExpired,
        VoucherVoided,
        VoucherRedeemed,
        VoucherReinstated,
        VoucherPassedOn,
        PerformanceAllowed,
        SupplementAllowed,
        SupplementRefused,
        RecusalRecorded,
    ),
    Case(),
    evolve,
)
"""Keyed by the voucher's id."""
