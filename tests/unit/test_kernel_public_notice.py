"""Public notices: given what happened, when a decision, then an event or a refusal."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tongdui_events import (
    NoticeClosed,
    NoticeCorrected,
    NoticeItem,
    NoticePublished,
    NoticeWithdrawn,
    ObjectionDismissed,
    ObjectionRaised,
    ObjectionUpheld,
)

from shared.kernel.calendar import BUILT_IN_YEARS, Calendar, UnknownYear
from shared.kernel.decisions import NotFound, OutOfOrder, Refusal
from shared.kernel.public_notice import (
    EmptyNotice,
    InvalidPublicityPeriod,
    NothingToClose,
    PublicityNotOpen,
    PublicNotice,
    RepeatedItem,
    UnchangedItem,
    close,
    correct,
    evolve,
    last_day,
    next_close_on,
    notice_number,
    publish,
    raise_objection,
    rule_on_objection,
    withdraw,
)

OPENS = date(2026, 3, 2)
LAST = date(2026, 3, 8)
AFTER = LAST + timedelta(days=1)
NOTICE = UUID(int=1)
ONE, TWO, STRANGER = UUID(int=11), UUID(int=12), UUID(int=19)
FIRST, SECOND = UUID(int=21), UUID(int=22)
SHA = "ab" * 32
CALENDAR = Calendar()


def item(item_id: UUID, amount_fen: int = 2_400_000) -> NoticeItem:
    return NoticeItem(item_id=item_id, name="青浦示例科技有限公司", region="310118", amount_fen=amount_fen)


PUBLISHED = NoticePublished(
    notice_id=NOTICE,
    number=notice_number(2026, 12),
    kind="redemption",
    items=(item(ONE), item(TWO)),
    opens_on=OPENS,
    last_day_on=LAST,
)
OBJECTION = ObjectionRaised(notice_id=NOTICE, objection_id=FIRST, item_id=ONE, reason_sha256=SHA)
DISMISSED = ObjectionDismissed(notice_id=NOTICE, objection_id=FIRST, item_id=ONE, grounds_sha256=SHA)
UPHELD = ObjectionUpheld(notice_id=NOTICE, objection_id=FIRST, item_id=ONE, grounds_sha256=SHA)
ALL_PASSED = NoticeClosed(notice_id=NOTICE, passed=(ONE, TWO))
ONE_HELD = NoticeClosed(notice_id=NOTICE, passed=(TWO,), held=(ONE,))


def given_events(*events: Any) -> PublicNotice:
    notice = PublicNotice()
    for event in events:
        notice = evolve(notice, event)
    return notice


def published(notice: PublicNotice = PublicNotice(), **changes: Any) -> NoticePublished | Refusal:
    arguments: dict[str, Any] = {
        "notice_id": NOTICE,
        "number": PUBLISHED.number,
        "kind": "redemption",
        "items": PUBLISHED.items,
        "opens_on": OPENS,
        "last_day_on": LAST,
        "today": OPENS,
    }
    return publish(notice, **(arguments | changes))


def objection(notice: PublicNotice, today: date, **changes: Any) -> ObjectionRaised | Refusal:
    arguments: dict[str, Any] = {"objection_id": FIRST, "item_id": ONE, "reason_sha256": SHA, "today": today}
    return raise_objection(notice, **(arguments | changes))


# -- publishing --------------------------------------------------------------------------------


def test_a_notice_is_published_with_its_items_and_days() -> None:
    assert published() == PUBLISHED
    assert PUBLISHED.number == "公示〔2026〕第12号"


def test_a_notice_may_open_later_or_last_one_day() -> None:
    assert isinstance(published(today=OPENS - timedelta(days=3)), NoticePublished)
    assert isinstance(published(last_day_on=OPENS), NoticePublished)


@pytest.mark.parametrize(
    "changes, refusal",
    [
        ({"items": ()}, EmptyNotice),
        ({"items": (item(ONE), item(ONE, 1))}, RepeatedItem),
        ({"opens_on": OPENS - timedelta(days=1)}, InvalidPublicityPeriod),
        ({"last_day_on": OPENS - timedelta(days=1)}, InvalidPublicityPeriod),
    ],
)
def test_an_empty_list_a_repeated_item_or_a_wrong_period_is_refused(
    changes: dict[str, Any], refusal: type[Refusal]
) -> None:
    assert isinstance(published(**changes), refusal)


def test_a_notice_is_published_once() -> None:
    assert isinstance(published(given_events(PUBLISHED)), OutOfOrder)
    assert isinstance(published(given_events(PUBLISHED, NoticeWithdrawn(notice_id=NOTICE, reason="x"))), OutOfOrder)


# -- days --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "opens_on, calendar_days, working_days, expected",
    [
        (date(2026, 3, 2), 7, 5, date(2026, 3, 8)),
        (date(2026, 3, 2), 5, 5, date(2026, 3, 6)),
        (date(2026, 3, 2), 1, 1, date(2026, 3, 2)),
        (date(2026, 3, 2), 1, 6, date(2026, 3, 9)),
        (date(2026, 3, 7), 7, 5, date(2026, 3, 13)),
        (date(2026, 3, 7), 1, 1, date(2026, 3, 9)),
        (date(2025, 9, 29), 7, 5, date(2025, 10, 11)),
        (date(2026, 3, 2), 0, 0, date(2026, 3, 2)),
        (date(2026, 3, 2), 7, 0, date(2026, 3, 8)),
    ],
)
def test_both_minimal_counts_have_passed_on_the_last_day(
    opens_on: date, calendar_days: int, working_days: int, expected: date
) -> None:
    assert last_day(opens_on, calendar_days, working_days, CALENDAR) == expected


def test_a_last_day_in_an_unknown_year_is_an_error() -> None:
    with pytest.raises(UnknownYear):
        last_day(date(max(BUILT_IN_YEARS), 12, 30), 7, 5, CALENDAR)


@given(
    st.dates(min_value=date(2025, 1, 1), max_value=date(2026, 9, 30)),
    st.integers(min_value=1, max_value=30),
    st.integers(min_value=0, max_value=20),
)
def test_the_last_day_is_the_first_on_which_both_counts_hold(opens_on: date, days: int, working: int) -> None:
    last = last_day(opens_on, days, working, CALENDAR)
    assert _both_passed(opens_on, last, days, working)
    assert last == opens_on or not _both_passed(opens_on, last - timedelta(days=1), days, working)


def _both_passed(opens_on: date, last: date, days: int, working: int) -> bool:
    public = [opens_on + timedelta(days=n) for n in range((last - opens_on).days + 1)]
    return len(public) >= days and sum(CALENDAR.is_working(day) for day in public) >= working


# -- objections --------------------------------------------------------------------------------


@pytest.mark.parametrize("today", [OPENS, LAST])
def test_an_objection_counts_from_the_first_day_to_the_last(today: date) -> None:
    assert objection(given_events(PUBLISHED), today) == OBJECTION


@pytest.mark.parametrize("today", [OPENS - timedelta(days=1), AFTER])
def test_an_objection_outside_the_period_is_refused(today: date) -> None:
    assert isinstance(objection(given_events(PUBLISHED), today), PublicityNotOpen)


def test_an_objection_after_the_last_day_counts_while_the_service_can_still_stop_the_item() -> None:
    assert objection(given_events(PUBLISHED), AFTER, after_last_day=True) == OBJECTION
    passed = given_events(PUBLISHED, ALL_PASSED)
    assert objection(passed, AFTER, after_last_day=True) == OBJECTION
    assert isinstance(objection(passed, AFTER), PublicityNotOpen)
    early = OPENS - timedelta(days=1)
    assert isinstance(objection(given_events(PUBLISHED), early, after_last_day=True), PublicityNotOpen)


def test_an_objection_to_nothing_published_is_refused() -> None:
    assert isinstance(objection(PublicNotice(), OPENS), NotFound)
    assert isinstance(objection(given_events(PUBLISHED), OPENS, item_id=STRANGER), NotFound)


def test_an_objection_to_a_withdrawn_notice_or_an_upheld_item_is_refused() -> None:
    withdrawn = given_events(PUBLISHED, NoticeWithdrawn(notice_id=NOTICE, reason="x"))
    assert isinstance(objection(withdrawn, OPENS), OutOfOrder)
    upheld = given_events(PUBLISHED, OBJECTION, UPHELD)
    assert isinstance(objection(upheld, OPENS, objection_id=SECOND), OutOfOrder)


def test_an_objections_id_is_used_once() -> None:
    assert isinstance(objection(given_events(PUBLISHED, OBJECTION), OPENS, item_id=TWO), OutOfOrder)


def test_an_objection_is_upheld_or_dismissed_once() -> None:
    notice = given_events(PUBLISHED, OBJECTION)
    assert rule_on_objection(notice, objection_id=FIRST, upheld=True, grounds_sha256=SHA) == UPHELD
    assert rule_on_objection(notice, objection_id=FIRST, upheld=False, grounds_sha256=SHA) == DISMISSED
    for ruling in (UPHELD, DISMISSED):
        ruled = evolve(notice, ruling)
        assert isinstance(rule_on_objection(ruled, objection_id=FIRST, upheld=True, grounds_sha256=SHA), OutOfOrder)


def test_an_unknown_objection_is_not_ruled_on() -> None:
    refused = rule_on_objection(given_events(PUBLISHED), objection_id=FIRST, upheld=True, grounds_sha256=SHA)
    assert isinstance(refused, NotFound)


# -- closing -----------------------------------------------------------------------------------


def test_nothing_closes_on_the_last_day_itself() -> None:
    assert next_close_on(given_events(PUBLISHED)) == AFTER
    assert isinstance(close(given_events(PUBLISHED), today=LAST), NothingToClose)


def test_items_nobody_objects_to_pass_after_the_last_day() -> None:
    notice = given_events(PUBLISHED)
    assert close(notice, today=AFTER) == ALL_PASSED
    closed = evolve(notice, ALL_PASSED)
    assert (closed.state, next_close_on(closed)) == ("closed", None)
    assert isinstance(close(closed, today=AFTER), NothingToClose)


def test_an_objection_holds_one_item_not_the_list() -> None:
    notice = given_events(PUBLISHED, OBJECTION)
    assert close(notice, today=AFTER) == ONE_HELD
    closed = evolve(notice, ONE_HELD)
    assert (closed.state, next_close_on(closed)) == ("open", None)
    assert isinstance(close(closed, today=AFTER), NothingToClose)


def test_a_held_item_passes_at_a_later_close_once_the_objection_is_dismissed() -> None:
    notice = given_events(PUBLISHED, OBJECTION, ONE_HELD, DISMISSED)
    assert next_close_on(notice) == AFTER
    assert close(notice, today=AFTER) == NoticeClosed(notice_id=NOTICE, passed=(ONE,))


def test_a_held_item_waits_for_every_objection() -> None:
    second = OBJECTION.model_copy(update={"objection_id": SECOND})
    notice = given_events(PUBLISHED, OBJECTION, second, ONE_HELD, DISMISSED)
    assert isinstance(close(notice, today=AFTER), NothingToClose)
    both = evolve(notice, DISMISSED.model_copy(update={"objection_id": SECOND}))
    assert close(both, today=AFTER) == NoticeClosed(notice_id=NOTICE, passed=(ONE,))


def test_an_upheld_item_never_passes() -> None:
    notice = given_events(PUBLISHED, OBJECTION, UPHELD)
    assert close(notice, today=AFTER) == NoticeClosed(notice_id=NOTICE, passed=(TWO,))
    closed = given_events(PUBLISHED, OBJECTION, ONE_HELD, UPHELD)
    assert (closed.state, next_close_on(closed)) == ("closed", None)
    assert isinstance(close(closed, today=AFTER), NothingToClose)


def test_an_objection_upheld_after_the_item_passed_shows_on_it() -> None:
    notice = given_events(PUBLISHED, ALL_PASSED, OBJECTION)
    assert notice.items[ONE].open_objections == (FIRST,)
    assert notice.items[ONE].passed
    upheld = evolve(notice, UPHELD)
    assert upheld.items[ONE].upheld and not upheld.items[ONE].open_objections
    assert next_close_on(notice) is None


# -- correcting and withdrawing ------------------------------------------------------------------


def test_a_corrected_item_is_public_for_a_whole_period_again_and_the_others_keep_theirs() -> None:
    later = LAST + timedelta(days=4)
    changed = item(ONE, 2_000_000)
    corrected = correct(
        given_events(PUBLISHED), items=[changed], opens_on=OPENS + timedelta(days=4), last_day_on=later, today=OPENS
    )
    assert isinstance(corrected, NoticeCorrected)
    notice = given_events(PUBLISHED, corrected)
    assert (notice.items[ONE].item, notice.items[ONE].last_day_on) == (changed, later)
    assert notice.items[TWO].last_day_on == LAST
    first = close(notice, today=AFTER)
    assert first == NoticeClosed(notice_id=NOTICE, passed=(TWO,))
    assert next_close_on(evolve(notice, first)) == later + timedelta(days=1)
    assert list(notice.items) == [ONE, TWO]


def test_an_objection_outlives_a_correction() -> None:
    corrected = NoticeCorrected(notice_id=NOTICE, items=(item(ONE, 1),), opens_on=AFTER, last_day_on=AFTER)
    notice = given_events(PUBLISHED, OBJECTION, ONE_HELD, corrected)
    assert notice.items[ONE].open_objections == (FIRST,)
    held = close(notice, today=AFTER + timedelta(days=1))
    assert held == NoticeClosed(notice_id=NOTICE, held=(ONE,))


@pytest.mark.parametrize(
    "history, items, refusal",
    [
        ((), (item(ONE, 1),), OutOfOrder),
        ((PUBLISHED,), (), EmptyNotice),
        ((PUBLISHED,), (item(ONE, 1), item(ONE, 2)), RepeatedItem),
        ((PUBLISHED,), (item(STRANGER),), NotFound),
        ((PUBLISHED,), (item(ONE),), UnchangedItem),
        ((PUBLISHED, ONE_HELD), (item(TWO, 1),), OutOfOrder),
        ((PUBLISHED, OBJECTION, UPHELD), (item(ONE, 1),), OutOfOrder),
    ],
)
def test_only_changed_undecided_items_are_corrected(
    history: tuple[Any, ...], items: tuple[NoticeItem, ...], refusal: type[Refusal]
) -> None:
    refused = correct(given_events(*history), items=items, opens_on=OPENS, last_day_on=LAST, today=OPENS)
    assert isinstance(refused, refusal)


def test_a_correction_has_a_period_from_today_on() -> None:
    refused = correct(given_events(PUBLISHED), items=[item(ONE, 1)], opens_on=OPENS, last_day_on=LAST, today=LAST)
    assert isinstance(refused, InvalidPublicityPeriod)


def test_nothing_passes_by_a_withdrawn_notice() -> None:
    notice = given_events(PUBLISHED)
    withdrawn = withdraw(notice, reason="wrong_list")
    assert withdrawn == NoticeWithdrawn(notice_id=NOTICE, reason="wrong_list")
    gone = evolve(notice, withdrawn)
    assert (gone.state, next_close_on(gone)) == ("withdrawn", None)
    assert isinstance(close(gone, today=AFTER), OutOfOrder)
    assert isinstance(withdraw(gone, reason="again"), OutOfOrder)


def test_a_closed_or_unpublished_notice_is_not_withdrawn() -> None:
    assert isinstance(withdraw(PublicNotice(), reason="x"), OutOfOrder)
    assert isinstance(withdraw(given_events(PUBLISHED, ALL_PASSED), reason="x"), OutOfOrder)


def test_folding_never_refuses() -> None:
    stray = OBJECTION.model_copy(update={"item_id": STRANGER})
    for event in (stray, DISMISSED, UPHELD, ALL_PASSED, NoticeWithdrawn(notice_id=NOTICE, reason="x")):
        evolve(PublicNotice(), event)
        evolve(given_events(PUBLISHED), event)
