"""Who is a technology-based SME in a year. 二(二), 三(一)"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from tongdui_events.registry import EnterpriseQualified, QualificationRefused, QualificationRequested

from services.registry.commands import _enterprise
from services.registry.domain.bars import BarEnterprise
from services.registry.domain.enterprises import DissolveEnterprise, MoveEnterprise
from services.registry.domain.qualification import RequestQualification, ReviewQualification, RevokeQualification
from services.registry.domain.regions import LeaveRegion
from tests.unit.desk import FakeDesk
from tests.unit.registry_world import (
    COMPANY,
    DIGEST,
    FIGURES,
    JIASHAN_OFFICER,
    MONDAY,
    OF_COMPANY,
    OF_SUCCESSOR,
    QINGPU,
    QINGPU_OFFICER,
    SANCTION_ID,
    SHANGHAI,
    a_desk,
    a_pilot,
    a_registered_company,
    ask,
    code_of,
    done,
    joining,
    names,
    policy,
    registration,
)

TUESDAY = MONDAY + timedelta(days=1)
NUMBER = "202531011800012345"


def by_number(number: str = NUMBER, year: int = 2025) -> RequestQualification:
    return RequestQualification(uscc=COMPANY, basis="sme_number", year=year, sme_number=number)


def by_figures(**changed: Any) -> RequestQualification:
    fields = {"uscc": COMPANY, "basis": "self_evaluation", "year": 2025, "self_evaluation": FIGURES | changed}
    return RequestQualification.model_validate(fields | {"evidence_sha256": [DIGEST]})


BY_REVIEW = RequestQualification(uscc=COMPANY, basis="regional_review", year=2025)


def with_terms(desk: FakeDesk, **terms: Any) -> FakeDesk:
    """The next day, under other terms of the region."""
    done(desk, QINGPU_OFFICER, policy(terms=terms, effective_on=TUESDAY))
    desk.day = TUESDAY
    return desk


# -- by number ---------------------------------------------------------------------------------


def test_a_number_of_the_year_qualifies_until_31_december() -> None:
    requested, qualified = done(a_registered_company(), OF_COMPANY, by_number())
    assert requested == QualificationRequested(uscc=COMPANY, basis="sme_number", year=2025, sme_number=NUMBER)
    assert qualified == EnterpriseQualified(
        uscc=COMPANY, basis="sme_number", year=2025, valid_from_on=MONDAY, valid_until=date(2025, 12, 31)
    )


def test_the_regions_grace_date_lets_last_years_status_serve_on() -> None:
    desk = with_terms(a_registered_company(), sme_grace_until="05-31")
    assert done(desk, OF_COMPANY, by_number())[1].valid_until == date(2026, 5, 31)
    desk = with_terms(a_registered_company(), sme_grace_until="05-31")
    last_year = by_number("202431011800012345", 2024)
    assert done(desk, OF_COMPANY, last_year)[1].valid_until == date(2025, 5, 31)


@pytest.mark.parametrize(
    ("number", "year", "reason"),
    [
        (NUMBER[:-1], 2025, "sme_number_malformed"),
        (NUMBER + "6", 2025, "sme_number_malformed"),
        ("20253101180001234-", 2025, "sme_number_malformed"),
        ("２０２５31011800012345", 2025, "sme_number_malformed"),
        ("202431011800012345", 2025, "sme_number_of_another_year"),
        ("202431011800012345", 2024, "year_over"),
        ("202631011800012345", 2026, "year_not_begun"),
    ],
)
def test_a_number_has_18_characters_and_is_of_its_year_which_still_serves(
    number: str, year: int, reason: str
) -> None:
    answer = done(a_registered_company(), OF_COMPANY, by_number(number, year))
    assert answer[1] == QualificationRefused(uscc=COMPANY, reasons=(reason,))


# -- by self-evaluation --------------------------------------------------------------------------


def test_a_self_evaluation_that_passes_qualifies_with_its_score_and_evidence() -> None:
    qualified = done(a_registered_company(), OF_COMPANY, by_figures())[1]
    assert (qualified.score, qualified.evidence_sha256) == (70, (DIGEST,))


def test_a_self_evaluation_that_fails_is_refused_with_every_reason() -> None:
    poor = by_figures(technical_staff=0, rd_fen=0, listed_abnormal=True)
    refused = done(a_registered_company(), OF_COMPANY, poor)[1]
    assert refused.reasons == ("listed_abnormal", "score_below_60", "no_staff_points")


# -- by review of the region -----------------------------------------------------------------------


def test_a_region_reviews_only_where_its_terms_say_so() -> None:
    refused = done(a_registered_company(), OF_COMPANY, BY_REVIEW)[1]
    assert refused.reasons == ("regional_review_not_offered",)


def test_an_officer_of_the_region_answers_a_request_for_review() -> None:
    desk = with_terms(a_registered_company(), regional_review=True)
    assert names(ask(desk, OF_COMPANY, BY_REVIEW)) == ["QualificationRequested"]
    approving = ReviewQualification(uscc=COMPANY, approved=True, evidence_sha256=(DIGEST,))
    assert code_of(ask(desk, JIASHAN_OFFICER, approving)) == "not_yours"
    assert code_of(ask(desk, SHANGHAI, approving)) == "not_yours"
    qualified = done(desk, QINGPU_OFFICER, approving)[0]
    assert (qualified.basis, qualified.valid_from_on) == ("regional_review", TUESDAY)
    assert code_of(ask(desk, QINGPU_OFFICER, approving)) == "out_of_order"


def test_an_approval_does_not_pass_over_what_came_up_meanwhile() -> None:
    desk = with_terms(a_registered_company(), regional_review=True)
    done(desk, OF_COMPANY, BY_REVIEW)
    bar = BarEnterprise(uscc=COMPANY, from_on=TUESDAY, decision_no="1号", sanction_id=SANCTION_ID)
    done(desk, QINGPU_OFFICER, bar)
    approving = ReviewQualification(uscc=COMPANY, approved=True)
    assert done(desk, QINGPU_OFFICER, approving) == [QualificationRefused(uscc=COMPANY, reasons=("barred",))]


def test_nothing_is_reviewed_of_an_enterprise_that_is_unknown_or_gone() -> None:
    approving = ReviewQualification(uscc=COMPANY, approved=True)
    assert code_of(ask(a_pilot(), QINGPU_OFFICER, approving)) == "not_found"
    desk = with_terms(a_registered_company(), regional_review=True)
    done(desk, OF_COMPANY, BY_REVIEW)
    done(desk, QINGPU_OFFICER, DissolveEnterprise(uscc=COMPANY, on=TUESDAY))
    assert code_of(ask(desk, QINGPU_OFFICER, approving)) == "out_of_order"


def test_a_region_without_terms_reviews_nobody() -> None:
    desk = a_desk()
    done(desk, SHANGHAI, joining())
    done(desk, OF_COMPANY, registration())
    assert done(desk, OF_COMPANY, BY_REVIEW)[1].reasons == ("regional_review_not_offered",)


def test_last_years_status_serves_on_its_very_last_day() -> None:
    desk = with_terms(a_registered_company(), sme_grace_until="03-04")
    qualified = done(desk, OF_COMPANY, by_number("202431011800012345", 2024))[1]
    assert (qualified.valid_from_on, qualified.valid_until) == (TUESDAY, TUESDAY)
    assert names(ask(desk, OF_COMPANY, by_number()))[1] == "EnterpriseQualified"


def test_a_review_that_says_no_names_its_reasons() -> None:
    desk = with_terms(a_registered_company(), regional_review=True)
    done(desk, OF_COMPANY, BY_REVIEW)
    refusing = ReviewQualification(uscc=COMPANY, approved=False, reasons=("no_research",))
    assert done(desk, QINGPU_OFFICER, refusing) == [QualificationRefused(uscc=COMPANY, reasons=("no_research",))]
    for wrong in ({"approved": False}, {"approved": True, "reasons": ["x"]}, {"approved": "yes"}):
        with pytest.raises(ValidationError):
            ReviewQualification.model_validate({"uscc": COMPANY} | wrong)


# -- whatever the basis --------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["partnership", "sole_proprietorship", "branch"])
def test_an_applicant_is_an_independent_legal_person(form: str) -> None:
    desk = a_pilot()
    done(desk, OF_COMPANY, registration(legal_form=form))
    assert done(desk, OF_COMPANY, by_number())[1].reasons == ("not_a_legal_person",)


def test_a_barred_enterprise_does_not_qualify_while_the_bar_holds() -> None:
    desk = a_registered_company()
    bar = BarEnterprise(uscc=COMPANY, from_on=MONDAY, until=MONDAY, decision_no="1号", sanction_id=SANCTION_ID)
    done(desk, QINGPU_OFFICER, bar)
    assert done(desk, OF_COMPANY, by_number())[1].reasons == ("barred",)
    desk.day = TUESDAY
    assert names(ask(desk, OF_COMPANY, by_number()))[1] == "EnterpriseQualified"


def test_nobody_qualifies_where_no_region_of_the_pilot_pays() -> None:
    desk = a_registered_company()
    done(desk, OF_COMPANY, MoveEnterprise(uscc=COMPANY, division_code="310104", from_on=TUESDAY))
    desk.day = TUESDAY
    assert done(desk, OF_COMPANY, by_number())[1].reasons == ("region_not_in_pilot",)
    desk = a_registered_company()
    done(desk, SHANGHAI, LeaveRegion(region=QINGPU, leaves_on=TUESDAY, run_off_until=TUESDAY))
    desk.day = TUESDAY
    assert done(desk, OF_COMPANY, by_number())[1].reasons == ("region_not_in_pilot",)


def test_a_year_is_qualified_for_once_and_again_after_a_revocation() -> None:
    desk = a_registered_company()
    done(desk, OF_COMPANY, by_number())
    assert code_of(ask(desk, OF_COMPANY, by_number())) == "out_of_order"
    revoking = RevokeQualification(uscc=COMPANY, on=TUESDAY, reason="number_withdrawn")
    done(desk, QINGPU_OFFICER, revoking)
    held = _enterprise(desk, COMPANY).qualifications[0]
    assert [held.holds_on(day) for day in (MONDAY, TUESDAY)] == [True, False]
    desk.day = TUESDAY
    assert code_of(ask(desk, QINGPU_OFFICER, revoking)) == "out_of_order"
    assert names(ask(desk, OF_COMPANY, by_number()))[1] == "EnterpriseQualified"


def test_a_status_that_was_revoked_once_keeps_its_day_when_the_next_is_revoked() -> None:
    desk = a_registered_company()
    done(desk, OF_COMPANY, by_number())
    done(desk, QINGPU_OFFICER, RevokeQualification(uscc=COMPANY, on=TUESDAY, reason="x"))
    desk.day = TUESDAY
    done(desk, OF_COMPANY, by_number())
    later = TUESDAY + timedelta(days=1)
    done(desk, QINGPU_OFFICER, RevokeQualification(uscc=COMPANY, on=later, reason="x"))
    assert [held.revoked_on for held in _enterprise(desk, COMPANY).qualifications] == [TUESDAY, later]


def test_a_status_serves_between_its_two_days_included() -> None:
    desk = a_registered_company()
    done(desk, OF_COMPANY, by_number())
    held = _enterprise(desk, COMPANY).qualifications[0]
    days = [MONDAY - timedelta(days=1), MONDAY, date(2025, 12, 31), date(2026, 1, 1)]
    assert [held.holds_on(day) for day in days] == [False, True, True, False]


def test_a_revocation_is_an_officers_from_today_on() -> None:
    desk = a_registered_company()
    done(desk, OF_COMPANY, by_number())
    early = RevokeQualification(uscc=COMPANY, on=MONDAY - timedelta(days=1), reason="x")
    assert code_of(ask(desk, QINGPU_OFFICER, early)) == "date_too_early"
    today = RevokeQualification(uscc=COMPANY, on=MONDAY, reason="x")
    assert code_of(ask(desk, OF_COMPANY, today)) == "not_yours"


def test_a_request_is_the_enterprises_own_and_the_enterprise_exists() -> None:
    assert code_of(ask(a_registered_company(), OF_SUCCESSOR, by_number())) == "not_yours"
    assert code_of(ask(a_pilot(), OF_COMPANY, by_number())) == "not_found"
    desk = a_registered_company()
    done(desk, QINGPU_OFFICER, DissolveEnterprise(uscc=COMPANY, on=MONDAY))
    assert code_of(ask(desk, OF_COMPANY, by_number())) == "out_of_order"


@pytest.mark.parametrize(
    "wrong",
    [
        {"basis": "sme_number"},
        {"basis": "self_evaluation", "sme_number": NUMBER},
        {"basis": "regional_review", "sme_number": NUMBER},
        {"basis": "self_evaluation", "self_evaluation": FIGURES, "sme_number": NUMBER},
        {"basis": "friendship"},
        {"basis": "sme_number", "sme_number": NUMBER, "year": "2025"},
    ],
)
def test_a_request_states_what_its_basis_needs_and_nothing_else(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RequestQualification.model_validate({"uscc": COMPANY, "year": 2025} | wrong)
