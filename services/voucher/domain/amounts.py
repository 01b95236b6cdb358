"""The sum of an allocation (核定额度), step by step. Integers only; rounding last. 二(四), 三(三)"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shared.kernel.money import rounded_down, share_of, without_tax


class Priced(NamedTuple):
    """One eligible line: its price with tax, its tax rate, its ratio; ``reason`` when it carries nothing."""

    line_no: int
    amount_fen: int
    tax_bp: int
    ratio_bp: int
    reason: str | None = None


class Left(NamedTuple):
    """What is left under one ceiling, in the order they are looked at."""

    rule: str
    fen: int
    refusal: str


class Carried(NamedTuple):
    """What one line may carry."""

    line_no: int
    eligible_fen: int
    ratio_bp: int
    amount_fen: int
    reason: str | None


class Sum(NamedTuple):
    """``refusal`` is None when ``amount_fen`` > 0."""

    amount_fen: int
    refusal: str | None
    lines: tuple[Carried, ...]
    steps: tuple[tuple[str, int], ...]
    reduced_because: tuple[str, ...]


def carried(line: Priced, amount_basis: str) -> Carried:
    """Eligible on the policy's tax basis, times the ratio, each rounded down to the fen."""
    if line.reason is not None:
        return Carried(line.line_no, 0, 0, 0, line.reason)
    eligible = line.amount_fen if amount_basis == "tax_inclusive" else without_tax(line.amount_fen, line.tax_bp)
    reason = None if line.ratio_bp else "category_not_supported"
    return Carried(line.line_no, eligible, line.ratio_bp, share_of(eligible, line.ratio_bp), reason)


def allocate(
    lines: Sequence[Priced], amount_basis: str, cap_fen: int | None, left: Sequence[Left], partial: bool, rounding: str
) -> Sum:
    """The allocation of a contract; every step is named with the sum after it."""
    parts = tuple(carried(line, amount_basis) for line in lines)
    steps: list[tuple[str, int]] = []
    for part in parts:
        steps += [(f"line_{part.line_no}_eligible", part.eligible_fen), (f"line_{part.line_no}_ratio", part.amount_fen)]
    amount = sum(part.amount_fen for part in parts)
    steps.append(("sum", amount))
    if not any(part.ratio_bp for part in parts):
        reasons = [part.reason for part in parts if part.reason]
        return Sum(0, reasons[0] if reasons else "category_not_supported", parts, tuple(steps), ())
    reduced = []
    if cap_fen is not None:
        if cap_fen < amount:
            amount, _ = cap_fen, reduced.append("cap_per_use")
        steps.append(("cap_per_use", amount))
    for limit in left:
        if limit.fen == 0 or (limit.fen < amount and not partial):
            return Sum(0, limit.refusal, parts, (*steps, (limit.rule, 0)), tuple(reduced))
        if limit.fen < amount:
            amount, _ = limit.fen, reduced.append(limit.rule)
        steps.append((limit.rule, amount))
    amount = rounded_down(amount, rounding)
    steps.append(("rounding", amount))
    return Sum(amount, None if amount else "amount_too_small", parts, tuple(steps), tuple(reduced))
