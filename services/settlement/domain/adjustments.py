"""A sum that was paid is mended afterwards (核定金额调整): raised with a notice and a payment of its own, or lowered by a
recovery without fault. 三(四), 三(五)"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID, uuid5

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError
from tongdui_events.document import Code, SignedFen
from tongdui_events.settlement import ClawbackProposed, RedemptionAdjusted, RedemptionUnpaid

from services.settlement.domain.case_facts import Case
from services.settlement.domain.clawbacks import Clawback, Paid, sought, within_paid
from services.settlement.domain.payouts import Payout, cancelled
from services.settlement.domain.people import acts_for_region, approver_reviewed_nothing
from services.settlement.domain.redemption import Redemption
from services.settlement.domain.refusals import OverAllocation, SupplementOpen
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, OutOfOrder, Refusal


def _moves(by_fen: int) -> int:
    if by_fen == 0:
        raise PydanticCustomError("nothing", "an adjustment by nothing is none", {"zh": "调整金额不能为零"})
    return by_fen


class AdjustRedemption(Command):
    """Mend the sum of a redemption that was paid. ``by_fen`` above 0: the voucher's ceilings are asked for the rest, which is
    paid after a public notice of its own. Below 0: the difference is proposed to be taken back without fault, and another
    person orders it. By a person who reviewed nothing of the case."""

    redemption_id: UUID
    by_fen: Annotated[SignedFen, AfterValidator(_moves)]
    reason: Code


def supplement_allowed(redemption: Redemption, case: Case) -> bool:
    """The voucher service said yes to the latest rise, whose notice has not passed yet."""
    answers = case.supplements
    return bool(redemption.supplement_fen) and len(answers) >= redemption.rises and answers[redemption.rises - 1]


def _supplement_refused(redemption: Redemption, case: Case) -> bool:
    answers = case.supplements
    return bool(redemption.rises) and len(answers) >= redemption.rises and not answers[redemption.rises - 1]


def adjust(
    redemption: Redemption,
    rounds: Sequence[Redemption],
    case: Case,
    clawbacks: Sequence[Clawback],
    paid: Paid,
    principal: Principal,
    command: AdjustRedemption,
) -> list[Decided] | Refusal:
    """RedemptionAdjusted; and, where the sum is lowered, ClawbackProposed and RecoverySought."""
    if redemption.redemption_id is None:
        return NotFound("redemption_id", what="redemption", id=command.redemption_id)
    refusal = acts_for_region(principal, case.region) or approver_reviewed_nothing(principal, rounds)
    if refusal is None and redemption.stage != "settled":
        refusal = OutOfOrder("redemption_id", state=redemption.stage)
    if refusal:
        return refusal
    event = RedemptionAdjusted(**command.model_dump())
    told = Decided(command.redemption_id, event, redemption.voucher_id)
    if command.by_fen > 0:
        return _raisable(redemption, case, command) or [told]
    return within_paid(-command.by_fen, paid, clawbacks) or [told, *_taken_back(redemption, case, len(clawbacks), command)]


def _raisable(redemption: Redemption, case: Case, command: AdjustRedemption) -> Refusal | None:
    """One rise at a time, within what was allocated."""
    refused = _supplement_refused(redemption, case)
    if redemption.supplement_fen and not refused:
        return SupplementOpen("redemption_id")
    risen = redemption.risen_fen - (redemption.supplement_fen if refused else 0)
    most = (case.allocation_fen or 0) - redemption.approved_fen - risen
    return OverAllocation("by_fen", by_fen=command.by_fen, most_fen=max(most, 0)) if command.by_fen > most else None


def _taken_back(redemption: Redemption, case: Case, number: int, command: AdjustRedemption) -> list[Decided]:
    identity = uuid5(command.redemption_id, f"lowered/{number}")
    proposed = ClawbackProposed(
        clawback_id=identity,
        redemption_id=command.redemption_id,
        debtor_uscc=redemption.payee_uscc,
        amount_fen=-command.by_fen,
        ground="no_fault",
        region=case.region,
    )
    return [Decided(identity, proposed, redemption.voucher_id), sought(redemption, identity)]


def given_up(redemption: Redemption, payouts: Sequence[Payout]) -> list[Decided] | Refusal:
    """An objection to a rise was upheld: its payment is cancelled, and the voucher is told that it comes to nothing.
    Refused once the payment is instructed."""
    if redemption.redemption_id is None or redemption.voucher_id is None:
        return []
    latest = payouts[-1] if payouts and not redemption.supplement_fen else Payout()
    gone = cancelled(latest, "objection_upheld")
    if isinstance(gone, Refusal):
        return gone
    unpaid = RedemptionUnpaid(
        redemption_id=redemption.redemption_id,
        voucher_id=redemption.voucher_id,
        unpaid_fen=redemption.supplement_fen or latest.amount_fen,
        reason="objection_upheld",
    )
    return [*gone, Decided(redemption.redemption_id, unpaid, redemption.voucher_id)]
