"""Recommended providers are published, objected to item by item, and listed. 二(三)"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError
from tongdui_events.audit import SanctionDecided
from tongdui_events.common import NoticeClosed, NoticeItem, NoticePublished
from tongdui_events.registry import ProviderListed, ProviderRefused
from tongdui_events.streams import provider_id

from services.registry.commands import _provider
from services.registry.domain.listing_notice import (
    CloseNotice,
    CorrectListing,
    RaiseObjection,
    RuleOnObjection,
    WithdrawListing,
)
from services.registry.domain.listing_terms import SetListingTerms
from services.registry.domain.providers import ApplyAsProvider, RefuseProvider, RenameProvider
from services.registry.reactions import REACTIONS
from tests.unit.desk import FakeDesk
from tests.unit.registry_world import (
    DIGEST,
    INSTITUTE,
    LABORATORY,
    MONDAY,
    NOTICE_ID,
    OBJECTION_ID,
    OF_LABORATORY,
    PUBLIC,
    SANCTION_ID,
    SERVICE,
    SHANGHAI,
    ZHEJIANG,
    a_published_provider,
    a_recommended_provider,
    an_applicant,
    application,
    ask,
    code_of,
    done,
    listing,
    names,
    offer,
    recommendation,
)

LAST_DAY, DAY_AFTER = date(2025, 3, 9), date(2025, 3, 10)
ITEM = provider_id(LABORATORY)
CLOSING = CloseNotice(notice_id=NOTICE_ID)


def objecting(**changed: Any) -> RaiseObjection:
    fields = {"notice_id": NOTICE_ID, "objection_id": OBJECTION_ID, "item_id": ITEM, "reason_sha256": DIGEST}
    return RaiseObjection.model_validate(fields | changed)


def ruling(upheld: bool) -> RuleOnObjection:
    return RuleOnObjection(notice_id=NOTICE_ID, objection_id=OBJECTION_ID, upheld=upheld, grounds_sha256=DIGEST)


def with_an_institute(desk: FakeDesk) -> FakeDesk:
    """A second recommended provider of the same province."""
    who = OF_LABORATORY.model_copy(update={"uscc": INSTITUTE, "sub": "l-2"})
    second: ApplyAsProvider = application(uscc=INSTITUTE, name="样例产业研究所")
    done(desk, who, second)
    done(desk, who, offer(uscc=INSTITUTE))
    done(desk, SHANGHAI, recommendation(uscc=INSTITUTE))
    return desk


# -- publishing --------------------------------------------------------------------------------


def test_recommended_providers_are_published_in_a_numbered_notice_for_seven_days() -> None:
    answer = done(a_recommended_provider(), SHANGHAI, listing())
    assert names(answer) == ["NoticeNumbered", "NoticePublished", "ProviderPublished"]
    assert answer[1] == NoticePublished(
        notice_id=NOTICE_ID,
        number="公示〔2025〕第1号",
        kind="listing",
        items=(NoticeItem(item_id=ITEM, name="样例检测研究院", region="31"),),
        opens_on=MONDAY,
        last_day_on=LAST_DAY,
    )


def test_both_calendar_and_working_days_must_pass() -> None:
    desk = a_recommended_provider()
    desk.day = date(2025, 9, 29)  # 1 to 8 October were holidays, 11 October was worked
    assert done(desk, SHANGHAI, listing())[1].last_day_on == date(2025, 10, 11)


def test_the_length_is_the_provinces_on_the_day_of_publishing() -> None:
    desk = a_recommended_provider()
    terms = {"province": "31", "notice_calendar_days": 3, "notice_working_days": 2}
    done(desk, SHANGHAI, SetListingTerms.model_validate(terms | {"effective_on": MONDAY}))
    later = SetListingTerms.model_validate(terms | {"notice_calendar_days": 30, "effective_on": date(2025, 3, 4)})
    done(desk, SHANGHAI, later)
    assert done(desk, SHANGHAI, listing())[1].last_day_on == date(2025, 3, 5)


def test_a_notice_may_open_on_a_later_day_but_not_on_an_earlier() -> None:
    desk = a_recommended_provider()
    early = listing(opens_on=MONDAY - timedelta(days=1))
    assert code_of(ask(desk, SHANGHAI, early)) == "invalid_publicity_period"
    assert done(desk, SHANGHAI, listing(opens_on=date(2025, 3, 4)))[1].opens_on == date(2025, 3, 4)


def test_notices_of_a_year_are_numbered_without_a_gap() -> None:
    desk = with_an_institute(a_published_provider())
    second = listing(notice_id=uuid4(), usccs=[INSTITUTE])
    assert done(desk, SHANGHAI, second)[1].number == "公示〔2025〕第2号"


@pytest.mark.parametrize(
    ("who", "changed", "expected"),
    [
        (ZHEJIANG, {}, "not_yours"),
        (ZHEJIANG, {"province": "33"}, "not_yours"),
        (SHANGHAI, {"usccs": [LABORATORY, INSTITUTE]}, "not_found"),
    ],
)
def test_a_province_publishes_its_own_providers(who: Any, changed: dict[str, Any], expected: str) -> None:
    assert code_of(ask(a_recommended_provider(), who, listing(**changed))) == expected


def test_only_a_recommended_provider_is_published_and_in_one_notice_at_a_time() -> None:
    assert code_of(ask(an_applicant(), SHANGHAI, listing())) == "out_of_order"
    desk = a_published_provider()
    assert code_of(ask(desk, SHANGHAI, listing(notice_id=uuid4()))) == "already_published"
    assert code_of(ask(with_an_institute(desk), SHANGHAI, listing(usccs=[INSTITUTE]))) == "out_of_order"


def test_a_provider_of_a_withdrawn_notice_may_be_published_again_or_refused() -> None:
    desk = a_published_provider()
    refusing = RefuseProvider(uscc=LABORATORY, reasons=("x",))
    assert code_of(ask(desk, SHANGHAI, refusing)) == "out_of_order"
    assert code_of(ask(desk, ZHEJIANG, WithdrawListing(notice_id=NOTICE_ID, reason="misprint"))) == "not_yours"
    done(desk, SHANGHAI, WithdrawListing(notice_id=NOTICE_ID, reason="misprint"))
    desk.day = DAY_AFTER
    assert code_of(ask(desk, SERVICE, CLOSING)) == "out_of_order"
    assert code_of(ask(desk, SHANGHAI, WithdrawListing(notice_id=NOTICE_ID, reason="misprint"))) == "out_of_order"
    done(desk, SHANGHAI, listing(notice_id=uuid4()))
    desk = a_published_provider()
    done(desk, SHANGHAI, WithdrawListing(notice_id=NOTICE_ID, reason="misprint"))
    done(desk, SHANGHAI, refusing)


def test_a_corrected_item_is_public_for_a_whole_period_again() -> None:
    desk = with_an_institute(a_recommended_provider())
    done(desk, SHANGHAI, listing(usccs=[LABORATORY, INSTITUTE]))
    desk.day = date(2025, 3, 7)
    done(desk, OF_LABORATORY, RenameProvider(uscc=LABORATORY, name="样例检测院", from_on=date(2025, 3, 7)))
    correcting = CorrectListing(notice_id=NOTICE_ID, usccs=(LABORATORY,))
    assert code_of(ask(desk, ZHEJIANG, correcting)) == "not_yours"
    unknown = CorrectListing(notice_id=NOTICE_ID, usccs=("91310118MA0TEXT048",))
    assert code_of(ask(desk, SHANGHAI, unknown)) == "not_found"
    past = CorrectListing(notice_id=NOTICE_ID, usccs=(LABORATORY,), opens_on=MONDAY)
    assert code_of(ask(desk, SHANGHAI, past)) == "invalid_publicity_period"
    unchanged = CorrectListing(notice_id=NOTICE_ID, usccs=(INSTITUTE,))
    assert code_of(ask(desk, SHANGHAI, unchanged)) == "unchanged_item"
    corrected = done(desk, SHANGHAI, correcting)[0]
    assert (corrected.opens_on, corrected.last_day_on) == (date(2025, 3, 7), date(2025, 3, 13))
    desk.day = DAY_AFTER
    assert done(desk, SERVICE, CLOSING)[0].passed == (provider_id(INSTITUTE),)
    desk.day = date(2025, 3, 14)
    assert done(desk, SERVICE, CLOSING)[0].passed == (ITEM,)


def test_a_notice_nobody_published_is_not_found() -> None:
    desk = a_recommended_provider()
    for who, command in (
        (SHANGHAI, WithdrawListing(notice_id=NOTICE_ID, reason="x")),
        (SHANGHAI, CorrectListing(notice_id=NOTICE_ID, usccs=(LABORATORY,))),
        (SHANGHAI, ruling(True)),
        (PUBLIC, objecting()),
    ):
        assert code_of(ask(desk, who, command)) == "not_found"
    assert code_of(ask(desk, SERVICE, CLOSING)) == "out_of_order"


# -- listing -----------------------------------------------------------------------------------


def test_a_provider_nobody_objected_to_is_listed_the_day_after_the_last_day() -> None:
    desk = a_published_provider()
    desk.day = LAST_DAY
    assert code_of(ask(desk, SERVICE, CLOSING)) == "nothing_to_close"
    desk.day = DAY_AFTER
    assert done(desk, SERVICE, CLOSING) == [
        NoticeClosed(notice_id=NOTICE_ID, passed=(ITEM,), held=()),
        ProviderListed(uscc=LABORATORY, notice_id=NOTICE_ID, province="31", categories=("testing",), on=DAY_AFTER),
    ]
    assert code_of(ask(desk, SERVICE, CLOSING)) == "nothing_to_close"


def test_anybody_may_object_while_the_item_is_public_and_not_after() -> None:
    desk = a_published_provider()
    desk.day = LAST_DAY
    assert code_of(ask(desk, PUBLIC, objecting())) == "accepted"
    assert code_of(ask(desk, PUBLIC, objecting())) == "out_of_order"
    assert code_of(ask(desk, PUBLIC, objecting(objection_id=uuid4(), item_id=uuid4()))) == "not_found"
    desk = a_published_provider()
    desk.day = DAY_AFTER
    assert code_of(ask(desk, PUBLIC, objecting())) == "publicity_not_open"


def test_an_objection_holds_its_item_not_the_list() -> None:
    desk = with_an_institute(a_recommended_provider())
    done(desk, SHANGHAI, listing(usccs=[LABORATORY, INSTITUTE]))
    done(desk, PUBLIC, objecting())
    desk.day = DAY_AFTER
    closed, listed = done(desk, SERVICE, CLOSING)
    assert (closed.passed, closed.held) == ((provider_id(INSTITUTE),), (ITEM,))
    assert listed.uscc == INSTITUTE


def test_a_dismissed_objection_lets_the_item_pass_at_the_next_close() -> None:
    desk = a_published_provider()
    done(desk, PUBLIC, objecting())
    desk.day = DAY_AFTER
    done(desk, SERVICE, CLOSING)
    assert code_of(ask(desk, ZHEJIANG, ruling(False))) == "not_yours"
    assert names(ask(desk, SHANGHAI, ruling(False))) == ["ObjectionDismissed"]
    assert names(ask(desk, SERVICE, CLOSING)) == ["NoticeClosed", "ProviderListed"]


def test_an_upheld_objection_refuses_the_provider_which_may_apply_again() -> None:
    desk = a_published_provider()
    done(desk, PUBLIC, objecting())
    upheld, refused = done(desk, SHANGHAI, ruling(True))
    assert refused == ProviderRefused(uscc=LABORATORY, province="31", reasons=("objection_upheld",))
    assert code_of(ask(desk, SHANGHAI, ruling(True))) == "out_of_order"
    desk.day = DAY_AFTER
    assert code_of(ask(desk, SERVICE, CLOSING)) == "nothing_to_close"
    assert code_of(ask(desk, OF_LABORATORY, application())) == "accepted"
    assert upheld.item_id == ITEM


def test_two_upheld_objections_refuse_once() -> None:
    desk = a_published_provider()
    second = uuid4()
    done(desk, PUBLIC, objecting())
    done(desk, PUBLIC, objecting(objection_id=second))
    done(desk, SHANGHAI, ruling(True))
    again = ruling(True).model_copy(update={"objection_id": second})
    assert names(ask(desk, SHANGHAI, again)) == ["ObjectionUpheld"]


def test_a_provider_barred_while_it_was_public_is_refused_not_listed() -> None:
    desk = a_published_provider()
    decided = SanctionDecided(
        sanction_id=SANCTION_ID, party_uscc=LABORATORY, basis="弄虚作假", from_on=MONDAY, places=("31",),
        decision_no="1号",
    )
    desk.record(REACTIONS[("audit", "SanctionDecided")](decided, None, desk))
    desk.day = DAY_AFTER
    assert done(desk, SERVICE, CLOSING)[1].reasons == ("bad_credit",)
    assert _provider(desk, LABORATORY).stage == "refused"


@pytest.mark.parametrize("wrong", [{"usccs": []}, {"usccs": [LABORATORY, LABORATORY]}, {"notice_id": "7"}])
def test_a_listing_of_another_shape_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        listing(**wrong)
