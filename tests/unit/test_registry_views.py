"""What the registry shows, folded from what was decided."""

from __future__ import annotations

import copy
import json
from datetime import date
from typing import Any

import pytest
from tongdui_events.streams import provider_id

from services.registry.commands import FOLDS
from services.registry.domain.bars import BarEnterprise, ReinstateEnterprise
from services.registry.domain.catalogue import PublishCatalogue
from services.registry.domain.centres import EntrustCentre, ReleaseCentre
from services.registry.domain.delegations import EndDelegation, GrantDelegation
from services.registry.domain.enterprises import DissolveEnterprise, MoveEnterprise, RenameEnterprise
from services.registry.domain.listing_notice import CloseNotice, RaiseObjection, RuleOnObjection, WithdrawListing
from services.registry.domain.listing_terms import SetListingTerms
from services.registry.domain.providers import DelistProvider, ReinstateProvider, RenameProvider, SuspendProvider
from services.registry.domain.qualification import RequestQualification, RevokeQualification
from services.registry.domain.regions import ChangeRegionReach, LeaveRegion
from services.registry.domain.services_offered import WithdrawService
from services.registry.main import SERVICE
from services.registry.reactions import SWEEPS
from services.registry.views import VIEWS
from tests.unit.desk import FakeDesk
from tests.unit.registry_world import (
    CENTRE_ID,
    COMPANY,
    DIGEST,
    ITEMS,
    JIASHAN,
    LABORATORY,
    MONDAY,
    NOTICE_ID,
    OBJECTION_ID,
    OF_COMPANY,
    OF_LABORATORY,
    OPERATOR,
    PUBLIC,
    QINGPU,
    QINGPU_OFFICER,
    SANCTION_ID,
    SHANGHAI,
    a_pilot,
    a_published_provider,
    a_registered_company,
    an_applicant,
    application,
    done,
)
from tests.unit.registry_world import (
    SERVICE as ITSELF,
)

TUESDAY, DAY_AFTER = date(2025, 3, 4), date(2025, 3, 10)


def rows(desk: FakeDesk, name: str) -> dict[str, dict[str, Any]]:
    """The rows of a view; every step gives what JSON can hold and leaves the row before it as it was."""
    view = next(view for view in VIEWS if view.name == name)
    shown: dict[str, dict[str, Any]] = {}
    for stamp, event in desk.documents:
        if isinstance(event, view.types) and (key := view.key(event, stamp)) is not None:
            before = shown.get(key)
            kept = copy.deepcopy(before)
            row = view.evolve(before, event, stamp)
            assert before == kept and row is not None
            shown[key] = json.loads(json.dumps(row))
    return shown


def due_on(desk: FakeDesk) -> str | None:
    return rows(desk, "notice_deadlines")[str(NOTICE_ID)]["due_on"]


def test_every_event_of_the_registry_is_folded_once_and_shown() -> None:
    folded = [cls for fold in FOLDS for cls in fold.types]
    assert len(folded) == len(set(folded))
    assert {view.name for view in SERVICE.views} >= {"enterprises", "providers", "regions", "policies", "notices"}


def test_a_region_is_shown_with_its_reach_centres_and_departure() -> None:
    desk = a_pilot()
    entrusting = {"region": QINGPU, "centre_id": CENTRE_ID, "name": "样例管理中心", "scope": ["review"]}
    done(desk, QINGPU_OFFICER, EntrustCentre.model_validate(entrusting | {"from_on": MONDAY}))
    done(desk, QINGPU_OFFICER, EntrustCentre.model_validate(entrusting | {"centre_id": NOTICE_ID, "from_on": MONDAY}))
    done(desk, QINGPU_OFFICER, ReleaseCentre(region=QINGPU, centre_id=CENTRE_ID, on=TUESDAY))
    done(desk, SHANGHAI, ChangeRegionReach(region=QINGPU, prefixes=("3101",), from_on=TUESDAY))
    leaving = LeaveRegion(region=QINGPU, leaves_on=date(2025, 6, 1), run_off_until=date(2025, 12, 31))
    done(desk, SHANGHAI, leaving)
    row = rows(desk, "regions")[QINGPU]
    assert (row["name"], row["prefixes"], row["policy_version"]) == ("青浦区", ["3101"], 1)
    assert (row["leaves_on"], row["run_off_until"]) == ("2025-06-01", "2025-12-31")
    assert [(centre["name"], centre["released_on"]) for centre in row["centres"]] == [
        ("样例管理中心", "2025-03-04"), ("样例管理中心", None),
    ]


def test_policies_catalogues_and_listing_terms_are_shown_version_by_version() -> None:
    desk = a_pilot()
    terms = {"province": "31", "notice_calendar_days": 10, "notice_working_days": 7, "effective_on": MONDAY}
    done(desk, SHANGHAI, SetListingTerms.model_validate(terms))
    assert set(rows(desk, "policies")) == {f"{QINGPU}-0001", f"{JIASHAN}-0001"}
    assert rows(desk, "policies")[f"{QINGPU}-0001"]["terms"]["ratio_bp"]["testing"] == 3000
    own = PublishCatalogue.model_validate({"year": 2025, "region": QINGPU, "items": ITEMS})
    done(desk, QINGPU_OFFICER, own)
    assert set(rows(desk, "catalogues")) == {"2025-all-0001", f"2025-{QINGPU}-0001"}
    assert set(rows(desk, "listing_terms")) == {"31-2025-03-03"}


def test_an_enterprise_is_shown_with_its_status_and_bars() -> None:
    desk = a_registered_company()
    request = {"uscc": COMPANY, "basis": "sme_number", "year": 2025}
    done(desk, OF_COMPANY, RequestQualification.model_validate(request | {"sme_number": "2025"}))
    assert rows(desk, "enterprises")[COMPANY]["refused_because"] == ["sme_number_malformed"]
    done(desk, OF_COMPANY, RequestQualification.model_validate(request | {"sme_number": "202531011800012345"}))
    bar = BarEnterprise(uscc=COMPANY, from_on=MONDAY, decision_no="1号", sanction_id=SANCTION_ID)
    done(desk, QINGPU_OFFICER, bar)
    row = rows(desk, "enterprises")[COMPANY]
    assert (row["region"], row["province"], row["state"], row["refused_because"]) == (QINGPU, "31", "registered", [])
    assert [(held["year"], held["valid_until"]) for held in row["qualifications"]] == [(2025, "2025-12-31")]
    assert [bar["decision_no"] for bar in row["bars"]] == ["1号"]
    done(desk, QINGPU_OFFICER, ReinstateEnterprise(uscc=COMPANY, decision_no="2号", sanction_id=SANCTION_ID))
    done(desk, QINGPU_OFFICER, RevokeQualification(uscc=COMPANY, on=TUESDAY, reason="number_withdrawn"))
    done(desk, OF_COMPANY, RenameEnterprise(uscc=COMPANY, name="样例二", from_on=TUESDAY))
    done(desk, OF_COMPANY, MoveEnterprise(uscc=COMPANY, division_code=JIASHAN, from_on=TUESDAY))
    done(desk, QINGPU_OFFICER, DissolveEnterprise(uscc=COMPANY, on=date(2025, 6, 1)))
    row = rows(desk, "enterprises")[COMPANY]
    assert (row["bars"], row["qualifications"][0]["revoked_on"]) == ([], "2025-03-04")
    assert (row["name"], row["region"], row["province"], row["state"]) == ("样例二", JIASHAN, "33", "dissolved")


def test_a_provider_is_shown_with_its_services_from_application_to_departure() -> None:
    desk = an_applicant()
    row = rows(desk, "providers")[LABORATORY]
    assert (row["state"], row["items"], row["item_id"]) == ("applied", ["T-01"], str(provider_id(LABORATORY)))
    assert row["services"] == [{"item_code": "T-01", "name": "拉伸试验", "price_fen": 50_000, "unit": "样"}]
    done(desk, OF_LABORATORY, WithdrawService(uscc=LABORATORY, item_code="T-01"))
    assert rows(desk, "providers")[LABORATORY]["items"] == []

    desk = a_published_provider()
    assert rows(desk, "providers")[LABORATORY]["state"] == "published"
    desk.day = DAY_AFTER
    done(desk, ITSELF, CloseNotice(notice_id=NOTICE_ID))
    steps = [
        (SHANGHAI, SuspendProvider(uscc=LABORATORY, reason="under_inspection"), "suspended"),
        (SHANGHAI, ReinstateProvider(uscc=LABORATORY, decision_no="1号"), "listed"),
        (OF_LABORATORY, RenameProvider(uscc=LABORATORY, name="样例检测院", from_on=DAY_AFTER), "listed"),
        (OF_LABORATORY, DelistProvider(uscc=LABORATORY, on=DAY_AFTER), "delisted"),
        (OF_LABORATORY, application(), "applied"),
    ]
    for who, command, state in steps:
        done(desk, who, command)
        assert rows(desk, "providers")[LABORATORY]["state"] == state
    row = rows(desk, "providers")[LABORATORY]
    assert (row["listed_on"], row["delisted_on"], row["items"]) == (None, None, ["T-01"])


def test_a_notice_is_due_the_day_after_its_last_day_and_never_again_once_closed() -> None:
    desk = a_published_provider()
    assert due_on(desk) == "2025-03-10"
    desk.day = DAY_AFTER
    done(desk, ITSELF, CloseNotice(notice_id=NOTICE_ID))
    assert due_on(desk) is None
    row = rows(desk, "notices")[str(NOTICE_ID)]
    assert (row["number"], row["state"]) == ("公示〔2025〕第1号", "closed")
    assert (row["opens_on"], row["last_day_on"]) == ("2025-03-03", "2025-03-09")


def test_a_held_item_is_due_again_when_its_objection_is_dismissed() -> None:
    desk = a_published_provider()
    item_id = provider_id(LABORATORY)
    objecting = RaiseObjection(
        notice_id=NOTICE_ID, objection_id=OBJECTION_ID, item_id=item_id, reason_sha256=DIGEST
    )
    done(desk, PUBLIC, objecting)
    desk.day = DAY_AFTER
    done(desk, ITSELF, CloseNotice(notice_id=NOTICE_ID))
    assert due_on(desk) is None
    row = rows(desk, "notices")[str(NOTICE_ID)]
    assert (row["items"][0]["open_objections"], row["objections"][0]["ruling"]) == (1, None)
    ruling = RuleOnObjection(notice_id=NOTICE_ID, objection_id=OBJECTION_ID, upheld=False, grounds_sha256=DIGEST)
    done(desk, SHANGHAI, ruling)
    assert due_on(desk) == "2025-03-10"
    asked = SWEEPS[0].command(rows(desk, "notice_deadlines")[str(NOTICE_ID)], DAY_AFTER)
    assert asked == CloseNotice(notice_id=NOTICE_ID)
    done(desk, ITSELF, asked)


def test_a_withdrawn_notice_stays_visible_and_is_never_due() -> None:
    desk = a_published_provider()
    done(desk, SHANGHAI, WithdrawListing(notice_id=NOTICE_ID, reason="misprint"))
    assert (rows(desk, "notices")[str(NOTICE_ID)]["state"], due_on(desk)) == ("withdrawn", None)


def test_a_delegation_is_shown_until_and_after_it_ended() -> None:
    desk = a_pilot()
    delegation_id = OBJECTION_ID
    grant = GrantDelegation(delegation_id=delegation_id, to_actor="r-2", scope="approve", until=TUESDAY)
    done(desk, OPERATOR, grant)
    done(desk, OPERATOR, EndDelegation(delegation_id=delegation_id))
    assert rows(desk, "delegations")[str(delegation_id)]["ended"] is True


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_every_view_folds_types_that_the_registry_publishes(view: Any) -> None:
    assert all("registry" in cls.SOURCES for cls in view.types)
