"""Who is a technology-based SME, and so may apply, in a year. 二(二), 三(一)

By the number of the year's register (入库登记编号), by self-evaluation, or by review of the region where
its terms allow. A «no» is recorded with every reason.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, NamedTuple

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from tongdui_events.common import Flag
from tongdui_events.document import Code, Uscc, Year
from tongdui_events.registry import (
    EnterpriseQualificationRevoked,
    EnterpriseQualified,
    QualificationBasis,
    QualificationRefused,
    QualificationRequested,
)
from tongdui_events.streams import enterprise_id

from services.registry.domain.assessment import Assessment, SelfEvaluation, assess
from services.registry.domain.enterprise_state import Enterprise
from services.registry.domain.enterprises import LEGAL_PERSONS, may_act, may_oversee
from services.registry.domain.fields import Day, Digests
from services.registry.domain.jurisdiction import acts_for_region
from services.registry.domain.refusals import DateTooEarly
from services.registry.domain.region_state import Region
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, OutOfOrder, Refusal

SME_NUMBER_LENGTH = 18


class RequestQualification(Command):
    """Ask to be held a technology-based SME for a year.

    ``sme_number`` with basis sme_number only, ``self_evaluation`` with basis self_evaluation only. A
    regional review is answered later, by ReviewQualification.
    """

    uscc: Uscc
    basis: QualificationBasis
    year: Year
    sme_number: Code | None = None
    self_evaluation: SelfEvaluation | None = None
    evidence_sha256: Digests = ()

    @model_validator(mode="after")
    def _states_what_its_basis_needs(self) -> RequestQualification:
        for basis in ("sme_number", "self_evaluation"):
            if (getattr(self, basis) is not None) != (self.basis == basis):
                message = "sme_number and self_evaluation each go with the basis of that name, and only with it"
                raise PydanticCustomError("basis_mismatch", message, {"zh": "所附材料与申请依据(basis)不符"})
        return self


class ReviewQualification(Command):
    """The region answers a request for regional review; a refusal names its reasons."""

    uscc: Uscc
    approved: Flag
    reasons: Annotated[tuple[Code, ...], Field(max_length=50)] = ()
    evidence_sha256: Digests = ()

    @model_validator(mode="after")
    def _only_a_refusal_has_reasons(self) -> ReviewQualification:
        if self.approved == bool(self.reasons):
            raise PydanticCustomError(
                "reasons_mismatch", "a refusal has reasons, an approval has none", {"zh": "不予通过须说明理由"}
            )
        return self


class RevokeQualification(Command):
    """From a day on the enterprise is no technology-based SME any more."""

    uscc: Uscc
    on: Day
    reason: Code


class _Case(NamedTuple):
    """What the rules look at. ``region`` is the state of the region that pays for its address."""

    enterprise: Enterprise
    region: Region
    today: date
    basis: str
    year: int
    sme_number: str | None
    assessment: Assessment | None

    @property
    def valid_until(self) -> date:
        """31 December, or the region's grace date of the next year."""
        policy = self.region.policy_on(self.today)
        grace = policy.terms.sme_grace_until if policy else None
        return date.fromisoformat(f"{self.year + 1}-{grace}") if grace else date(self.year, 12, 31)


Reasons = tuple[str, ...]


# -- rules: each gives the reasons against, none when it holds --------------------------------


def applicant_is_an_independent_legal_person(case: _Case) -> Reasons:
    return () if case.enterprise.legal_form in LEGAL_PERSONS else ("not_a_legal_person",)


def applicant_is_not_barred(case: _Case) -> Reasons:
    return ("barred",) if case.enterprise.bar_on(case.today) else ()


def a_region_of_the_pilot_pays_for_its_address(case: _Case) -> Reasons:
    return () if case.region.is_member(case.today) else ("region_not_in_pilot",)


def the_year_has_begun_and_still_serves(case: _Case) -> Reasons:
    if case.year > case.today.year:
        return ("year_not_begun",)
    return ("year_over",) if case.valid_until < case.today else ()


def the_number_is_of_that_year(case: _Case) -> Reasons:
    if case.sme_number is None:
        return ()
    number = case.sme_number
    if len(number) != SME_NUMBER_LENGTH or not number.isascii() or not number.isalnum():
        return ("sme_number_malformed",)
    return () if number[:4] == str(case.year) else ("sme_number_of_another_year",)


def the_self_evaluation_qualifies(case: _Case) -> Reasons:
    return case.assessment.reasons if case.assessment else ()


def the_region_reviews_where_its_terms_say_so(case: _Case) -> Reasons:
    if case.basis != "regional_review":
        return ()
    policy = case.region.policy_on(case.today)
    return () if policy is not None and policy.terms.regional_review else ("regional_review_not_offered",)


RULES: tuple[Callable[[_Case], Reasons], ...] = (
    applicant_is_an_independent_legal_person,
    applicant_is_not_barred,
    a_region_of_the_pilot_pays_for_its_address,
    the_year_has_begun_and_still_serves,
    the_number_is_of_that_year,
    the_self_evaluation_qualifies,
    the_region_reviews_where_its_terms_say_so,
)


def reasons_against(case: _Case) -> Reasons:
    """The reasons of every rule that does not hold."""
    return tuple(reason for rule in RULES for reason in rule(case))


# -- decisions ---------------------------------------------------------------------------------


def request_qualification(
    enterprise: Enterprise, region: Region, today: date, principal: Principal, command: RequestQualification
) -> list[Decided] | Refusal:
    """QualificationRequested, and at once the answer unless the region has to review."""
    refusal = may_act(enterprise, command.uscc, today, principal)
    if refusal is not None:
        return refusal
    if any(held.year == command.year and held.holds_on(today) for held in enterprise.qualifications):
        return OutOfOrder("year", state="qualified")
    assessment = assess(command.self_evaluation) if command.self_evaluation else None
    case = _Case(enterprise, region, today, command.basis, command.year, command.sme_number, assessment)
    requested = QualificationRequested(
        uscc=command.uscc, basis=command.basis, year=command.year, sme_number=command.sme_number
    )
    decided = [Decided(enterprise_id(command.uscc), requested)]
    reasons = reasons_against(case)
    if reasons:
        return decided + _refused(command.uscc, reasons)
    if command.basis == "regional_review":
        return decided
    return decided + _qualified(command.uscc, case, command.evidence_sha256)


def review_qualification(
    enterprise: Enterprise, region: Region, today: date, principal: Principal, command: ReviewQualification
) -> list[Decided] | Refusal:
    """EnterpriseQualified or QualificationRefused, by an officer of the region that pays."""
    refusal = may_oversee(enterprise, command.uscc, today, principal) or acts_for_region(principal, region.region)
    if refusal is not None:
        return refusal
    if enterprise.asked is None:
        return OutOfOrder("uscc", state="not under review")
    basis, year = enterprise.asked
    case = _Case(enterprise, region, today, basis, year, None, None)
    reasons = command.reasons or reasons_against(case)
    if reasons:
        return _refused(command.uscc, reasons)
    return _qualified(command.uscc, case, command.evidence_sha256)


def revoke_qualification(
    enterprise: Enterprise, today: date, principal: Principal, command: RevokeQualification
) -> list[Decided] | Refusal:
    """EnterpriseQualificationRevoked, from today on or later; confirmed vouchers stand."""
    refusal = may_oversee(enterprise, command.uscc, today, principal)
    if refusal is not None:
        return refusal
    if command.on < today:
        return DateTooEarly("on", date=command.on, earliest=today)
    if not any(held.holds_on(command.on) for held in enterprise.qualifications):
        return OutOfOrder("uscc", state="not qualified")
    event = EnterpriseQualificationRevoked(uscc=command.uscc, on=command.on, reason=command.reason)
    return [Decided(enterprise_id(command.uscc), event)]


def _refused(uscc: str, reasons: Reasons) -> list[Decided]:
    return [Decided(enterprise_id(uscc), QualificationRefused(uscc=uscc, reasons=reasons))]


def _qualified(uscc: str, case: _Case, evidence_sha256: tuple[str, ...]) -> list[Decided]:
    event = EnterpriseQualified(
        uscc=uscc,
        basis=case.basis,
        year=case.year,
        score=case.assessment.score if case.assessment else None,
        valid_from_on=case.today,
        valid_until=case.valid_until,
        evidence_sha256=evidence_sha256,
    )
    return [Decided(enterprise_id(uscc), event)]
