"""Enterprises are registered where they are, change, and are barred. 二(二), 二(六)"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from tongdui_events.registry import EnterpriseMoved, EnterpriseRegistered

from services.registry.commands import _enterprise
from services.registry.domain.bars import BarEnterprise, ReinstateEnterprise
from services.registry.domain.enterprises import (
    DeclareAffiliation,
    DissolveEnterprise,
    MoveEnterprise,
    RenameEnterprise,
    SucceedEnterprise,
)
from shared.kernel.divisions import division_name
from tests.unit.registry_world import (
    COMPANY,
    DIGEST,
    EARLY_CODE,
    JIASHAN,
    JIASHAN_OFFICER,
    LABORATORY,
    MONDAY,
    OF_COMPANY,
    OF_SUCCESSOR,
    QINGPU,
    QINGPU_OFFICER,
    SANCTION_ID,
    SHANGHAI,
    SUCCESSOR,
    ZHEJIANG,
    a_pilot,
    a_registered_company,
    ask,
    code_of,
    done,
    joining,
    names,
    registration,
)

SUNDAY, TUESDAY = MONDAY - timedelta(days=1), MONDAY + timedelta(days=1)


# -- registration ------------------------------------------------------------------------------


def test_the_paying_region_comes_from_the_registered_address_not_from_the_digits_of_the_uscc() -> None:
    registered = done(a_pilot(), OF_COMPANY, registration(division_code=JIASHAN))[0]
    assert registered == EnterpriseRegistered(
        uscc=COMPANY, name="样例新材料有限公司", region=JIASHAN, division_code=JIASHAN,
        legal_form="limited_company", registered_on=date(2020, 5, 6), override_by=None,
    )


def test_an_address_that_no_region_of_the_pilot_reaches_is_refused() -> None:
    assert code_of(ask(a_pilot(), OF_COMPANY, registration(division_code="310104"))) == "region_not_in_pilot"


@pytest.mark.parametrize("code", ["999999", "310000", "340500", "320584"])
def test_a_division_code_is_one_of_the_day(code: str) -> None:
    """320584 吴江市 ended in 2012; 340500 is a prefecture, no county."""
    assert code_of(ask(a_pilot(), OF_COMPANY, registration(division_code=code))) == "unknown_division"


def test_division_codes_are_dated() -> None:
    assert [division_name("320584", date(year, 6, 1)) for year in (1991, 1992, 2012, 2013)] == [
        None, "吴江市", "吴江市", None,
    ]
    assert division_name("320509", date(2025, 1, 1)) == "吴江区"
    assert [division_name("120110", date(year, 6, 1)) for year in (1985, 1999)] == ["东郊区", "东丽区"]


def test_an_enterprise_registers_itself_or_an_officer_over_its_region_does() -> None:
    assert code_of(ask(a_pilot(), QINGPU_OFFICER, registration())) == "accepted"
    assert code_of(ask(a_pilot(), SHANGHAI, registration())) == "accepted"
    for who in (JIASHAN_OFFICER, ZHEJIANG, OF_SUCCESSOR):
        assert code_of(ask(a_pilot(), who, registration())) == "not_yours"


def test_an_enterprise_registers_once() -> None:
    assert code_of(ask(a_registered_company(), OF_COMPANY, registration())) == "out_of_order"


def test_an_enterprise_was_registered_by_the_business_day() -> None:
    later = registration(registered_on=TUESDAY)
    assert code_of(ask(a_pilot(), OF_COMPANY, later)) == "date_in_the_future"
    assert code_of(ask(a_pilot(), OF_COMPANY, registration(registered_on=MONDAY))) == "accepted"


def test_a_uscc_that_fails_is_refused() -> None:
    who = OF_COMPANY.model_copy(update={"uscc": EARLY_CODE})
    refusal = ask(a_pilot(), who, registration(uscc=EARLY_CODE))
    assert (code_of(refusal), refusal.field, refusal.details["fault"]) == ("invalid_uscc", "uscc", "check_digit")


def test_a_failing_check_digit_is_let_in_by_the_officer_who_names_himself_and_that_is_recorded() -> None:
    named = registration(uscc=EARLY_CODE, override_by=QINGPU_OFFICER.sub)
    assert done(a_pilot(), QINGPU_OFFICER, named)[0].override_by == QINGPU_OFFICER.sub
    assert code_of(ask(a_pilot(), SHANGHAI, named)) == "override_not_allowed"
    himself = OF_COMPANY.model_copy(update={"uscc": EARLY_CODE, "sub": QINGPU_OFFICER.sub})
    assert code_of(ask(a_pilot(), himself, named)) == "override_not_allowed"


@pytest.mark.parametrize("uscc", ["91310118MA0TEXT04", "91310118MA0TEXT04I", "91310118ma0text048"])
def test_no_officer_lets_in_what_is_not_even_shaped_like_a_uscc(uscc: str) -> None:
    named = registration(uscc=uscc, override_by=QINGPU_OFFICER.sub)
    assert code_of(ask(a_pilot(), QINGPU_OFFICER, named)) == "invalid_uscc"


def test_an_override_that_was_not_needed_is_not_recorded() -> None:
    named = registration(override_by=QINGPU_OFFICER.sub)
    assert done(a_pilot(), QINGPU_OFFICER, named)[0].override_by is None


# -- changes -----------------------------------------------------------------------------------


def test_a_move_changes_who_pays_from_its_day_on() -> None:
    desk = a_registered_company()
    moved = done(desk, OF_COMPANY, MoveEnterprise(uscc=COMPANY, division_code=JIASHAN, from_on=TUESDAY))[0]
    assert moved == EnterpriseMoved(uscc=COMPANY, region=JIASHAN, division_code=JIASHAN, from_on=TUESDAY)
    enterprise = _enterprise(desk, COMPANY)
    assert [enterprise.address_on(day).region for day in (MONDAY, TUESDAY)] == [QINGPU, JIASHAN]


def test_a_move_into_a_prefecture_that_takes_part_whole_is_paid_by_the_prefecture() -> None:
    desk = a_registered_company()
    anhui = SHANGHAI.model_copy(update={"region": "34"})
    done(desk, anhui, joining("340500", name="马鞍山市", prefixes=["3405"]))
    moved = done(desk, OF_COMPANY, MoveEnterprise(uscc=COMPANY, division_code="340503", from_on=MONDAY))[0]
    assert (moved.region, moved.division_code) == ("340500", "340503")


def test_a_move_out_of_the_pilot_leaves_nobody_who_pays() -> None:
    desk = a_registered_company()
    moved = done(desk, OF_COMPANY, MoveEnterprise(uscc=COMPANY, division_code="310104", from_on=TUESDAY))[0]
    assert moved.region == "310104"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (MoveEnterprise(uscc=COMPANY, division_code=JIASHAN, from_on=SUNDAY), "date_too_early"),
        (MoveEnterprise(uscc=COMPANY, division_code="999999", from_on=TUESDAY), "unknown_division"),
        (RenameEnterprise(uscc=COMPANY, name="样例材料股份有限公司", from_on=SUNDAY), "date_too_early"),
        (RenameEnterprise(uscc=COMPANY, name="样例材料股份有限公司", from_on=MONDAY), "accepted"),
        (DeclareAffiliation(uscc=COMPANY, controller_hmac=DIGEST), "accepted"),
        (RenameEnterprise(uscc=SUCCESSOR, name="无", from_on=MONDAY), "not_found"),
        (MoveEnterprise(uscc=SUCCESSOR, division_code=QINGPU, from_on=MONDAY), "not_found"),
        (DeclareAffiliation(uscc=SUCCESSOR, controller_hmac=DIGEST), "not_found"),
    ],
)
def test_changes_are_of_a_known_enterprise_from_today_on(command: Any, expected: str) -> None:
    assert code_of(ask(a_registered_company(), OF_COMPANY, command)) == expected


def test_changes_are_an_enterprises_own_or_its_officers() -> None:
    rename = RenameEnterprise(uscc=COMPANY, name="样例材料股份有限公司", from_on=MONDAY)
    assert code_of(ask(a_registered_company(), OF_SUCCESSOR, rename)) == "not_yours"
    assert code_of(ask(a_registered_company(), JIASHAN_OFFICER, rename)) == "not_yours"
    move = MoveEnterprise(uscc=COMPANY, division_code=JIASHAN, from_on=MONDAY)
    for command in (move, DeclareAffiliation(uscc=COMPANY, controller_hmac=DIGEST)):
        assert code_of(ask(a_registered_company(), OF_SUCCESSOR, command)) == "not_yours"
    assert code_of(ask(a_registered_company(), QINGPU_OFFICER, rename)) == "accepted"


def test_changes_go_forward() -> None:
    desk = a_registered_company()
    done(desk, OF_COMPANY, MoveEnterprise(uscc=COMPANY, division_code=JIASHAN, from_on=date(2025, 6, 1)))
    earlier = MoveEnterprise(uscc=COMPANY, division_code=QINGPU, from_on=TUESDAY)
    assert code_of(ask(desk, OF_COMPANY, earlier)) == "date_too_early"
    done(desk, OF_COMPANY, RenameEnterprise(uscc=COMPANY, name="样例二", from_on=date(2025, 6, 1)))
    backwards = RenameEnterprise(uscc=COMPANY, name="样例三", from_on=TUESDAY)
    assert code_of(ask(desk, OF_COMPANY, backwards)) == "date_too_early"


def test_an_enterprise_is_succeeded_by_one_that_is_registered_by_decision_of_an_officer() -> None:
    desk = a_registered_company()
    fields: dict[str, Any] = {"uscc": COMPANY, "successor_uscc": SUCCESSOR, "decision_no": "1号", "from_on": MONDAY}
    succession = SucceedEnterprise.model_validate(fields)
    assert code_of(ask(desk, QINGPU_OFFICER, succession)) == "successor_not_registered"
    done(desk, OF_SUCCESSOR, registration(uscc=SUCCESSOR, division_code=JIASHAN))
    assert code_of(ask(desk, OF_COMPANY, succession)) == "not_yours"
    itself = SucceedEnterprise.model_validate(fields | {"successor_uscc": COMPANY})
    assert code_of(ask(desk, QINGPU_OFFICER, itself)) == "successor_is_itself"
    early = SucceedEnterprise.model_validate(fields | {"from_on": SUNDAY})
    assert code_of(ask(desk, QINGPU_OFFICER, early)) == "date_too_early"
    later = SucceedEnterprise.model_validate(fields | {"from_on": TUESDAY})
    assert names(ask(desk, QINGPU_OFFICER, later)) == ["EnterpriseSucceeded"]
    assert code_of(ask(desk, QINGPU_OFFICER, succession)) == "out_of_order"
    rename = RenameEnterprise(uscc=COMPANY, name="样例二", from_on=TUESDAY)
    assert code_of(ask(desk, OF_COMPANY, rename)) == "accepted"
    desk.day = TUESDAY
    assert code_of(ask(desk, OF_COMPANY, rename)) == "out_of_order"


def test_an_enterprise_that_is_gone_by_then_succeeds_nobody() -> None:
    desk = a_registered_company()
    done(desk, OF_SUCCESSOR, registration(uscc=SUCCESSOR, division_code=JIASHAN))
    done(desk, JIASHAN_OFFICER, DissolveEnterprise(uscc=SUCCESSOR, on=TUESDAY))
    fields: dict[str, Any] = {"uscc": COMPANY, "successor_uscc": SUCCESSOR, "decision_no": "1号"}
    late = SucceedEnterprise.model_validate(fields | {"from_on": TUESDAY})
    assert code_of(ask(desk, QINGPU_OFFICER, late)) == "successor_not_registered"
    assert code_of(ask(desk, QINGPU_OFFICER, SucceedEnterprise.model_validate(fields | {"from_on": MONDAY}))) == "accepted"


def test_a_dissolution_is_an_officers_from_today_on() -> None:
    for who, on, expected in (
        (OF_COMPANY, MONDAY, "not_yours"),
        (JIASHAN_OFFICER, MONDAY, "not_yours"),
        (QINGPU_OFFICER, SUNDAY, "date_too_early"),
        (QINGPU_OFFICER, MONDAY, "accepted"),
    ):
        assert code_of(ask(a_registered_company(), who, DissolveEnterprise(uscc=COMPANY, on=on))) == expected


def test_a_dissolved_enterprise_changes_no_more() -> None:
    desk = a_registered_company()
    done(desk, QINGPU_OFFICER, DissolveEnterprise(uscc=COMPANY, on=TUESDAY))
    again = DissolveEnterprise(uscc=COMPANY, on=date(2025, 6, 1))
    assert code_of(ask(desk, QINGPU_OFFICER, again)) == "out_of_order"
    rename = RenameEnterprise(uscc=COMPANY, name="样例二", from_on=TUESDAY)
    assert code_of(ask(desk, OF_COMPANY, rename)) == "accepted"
    desk.day = TUESDAY
    assert code_of(ask(desk, OF_COMPANY, rename)) == "out_of_order"


# -- bars --------------------------------------------------------------------------------------


def barring(**changed: Any) -> BarEnterprise:
    fields = {"uscc": COMPANY, "from_on": MONDAY, "until": None, "decision_no": "处〔2025〕1号"}
    return BarEnterprise.model_validate(fields | {"sanction_id": SANCTION_ID} | changed)


def test_a_bar_holds_until_its_last_day() -> None:
    desk = a_registered_company()
    done(desk, QINGPU_OFFICER, barring(until=TUESDAY))
    enterprise = _enterprise(desk, COMPANY)
    days = [SUNDAY, MONDAY, TUESDAY, TUESDAY + timedelta(days=1)]
    assert [enterprise.bar_on(day) is not None for day in days] == [False, True, True, False]


@pytest.mark.parametrize(
    ("who", "changed", "expected"),
    [
        (QINGPU_OFFICER, {"from_on": SUNDAY}, "date_too_early"),
        (QINGPU_OFFICER, {"from_on": TUESDAY, "until": MONDAY}, "date_too_early"),
        (JIASHAN_OFFICER, {}, "not_yours"),
        (OF_COMPANY, {}, "not_yours"),
        (QINGPU_OFFICER, {"uscc": LABORATORY}, "not_found"),
    ],
)
def test_a_bar_is_an_officers_decision_from_today_on(who: Any, changed: dict[str, Any], expected: str) -> None:
    assert code_of(ask(a_registered_company(), who, barring(**changed))) == expected


def test_one_sanction_bars_once_and_is_lifted_by_decision() -> None:
    desk = a_registered_company()
    lifting = ReinstateEnterprise(uscc=COMPANY, decision_no="撤〔2025〕1号", sanction_id=SANCTION_ID)
    assert code_of(ask(desk, QINGPU_OFFICER, lifting)) == "out_of_order"
    done(desk, QINGPU_OFFICER, barring())
    assert code_of(ask(desk, QINGPU_OFFICER, barring())) == "out_of_order"
    done(desk, QINGPU_OFFICER, lifting)
    assert _enterprise(desk, COMPANY).bar_on(MONDAY) is None


def test_a_bar_is_lifted_by_an_officer_over_the_region_only() -> None:
    desk = a_registered_company()
    done(desk, QINGPU_OFFICER, barring())
    lifting = ReinstateEnterprise(uscc=COMPANY, decision_no="撤〔2025〕1号", sanction_id=SANCTION_ID)
    for who in (OF_COMPANY, JIASHAN_OFFICER):
        assert code_of(ask(desk, who, lifting)) == "not_yours"


def test_lifting_one_bar_does_not_record_anew_what_is_over() -> None:
    desk = a_registered_company()
    done(desk, QINGPU_OFFICER, barring())
    for number, until in enumerate((MONDAY, TUESDAY), start=2):
        sanction_id = UUID(f"00000000-0000-4000-8000-00000000c00{number}")
        done(desk, QINGPU_OFFICER, barring(sanction_id=sanction_id, until=until))
    desk.day = TUESDAY
    lifting = ReinstateEnterprise(uscc=COMPANY, decision_no="撤〔2025〕1号", sanction_id=SANCTION_ID)
    lifted, again = done(desk, QINGPU_OFFICER, lifting)
    assert (lifted.sanction_id, again.until) == (SANCTION_ID, TUESDAY)


def test_lifting_one_bar_leaves_the_others_standing() -> None:
    desk = a_registered_company()
    other = UUID("00000000-0000-4000-8000-00000000c002")
    done(desk, QINGPU_OFFICER, barring())
    done(desk, QINGPU_OFFICER, barring(sanction_id=other, decision_no="处〔2025〕2号"))
    lifting = ReinstateEnterprise(uscc=COMPANY, decision_no="撤〔2025〕1号", sanction_id=SANCTION_ID)
    assert names(ask(desk, QINGPU_OFFICER, lifting)) == ["EnterpriseReinstated", "EnterpriseBarred"]
    assert _enterprise(desk, COMPANY).bar_on(MONDAY).sanction_id == other
