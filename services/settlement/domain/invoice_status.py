"""What the tax side says of an invoice by now: the port, and who stands behind it. 三(四), 三(五)

An invoice can be reversed (红冲) by either side after it was handed in. It is asked for again at the request, at the review
and when its payment is released: what no longer covers its allotment pays nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple, Protocol

from services.settlement.domain.invoices import Invoice, the_allotment_fits_into_the_invoice
from services.settlement.domain.redemption import Redemption
from services.settlement.domain.refusals import InvoiceReversedSince


class Reversal(NamedTuple):
    """How much of an invoice was reversed, in fen with tax, and the invoice that was issued instead."""

    amount_fen: int
    replaced_by: str | None = None


class InvoiceRegister(Protocol):
    """Who knows. Raises a refusal where it cannot be asked: nothing is reviewed or paid on a guess."""

    def reversal(self, number: str) -> Reversal | None:
        """What was reversed of the invoice with that normalised number; None: nothing."""


class NoRegister:
    """Nobody is asked: only what was recorded here counts."""

    def reversal(self, number: str) -> Reversal | None:
        return None


class Registers:
    """Where the process that decides finds the register; set when it starts."""

    status: InvoiceRegister = NoRegister()


REGISTERS = Registers()


def as_of_now(invoices: Mapping[str, Invoice], reversals: Mapping[str, Reversal]) -> dict[str, Invoice]:
    """The invoices with what the register says is reversed, where that is more than was recorded."""
    return {
        number: replace(invoice, reversed_fen=max(invoice.reversed_fen, reversals[number].amount_fen))
        if number in reversals
        else invoice
        for number, invoice in invoices.items()
    }


def reversed_since(
    redemption: Redemption, invoices: Mapping[str, Invoice], reversals: Mapping[str, Reversal]
) -> Iterable[InvoiceReversedSince]:
    """A refusal for each invoice that no longer covers what the redemption takes of it. One that was issued anew like for
    like (the whole of it, under another number) covers it still."""
    if redemption.request is None or redemption.redemption_id is None:
        return
    now = as_of_now(invoices, reversals)
    for entry in redemption.request.invoices:
        reversal, invoice = reversals.get(entry.number), now.get(entry.number, Invoice())
        if reversal is not None and reversal.replaced_by and reversal.amount_fen == entry.total_fen:
            continue
        if the_allotment_fits_into_the_invoice(invoice, entry, redemption.redemption_id, "payout_ids"):
            yield InvoiceReversedSince("payout_ids", number=entry.number, reversed_fen=invoice.reversed_fen)
