"""Invoices: live allotments never exceed the total less reversals; the first claim fixes the total. 三(四)"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from uuid import UUID

from tongdui_events.document import Event, Stamp
from tongdui_events.settlement import Invoice, InvoiceClaimed, InvoiceReleased, InvoiceReversed
from tongdui_events.streams import invoice_id

from shared.kernel.decisions import Decided
from shared.kernel.folding import Fold


@dataclass(frozen=True)
class InvoiceState:
    """``allotted`` is what each live redemption takes, in fen; ``total_fen`` None before the first claim."""

    total_fen: int | None = None
    reversed_fen: int = 0
    allotted: dict[UUID, int] = field(default_factory=dict)

    def left_fen(self, redemption_id: UUID) -> int | None:
        """What a redemption may take; None while nobody fixed the total."""
        if self.total_fen is None:
            return None
        others = sum(fen for taker, fen in self.allotted.items() if taker != redemption_id)
        return self.total_fen - self.reversed_fen - others


def evolve(state: InvoiceState, event: Event, stamp: Stamp) -> InvoiceState:
    match event:
        case InvoiceClaimed():
            allotted = {**state.allotted, event.redemption_id: event.allotted_fen}
            return replace(state, total_fen=event.total_fen, allotted=allotted)
        case InvoiceReleased():
            return replace(state, allotted={k: v for k, v in state.allotted.items() if k != event.redemption_id})
        case InvoiceReversed():
            return replace(state, reversed_fen=state.reversed_fen + event.amount_fen)
    return state


INVOICE = Fold("invoice", "settlement", (InvoiceClaimed, InvoiceReleased, InvoiceReversed), InvoiceState(), evolve)
"""Keyed by ``invoice_id(number)``."""


def claim(redemption_id: UUID, case_id: UUID, invoices: Iterable[Invoice]) -> list[Decided]:
    """One InvoiceClaimed each."""
    return [
        Decided(
            invoice_id(invoice.number),
            InvoiceClaimed(
                number=invoice.number, redemption_id=redemption_id, allotted_fen=invoice.allotted_fen,
                total_fen=invoice.total_fen,
            ),
            case_id,
        )
        for invoice in invoices
    ]


def release(redemption_id: UUID, case_id: UUID | None, invoices: Iterable[Invoice]) -> list[Decided]:
    """What a redemption that ends unpaid took is free again."""
    return [
        Decided(invoice_id(i.number), InvoiceReleased(number=i.number, redemption_id=redemption_id), case_id)
        for i in invoices
    ]
