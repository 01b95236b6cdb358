"""What a request for payment is checked for: each a rule of its own, all defects named at once. 三(四)

A rule is a sentence. It yields a refusal for everything that does not do, nothing when it holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from services.settlement.domain import invoices
from services.settlement.domain.case_facts import Case
from services.settlement.domain.invoices import Invoice
from services.settlement.domain.payable import Payable
from services.settlement.domain.redemption import Request
from services.settlement.domain.refusals import (
    ClaimOverAllocation,
    EvidenceMissing,
    InvoiceDateOutside,
    InvoiceOfAnotherBuyer,
    InvoiceOfAnotherSeller,
    InvoiceSupportedLocally,
    LinesOverAllotments,
    ReceiptBetweenOthers,
    ReceiptDateOutside,
    ReceiptsTooHigh,
    ReceiptsTooLow,
    RepeatedInvoice,
    RepeatedLine,
    UnknownLine,
)
from shared.kernel.decisions import Refusal
from shared.kernel.identifiers import InvalidInvoiceNumber, normalised_invoice_number

EVIDENCE = ("contract", "receipt", "invoice", "result")
"""The documents asked for, in both modes; the voucher itself is electronic and was handed over before."""


@dataclass(frozen=True)
class Grounds:
    """What a request is held against. ``branches``: the USCC the provider declared besides its own;
    ``invoices``: by normalised number."""

    case: Case
    branches: tuple[str, ...]
    invoices: Mapping[str, Invoice]
    today: date
    #: the local reference by normalised invoice number
    supported: Mapping[str, str] = field(default_factory=dict)

    @property
    def sellers(self) -> frozenset[str]:
        return frozenset((self.case.provider_uscc, *self.branches))


Check = Callable[[Request, Grounds], Iterator[Refusal]]


def the_claim_is_within_the_allocation(request: Request, grounds: Grounds) -> Iterator[Refusal]:
    allocation_fen = grounds.case.allocation_fen or 0
    if request.claimed_fen > allocation_fen:
        yield ClaimOverAllocation("claimed_fen", claimed_fen=request.claimed_fen, allocation_fen=allocation_fen)


def every_line_is_of_the_contract(request: Request, grounds: Grounds) -> Iterator[Refusal]:
    known = {line.line_no for line in grounds.case.lines}
    for index, line in enumerate(request.lines):
        if line.line_no not in known:
            yield UnknownLine(f"lines.{index}.line_no", line_no=line.line_no)


def no_line_is_named_twice(request: Request, grounds: Grounds) -> Iterator[Refusal]:
    for line_no, count in Counter(line.line_no for line in request.lines).items():
        if count > 1:
            yield RepeatedLine("lines", line_no=line_no)


def the_lines_are_covered_by_the_allotments(request: Request, grounds: Grounds) -> Iterator[Refusal]:
    lines_fen = sum(line.invoiced_fen for line in request.lines)
    allotted_fen = sum(entry.allotted_fen for entry in request.invoices)
    if lines_fen > allotted_fen:
        yield LinesOverAllotments("lines", lines_fen=lines_fen, allotted_fen=allotted_fen)


def every_invoice_has_a_number(request: Request, grounds: Grounds) -> Iterator[Refusal]:
    for index, entry in enumerate(request.invoices):
        try:
            normalised_invoice_number(entry.number, f"invoices.{index}.number")
        except InvalidInvoiceNumber as refusal:
            yield refusal


def no_invoice_is_named_twice(request: Request, grounds: Grounds) -> Iterator[Refusal]:
    for number, count in Counter(entry.number for entry in request.invoices).items():
        if count > 1:
            yield RepeatedInvoice("invoices", number=number)


def every_invoice_is_made_out_to_the_enterprise(request: Request, grounds: Grounds) -> Iterator[Refusal]:
    for index, entry in enumerate(request.invoices):
        if entry.buyer_uscc not in grounds.case.enterprises:
            yield InvoiceOfAnotherBuyer(f"invoices.{index}.buyer_uscc", number=entry.number)


def every_invoice_is_from_the_provider_or_its_branch(request: Request, grounds: Grounds) -> Iterator[Refusal]:
    for index, entry in enumerate(request.invoices):
        if entry.seller_uscc not in grounds.sellers:
            yield InvoiceOfAnotherSeller(f"invoices.{index}.seller_uscc", number=entry.number)


def every_invoice_is_dated_between_contract_and_today(request: Request, grounds: Grounds) -> Iterator[Refusal]:
    for index, entry in enumerate(request.invoices):
        if not _is_within(entry.issued_on, grounds):
            field = f"invoices.{index}.issued_on"
            yield InvoiceDateOutside(field, number=entry.number, issued_on=entry.issued_on)


def every_invoice_keeps_its_total(request: Request, grounds: Grounds) -> Iterator[Refusal]:
    for index, entry in enumerate(request.invoices):
        invoice = grounds.invoices.get(entry.number, Invoice())
        refusal = invoices.the_first_claim_fixes_the_total(invoice, entry, f"invoices.{index}.total_fen")
        if refusal:
            yield refusal


def every_allotment_fits_into_its_invoice(request: Request, grounds: Grounds) -> Iterator[Refusal]:
    for index, entry in enumerate(request.invoices):
        invoice = grounds.invoices.get(entry.number, Invoice())
        field = f"invoices.{index}.allotted_fen"
        refusal = invoices.the_allotment_fits_into_the_invoice(invoice, entry, request.redemption_id, field)
        if refusal:
            yield refusal


def no_invoice_had_local_support(request: Request, grounds: Grounds) -> Iterator[Refusal]:
    for index, entry in enumerate(request.invoices):
        reference = grounds.supported.get(entry.number)
        if reference is not None:
            yield InvoiceSupportedLocally(f"invoices.{index}.number", number=entry.number, reference=reference)


def every_receipt_is_between_the_parties(request: Request, grounds: Grounds) -> Iterator[Refusal]:
    """From the enterprise to the provider or its branch, or back: a refund."""
    enterprises = grounds.case.enterprises
    for index, receipt in enumerate(request.receipts):
        paid = receipt.payer_uscc in enterprises and receipt.payee_uscc in grounds.sellers
        refunded = receipt.payee_uscc in enterprises and receipt.payer_uscc in grounds.sellers
        if not (paid or refunded):
            yield ReceiptBetweenOthers(f"receipts.{index}")


def every_receipt_is_dated_between_contract_and_today(request: Request, grounds: Grounds) -> Iterator[Refusal]:
    for index, receipt in enumerate(request.receipts):
        if not _is_within(receipt.paid_on, grounds):
            yield ReceiptDateOutside(f"receipts.{index}.paid_on", paid_on=receipt.paid_on)


def the_evidence_is_complete(request: Request, grounds: Grounds) -> Iterator[Refusal]:
    handed_in = {document.kind for document in request.documents}
    for kind in EVIDENCE:
        # Where nobody says that money was received there is no proof of it; review judges whether it was due.
        if kind not in handed_in and (kind != "receipt" or request.receipts):
            yield EvidenceMissing("documents", kind=kind)


CHECKS: tuple[Check, ...] = (
    the_claim_is_within_the_allocation,
    every_line_is_of_the_contract,
    no_line_is_named_twice,
    the_lines_are_covered_by_the_allotments,
    every_invoice_has_a_number,
    no_invoice_is_named_twice,
    every_invoice_is_made_out_to_the_enterprise,
    every_invoice_is_from_the_provider_or_its_branch,
    every_invoice_is_dated_between_contract_and_today,
    every_invoice_keeps_its_total,
    every_allotment_fits_into_its_invoice,
    no_invoice_had_local_support,
    every_receipt_is_between_the_parties,
    every_receipt_is_dated_between_contract_and_today,
    the_evidence_is_complete,
)


def defects_of(request: Request, grounds: Grounds) -> list[Refusal]:
    """Everything that is wrong with a request, in the order of the rules."""
    return [refusal for check in CHECKS for refusal in check(request, grounds)]


# -- found at review: what is too little is returned for making up, not refused at the door ---------


def the_receipts_cover_what_was_to_be_paid(request: Request, case: Case, sum_: Payable) -> Refusal | None:
    """通用: Σ receipts ≥ base. 通兑: Σ receipts ≥ base − payable."""
    wanted_fen = sum_.base_fen - (sum_.amount_fen if case.mode == "tongdui" else 0)
    received_fen = _received(request, case)
    if received_fen >= wanted_fen:
        return None
    return ReceiptsTooLow("receipts", received_fen=received_fen, wanted_fen=wanted_fen)


def the_provider_is_not_paid_twice(request: Request, case: Case, sum_: Payable) -> Refusal | None:
    """通兑: what the enterprise paid and the voucher together stay within what was invoiced."""
    invoiced_fen = sum(entry.allotted_fen for entry in request.invoices)
    received_fen = _received(request, case)
    if case.mode != "tongdui" or received_fen + sum_.amount_fen <= invoiced_fen:
        return None
    return ReceiptsTooHigh(
        "receipts", received_fen=received_fen, payable_fen=sum_.amount_fen, invoiced_fen=invoiced_fen
    )


def receipt_defects(request: Request, case: Case, sum_: Payable) -> list[Refusal]:
    found = (
        the_receipts_cover_what_was_to_be_paid(request, case, sum_),
        the_provider_is_not_paid_twice(request, case, sum_),
    )
    return [refusal for refusal in found if refusal is not None]


def _received(request: Request, case: Case) -> int:
    """What the provider got, less what it paid back."""
    return sum(
        receipt.amount_fen if receipt.payer_uscc in case.enterprises else -receipt.amount_fen
        for receipt in request.receipts
    )


def _is_within(day: date, grounds: Grounds) -> bool:
    signed_on = grounds.case.signed_on
    return day <= grounds.today and (signed_on is None or day >= signed_on)
