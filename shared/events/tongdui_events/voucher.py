"""What the voucher service publishes: the case, its ceilings and its claims."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from tongdui_events.common import Flag, Mode, Number, Party, Province, Step
from tongdui_events.document import (
    BasisPoints,
    Code,
    Event,
    Fen,
    Frozen,
    PositiveFen,
    RegionCode,
    Sha256,
    Text,
    Uscc,
    Year,
)

CeilingKind = Literal["enterprise-year", "region-year", "provider-year", "controller-year"]


class ContractLine(Frozen):
    """One line of the intended contract; the sum is with tax, the fingerprint names both parties,
    the contract number and the line."""

    line_no: Number
    item_code: Code
    category: Code
    description: Text
    amount_fen: Fen
    tax_bp: BasisPoints
    fingerprint: Sha256


class AllocationLine(Frozen):
    """What one contract line may carry; ``reason`` says why it is cut or carries nothing."""

    line_no: Number
    eligible_fen: Fen
    ratio_bp: BasisPoints
    amount_fen: Fen
    reason: Code | None = None


class HoldTaken(Frozen):
    """What an allocation holds under one ceiling."""

    kind: CeilingKind
    key: Code
    year: Year
    amount_fen: PositiveFen


class VoucherEvent(Event):
    """An event only the voucher service publishes."""

    SOURCES: ClassVar[frozenset[str]] = frozenset({"voucher"})


class VoucherApplied(VoucherEvent):
    """An enterprise asks for a voucher with the provider it chose."""

    voucher_id: UUID
    enterprise_uscc: Uscc
    provider_uscc: Uscc
    region: RegionCode
    mode: Mode
    purpose: Text


class ApplicationRefused(VoucherEvent):
    """The application was refused."""

    voucher_id: UUID
    reasons: tuple[Code, ...] = ()


class VoucherIssued(VoucherEvent):
    """The voucher exists; ``use_by`` and ``redeem_by`` are the last days, included."""

    voucher_id: UUID
    enterprise_uscc: Uscc
    provider_uscc: Uscc
    region: RegionCode
    listing_province: Province
    mode: Mode
    policy_version: Number
    use_by: date
    redeem_by: date


class ProviderChanged(VoucherEvent):
    """The enterprise chose another provider, before a contract."""

    voucher_id: UUID
    provider_uscc: Uscc


class SuccessionNoted(VoucherEvent):
    """Another enterprise takes over from a day on, as the registry decided: its vouchers pass on."""

    uscc: Uscc
    successor_uscc: Uscc
    decision_no: Code
    from_on: date


class VoucherPassedOn(VoucherEvent):
    """The voucher of an enterprise that was succeeded is the successor's, by the decision named; that is no transfer."""

    voucher_id: UUID
    enterprise_uscc: Uscc
    predecessor_uscc: Uscc
    decision_no: Code


class ContractSubmitted(VoucherEvent):
    """One party submitted the intended contract; ``amount_fen`` is the sum of its lines."""

    voucher_id: UUID
    contract_no: Code
    lines: tuple[ContractLine, ...]
    amount_fen: Fen
    signed_on: date
    submitted_by: Party
    document_sha256: Sha256


class ContractAmended(VoucherEvent):
    """The contract was replaced, whole."""

    voucher_id: UUID
    contract_no: Code
    lines: tuple[ContractLine, ...]
    amount_fen: Fen
    signed_on: date
    submitted_by: Party
    document_sha256: Sha256


class ContractAcknowledged(VoucherEvent):
    """The other party confirms the contract."""

    voucher_id: UUID
    by: Party


class ContractDisputed(VoucherEvent):
    """The other party does not recognise the contract."""

    voucher_id: UUID
    by: Party
    reason_sha256: Sha256


class AllocationConfirmed(VoucherEvent):
    """What the voucher may carry, how it was computed and what it holds."""

    voucher_id: UUID
    enterprise_uscc: Uscc
    provider_uscc: Uscc
    region: RegionCode
    mode: Mode
    redeem_by: date
    amount_fen: Fen
    contract_amount_fen: Fen
    lines: tuple[AllocationLine, ...]
    steps: tuple[Step, ...] = ()
    holds: tuple[HoldTaken, ...] = ()
    policy_version: Number
    catalogue_version: Number
    quota_year: Year
    budget_year: Year
    reduced_because: tuple[Code, ...] = ()


class AllocationCorrected(VoucherEvent):
    """An officer's mistake mended: the whole allocation anew; ``corrects`` is an event's id."""

    voucher_id: UUID
    enterprise_uscc: Uscc
    provider_uscc: Uscc
    region: RegionCode
    mode: Mode
    redeem_by: date
    amount_fen: Fen
    contract_amount_fen: Fen
    lines: tuple[AllocationLine, ...]
    steps: tuple[Step, ...] = ()
    holds: tuple[HoldTaken, ...] = ()
    policy_version: Number
    catalogue_version: Number
    quota_year: Year
    budget_year: Year
    reduced_because: tuple[Code, ...] = ()
    corrects: UUID
    reason: Code


class AllocationRefused(VoucherEvent):
    """The voucher may carry nothing, with the computation."""

    voucher_id: UUID
    policy_version: Number
    reasons: tuple[Code, ...] = ()
    steps: tuple[Step, ...] = ()


class VoucherTendered(VoucherEvent):
    """The enterprise accepts the result and hands the voucher over."""

    voucher_id: UUID


class VoucherCollected(VoucherEvent):
    """The provider has the voucher (tongdui)."""

    voucher_id: UUID


class VoucherPresented(VoucherEvent):
    """The voucher backs one live redemption; ``allocation_fen`` is what it may carry."""

    voucher_id: UUID
    redemption_id: UUID
    allocation_fen: Fen


class PresentationRefused(VoucherEvent):
    """The voucher cannot back this redemption."""

    voucher_id: UUID
    redemption_id: UUID
    reasons: tuple[Code, ...] = ()


class PresentationEnded(VoucherEvent):
    """The redemption presented came to nothing; the voucher is open again until its last day."""

    voucher_id: UUID
    redemption_id: UUID


class VoucherWithdrawn(VoucherEvent):
    """The enterprise gave the voucher back."""

    voucher_id: UUID


class VoucherExpired(VoucherEvent):
    """A last day has passed."""

    voucher_id: UUID
    deadline: Literal["use_by", "redeem_by"]


class VoucherExtended(VoucherEvent):
    """The voucher has new last days."""

    voucher_id: UUID
    use_by: date
    redeem_by: date
    reason: Code


class VoucherVoided(VoucherEvent):
    """The voucher was ended, by decision or because it can never be paid."""

    voucher_id: UUID
    reason: Code
    decision_no: Code | None = None


class HoldsCarriedOver(VoucherEvent):
    """A year ended: what the voucher holds in ``year`` from now on. ``waiting``: what is charged in the year of payment did
    not fit into the new one and stays where it was; its payment waits."""

    voucher_id: UUID
    year: Year
    holds: tuple[HoldTaken, ...]
    waiting: Flag = False


class PerformanceAllowed(VoucherEvent):
    """By decision a case goes on though its party was barred or delisted."""

    voucher_id: UUID
    decision_no: Code


class VoucherReinstated(VoucherEvent):
    """An ended voucher lives again by decision: new holds, the original year."""

    voucher_id: UUID
    reason: Code
    decision_no: Code


class VoucherRedeemed(VoucherEvent):
    """The redemption is settled; ``amount_fen`` was consumed."""

    voucher_id: UUID
    redemption_id: UUID
    amount_fen: Fen


class CeilingSet(VoucherEvent):
    """A ceiling of one year; ``wanted_fen`` is the term in force, ``limit_fen`` what it comes to."""

    kind: CeilingKind
    key: Code
    year: Year
    wanted_fen: Fen
    limit_fen: Fen


class HoldPlaced(VoucherEvent):
    """A voucher holds an amount under a ceiling."""

    kind: CeilingKind
    key: Code
    year: Year
    voucher_id: UUID
    amount_fen: PositiveFen


class HoldReduced(VoucherEvent):
    """A voucher holds less than before."""

    voucher_id: UUID
    by_fen: PositiveFen


class HoldReleased(VoucherEvent):
    """A voucher holds nothing any more; ``held_fen`` was held just before."""

    voucher_id: UUID
    held_fen: Fen
    reason: Code


class HoldConsumed(VoucherEvent):
    """The hold ends: ``amount_fen`` of the ``held_fen`` is used, the rest is free."""

    voucher_id: UUID
    amount_fen: Fen
    held_fen: Fen


class ConsumptionReversed(VoucherEvent):
    """Money came back, and the ceiling with it."""

    voucher_id: UUID
    amount_fen: Fen
    reason: Code


class ContractClaimed(VoucherEvent):
    """A contract line backs one voucher; one event per line, with ContractSubmitted."""

    fingerprint: Sha256
    voucher_id: UUID


class ClaimReleased(VoucherEvent):
    """A contract line is free again."""

    fingerprint: Sha256
    voucher_id: UUID


class FiledItem(Frozen):
    """One line of a filed contract."""

    item_code: Code
    category: Code
    amount_fen: PositiveFen


class ContractFiled(VoucherEvent):
    """A contract on its enterprise's file, with what a reviewer should look at: ``flags`` are codes."""

    voucher_id: UUID
    enterprise_uscc: Uscc
    provider_uscc: Uscc
    contract_no: Code
    items: tuple[FiledItem, ...]
    amount_fen: PositiveFen
    flags: tuple[Code, ...] = ()


class ContractUnfiled(VoucherEvent):
    """A contract is on its enterprise's file no more: its voucher was given back."""

    voucher_id: UUID
    enterprise_uscc: Uscc


class LocalSupportMatched(VoucherEvent):
    """A case is of a project that a region supported outside this platform."""

    voucher_id: UUID
    local_reference: Code
    match: Code


class LocalSupportRecorded(VoucherEvent):
    """A region reports support it gave outside this platform; ``invoices`` are normalised numbers."""

    region: RegionCode
    enterprise_uscc: Uscc
    provider_uscc: Uscc | None = None
    contract_no: Code | None = None
    invoices: tuple[Code, ...] = ()
    amount_fen: Fen
    year: Year
    local_reference: Code
    supported_on: date


class SupplementAllowed(VoucherEvent):
    """An adjustment upwards is held and consumed."""

    voucher_id: UUID
    redemption_id: UUID
    amount_fen: Fen
    reasons: tuple[Code, ...] = ()


class SupplementRefused(VoucherEvent):
    """An adjustment upwards does not fit."""

    voucher_id: UUID
    redemption_id: UUID
    amount_fen: Fen
    reasons: tuple[Code, ...] = ()
