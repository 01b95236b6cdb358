"""What the settlement service publishes about redemptions, invoices and clawback.

Payouts, batches and windows are in ``payments``.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from tongdui_events.common import Count, Mode, Number, Party, Province, Step
from tongdui_events.document import (
    Code,
    Event,
    Fen,
    Frozen,
    Hmac,
    PositiveFen,
    RegionCode,
    Sha256,
    SignedFen,
    Text,
    Uscc,
    Year,
)


class Invoice(Frozen):
    """One invoice; ``total_fen`` is with tax, ``allotted_fen`` what this redemption takes of it."""

    number: Code
    issued_on: date
    buyer_uscc: Uscc
    seller_uscc: Uscc
    total_fen: Fen
    allotted_fen: Fen


class Receipt(Frozen):
    """One proof that money was received."""

    payer_uscc: Uscc
    payee_uscc: Uscc
    amount_fen: Fen
    paid_on: date
    reference_hmac: Hmac


class EvidenceDocument(Frozen):
    """One file handed in, by its size and digest."""

    kind: Code
    size_bytes: Count
    sha256: Sha256


class PerformedLine(Frozen):
    """What of a contract line was performed and invoiced, with tax; its base is the smaller."""

    line_no: Number
    performed_fen: Fen
    invoiced_fen: Fen


class Instalment(Frozen):
    """One part of a recovery, with its last day."""

    until: date
    amount_fen: PositiveFen


class SettlementEvent(Event):
    """An event only the settlement service publishes."""

    SOURCES: ClassVar[frozenset[str]] = frozenset({"settlement"})


class RedemptionRequested(SettlementEvent):
    """A party asks for payment, with the evidence."""

    redemption_id: UUID
    voucher_id: UUID
    submitted_by: Party
    invoices: tuple[Invoice, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    documents: tuple[EvidenceDocument, ...] = ()
    lines: tuple[PerformedLine, ...] = ()
    claimed_fen: Fen
    enterprise_uscc: Uscc | None = None
    provider_uscc: Uscc | None = None
    region: RegionCode | None = None
    mode: Mode | None = None


class RedemptionResubmitted(SettlementEvent):
    """The request again, mended, whole."""

    redemption_id: UUID
    voucher_id: UUID
    submitted_by: Party
    invoices: tuple[Invoice, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    documents: tuple[EvidenceDocument, ...] = ()
    lines: tuple[PerformedLine, ...] = ()
    claimed_fen: Fen


class RedemptionWithdrawn(SettlementEvent):
    """The party took its request back."""

    redemption_id: UUID


class RedemptionReturned(SettlementEvent):
    """The request is to be mended by the last day, included."""

    redemption_id: UUID
    reasons: tuple[Code, ...] = ()
    mend_by: date


class RedemptionLapsed(SettlementEvent):
    """The request was not mended in time."""

    redemption_id: UUID


class ReviewOpened(SettlementEvent):
    """The voucher backs the request: the centre may review it."""

    redemption_id: UUID
    voucher_id: UUID


class RedemptionReviewed(SettlementEvent):
    """The centre reviewed the request: the sum, its base and the computation."""

    redemption_id: UUID
    amount_fen: Fen
    base_fen: Fen
    steps: tuple[Step, ...] = ()
    policy_version: Number | None = None


class RedemptionApproved(SettlementEvent):
    """The region's department agrees to the sum."""

    redemption_id: UUID
    voucher_id: UUID
    region: RegionCode
    amount_fen: Fen
    payee_uscc: Uscc
    mode: Mode
    policy_version: Number


class ApprovalWithdrawn(SettlementEvent):
    """The approval no longer stands; a new one needs a new notice."""

    redemption_id: UUID
    reason: Code


class RedemptionRejected(SettlementEvent):
    """The request came to nothing."""

    redemption_id: UUID
    voucher_id: UUID
    reasons: tuple[Code, ...] = ()
    decision_no: Code | None = None


class RedemptionAdjusted(SettlementEvent):
    """The approved sum is mended afterwards, up or down."""

    redemption_id: UUID
    by_fen: SignedFen
    reason: Code


class PaymentAdded(SettlementEvent):
    """A redemption is paid by one more payment: what an offset that fell away had kept back."""

    redemption_id: UUID
    payout_id: UUID


class RedemptionPublished(SettlementEvent):
    """An approved redemption is an item of a public notice."""

    redemption_id: UUID
    notice_id: UUID


class PublicityPassed(SettlementEvent):
    """The public notice of a redemption is over and nobody's objection stands."""

    redemption_id: UUID
    notice_id: UUID


class InvoiceClaimed(SettlementEvent):
    """A redemption takes a part of an invoice; the first claim fixes the total."""

    number: Code
    redemption_id: UUID
    allotted_fen: Fen
    total_fen: Fen


class InvoiceReleased(SettlementEvent):
    """A redemption no longer takes a part of an invoice."""

    number: Code
    redemption_id: UUID


class InvoiceReversed(SettlementEvent):
    """An invoice was reversed (红冲) by an amount, perhaps reissued under another number."""

    number: Code
    amount_fen: Fen
    replaced_by: Code | None = None


class PaymentStopped(SettlementEvent):
    """Nothing of that case is instructed for that reason, whatever is scheduled meanwhile."""

    voucher_id: UUID
    reason: Code


class PaymentStopLifted(SettlementEvent):
    """That reason no longer stops the payment of that case."""

    voucher_id: UUID
    reason: Code


class RedemptionSettled(SettlementEvent):
    """Payout and offset of a redemption are complete. Once per redemption."""

    redemption_id: UUID
    voucher_id: UUID
    region: RegionCode
    enterprise_uscc: Uscc
    provider_uscc: Uscc
    approved_fen: Fen
    paid_fen: Fen
    offset_fen: Fen


class RedemptionPassedOn(SettlementEvent):
    """A request under way is the successor's, as its voucher is."""

    redemption_id: UUID
    voucher_id: UUID
    enterprise_uscc: Uscc
    predecessor_uscc: Uscc


class RedemptionUnpaid(SettlementEvent):
    """A redemption, or a part of it, can finally not be paid."""

    redemption_id: UUID
    voucher_id: UUID
    unpaid_fen: Fen
    reason: Code


class RecoverySought(SettlementEvent):
    """A redemption has a clawback that was proposed; in the redemption's stream."""

    redemption_id: UUID
    clawback_id: UUID


class ClawbackProposed(SettlementEvent):
    """A recovery is proposed, for breach or without fault."""

    clawback_id: UUID
    redemption_id: UUID
    debtor_uscc: Uscc
    amount_fen: Fen
    ground: Literal["breach", "no_fault"]
    inspection_id: UUID | None = None
    region: RegionCode | None = None
    evidence_sha256: tuple[Sha256, ...] = ()


class ClawbackOrdered(SettlementEvent):
    """A recovery was decided; ``amount_fen`` is the new total."""

    clawback_id: UUID
    redemption_id: UUID
    enterprise_uscc: Uscc
    provider_uscc: Uscc
    debtor_uscc: Uscc
    region: RegionCode
    listing_province: Province
    decision_no: Code
    amount_fen: Fen
    instalments: tuple[Instalment, ...] | None = None


class ClawbackCancelled(SettlementEvent):
    """A recovery was called off by decision."""

    clawback_id: UUID
    decision_no: Code


class DebtBooked(SettlementEvent):
    """A debtor owes a region what a clawback orders; in the stream of that debtor and region."""

    debtor_uscc: Uscc
    region: RegionCode
    clawback_id: UUID


class OffsetPlanned(SettlementEvent):
    """A part of what is owed will be set off against a payment once that is complete."""

    clawback_id: UUID
    payout_id: UUID
    amount_fen: PositiveFen


class OffsetDropped(SettlementEvent):
    """What was planned to be set off against a payment will not be."""

    clawback_id: UUID
    payout_id: UUID


class RecoveryRecorded(SettlementEvent):
    """Money came back to the paying treasury."""

    clawback_id: UUID
    region: RegionCode
    amount_fen: Fen
    method: Literal["repaid", "treasury", "offset"]
    fiscal_year: Year
    reference: Text
    received_on: date | None = None
    payout_id: UUID | None = None


class ClawbackClosed(SettlementEvent):
    """A recovery is over: what came back and what was written off."""

    clawback_id: UUID
    recovered_fen: Fen
    written_off_fen: Fen
    decision_no: Code | None = None
