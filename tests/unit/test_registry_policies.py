"""A region's terms, its centres, lists, and the length of a province's listings."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError
from tongdui_events.policy import PolicyAdopted, PolicyTerms

from services.registry.commands import _region
from services.registry.domain.catalogue import PublishCatalogue
from services.registry.domain.centres import EntrustCentre, ReleaseCentre
from services.registry.domain.delegations import EndDelegation, GrantDelegation
from services.registry.domain.listing_terms import SetListingTerms
from services.registry.domain.policies import TermsStated
from services.registry.domain.regions import LeaveRegion
from tests.unit.desk import FakeDesk
from tests.unit.registry_world import (
    BASIS,
    CENTRE_ID,
    ITEMS,
    JIASHAN_OFFICER,
    MONDAY,
    QINGPU,
    QINGPU_OFFICER,
    SHANGHAI,
    TERMS,
    ZHEJIANG,
    a_desk,
    ask,
    code_of,
    done,
    joining,
    policy,
)

TUESDAY, FRIDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=4)


def a_region() -> FakeDesk:
    desk = a_desk()
    done(desk, SHANGHAI, joining())
    return desk


# -- terms -------------------------------------------------------------------------------------


def test_the_first_terms_of_a_region_may_begin_on_the_business_day() -> None:
    desk = a_region()
    adopted = done(desk, QINGPU_OFFICER, policy())[0]
    assert isinstance(adopted, PolicyAdopted)
    assert (adopted.version, adopted.effective_on, adopted.terms.ratio_bp["testing"]) == (1, MONDAY, 3000)
    assert type(adopted.terms) is PolicyTerms


def test_later_terms_begin_after_the_business_day() -> None:
    desk = a_region()
    done(desk, QINGPU_OFFICER, policy())
    assert code_of(ask(desk, QINGPU_OFFICER, policy(effective_on=MONDAY - timedelta(days=1)))) == "date_too_early"
    second = done(desk, QINGPU_OFFICER, policy(effective_on=TUESDAY))[0]
    assert second.version == 2


def test_terms_for_the_business_day_itself_come_too_late() -> None:
    desk = a_region()
    done(desk, QINGPU_OFFICER, policy(effective_on=MONDAY - timedelta(days=9)))
    assert code_of(ask(desk, QINGPU_OFFICER, policy(effective_on=MONDAY))) == "date_too_early"


def test_two_versions_never_begin_on_one_day() -> None:
    desk = a_region()
    done(desk, QINGPU_OFFICER, policy(effective_on=FRIDAY))
    assert code_of(ask(desk, QINGPU_OFFICER, policy(effective_on=FRIDAY))) == "day_already_governed"


def test_the_terms_in_force_are_those_that_began_last() -> None:
    desk = a_region()
    done(desk, QINGPU_OFFICER, policy())
    done(desk, QINGPU_OFFICER, policy(effective_on=FRIDAY))
    done(desk, QINGPU_OFFICER, policy(effective_on=TUESDAY))
    region = _region(desk, QINGPU)
    in_force = [region.policy_on(MONDAY + timedelta(days=n)) for n in (-1, 0, 1, 3, 4, 400)]
    assert [found.version if found else None for found in in_force] == [None, 1, 3, 3, 2, 2]


def test_a_year_cap_above_300_000_yuan_needs_a_document_of_the_regions_own() -> None:
    above = {"enterprise_year_cap_fen": 30_000_001}
    refusal = ask(a_region(), QINGPU_OFFICER, policy(terms=above))
    assert (code_of(refusal), refusal.section) == ("year_cap_needs_own_document", "二(四)")
    own = BASIS | {"amounts": "青科发〔2025〕1号第六条"}
    assert code_of(ask(a_region(), QINGPU_OFFICER, policy(terms=above, basis=own))) == "accepted"
    assert code_of(ask(a_region(), QINGPU_OFFICER, policy())) == "accepted"


def test_only_scope_applicants_amounts_and_payment_may_have_another_basis() -> None:
    with pytest.raises(ValidationError):
        policy(basis=BASIS | {"publicity": "青科发〔2025〕1号"})


def test_only_tongdui_is_paid_through_an_agent() -> None:
    through_agent = {"channel": {"tongyong": "agent", "tongdui": "agent"}}
    assert code_of(ask(a_region(), QINGPU_OFFICER, policy(terms=through_agent))) == "agent_only_for_tongdui"


def test_only_the_regions_own_officer_adopts_its_terms() -> None:
    for who in (JIASHAN_OFFICER, SHANGHAI):
        assert code_of(ask(a_region(), who, policy())) == "not_yours"


def test_a_region_that_has_not_joined_adopts_nothing() -> None:
    assert code_of(ask(a_desk(), QINGPU_OFFICER, policy())) == "not_found"


def test_terms_do_not_begin_after_the_region_left() -> None:
    desk = a_region()
    done(desk, SHANGHAI, LeaveRegion(region=QINGPU, leaves_on=FRIDAY, run_off_until=FRIDAY))
    assert code_of(ask(desk, QINGPU_OFFICER, policy(effective_on=FRIDAY))) == "out_of_order"
    assert code_of(ask(desk, QINGPU_OFFICER, policy(effective_on=TUESDAY))) == "accepted"


@pytest.mark.parametrize(
    "wrong",
    [
        {"enterprise_year_cap_fen": 0}, {"enterprise_year_cap_fen": -1}, {"enterprise_year_cap_fen": "30000000"},
        {"region_year_budget_fen": -1}, {"ratio_bp": {}}, {"ratio_bp": {"testing": 10_001}}, {"modes": []},
        {"modes": ["tongyong", "tongyong"]}, {"notice_calendar_days": 0}, {"partial_allocation": 1},
        {"sme_grace_until": "02-29"}, {"sme_grace_until": "04-31"}, {"sme_grace_until": "13-01"},
        {"channel": {"tongyong": "treasury"}}, {"allocation_cap_fen": 0}, {"discount_bp": 1},
    ],
)
def test_terms_of_another_shape_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        policy(terms=wrong)


def test_every_term_is_stated() -> None:
    for name in ("use_by_days", "channel", "rounding", "local_support_counts"):
        with pytest.raises(ValidationError):
            TermsStated.model_validate({key: value for key, value in TERMS.items() if key != name})


# -- centres -----------------------------------------------------------------------------------


def entrusting(**changed: Any) -> EntrustCentre:
    fields = {"region": QINGPU, "centre_id": CENTRE_ID, "name": "样例管理中心", "scope": ["review", "allocate"]}
    return EntrustCentre.model_validate(fields | {"from_on": MONDAY} | changed)


def test_a_region_entrusts_a_centre_for_a_scope_and_a_time() -> None:
    desk = a_region()
    done(desk, QINGPU_OFFICER, entrusting(until=FRIDAY))
    centre = _region(desk, QINGPU).centres[0]
    days = [MONDAY - timedelta(days=1), MONDAY, FRIDAY, FRIDAY + timedelta(days=1)]
    assert [centre.holds_on(day) for day in days] == [False, True, True, False]


def test_there_may_be_several_centres_but_each_is_entrusted_once_at_a_time() -> None:
    desk = a_region()
    done(desk, QINGPU_OFFICER, entrusting(until=FRIDAY))
    assert code_of(ask(desk, QINGPU_OFFICER, entrusting(from_on=FRIDAY))) == "out_of_order"
    assert code_of(ask(desk, QINGPU_OFFICER, entrusting(centre_id=uuid4()))) == "accepted"
    assert code_of(ask(desk, QINGPU_OFFICER, entrusting(from_on=FRIDAY + timedelta(days=1)))) == "accepted"


def test_a_centre_that_is_released_acts_no_more_from_that_day() -> None:
    desk = a_region()
    done(desk, QINGPU_OFFICER, entrusting())
    releasing = ReleaseCentre(region=QINGPU, centre_id=CENTRE_ID, on=TUESDAY)
    done(desk, QINGPU_OFFICER, releasing)
    centre = _region(desk, QINGPU).centres[0]
    assert [centre.holds_on(day) for day in (MONDAY, TUESDAY)] == [True, False]
    assert code_of(ask(desk, QINGPU_OFFICER, releasing)) == "out_of_order"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"from_on": MONDAY - timedelta(days=1)}, "date_too_early"),
        ({"from_on": FRIDAY, "until": TUESDAY}, "date_too_early"),
        ({"region": "310104"}, "not_found"),
    ],
)
def test_an_entrustment_begins_today_or_later_in_a_known_region(changed: dict[str, Any], expected: str) -> None:
    assert code_of(ask(a_region(), QINGPU_OFFICER, entrusting(**changed))) == expected


def test_a_release_ends_the_centre_it_names_and_leaves_alone_what_was_over_before() -> None:
    desk = a_region()
    other = uuid4()
    done(desk, QINGPU_OFFICER, entrusting(until=MONDAY))
    done(desk, QINGPU_OFFICER, entrusting(centre_id=other))
    done(desk, QINGPU_OFFICER, entrusting(from_on=TUESDAY))
    desk.day = TUESDAY
    done(desk, QINGPU_OFFICER, ReleaseCentre(region=QINGPU, centre_id=CENTRE_ID, on=FRIDAY))
    assert [centre.released_on for centre in _region(desk, QINGPU).centres] == [None, None, FRIDAY]
    early = ReleaseCentre(region=QINGPU, centre_id=CENTRE_ID, on=FRIDAY - timedelta(days=1))
    assert code_of(ask(desk, QINGPU_OFFICER, early)) == "out_of_order"
    done(desk, QINGPU_OFFICER, entrusting(from_on=FRIDAY))
    done(desk, QINGPU_OFFICER, ReleaseCentre(region=QINGPU, centre_id=CENTRE_ID, on=FRIDAY + timedelta(days=1)))
    released = [centre.released_on for centre in _region(desk, QINGPU).centres]
    assert released == [None, None, FRIDAY, FRIDAY + timedelta(days=1)]


def test_a_centre_may_be_entrusted_for_one_day_and_released_on_the_business_day_but_not_before() -> None:
    desk = a_region()
    done(desk, QINGPU_OFFICER, entrusting(from_on=MONDAY, until=MONDAY))
    early = ReleaseCentre(region=QINGPU, centre_id=CENTRE_ID, on=MONDAY - timedelta(days=1))
    assert code_of(ask(desk, QINGPU_OFFICER, early)) == "date_too_early"
    today = ReleaseCentre(region=QINGPU, centre_id=CENTRE_ID, on=MONDAY)
    assert code_of(ask(desk, QINGPU_OFFICER, today)) == "accepted"


def test_a_region_that_is_leaving_entrusts_nobody() -> None:
    desk = a_region()
    done(desk, SHANGHAI, LeaveRegion(region=QINGPU, leaves_on=FRIDAY, run_off_until=FRIDAY))
    assert code_of(ask(desk, QINGPU_OFFICER, entrusting())) == "out_of_order"


def test_only_the_region_entrusts_and_releases() -> None:
    desk = a_region()
    assert code_of(ask(desk, JIASHAN_OFFICER, entrusting())) == "not_yours"
    unknown = ReleaseCentre(region=QINGPU, centre_id=CENTRE_ID, on=TUESDAY)
    assert code_of(ask(desk, JIASHAN_OFFICER, unknown)) == "not_yours"
    assert code_of(ask(desk, QINGPU_OFFICER, unknown)) == "not_found"


# -- lists -------------------------------------------------------------------------------------


def catalogue(**changed: Any) -> PublishCatalogue:
    return PublishCatalogue.model_validate({"year": 2025, "items": ITEMS} | changed)


def test_a_years_list_has_versions_one_after_another() -> None:
    desk = a_region()
    assert [done(desk, SHANGHAI, catalogue())[0].version for _ in range(2)] == [1, 2]
    assert done(desk, SHANGHAI, catalogue(year=2026))[0].version == 1
    assert done(desk, QINGPU_OFFICER, catalogue(region=QINGPU))[0].version == 1


def test_the_common_list_is_a_provinces_to_publish_and_a_regions_own_the_regions() -> None:
    desk = a_region()
    assert code_of(ask(desk, QINGPU_OFFICER, catalogue())) == "not_yours"
    assert code_of(ask(desk, JIASHAN_OFFICER, catalogue(region=QINGPU))) == "not_yours"
    assert code_of(ask(desk, SHANGHAI, catalogue(region=QINGPU))) == "not_yours"
    assert code_of(ask(desk, JIASHAN_OFFICER, catalogue(region="330421"))) == "not_found"


def test_the_list_of_a_year_that_is_over_is_not_published() -> None:
    assert code_of(ask(a_region(), SHANGHAI, catalogue(year=2024))) == "catalogue_year_over"


@pytest.mark.parametrize(
    "items", [[], [ITEMS[0], ITEMS[0]], [ITEMS[0] | {"unit_cap_fen": 0}], [ITEMS[0] | {"price_fen": 1}]]
)
def test_a_list_of_another_shape_is_refused(items: list[dict[str, Any]]) -> None:
    with pytest.raises(ValidationError):
        catalogue(items=items)


# -- length of listings ------------------------------------------------------------------------


def lengths(**changed: Any) -> SetListingTerms:
    fields = {"province": "31", "notice_calendar_days": 10, "notice_working_days": 7, "effective_on": MONDAY}
    return SetListingTerms.model_validate(fields | changed)


def test_a_province_sets_how_long_its_listings_are_public_from_a_later_day_the_first_excepted() -> None:
    desk = a_desk()
    done(desk, SHANGHAI, lengths())
    assert code_of(ask(desk, SHANGHAI, lengths(effective_on=MONDAY))) == "date_too_early"
    done(desk, SHANGHAI, lengths(effective_on=FRIDAY))
    assert code_of(ask(desk, SHANGHAI, lengths(effective_on=FRIDAY))) == "day_already_governed"


def test_a_province_sets_its_own_terms_only() -> None:
    assert code_of(ask(a_desk(), ZHEJIANG, lengths())) == "not_yours"
    assert code_of(ask(a_desk(), SHANGHAI, lengths(province="11"))) == "outside_the_delta"


# -- delegations -------------------------------------------------------------------------------


def test_a_delegation_is_granted_to_another_until_a_day_and_ended_by_who_granted_it() -> None:
    desk = a_desk()
    delegation_id = uuid4()
    grant = GrantDelegation(delegation_id=delegation_id, to_actor="r-2", scope="approve", until=MONDAY)
    granted = done(desk, QINGPU_OFFICER, grant)[0]
    assert (granted.from_actor, granted.to_actor) == (QINGPU_OFFICER.sub, "r-2")
    assert ask(desk, QINGPU_OFFICER, grant).details == {"state": "granted"}
    end = EndDelegation(delegation_id=delegation_id)
    assert code_of(ask(desk, JIASHAN_OFFICER, end)) == "not_yours"
    done(desk, QINGPU_OFFICER, end)
    assert code_of(ask(desk, QINGPU_OFFICER, end)) == "out_of_order"
    assert ask(desk, QINGPU_OFFICER, grant).details == {"state": "ended"}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"to_actor": QINGPU_OFFICER.sub}, "delegation_to_oneself"),
        ({"until": date(2025, 3, 2)}, "date_too_early"),
    ],
)
def test_nobody_delegates_to_themselves_or_into_the_past(changed: dict[str, Any], expected: str) -> None:
    fields = {"delegation_id": uuid4(), "to_actor": "r-2", "scope": "approve", "until": FRIDAY} | changed
    assert code_of(ask(a_desk(), QINGPU_OFFICER, GrantDelegation.model_validate(fields))) == expected
    unknown = EndDelegation(delegation_id=uuid4())
    assert code_of(ask(a_desk(), QINGPU_OFFICER, unknown)) == "not_found"
