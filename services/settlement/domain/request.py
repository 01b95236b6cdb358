"""A party asks for payment; returned, mended, withdrawn, lapsed, rejected. 三(四)"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Annotated, NamedTuple
from uuid import UUID

from pydantic import Field
from tongdui_events.document import Code, Event, PositiveFen
from tongdui_events.settlement import (
    EvidenceDocument,
    Invoice,
    PerformedLine,
    Receipt,
    RedemptionLapsed,
    RedemptionRejected,
    RedemptionRequested,
    RedemptionResubmitted,
    RedemptionReturned,
    RedemptionWithdrawn,
)

from services.settlement.domain import invoices
from services.settlement.domain.accounts import Account
from services.settlement.domain.case_facts import Case
from services.settlement.domain.cross_checks import Request, defects
from services.settlement.domain.invoices import InvoiceState
from services.settlement.domain.redemption import Redemption
from services.settlement.domain.refusals import (
    MendingNotOver,
    NoPayeeAccount,
    NotEntrusted,
    NoTermsKnown,
    RequestDefective,
)
from services.settlement.domain.registry_facts import Provider, Region
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal
from shared.kernel.identifiers import normalised_invoice_number


class RequestRedemption(Command):
    """Ask for payment with the evidence: contract, proof of receipt, invoices, result."""

    redemption_id: UUID
    voucher_id: UUID
    invoices: Annotated[tuple[Invoice, ...], Field(min_length=1, max_length=50)]
    receipts: Annotated[tuple[Receipt, ...], Field(min_length=1, max_length=50)]
    documents: Annotated[tuple[EvidenceDocument, ...], Field(min_length=1, max_length=50)]
    lines: Annotated[tuple[PerformedLine, ...], Field(min_length=1, max_length=100)]
    claimed_fen: PositiveFen


class ResubmitRedemption(RequestRedemption):
    """The returned request again, mended, until its last day."""


class WithdrawRedemption(Command):
    """Take the request back, before it is approved."""

    redemption_id: UUID


class ReturnRedemption(Command):
    """The centre gives the request back to be mended."""

    redemption_id: UUID
    reasons: Annotated[tuple[Code, ...], Field(min_length=1, max_length=20)]


class LapseRedemption(Command):
    """The request was not mended in time."""

    redemption_id: UUID


class RejectRedemption(Command):
    """The centre or the region rejects the request."""

    redemption_id: UUID
    reasons: Annotated[tuple[Code, ...], Field(min_length=1, max_length=20)]
    decision_no: Code | None = None


class Facts(NamedTuple):
    """What a request is decided by."""

    case: Case
    region: Region
    provider: Provider
    account: Account
    invoice_of: Callable[[str], InvoiceState]


def request(
    redemption: Redemption, facts: Facts, today: date, principal: Principal, command: RequestRedemption
) -> list[Decided] | Refusal:
    """RedemptionRequested (or Resubmitted) with a claim on each invoice. Raises InvalidInvoiceNumber."""
    mending = isinstance(command, ResubmitRedemption)
    refusal = _may_request(redemption, facts, today, principal, command, mending)
    if refusal is not None:
        return refusal
    numbered = tuple(i.model_copy(update={"number": normalised_invoice_number(i.number)}) for i in command.invoices)
    kinds = frozenset(document.kind for document in command.documents)
    found = defects(
        Request(
            command.redemption_id, _judged_on(redemption, facts, today, mending), facts.case, facts.provider, numbered,
            command.receipts, command.lines, command.claimed_fen, kinds, facts.invoice_of,
        )
    )
    if found:
        return RequestDefective("invoices" if "invoice" in found[0] else None, defects=", ".join(found))
    party = "enterprise" if principal.uscc == facts.case.enterprise_uscc else "provider"
    event = (RedemptionResubmitted if mending else RedemptionRequested)(
        **command.model_dump(exclude={"invoices"}), invoices=numbered, submitted_by=party
    )
    kept = set(numbered) & set(redemption.invoices)
    return [
        Decided(command.redemption_id, event, command.voucher_id),
        *invoices.release(command.redemption_id, command.voucher_id, [i for i in redemption.invoices if i not in kept]),
        *invoices.claim(command.redemption_id, command.voucher_id, [i for i in numbered if i not in kept]),
    ]


def _judged_on(redemption: Redemption, facts: Facts, today: date, mending: bool) -> date:
    """A mended request was in time when it was first made: only other dates are looked at."""
    last = facts.case.redeem_by
    return last if mending and last is not None and today > last else today


def _may_request(
    redemption: Redemption, facts: Facts, today: date, principal: Principal, command: RequestRedemption, mending: bool
) -> Refusal | None:
    case = facts.case
    if case.voucher_id is None or (mending and redemption.voucher_id != command.voucher_id):
        return NotFound("voucher_id", what="voucher", id=command.voucher_id)
    if principal.uscc not in (case.enterprise_uscc, case.provider_uscc):
        return NotYours("voucher_id")
    if redemption.stage != ("returned" if mending else "unknown"):
        return OutOfOrder("redemption_id", state=redemption.stage)
    if mending and redemption.mend_by is not None and today > redemption.mend_by:
        return OutOfOrder("redemption_id", state="mending_over")
    return None if facts.account.confirmed else NoPayeeAccount("voucher_id", uscc=case.payee_uscc)


def _ended(redemption: Redemption, redemption_id: UUID, event: Event) -> list[Decided]:
    """The end, and every invoice free."""
    case_id = redemption.voucher_id
    return [
        Decided(redemption_id, event, case_id),
        *invoices.release(redemption_id, case_id, redemption.invoices),
    ]


def withdraw(redemption: Redemption, case: Case, principal: Principal, command: WithdrawRedemption) -> list[Decided] | Refusal:
    if redemption.stage == "unknown":
        return NotFound("redemption_id", what="redemption", id=command.redemption_id)
    if principal.uscc not in (case.enterprise_uscc, case.provider_uscc):
        return NotYours("redemption_id")
    if redemption.stage not in ("requested", "returned", "reviewed"):
        return OutOfOrder("redemption_id", state=redemption.stage)
    return _ended(redemption, command.redemption_id, RedemptionWithdrawn(redemption_id=command.redemption_id))


def give_back(
    redemption: Redemption, case: Case, region: Region, today: date, principal: Principal, command: ReturnRedemption
) -> list[Decided] | Refusal:
    """RedemptionReturned, to be mended within the region's days."""
    if redemption.stage == "unknown":
        return NotFound("redemption_id", what="redemption", id=command.redemption_id)
    if not region.entrusts(principal.member_of, "review", today):
        return NotEntrusted("redemption_id")
    if redemption.stage != "requested" or command.redemption_id != case.live:
        return OutOfOrder("redemption_id", state=redemption.stage)
    policy = region.in_force(today)
    if policy is None:
        return NoTermsKnown("redemption_id")
    mend_by = today + timedelta(days=policy.terms.mending_days)
    event = RedemptionReturned(redemption_id=command.redemption_id, reasons=command.reasons, mend_by=mend_by)
    return [Decided(command.redemption_id, event, redemption.voucher_id)]


def lapse(redemption: Redemption, today: date, command: LapseRedemption) -> list[Decided] | Refusal:
    if redemption.stage != "returned":
        return OutOfOrder("redemption_id", state=redemption.stage)
    if redemption.mend_by is None or today <= redemption.mend_by:
        return MendingNotOver("redemption_id")
    return _ended(redemption, command.redemption_id, RedemptionLapsed(redemption_id=command.redemption_id))


def reject(
    redemption: Redemption, case: Case, region: Region, today: date, principal: Principal, command: RejectRedemption
) -> list[Decided] | Refusal:
    if redemption.stage == "unknown":
        return NotFound("redemption_id", what="redemption", id=command.redemption_id)
    centre = principal.role == "centre" and region.entrusts(principal.member_of, "review", today)
    if not centre and principal.region != case.region:
        return NotEntrusted("redemption_id")
    if redemption.stage not in ("requested", "returned", "reviewed"):
        return OutOfOrder("redemption_id", state=redemption.stage)
    return rejected(redemption, command.redemption_id, command.reasons, command.decision_no)


def rejected(
    redemption: Redemption, redemption_id: UUID, reasons: tuple[str, ...], decision_no: str | None = None
) -> list[Decided]:
    """RedemptionRejected and every invoice free."""
    event = RedemptionRejected(
        redemption_id=redemption_id, voucher_id=redemption.voucher_id, reasons=reasons, decision_no=decision_no
    )
    return _ended(redemption, redemption_id, event)
