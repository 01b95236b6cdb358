"""What is checked of a request before anybody reviews it; all defects are named at once. 三(四)"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from tongdui_events.settlement import Invoice, PerformedLine, Receipt

from services.settlement.domain.case_facts import Case
from services.settlement.domain.invoices import InvoiceState
from services.settlement.domain.registry_facts import Provider


class Request(NamedTuple):
    """What the rules look at. ``invoice_of(number)`` is the invoice as claimed so far."""

    redemption_id: UUID
    today: date
    case: Case
    provider: Provider
    invoices: Sequence[Invoice]
    receipts: Sequence[Receipt]
    lines: Sequence[PerformedLine]
    claimed_fen: int
    kinds: frozenset[str]
    invoice_of: Callable[[str], InvoiceState]


def voucher_was_handed_over(request: Request) -> str | None:
    return None if request.case.handed_over else "voucher_not_handed_over"


def voucher_is_not_ended(request: Request) -> str | None:
    return "voucher_ended" if request.case.ended else None


def request_is_in_time(request: Request) -> str | None:
    last = request.case.redeem_by
    return None if last is not None and request.today <= last else "redeem_by_passed"


def claim_is_within_the_allocation(request: Request) -> str | None:
    return None if 0 < request.claimed_fen <= (request.case.allocation_fen or 0) else "claim_over_allocation"


def lines_are_those_allocated(request: Request) -> str | None:
    known = {line.line_no for line in request.case.lines}
    named = [line.line_no for line in request.lines]
    return None if named and len(set(named)) == len(named) and set(named) <= known else "lines_unknown"


def invoices_are_between_the_parties(request: Request) -> str | None:
    sellers = {request.case.provider_uscc, *request.provider.branches}
    fits = all(i.buyer_uscc == request.case.enterprise_uscc and i.seller_uscc in sellers for i in request.invoices)
    return None if request.invoices and fits else "invoice_parties"


def invoices_are_dated_until_today(request: Request) -> str | None:
    return "invoice_in_the_future" if any(i.issued_on > request.today for i in request.invoices) else None


def each_invoice_is_named_once(request: Request) -> str | None:
    numbers = [invoice.number for invoice in request.invoices]
    return "invoice_repeated" if len(set(numbers)) != len(numbers) else None


def allotments_stay_within_each_invoice(request: Request) -> str | None:
    for invoice in request.invoices:
        known = request.invoice_of(invoice.number)
        if known.total_fen is not None and known.total_fen != invoice.total_fen:
            return "invoice_total_differs"
        left = known.left_fen(request.redemption_id)
        if invoice.allotted_fen > (invoice.total_fen if left is None else left):
            return "invoice_over_its_total"
    return None


def what_was_invoiced_is_covered_by_invoices(request: Request) -> str | None:
    allotted = sum(invoice.allotted_fen for invoice in request.invoices)
    return None if sum(line.invoiced_fen for line in request.lines) <= allotted else "invoiced_over_allotted"


def receipts_are_between_the_parties(request: Request) -> str | None:
    sellers = {request.case.provider_uscc, *request.provider.branches}
    fits = all(r.payer_uscc == request.case.enterprise_uscc and r.payee_uscc in sellers for r in request.receipts)
    return None if request.receipts and fits else "receipt_parties"


def receipts_are_dated_until_today(request: Request) -> str | None:
    return "receipt_in_the_future" if any(r.paid_on > request.today for r in request.receipts) else None


def evidence_is_complete(request: Request) -> str | None:
    """Contract, proof of receipt, invoice, result. 三(四)"""
    return None if {"contract", "receipt", "invoice", "result"} <= request.kinds else "evidence_missing"


RULES = (
    voucher_was_handed_over, voucher_is_not_ended, request_is_in_time, claim_is_within_the_allocation,
    lines_are_those_allocated, invoices_are_between_the_parties, invoices_are_dated_until_today,
    each_invoice_is_named_once, allotments_stay_within_each_invoice, what_was_invoiced_is_covered_by_invoices,
    receipts_are_between_the_parties, receipts_are_dated_until_today, evidence_is_complete,
)


def defects(request: Request) -> list[str]:
    """The code of every rule that does not hold."""
    return [code for rule in RULES if (code := rule(request)) is not None]
