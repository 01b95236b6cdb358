"""Self-evaluation of a technology-based SME: 国科发政〔2017〕115号, in integers only.

A company qualifies when conditions (2) to (4) hold and either its score is at least 60 with staff
points above 0, or it has one of the shortcuts. Condition (1), a resident company, follows from its
registration and is judged there.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from tongdui_events.common import Count, Flag
from tongdui_events.document import Code, Fen

Shortcut = Literal["high_tech_certificate", "national_award", "research_institution", "led_standard"]

STAFF_LIMIT = 500
MONEY_LIMIT_FEN = 20_000_000_000
"""200,000,000 yuan, for sales and for assets."""
PASS_SCORE = 60

#: technical staff in percent of all staff, points
STAFF_STEPS = ((30, 20), (25, 16), (20, 12), (15, 8), (10, 4))
#: R&D in percent of sales, points
SALES_STEPS = ((6, 50), (5, 40), (4, 30), (3, 20), (2, 10))
#: R&D in percent of cost, points
COST_STEPS = ((30, 50), (25, 40), (20, 30), (15, 20), (10, 10))
#: intellectual property of class II in force, points
CLASS_TWO_STEPS = ((4, 24), (3, 18), (2, 12), (1, 6))
CLASS_ONE_POINTS = 30


class SelfEvaluation(BaseModel):
    """A company's figures. Money in fen, of the last accounting year; ``shortcuts`` are those of the
    measure's article on certificates, awards, institutions and standards."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    staff: Count
    technical_staff: Count
    sales_fen: Fen
    cost_fen: Fen
    rd_fen: Fen
    assets_fen: Fen
    class_one_ip: Count
    class_two_ip: Count
    incidents: Annotated[tuple[Code, ...], Field(max_length=100)] = ()
    listed_abnormal: Flag
    prohibited_trade: Flag
    shortcuts: Annotated[tuple[Shortcut, ...], Field(max_length=4)] = ()

    @model_validator(mode="after")
    def _technical_staff_is_part_of_all_staff(self) -> SelfEvaluation:
        if self.technical_staff > self.staff:
            raise PydanticCustomError(
                "staff_exceeded", "technical_staff exceeds staff", {"zh": "科技人员数超过职工总数"}
            )
        return self


class Points(BaseModel):
    """Points by measure."""

    model_config = ConfigDict(frozen=True)

    staff: int
    rd: int
    ip: int

    @property
    def score(self) -> int:
        return self.staff + self.rd + self.ip


class Assessment(BaseModel):
    """The result. ``reasons`` says why it does not qualify; points are given also then."""

    model_config = ConfigDict(frozen=True)

    qualifies: bool
    score: int
    points: Points
    reasons: tuple[str, ...] = ()


def assess(figures: SelfEvaluation) -> Assessment:
    """Points, conditions and result of one self-evaluation."""
    points = Points(staff=staff_points(figures), rd=rd_points(figures), ip=ip_points(figures))
    reasons = _unmet_conditions(figures)
    if not figures.shortcuts:
        reasons += _unmet_score(points)
    return Assessment(qualifies=not reasons, score=points.score, points=points, reasons=reasons)


def assess_document(document: dict[str, Any]) -> dict[str, Any]:
    """The same over plain JSON values. Raises pydantic.ValidationError for a document of another shape."""
    return assess(SelfEvaluation.model_validate(document)).model_dump(mode="json")


def staff_points(figures: SelfEvaluation) -> int:
    """Technical staff over all staff; a company without staff has none."""
    return _share_points(figures.technical_staff, figures.staff, STAFF_STEPS)


def rd_points(figures: SelfEvaluation) -> int:
    """R&D over sales or over cost, whichever gives more: the company picks the measure."""
    by_sales = _share_points(figures.rd_fen, figures.sales_fen, SALES_STEPS)
    by_cost = _share_points(figures.rd_fen, figures.cost_fen, COST_STEPS)
    return max(by_sales, by_cost)


def ip_points(figures: SelfEvaluation) -> int:
    """One right of class I, or the number of class II."""
    if figures.class_one_ip >= 1:
        return CLASS_ONE_POINTS
    return next((points for least, points in CLASS_TWO_STEPS if figures.class_two_ip >= least), 0)


def _share_points(part: int, whole: int, steps: tuple[tuple[int, int], ...]) -> int:
    """Points of the first step that part/whole reaches; exactly on a step counts. 0 of nothing is 0."""
    if whole == 0:
        return 0
    return next((points for percent, points in steps if part * 100 >= percent * whole), 0)


def _unmet_conditions(figures: SelfEvaluation) -> tuple[str, ...]:
    unmet = {
        "too_many_staff": figures.staff > STAFF_LIMIT,
        "sales_over_limit": figures.sales_fen > MONEY_LIMIT_FEN,
        "assets_over_limit": figures.assets_fen > MONEY_LIMIT_FEN,
        "prohibited_trade": figures.prohibited_trade,
        "incident_on_record": bool(figures.incidents),
        "listed_abnormal": figures.listed_abnormal,
    }
    return tuple(reason for reason, holds in unmet.items() if holds)


def _unmet_score(points: Points) -> tuple[str, ...]:
    unmet = {"score_below_60": points.score < PASS_SCORE, "no_staff_points": points.staff == 0}
    return tuple(reason for reason, holds in unmet.items() if holds)
