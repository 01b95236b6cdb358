"""Trial calculation (试算): what a voucher would carry under given terms. It records nothing. 二(四), 三(三)"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from tongdui_events.document import Code, Fen

from services.voucher.domain.amounts import Left, Priced, allocate

BasisPoints = Annotated[int, Field(strict=True, ge=0, le=10_000)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class QuotePolicy(_Part):
    """The terms on amounts. Money in fen, ratios in basis points by category; a cap of null is no cap."""

    ratio_bp: Annotated[dict[Code, BasisPoints], Field(max_length=100)]
    allocation_cap_fen: Fen | None = None
    enterprise_year_cap_fen: Fen
    region_year_budget_fen: Fen
    rounding: Literal["fen", "yuan"]
    amount_basis: Literal["tax_inclusive", "tax_exclusive"]
    partial_allocation: Annotated[bool, Field(strict=True)]


class QuoteLine(_Part):
    """One line: the price with tax in fen, and its tax rate in basis points."""

    category: Code
    amount_fen: Fen
    tax_bp: BasisPoints = 0


class QuoteContract(_Part):
    """Either one line's fields, or ``lines``."""

    lines: Annotated[tuple[QuoteLine, ...], Field(min_length=1, max_length=200)]

    @model_validator(mode="before")
    @classmethod
    def _one_line_may_be_written_without_a_list(cls, given: object) -> object:
        if not isinstance(given, dict) or set(given) <= {"lines"}:
            return given
        if "lines" in given:
            raise PydanticCustomError(
                "lines_twice", "give lines, or the fields of one line, not both", {"zh": "lines与单行字段不能同时填写"}
            )
        return {"lines": [given]}


class QuoteHeld(_Part):
    """What is held and consumed already, in fen."""

    enterprise_year_fen: Fen = 0
    region_year_fen: Fen = 0


class Quote(_Part):
    """A trial calculation: terms, contract, and what the ceilings hold already."""

    policy: QuotePolicy
    contract: QuoteContract
    held: QuoteHeld = QuoteHeld()


class QuoteStep(_Part):
    """The sum, in fen, after one rule."""

    rule: str
    fen: int


class QuoteAnswer(_Part):
    """``allocation_fen`` is 0 exactly where ``refusal`` says why."""

    allocation_fen: int
    refusal: str | None
    steps: tuple[QuoteStep, ...]


def quote(asked: Quote) -> QuoteAnswer:
    """The sum the service itself would make, with every step."""
    policy, held = asked.policy, asked.held
    lines = [
        Priced(number, line.amount_fen, line.tax_bp, policy.ratio_bp.get(line.category, 0))
        for number, line in enumerate(asked.contract.lines, 1)
    ]
    enterprise = max(policy.enterprise_year_cap_fen - held.enterprise_year_fen, 0)
    region = max(policy.region_year_budget_fen - held.region_year_fen, 0)
    left = [
        Left("enterprise_year", enterprise, "quota_exhausted"),
        Left("region_year", region, "budget_exhausted"),
    ]
    total = allocate(
        lines, policy.amount_basis, policy.allocation_cap_fen, left, policy.partial_allocation, policy.rounding
    )
    steps = tuple(QuoteStep(rule=rule, fen=fen) for rule, fen in total.steps)
    return QuoteAnswer(allocation_fen=total.amount_fen, refusal=total.refusal, steps=steps)
