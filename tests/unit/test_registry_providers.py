"""Providers apply, are recommended on every condition of 二(三), suspended, delisted; what they offer."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from tongdui_events.audit import SanctionDecided, SanctionLifted
from tongdui_events.registry import ProviderApplied, ProviderRecommended, ProviderRefused, ServiceOffered
from tongdui_events.streams import provider_id

from services.registry.commands import _provider
from services.registry.domain.bars import BarEnterprise
from services.registry.domain.catalogue import PublishCatalogue
from services.registry.domain.listing_notice import CloseNotice
from services.registry.domain.providers import (
    ATTESTED,
    DelistProvider,
    RefuseProvider,
    ReinstateProvider,
    RenameProvider,
    SuspendProvider,
)
from services.registry.domain.services_offered import WithdrawService
from services.registry.reactions import REACTIONS
from tests.unit.desk import FakeDesk
from tests.unit.registry_world import (
    COMPANY,
    INSTITUTE,
    ITEMS,
    LABORATORY,
    MONDAY,
    NOTICE_ID,
    OF_COMPANY,
    OF_LABORATORY,
    OPERATOR,
    QINGPU,
    QINGPU_OFFICER,
    SANCTION_ID,
    SERVICE,
    SHANGHAI,
    ZHEJIANG,
    a_pilot,
    a_published_provider,
    a_recommended_provider,
    a_registered_company,
    an_applicant,
    application,
    ask,
    code_of,
    done,
    names,
    offer,
    recommendation,
)

TUESDAY = MONDAY + timedelta(days=1)


def a_listed_provider() -> FakeDesk:
    desk = a_published_provider()
    desk.day = date(2025, 3, 10)
    done(desk, SERVICE, CloseNotice(notice_id=NOTICE_ID))
    return desk


# -- applying ----------------------------------------------------------------------------------


def test_a_provider_applies_to_its_province() -> None:
    assert done(a_pilot(), OF_LABORATORY, application()) == [
        ProviderApplied(
            uscc=LABORATORY, name="样例检测研究院", province="31", legal_form="public_institution",
            established_on=date(2015, 1, 1), categories=("testing",), branch_uscc=(),
        )
    ]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"province": "11"}, "outside_the_delta"),
        ({"legal_form": "branch"}, "not_an_organisation"),
        ({"legal_form": "partnership"}, "accepted"),
        ({"established_on": TUESDAY}, "date_in_the_future"),
        ({"established_on": MONDAY}, "accepted"),
        ({"uscc": "1231000000000TEX97"}, "invalid_uscc"),
        ({"branch_uscc": ["1231000000000TEX97"]}, "invalid_uscc"),
        ({"branch_uscc": [INSTITUTE]}, "accepted"),
        ({"uscc": INSTITUTE}, "not_yours"),
    ],
)
def test_an_applicant_is_itself_an_organisation_of_the_delta(changed: dict[str, Any], expected: str) -> None:
    assert code_of(ask(a_pilot(), OF_LABORATORY, application(**changed))) == expected


def test_an_application_is_made_once_and_again_after_a_refusal() -> None:
    desk = an_applicant()
    assert code_of(ask(desk, OF_LABORATORY, application())) == "out_of_order"
    refusing = RefuseProvider(uscc=LABORATORY, reasons=("no_norms",))
    assert code_of(ask(desk, ZHEJIANG, refusing)) == "not_yours"
    assert done(desk, SHANGHAI, refusing) == [
        ProviderRefused(uscc=LABORATORY, province="31", reasons=("no_norms",))
    ]
    assert code_of(ask(desk, OF_LABORATORY, application())) == "accepted"


@pytest.mark.parametrize("wrong", [{"categories": []}, {"categories": ["testing", "testing"]}, {"rating": "A"}])
def test_an_application_of_another_shape_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        application(**wrong)


# -- the conditions ----------------------------------------------------------------------------


def test_a_provider_that_meets_every_condition_is_recommended_by_its_province() -> None:
    desk = an_applicant()
    assert code_of(ask(desk, ZHEJIANG, recommendation())) == "not_yours"
    assert done(desk, SHANGHAI, recommendation()) == [
        ProviderRecommended(uscc=LABORATORY, province="31", attested=ATTESTED)
    ]
    assert code_of(ask(desk, SHANGHAI, recommendation())) == "out_of_order"


@pytest.mark.parametrize(
    ("established_on", "expected"),
    [
        (date(2023, 3, 3), "accepted"),
        (date(2023, 3, 4), "registered_too_short"),
    ],
)
def test_a_provider_has_been_registered_for_two_years(established_on: date, expected: str) -> None:
    desk = a_pilot()
    done(desk, OF_LABORATORY, application(established_on=established_on))
    done(desk, OF_LABORATORY, offer())
    assert code_of(ask(desk, SHANGHAI, recommendation())) == expected


def test_two_years_from_29_february_are_full_on_1_march() -> None:
    desk = a_pilot()
    done(desk, OF_LABORATORY, application(established_on=date(2024, 2, 29)))
    done(desk, OF_LABORATORY, offer())
    desk.day = date(2026, 2, 28)
    refusal = ask(desk, SHANGHAI, recommendation())
    assert (code_of(refusal), refusal.details["earliest"]) == ("registered_too_short", date(2026, 3, 1))
    desk.day = date(2026, 3, 1)
    assert code_of(ask(desk, SHANGHAI, recommendation())) == "accepted"


def test_a_provider_states_its_services_and_prices() -> None:
    desk = a_pilot()
    done(desk, OF_LABORATORY, application())
    refusal = ask(desk, SHANGHAI, recommendation())
    assert (code_of(refusal), refusal.section) == ("services_not_stated", "二(三)3")


@pytest.mark.parametrize("missing", ATTESTED)
def test_the_province_attests_certificates_staff_norms_and_credit(missing: str) -> None:
    without = recommendation(attested=[condition for condition in ATTESTED if condition != missing])
    refusal = ask(an_applicant(), SHANGHAI, without)
    assert (code_of(refusal), refusal.details["condition"]) == ("condition_not_attested", missing)


def test_a_provider_with_a_bad_credit_record_is_not_recommended() -> None:
    desk = an_applicant()
    decided = SanctionDecided(
        sanction_id=SANCTION_ID, party_uscc=LABORATORY, basis="弄虚作假", from_on=MONDAY, places=("31",),
        decision_no="处〔2025〕1号",
    )
    desk.record(REACTIONS[("audit", "SanctionDecided")](decided, None, desk))
    refusal = ask(desk, SHANGHAI, recommendation())
    assert (code_of(refusal), refusal.details["decision_no"]) == ("bad_credit", "处〔2025〕1号")


# -- services ----------------------------------------------------------------------------------


def test_a_provider_offers_items_of_this_years_list_with_price_and_unit() -> None:
    desk = a_pilot()
    done(desk, OF_LABORATORY, application())
    assert done(desk, OF_LABORATORY, offer()) == [
        ServiceOffered(uscc=LABORATORY, item_code="T-01", name="拉伸试验", price_fen=50_000, unit="样")
    ]
    assert code_of(ask(desk, OF_LABORATORY, offer(item_code="T-99"))) == "item_not_on_the_list"
    assert code_of(ask(desk, OF_LABORATORY, offer(item_code="D-01"))) == "category_not_applied"
    assert code_of(ask(desk, OF_COMPANY, offer())) == "not_yours"
    desk.day = date(2026, 1, 1)
    assert code_of(ask(desk, OF_LABORATORY, offer())) == "item_not_on_the_list"


def test_an_item_of_a_regions_own_list_is_offered_by_naming_the_region() -> None:
    desk = an_applicant()
    own = [ITEMS[0] | {"code": "Q-01"}]
    publishing = PublishCatalogue.model_validate({"year": 2025, "region": QINGPU, "items": own})
    done(desk, QINGPU_OFFICER, publishing)
    assert code_of(ask(desk, OF_LABORATORY, offer(item_code="Q-01"))) == "item_not_on_the_list"
    assert code_of(ask(desk, OF_LABORATORY, offer(item_code="Q-01", list_region=QINGPU))) == "accepted"


def test_only_an_applicant_or_a_listed_provider_offers_anything() -> None:
    assert code_of(ask(a_pilot(), OF_LABORATORY, offer())) == "not_found"
    desk = an_applicant()
    done(desk, SHANGHAI, RefuseProvider(uscc=LABORATORY, reasons=("no_norms",)))
    assert ask(desk, OF_LABORATORY, offer()).details == {"state": "refused"}
    desk = a_listed_provider()
    done(desk, OF_LABORATORY, DelistProvider(uscc=LABORATORY, on=desk.today))
    assert ask(desk, OF_LABORATORY, offer()).details == {"state": "delisted"}
    assert code_of(ask(a_pilot(), OF_LABORATORY, WithdrawService(uscc=LABORATORY, item_code="T-01"))) == "not_found"


def test_a_service_is_withdrawn() -> None:
    desk = an_applicant()
    withdrawing = WithdrawService(uscc=LABORATORY, item_code="T-01")
    assert code_of(ask(desk, OF_COMPANY, withdrawing)) == "not_yours"
    done(desk, OF_LABORATORY, withdrawing)
    assert _provider(desk, LABORATORY).services == {}
    assert code_of(ask(desk, OF_LABORATORY, withdrawing)) == "not_found"


@pytest.mark.parametrize("price_fen", [0, -1, 1.0, "5"])
def test_a_price_is_positive_whole_fen(price_fen: Any) -> None:
    with pytest.raises(ValidationError):
        offer(price_fen=price_fen)


# -- on the list -------------------------------------------------------------------------------


def test_a_listed_provider_is_suspended_and_reinstated_by_its_province() -> None:
    desk = a_listed_provider()
    suspending = SuspendProvider(uscc=LABORATORY, reason="under_inspection")
    assert code_of(ask(desk, ZHEJIANG, suspending)) == "not_yours"
    done(desk, SHANGHAI, suspending)
    assert code_of(ask(desk, SHANGHAI, suspending)) == "out_of_order"
    reinstating = ReinstateProvider(uscc=LABORATORY, decision_no="复〔2025〕1号")
    assert code_of(ask(desk, ZHEJIANG, reinstating)) == "not_yours"
    done(desk, SHANGHAI, reinstating)
    assert _provider(desk, LABORATORY).stage == "listed"


def test_a_provider_leaves_by_its_own_wish_or_by_a_decision_with_a_number() -> None:
    leaving = DelistProvider(uscc=LABORATORY, on=date(2025, 3, 10))
    assert done(a_listed_provider(), OF_LABORATORY, leaving)[0].voluntary is True
    with_number = leaving.model_copy(update={"decision_no": "1号"})
    assert done(a_listed_provider(), OF_LABORATORY, with_number)[0].decision_no is None
    assert code_of(ask(a_listed_provider(), SHANGHAI, leaving)) == "decision_number_needed"
    assert code_of(ask(a_listed_provider(), ZHEJIANG, leaving)) == "not_yours"
    decided = DelistProvider(uscc=LABORATORY, on=date(2025, 3, 10), decision_no="处〔2025〕1号")
    event = done(a_listed_provider(), SHANGHAI, decided)[0]
    assert (event.voluntary, event.decision_no) == (False, "处〔2025〕1号")
    early = DelistProvider(uscc=LABORATORY, on=date(2025, 3, 9))
    assert code_of(ask(a_listed_provider(), OF_LABORATORY, early)) == "date_too_early"


def test_a_provider_not_on_the_list_is_neither_suspended_nor_delisted() -> None:
    for command in (
        SuspendProvider(uscc=LABORATORY, reason="x"),
        DelistProvider(uscc=LABORATORY, on=MONDAY, decision_no="1号"),
        ReinstateProvider(uscc=LABORATORY, decision_no="1号"),
    ):
        assert code_of(ask(a_recommended_provider(), SHANGHAI, command)) == "out_of_order"
        assert code_of(ask(a_pilot(), SHANGHAI, command)) == "not_found"


def test_a_provider_is_renamed_by_itself_or_its_province_going_forward() -> None:
    desk = a_recommended_provider()
    later = RenameProvider(uscc=LABORATORY, name="样例检测院", from_on=date(2025, 6, 1))
    assert code_of(ask(desk, OPERATOR, later)) == "not_yours"
    assert code_of(ask(a_pilot(), OF_LABORATORY, later)) == "not_found"
    done(desk, OF_LABORATORY, later)
    back = RenameProvider(uscc=LABORATORY, name="样例检测所", from_on=TUESDAY)
    assert code_of(ask(desk, SHANGHAI, back)) == "date_too_early"


# -- sanctions decided elsewhere -----------------------------------------------------------------


def sanction(uscc: str, number: int = 1) -> SanctionDecided:
    return SanctionDecided(
        sanction_id=SANCTION_ID, party_uscc=uscc, basis="弄虚作假", from_on=MONDAY, until=None, places=("31",),
        decision_no=f"处〔2025〕{number}号",
    )


def lifted(uscc: str) -> SanctionLifted:
    return SanctionLifted(sanction_id=SANCTION_ID, party_uscc=uscc, decision_no="撤〔2025〕1号")


def reacted(desk: FakeDesk, event: SanctionDecided | SanctionLifted) -> list[str]:
    desk.principal = SERVICE
    return names(desk.record(REACTIONS[("audit", type(event).__name__)](event, None, desk)))


def test_a_sanction_bars_its_party_once_and_a_lifted_one_reinstates() -> None:
    desk = a_registered_company()
    assert reacted(desk, sanction(COMPANY)) == ["EnterpriseBarred"]
    assert reacted(desk, sanction(COMPANY)) == []
    assert reacted(desk, lifted(COMPANY)) == ["EnterpriseReinstated"]
    assert reacted(desk, lifted(COMPANY)) == []


def test_a_sanction_against_a_listed_provider_suspends_it_until_it_is_lifted() -> None:
    desk = a_listed_provider()
    assert reacted(desk, sanction(LABORATORY)) == ["EnterpriseBarred", "ProviderSuspended"]
    reinstating = ReinstateProvider(uscc=LABORATORY, decision_no="复〔2025〕1号")
    assert code_of(ask(desk, SHANGHAI, reinstating)) == "bad_credit"
    assert reacted(desk, lifted(LABORATORY)) == ["EnterpriseReinstated", "ProviderReinstated"]


def test_a_lifted_sanction_does_not_reinstate_a_provider_suspended_for_another_reason() -> None:
    desk = a_listed_provider()
    done(desk, SHANGHAI, SuspendProvider(uscc=LABORATORY, reason="under_inspection"))
    assert reacted(desk, sanction(LABORATORY)) == ["EnterpriseBarred"]
    assert reacted(desk, lifted(LABORATORY)) == ["EnterpriseReinstated"]
    assert _provider(desk, LABORATORY).stage == "suspended"


def test_a_party_sanctioned_before_it_registers_is_barred_when_it_does() -> None:
    desk = a_pilot()
    assert reacted(desk, sanction(COMPANY)) == ["EnterpriseBarred"]
    bar = BarEnterprise(uscc=COMPANY, from_on=MONDAY, decision_no="2号", sanction_id=SANCTION_ID)
    assert code_of(ask(desk, QINGPU_OFFICER, bar)) == "not_found"


def test_a_provider_stream_is_the_item_of_its_notice() -> None:
    desk = a_published_provider()
    assert _provider(desk, LABORATORY).notice_id == NOTICE_ID
    assert provider_id(LABORATORY) in {stamp.originator_id for stamp, _ in desk.documents}
