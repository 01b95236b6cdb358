"""One invoice backs several redemptions, up to its total less what was reversed. 三(四)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from tongdui_events.document import Event, Stamp
from tongdui_events.settlement import Invoice as InvoiceEntry
from tongdui_events.settlement import InvoiceClaimed, InvoiceReleased, InvoiceReversed
from tongdui_events.streams import invoice_id

from services.settlement.domain.redemption import Redemption
from services.settlement.domain.refusals import InvoiceExhausted, InvoiceTotalDiffers
from shared.kernel.decisions import Decided, Refusal
from shared.kernel.folding import Fold


@dataclass(frozen=True, slots=True)
class Invoice:
    """``total_fen`` is what the first claim said, None before it; ``allotted`` the live parts by redemption."""

    total_fen: int | None = None
    reversed_fen: int = 0
    allotted: Mapping[UUID, int] = field(default_factory=dict)

    def left_for(self, redemption_id: UUID, total_fen: int) -> int:
        """What this redemption may take, its own live part not counted; of an unknown invoice the total said."""
        others = sum(fen for holder, fen in self.allotted.items() if holder != redemption_id)
        return (total_fen if self.total_fen is None else self.total_fen) - self.reversed_fen - others


def evolve(invoice: Invoice, event: Event, stamp: Stamp) -> Invoice:
    match event:
        case InvoiceClaimed():
            total_fen = event.total_fen if invoice.total_fen is None else invoice.total_fen
            allotted = {**invoice.allotted, event.redemption_id: event.allotted_fen}
            return replace(invoice, total_fen=total_fen, allotted=allotted)
        case InvoiceReleased():
            kept = {holder: fen for holder, fen in invoice.allotted.items() if holder != event.redemption_id}
            return replace(invoice, allotted=kept)
        case InvoiceReversed():
            return replace(invoice, reversed_fen=invoice.reversed_fen + event.amount_fen)
    return invoice


INVOICE = Fold("invoice", "settlement", (InvoiceClaimed, InvoiceReleased, InvoiceReversed), Invoice(), evolve)
"""Keyed by ``invoice_id(number)``, the number normalised."""


def the_first_claim_fixes_the_total(invoice: Invoice, entry: InvoiceEntry, field: str) -> Refusal | None:
    if invoice.total_fen is None or invoice.total_fen == entry.total_fen:
        return None
    return InvoiceTotalDiffers(field, number=entry.number, first_fen=invoice.total_fen)


def the_allotment_fits_into_the_invoice(
    invoice: Invoice, entry: InvoiceEntry, redemption_id: UUID, field: str
) -> Refusal | None:
    free_fen = invoice.left_for(redemption_id, entry.total_fen)
    if entry.allotted_fen <= free_fen:
        return None
    return InvoiceExhausted(field, number=entry.number, free_fen=max(free_fen, 0), allotted_fen=entry.allotted_fen)


def claim(redemption_id: UUID, voucher_id: UUID, entries: Iterable[InvoiceEntry]) -> list[Decided]:
    """InvoiceClaimed for each."""
    return [
        Decided(
            invoice_id(entry.number),
            InvoiceClaimed(
                number=entry.number,
                redemption_id=redemption_id,
                allotted_fen=entry.allotted_fen,
                total_fen=entry.total_fen,
            ),
            voucher_id,
        )
        for entry in entries
    ]


def release(redemption_id: UUID, voucher_id: UUID, entries: Iterable[InvoiceEntry]) -> list[Decided]:
    """InvoiceReleased for each."""
    return [
        Decided(
            invoice_id(entry.number), InvoiceReleased(number=entry.number, redemption_id=redemption_id), voucher_id
        )
        for entry in entries
    ]


def exchange(
    redemption_id: UUID, voucher_id: UUID, before: Sequence[InvoiceEntry], after: Sequence[InvoiceEntry]
) -> list[Decided]:
    """A mended request: what is dropped or changed is released first, then claimed anew; the rest stays."""
    old = {entry.number: entry.allotted_fen for entry in before}
    new = {entry.number: entry.allotted_fen for entry in after}
    dropped = [entry for entry in before if new.get(entry.number) != entry.allotted_fen]
    taken = [entry for entry in after if old.get(entry.number) != entry.allotted_fen]
    return [*release(redemption_id, voucher_id, dropped), *claim(redemption_id, voucher_id, taken)]


def release_all(redemption: Redemption) -> list[Decided]:
    """InvoiceReleased for everything a redemption has claimed: it ends unpaid."""
    if redemption.request is None or redemption.redemption_id is None or redemption.voucher_id is None:
        return []
    return release(redemption.redemption_id, redemption.voucher_id, redemption.request.invoices)
