"""Officers make mistakes: an allocation is corrected before payment is asked for, under the terms it was made by. 三(三)"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID

from tongdui_events.common import Number
from tongdui_events.document import Code
from tongdui_events.voucher import AllocationCorrected

from services.voucher.domain import ceilings
from services.voucher.domain.allocation import Facts, acts_for_region, computed, confirmed
from services.voucher.domain.refusals import NotEntrusted, NothingEligible
from services.voucher.domain.voucher import Voucher
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, OutOfOrder, Refusal


class CorrectAllocation(Command):
    """Compute the allocation again without the contract lines named, which should not have been counted."""

    voucher_id: UUID
    without_lines: tuple[Number, ...]
    reason: Code


def correct(
    voucher: Voucher, facts: Facts, today: date, principal: Principal, command: CorrectAllocation
) -> list[Decided] | Refusal:
    """The old holds released, AllocationCorrected, new holds under the same ceilings and year."""
    if voucher.stage == "unknown":
        return NotFound("voucher_id", what="voucher", id=command.voucher_id)
    if not acts_for_region(voucher, facts.region, today, principal):
        return NotEntrusted("voucher_id")
    if voucher.stage not in ("allocated", "tendered", "collected"):
        return OutOfOrder("voucher_id", state=voucher.stage)
    policy = next(policy for policy in facts.region.policies if policy.version == voucher.policy_version)
    own = {(hold.kind, hold.key, hold.year): hold.amount_fen for hold in voucher.holds}

    def without_own(kind: str, key: str, year: int) -> ceilings.Ceiling:
        ceiling = facts.ceiling_of(kind, key, year)
        return replace(ceiling, held_fen=ceiling.held_fen - own.get((kind, key, year), 0))

    year = voucher.holds[0].year
    corrected = facts._replace(ceiling_of=without_own, taken_out=frozenset(command.without_lines))
    wanted, total = computed(voucher, corrected, policy.terms, year)
    if total.refusal is not None:
        return NothingEligible("without_lines", reason=total.refusal)
    again = confirmed(voucher, facts, policy, wanted, total, command.voucher_id, year)
    event = AllocationCorrected(**again.model_dump(), corrects=voucher.allocated_by, reason=command.reason)
    return [
        *ceilings.release(command.voucher_id, voucher.holds, "corrected"),
        Decided(command.voucher_id, event, command.voucher_id),
        *(ceiling.place(command.voucher_id, total.amount_fen) for ceiling in wanted),
    ]
