"""What is payable: base and sum of a redemption, step by step. 二(四), 三(四)

Per line the base is what was performed **and** invoiced, the smaller of both, on the tax basis of the
terms frozen at allocation and within what was eligible. Payable is the smallest of Σ ⌊ratio × base⌋, the
allocation and the claim, rounded down as the terms say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tongdui_events.common import Step
from tongdui_events.policy import PolicyTerms
from tongdui_events.settlement import PerformedLine

from services.settlement.domain.case_facts import Case
from shared.kernel.money import rounded_down, share_of, without_tax


class Payable(NamedTuple):
    """``base_fen``: Σ of the lines' bases; ``amount_fen``: what may be paid; ``steps``: how it came about."""

    base_fen: int
    amount_fen: int
    steps: tuple[Step, ...]


def payable(case: Case, lines: Iterable[PerformedLine], claimed_fen: int, terms: PolicyTerms) -> Payable:
    """The sum for the lines performed, under the frozen terms. Lines unknown to the allocation carry nothing."""
    by_line = {line.line_no: line for line in lines}
    base_fen = by_ratio_fen = 0
    steps: list[Step] = []
    for allocated in case.lines:
        line = by_line.get(allocated.line_no)
        if line is None:
            continue
        done_fen = min(line.performed_fen, line.invoiced_fen)
        line_base_fen = min(_on_basis(done_fen, case.tax_of(line.line_no), terms), allocated.eligible_fen)
        line_fen = share_of(line_base_fen, allocated.ratio_bp)
        base_fen += line_base_fen
        by_ratio_fen += line_fen
        steps += [
            Step(rule=f"line_{line.line_no}_performed_and_invoiced", fen=done_fen),
            Step(rule=f"line_{line.line_no}_base", fen=line_base_fen),
            Step(rule=f"line_{line.line_no}_by_ratio", fen=line_fen),
        ]
    amount_fen, sums = _within_limits(case, by_ratio_fen, claimed_fen, terms)
    return Payable(base_fen, amount_fen, (*steps, *sums))


def _on_basis(amount_fen: int, tax_bp: int, terms: PolicyTerms) -> int:
    return without_tax(amount_fen, tax_bp) if terms.amount_basis == "tax_exclusive" else amount_fen


def _within_limits(case: Case, by_ratio_fen: int, claimed_fen: int, terms: PolicyTerms) -> tuple[int, list[Step]]:
    within_allocation_fen = min(by_ratio_fen, case.allocation_fen or 0)
    within_claim_fen = min(within_allocation_fen, claimed_fen)
    amount_fen = rounded_down(within_claim_fen, terms.rounding)
    return amount_fen, [
        Step(rule="sum_by_ratio", fen=by_ratio_fen),
        Step(rule="within_allocation", fen=within_allocation_fen),
        Step(rule="within_claim", fen=within_claim_fen),
        Step(rule=f"rounded_to_{terms.rounding}", fen=amount_fen),
    ]
