"""An invoice is asked for on demand, also after what it backs was paid: the difference comes back without fault. 三(四), 二(六)

While something it backs is still under way, that request is mended first: the review and the release refuse it already.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple
from uuid import UUID, uuid5

from pydantic import AfterValidator
from tongdui_events.settlement import ClawbackProposed, InvoiceClaimed, InvoiceReleased, InvoiceReversed
from tongdui_events.streams import invoice_id

from services.settlement.domain.case_facts import Case
from services.settlement.domain.clawbacks import Clawback, Paid, sought
from services.settlement.domain.invoice_status import Reversal
from services.settlement.domain.invoices import Invoice
from services.settlement.domain.redemption import Redemption
from services.settlement.domain.refusals import BacksAnotherRequest, NothingReversed
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, Refusal
from shared.kernel.identifiers import normalised_invoice_number


def _normalised(number: str) -> str:
    try:
        return normalised_invoice_number(number)
    except Refusal as refusal:
        raise ValueError(refusal.text_en) from refusal


class CheckInvoice(Command):
    """Ask the register about an invoice that backs what a region paid. What was reversed of it is recorded; where it no longer
    covers what was paid, the difference is proposed to be taken back without fault, and another person orders it. One that
    was issued anew like for like is only linked."""

    number: Annotated[str, AfterValidator(_normalised)]


class Holder(NamedTuple):
    """One redemption that takes a part of the invoice, with what is known of it."""

    redemption_id: UUID
    allotted_fen: int
    redemption: Redemption
    case: Case
    paid: Paid
    clawbacks: Sequence[Clawback]


def check(
    invoice: Invoice, holders: Sequence[Holder], reversal: Reversal | None, principal: Principal, command: CheckInvoice
) -> list[Decided] | Refusal:
    """InvoiceReversed; with what follows for those it backed. ``holders``: in the order they claimed it."""
    if invoice.total_fen is None:
        return NotFound("number", what="invoice", id=command.number)
    if not any(_may_ask(principal, holder.case) for holder in holders):
        return NotYours("number")
    if reversal is None or reversal.amount_fen <= invoice.reversed_fen:
        return NothingReversed("number", number=command.number)
    under_way = next((holder for holder in holders if holder.redemption.is_under_way), None)
    if under_way is not None:
        return BacksAnotherRequest("number", number=command.number, redemption_id=under_way.redemption_id)
    event = InvoiceReversed(
        number=command.number, amount_fen=reversal.amount_fen - invoice.reversed_fen, replaced_by=reversal.replaced_by
    )
    told = Decided(invoice_id(command.number), event)
    if reversal.replaced_by and reversal.amount_fen == invoice.total_fen:
        return [told, *_linked(invoice.total_fen, holders, command.number, reversal.replaced_by)]
    excess = sum(holder.allotted_fen for holder in holders) - (invoice.total_fen - reversal.amount_fen)
    return [told, *_cut(invoice.total_fen, holders, command.number, excess)]


def _may_ask(principal: Principal, case: Case) -> bool:
    return principal.role == "regional_officer" and principal.region == case.region


def _linked(total_fen: int, holders: Sequence[Holder], number: str, new: str) -> list[Decided]:
    """The parts move to the invoice that was issued instead."""
    moved = []
    for holder in holders:
        moved += _allot(holder, number, total_fen, 0)
        claimed = InvoiceClaimed(
            number=new, redemption_id=holder.redemption_id, allotted_fen=holder.allotted_fen, total_fen=total_fen
        )
        moved.append(Decided(invoice_id(new), claimed, holder.redemption.voucher_id))
    return moved


def _cut(total_fen: int, holders: Sequence[Holder], number: str, excess: int) -> list[Decided]:
    """What the invoice no longer covers is taken off the parts, the latest first."""
    decided: list[Decided] = []
    for holder in reversed(holders):
        cut = min(excess, holder.allotted_fen)
        if cut <= 0:
            continue
        excess -= cut
        decided += _allot(holder, number, total_fen, holder.allotted_fen - cut)
        decided += _proposed(holder, number, cut)
    return decided


def _allot(holder: Holder, number: str, total_fen: int, allotted_fen: int) -> list[Decided]:
    released = InvoiceReleased(number=number, redemption_id=holder.redemption_id)
    claimed = InvoiceClaimed(
        number=number, redemption_id=holder.redemption_id, allotted_fen=allotted_fen, total_fen=total_fen
    )
    return [Decided(invoice_id(number), event, holder.redemption.voucher_id) for event in (released, claimed)]


def _proposed(holder: Holder, number: str, cut_fen: int) -> list[Decided]:
    """ClawbackProposed of ⌊paid × cut ÷ all that backed it⌋, within what is not ordered back already."""
    request = holder.redemption.request
    backed = sum(entry.allotted_fen for entry in request.invoices) if request else 0
    left = holder.paid.fen - sum(one.ordered_fen for one in holder.clawbacks)
    fen = min(holder.paid.fen * cut_fen // backed, left) if backed else 0
    if fen <= 0:
        return []
    identity = uuid5(holder.redemption_id, f"reversed/{number}/{len(holder.clawbacks)}")
    event = ClawbackProposed(
        clawback_id=identity,
        redemption_id=holder.redemption_id,
        debtor_uscc=holder.redemption.payee_uscc,
        amount_fen=fen,
        ground="no_fault",
        region=holder.case.region,
    )
    return [Decided(identity, event, holder.redemption.voucher_id), sought(holder.redemption, identity)]
