"""Asking for payment, and mending the request. 三(四)"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field
from tongdui_events.common import Number
from tongdui_events.document import Code, Fen, PositiveFen, Sha256, Uscc
from tongdui_events.settlement import (
    EvidenceDocument,
    Invoice,
    PerformedLine,
    Receipt,
    RedemptionRequested,
    RedemptionResubmitted,
)

from services.settlement.domain import invoices
from services.settlement.domain.case_facts import Case
from services.settlement.domain.cross_checks import Grounds, defects_of
from services.settlement.domain.people import party_of
from services.settlement.domain.redemption import Redemption
from services.settlement.domain.refusals import (
    MendingOver,
    NothingAllocated,
    RedeemByPassed,
    RedemptionUnderWay,
    RequestDefective,
    VoucherNotHandedOver,
    VoucherNotOpen,
    defective,
)
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal
from shared.kernel.fields import Day, Entry
from shared.kernel.identifiers import InvalidInvoiceNumber, normalised_invoice_number
from shared.kernel.keyed_digest import keyed_digest

Reference = Annotated[Code, AfterValidator(keyed_digest)]
"""A bank's reference in a request; its keyed digest in the command."""


class InvoiceEntry(Entry):
    """One invoice: ``total_fen`` with tax, ``allotted_fen`` what this redemption takes of it."""

    number: Code
    issued_on: Day
    buyer_uscc: Uscc
    seller_uscc: Uscc
    total_fen: PositiveFen
    allotted_fen: PositiveFen


class ReceiptEntry(Entry):
    """One proof of money received (到款凭证). From the provider back to the enterprise it is a refund."""

    payer_uscc: Uscc
    payee_uscc: Uscc
    amount_fen: PositiveFen
    paid_on: Day
    reference: Reference


class DocumentEntry(Entry):
    """One file, by its size (at most 50 MB) and SHA-256."""

    kind: Literal["contract", "receipt", "invoice", "result", "commitment", "other"]
    size_bytes: Annotated[int, Field(strict=True, ge=1, le=50_000_000)]
    sha256: Sha256


class LineEntry(Entry):
    """What of a contract line was performed and invoiced, with tax."""

    line_no: Number
    performed_fen: Fen
    invoiced_fen: Fen


class Evidence(Command):
    """What both a request and its mending hand in."""

    redemption_id: UUID
    invoices: Annotated[tuple[InvoiceEntry, ...], Field(min_length=1, max_length=100)]
    receipts: Annotated[tuple[ReceiptEntry, ...], Field(max_length=100)] = ()
    documents: Annotated[tuple[DocumentEntry, ...], Field(min_length=1, max_length=100)]
    lines: Annotated[tuple[LineEntry, ...], Field(min_length=1, max_length=200)]
    claimed_fen: PositiveFen


class RequestRedemption(Evidence):
    """Ask for payment of a performed contract, with the evidence; by the enterprise or the provider."""

    voucher_id: UUID


class ResubmitRedemption(Evidence):
    """Hand in a returned request again, mended, whole."""


def numbers_in(command: Evidence) -> set[str]:
    """The invoices' numbers, normalised; those that are none are left out."""
    return {number for entry in command.invoices if (number := _normalised(entry.number)) is not None}


def _normalised(number: str) -> str | None:
    try:
        return normalised_invoice_number(number)
    except InvalidInvoiceNumber:
        return None


# -- deciding ----------------------------------------------------------------------------------


def request(
    redemption: Redemption,
    rounds: Iterable[Redemption],
    grounds: Grounds,
    principal: Principal,
    command: RequestRedemption,
) -> list[Decided] | Refusal:
    """RedemptionRequested and InvoiceClaimed for each invoice. ``rounds``: the case's earlier redemptions."""
    case = grounds.case
    if case.voucher_id is None:
        return NotFound("voucher_id", what="voucher", id=command.voucher_id)
    party = party_of(case, principal)
    if party is None:
        return NotYours("voucher_id")
    if redemption.stage != "unknown":
        return OutOfOrder("redemption_id", state=redemption.stage)
    event = RedemptionRequested(
        redemption_id=command.redemption_id,
        voucher_id=command.voucher_id,
        submitted_by=party,
        **_evidence(command),
        enterprise_uscc=case.enterprise_uscc,
        provider_uscc=case.provider_uscc,
        region=case.region,
        mode=case.mode,
    )
    defects = _not_open_to_requests(case, rounds, grounds.today)
    if case.allocation_fen is not None:
        # Without an allocation there is nothing to hold the evidence against.
        defects += defects_of(event, grounds)
    return defective(RequestDefective, defects) or [
        Decided(command.redemption_id, event, command.voucher_id),
        *invoices.claim(command.redemption_id, command.voucher_id, event.invoices),
    ]


def resubmit(
    redemption: Redemption, grounds: Grounds, principal: Principal, command: ResubmitRedemption
) -> list[Decided] | Refusal:
    """RedemptionResubmitted; invoices dropped or changed are released, those new or changed claimed."""
    before = redemption.request
    if before is None or redemption.voucher_id is None:
        return NotFound("redemption_id", what="redemption", id=command.redemption_id)
    party = party_of(grounds.case, principal)
    if party is None:
        return NotYours("redemption_id")
    if redemption.stage != "returned" or redemption.mend_by is None:
        return OutOfOrder("redemption_id", state=redemption.stage)
    if grounds.today > redemption.mend_by:
        return MendingOver(mend_by=redemption.mend_by)
    event = RedemptionResubmitted(
        redemption_id=command.redemption_id,
        voucher_id=redemption.voucher_id,
        submitted_by=party,
        **_evidence(command),
    )
    return defective(RequestDefective, defects_of(event, grounds)) or [
        Decided(command.redemption_id, event, redemption.voucher_id),
        *invoices.exchange(command.redemption_id, redemption.voucher_id, before.invoices, event.invoices),
    ]


def _evidence(command: Evidence) -> dict[str, object]:
    """The fields of the event that hold the evidence, invoice numbers normalised where they are numbers."""
    entries = tuple(
        Invoice(**{**entry.model_dump(), "number": _normalised(entry.number) or entry.number})
        for entry in command.invoices
    )
    return {
        "invoices": entries,
        "receipts": tuple(_receipt(entry) for entry in command.receipts),
        "documents": tuple(EvidenceDocument(**document.model_dump()) for document in command.documents),
        "lines": tuple(PerformedLine(**line.model_dump()) for line in command.lines),
        "claimed_fen": command.claimed_fen,
    }


def _receipt(entry: ReceiptEntry) -> Receipt:
    return Receipt(**entry.model_dump(exclude={"reference"}), reference_hmac=entry.reference)


def _not_open_to_requests(case: Case, rounds: Iterable[Redemption], today: date) -> list[Refusal]:
    """What of the voucher's own state forbids a request."""
    found: list[Refusal] = []
    if case.ended:
        found.append(VoucherNotOpen("voucher_id", state=case.ended))
    if case.allocation_fen is None:
        found.append(NothingAllocated("voucher_id"))
    elif not case.handed_over:
        found.append(VoucherNotHandedOver("voucher_id"))
    if case.redeem_by is not None and today > case.redeem_by:
        found.append(RedeemByPassed("voucher_id", redeem_by=case.redeem_by))
    live = next((earlier for earlier in rounds if earlier.is_under_way), None)
    if live is not None:
        found.append(RedemptionUnderWay("voucher_id", redemption_id=live.redemption_id))
    return found
