"""What an agent pays out for its regions is fixed by windows, funded by each, and one region's delay holds nobody else. 三(五)"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from tongdui_events.policy import Channels
from tongdui_events.streams import position_id

from services.settlement.domain.agents import AppointAgent, ReplaceAgent
from services.settlement.domain.batches import OpenBatch, ReleaseBatch
from services.settlement.domain.handover import ReturnFunding
from services.settlement.domain.payouts import CancelPayout
from services.settlement.domain.windows import (
    LENGTHS,
    POSITION,
    WINDOW,
    CloseWindow,
    RecordFunding,
    SettleWindow,
    first_day,
    last_end,
    window_id,
)
from services.settlement.window_rows import window_end_row, window_ends, window_row
from shared.kernel.decisions import Refusal
from tests.unit.settlement_world import (
    AGENT,
    APPROVER,
    CLERK,
    DAY,
    OPERATOR,
    PAYER,
    PLATFORM,
    PUBLISHER,
    REGION,
    World,
    an_id,
    names,
)
from tests.unit.test_settlement_books import books
from tests.unit.test_settlement_clawbacks import PAID, order, proposal, recovery
from tests.unit.test_settlement_offsets import due_again, paid

MARCH = date(2026, 3, 31)
WINDOW_ID = window_id(AGENT, "month", MARCH)


def agents_world(**changed: Any) -> World:
    """30,000 are due through the agent, which pays for the region."""
    world = World(channel=Channels(tongyong="treasury", tongdui="agent"), **changed)
    world.does(OPERATOR, AppointAgent(agent_id=AGENT, name="示例清算有限公司", regions=(REGION,), from_on=DAY))
    return world.scheduled()


def close(closes_on: date = MARCH, length: Any = "month", **changed: Any) -> CloseWindow:
    return CloseWindow.model_validate({"agent_id": AGENT, "length": length, "closes_on": closes_on} | changed)


def closed_world() -> World:
    world = agents_world()
    world.day = MARCH + timedelta(days=1)
    world.does(PLATFORM, close())
    return world


def funding(fen: int = PAID, window: UUID = WINDOW_ID, region: str = REGION) -> RecordFunding:
    known = {"window_id": window, "region": region, "amount_fen": fen, "received_on": MARCH, "reference": "到账1"}
    return RecordFunding.model_validate(known)


def release(world: World, batch: str = "agents") -> Any:
    world.asks(CLERK, OpenBatch(batch_id=an_id(batch), payer=str(AGENT), channel="agent"))
    return world.asks(CLERK, ReleaseBatch(batch_id=an_id(batch), payout_ids=(world.payout_id,)))


# -- closing -----------------------------------------------------------------------------------


def test_a_window_fixes_what_each_region_owes_and_asks_for_it() -> None:
    world = agents_world()
    world.day = MARCH + timedelta(days=1)
    events = world.asks(PLATFORM, close())
    assert names(events) == ["WindowClosed", "FundingOrdered", "PositionFixed"]
    closed, ordered, _ = events
    assert (closed.opens_on, closed.closes_on, closed.agent_id) == (date(2026, 3, 1), MARCH, AGENT)
    assert closed.positions[REGION].model_dump() == {"payable_fen": PAID, "recovered_fen": 0}
    assert (ordered.region, ordered.amount_fen, ordered.window_id) == (REGION, PAID, WINDOW_ID)
    assert world.refuses(PLATFORM, close()) == "out_of_order"


def test_payables_and_recoveries_are_gross() -> None:
    world = agents_world()
    release(world)
    paid(world)
    world.does(PUBLISHER, proposal())
    world.does(APPROVER, order())
    world.does(PAYER, recovery(400_000))
    world.day = MARCH + timedelta(days=1)
    closed, ordered, _ = world.asks(PLATFORM, close())
    assert closed.positions[REGION].model_dump() == {"payable_fen": PAID, "recovered_fen": 400_000}
    assert ordered.amount_fen == PAID


def test_a_window_is_closed_by_the_platform_when_its_last_day_is_over() -> None:
    world = agents_world()
    assert world.refuses(PLATFORM, close()) == "window_not_over"
    world.day = MARCH + timedelta(days=1)
    assert world.refuses(CLERK, close()) == "not_yours"
    assert world.refuses(PLATFORM, close(date(2026, 3, 30))) == "window_not_over"
    assert world.refuses(PLATFORM, close(agent_id=an_id("nobody"))) == "not_found"


def test_only_the_windows_a_regions_terms_have_are_closed() -> None:
    world = agents_world()
    world.day = MARCH + timedelta(days=1)
    assert world.refuses(PLATFORM, close(MARCH, "day")) == "nothing_in_window"
    daily = agents_world(window="day")
    daily.days_later()
    assert daily.does(PLATFORM, close(daily.today - timedelta(days=1), "day"))[0] == "WindowClosed"


def test_what_is_booked_later_falls_into_the_next_window() -> None:
    world = closed_world()
    due_again(world)
    world.day = date(2026, 5, 1)
    closed, ordered, _ = world.asks(PLATFORM, close(date(2026, 4, 30)))
    assert (closed.positions[REGION].payable_fen, ordered.amount_fen) == (PAID, PAID)
    world.day = date(2026, 6, 1)
    assert world.refuses(PLATFORM, close(date(2026, 5, 31))) == "nothing_in_window"


def test_a_window_closed_late_has_nothing_of_the_days_after_its_last() -> None:
    world = agents_world()
    world.day = MARCH - timedelta(days=5)
    due_again(world)
    world.day = date(2026, 5, 1)
    assert world.asks(PLATFORM, close())[1].amount_fen == PAID
    assert world.asks(PLATFORM, close(date(2026, 4, 30)))[1].amount_fen == PAID


def test_a_payment_given_up_before_its_window_closed_was_never_in_it() -> None:
    world = agents_world()
    world.does(APPROVER, CancelPayout(payout_id=world.payout_id, reason="payee_dissolved"))
    world.day = MARCH + timedelta(days=1)
    assert world.refuses(PLATFORM, close()) == "nothing_in_window"


def test_what_the_agent_was_given_for_a_payment_given_up_is_not_asked_for_again() -> None:
    world = closed_world()
    world.does(CLERK, funding())
    world.does(APPROVER, CancelPayout(payout_id=world.payout_id, reason="payee_dissolved"))
    assert world.get(POSITION, position_id(REGION)).kept_fen == PAID
    due_again(world)
    world.day = date(2026, 5, 1)
    events = world.asks(PLATFORM, close(date(2026, 4, 30)))
    assert names(events) == ["WindowClosed", "PositionFixed"]
    assert (events[1].payable_fen, events[1].asked_fen) == (PAID, 0)
    assert not isinstance(release(world), Refusal)


# -- funding -----------------------------------------------------------------------------------


def test_payments_of_a_region_that_has_not_sent_its_money_wait_and_go_on_when_it_came() -> None:
    world = closed_world()
    assert names(release(world)) == ["region_unfunded"]
    assert world.does(CLERK, funding(PAID - 1)) == ["FundingReceived"]
    assert names(release(world)) == ["region_unfunded"]
    assert world.does(CLERK, funding(1)) == ["FundingReceived", "PositionFunded"]
    assert names(release(world)) == ["BatchReleased", "PayoutInstructed"]


def test_before_a_window_closed_an_agent_pays_from_what_it_has() -> None:
    assert names(release(agents_world())) == ["BatchReleased", "PayoutInstructed"]


def test_the_agent_of_a_window_says_what_came_and_no_more_than_was_asked() -> None:
    world = closed_world()
    assert world.refuses(CLERK.model_copy(update={"member_of": an_id("other")}), funding()) == "not_yours"
    assert world.refuses(PAYER, funding()) == "not_yours"
    assert world.refuses(CLERK, funding(PAID + 1)) == "more_than_asked"
    assert world.refuses(CLERK, funding(1, region="320509")) == "more_than_asked"
    assert world.refuses(CLERK, funding(window=an_id("none"))) == "not_found"
    late = funding().model_copy(update={"received_on": world.today + timedelta(days=1)})
    assert world.refuses(CLERK, late) == "answered_tomorrow"


def test_a_window_is_settled_when_every_regions_money_came_and_every_payment_was_made() -> None:
    world = closed_world()
    settle = SettleWindow(window_id=WINDOW_ID)
    assert world.refuses(PLATFORM, settle) == "still_to_pay"
    world.does(CLERK, funding())
    assert world.refuses(PLATFORM, settle) == "still_to_pay"
    release(world)
    paid(world)
    assert world.refuses(CLERK, settle) == "not_yours"
    assert world.does(PLATFORM, settle) == ["WindowSettled", "PositionSettled"]
    assert world.refuses(PLATFORM, settle) == "out_of_order"
    assert world.get(WINDOW, WINDOW_ID).settled and not world.get(POSITION, position_id(REGION)).fixed


# -- another agent takes over -------------------------------------------------------------------

SUCCESSOR = an_id("successor")


def replaced_world() -> World:
    """The region's money of March has come; another agent takes over in April."""
    world = closed_world()
    world.does(CLERK, funding())
    told = AppointAgent(agent_id=SUCCESSOR, name="示例结算有限公司", regions=(REGION,), from_on=DAY)
    world.does(OPERATOR, told)
    world.does(OPERATOR, ReplaceAgent(agent_id=AGENT, by=SUCCESSOR, on=world.today))
    return world


def returning(fen: int = PAID, **changed: Any) -> ReturnFunding:
    known = {"window_id": WINDOW_ID, "region": REGION, "amount_fen": fen, "returned_on": MARCH, "reference": "退回1"}
    return ReturnFunding.model_validate(known | changed)


def test_a_replaced_agent_releases_nothing_and_gives_back_what_it_did_not_pay_which_its_successor_does() -> None:
    world = replaced_world()
    assert names(release(world)) == ["not_found"], "it is nobody's agent any more"
    assert world.does(CLERK, returning()) == ["FundingReturned", "PositionReturned"]
    assert world.does(PLATFORM, SettleWindow(window_id=WINDOW_ID)) == ["WindowSettled", "PositionSettled"]
    assert books(world).findings == ()
    world.day = date(2026, 5, 1)
    closed = world.asks(PLATFORM, close(date(2026, 4, 30), agent_id=SUCCESSOR))
    assert names(closed) == ["WindowClosed", "FundingOrdered", "PositionFixed"] and closed[1].amount_fen == PAID
    people = CLERK.model_copy(update={"member_of": SUCCESSOR})
    asked = funding(window=window_id(SUCCESSOR, "month", date(2026, 4, 30)))
    assert world.does(people, asked) == ["FundingReceived", "PositionFunded"]
    world.asks(people, OpenBatch(batch_id=an_id("anew"), payer=str(SUCCESSOR), channel="agent"))
    told = world.asks(people, ReleaseBatch(batch_id=an_id("anew"), payout_ids=(world.payout_id,)))
    assert names(told) == ["BatchReleased", "PayoutInstructed"]


def test_only_what_is_proved_unpaid_is_given_back() -> None:
    world = closed_world()
    world.does(CLERK, funding())
    assert world.refuses(CLERK, returning()) == "still_agent"
    release(world)
    world.does(OPERATOR, AppointAgent(agent_id=SUCCESSOR, name="示例结算有限公司", regions=(REGION,), from_on=DAY))
    world.does(OPERATOR, ReplaceAgent(agent_id=AGENT, by=SUCCESSOR, on=world.today))
    assert world.refuses(CLERK, returning()) == "still_under_way", "it is out, and the old agent answers for it"
    paid(world)
    assert world.refuses(CLERK, returning()) == "not_what_is_left"
    assert world.does(CLERK, returning(0)) == ["FundingReturned", "PositionReturned"]
    assert world.refuses(CLERK, returning(0)) == "out_of_order"
    assert not world.get(POSITION, position_id(REGION)).payable, "what was paid is not paid again"


def test_a_return_is_to_the_fen_of_a_day_that_has_come_and_by_the_agent_itself() -> None:
    world = replaced_world()
    assert world.refuses(CLERK, returning(PAID - 1)) == "not_what_is_left"
    assert world.refuses(CLERK, returning(returned_on=world.today + timedelta(days=1))) == "answered_tomorrow"
    assert world.refuses(CLERK.model_copy(update={"member_of": SUCCESSOR}), returning()) == "not_yours"
    assert world.refuses(CLERK, returning(window_id=an_id("none"))) == "not_found"


def test_a_position_is_the_same_after_its_snapshot() -> None:
    world = closed_world()
    due_again(world)
    position = world.get(POSITION, position_id(REGION))
    adapter = TypeAdapter(type(POSITION.initial))
    assert position.payable and position.fixed and position.unfunded
    assert adapter.validate_json(adapter.dump_json(position)) == position


# -- periods -----------------------------------------------------------------------------------


@given(st.sampled_from(LENGTHS), st.dates(date(2020, 1, 1), date(2099, 12, 31)))
def test_windows_of_a_length_follow_one_another_without_a_gap(length: Any, day: date) -> None:
    end = last_end(length, day)
    begin = first_day(length, end)
    assert begin <= end < day and last_end(length, end + timedelta(days=1)) == end
    assert last_end(length, begin) == begin - timedelta(days=1)
    assert (day - end).days <= {"day": 1, "week": 7, "month": 31}[length]


@pytest.mark.parametrize(
    ("length", "day", "end"),
    [("week", date(2026, 3, 9), date(2026, 3, 8)), ("week", date(2026, 3, 8), date(2026, 3, 1)),
     ("month", date(2026, 3, 31), date(2026, 2, 28)), ("day", date(2026, 1, 1), date(2025, 12, 31))],
)  # fmt: skip
def test_a_week_ends_on_sunday_and_a_month_on_its_last_day(length: Any, day: date, end: date) -> None:
    assert last_end(length, day) == end


# -- what is read ------------------------------------------------------------------------------


def test_a_windows_row_shows_each_region_and_when_it_is_looked_at() -> None:
    world = closed_world()

    def row() -> Any:
        found: Any = None
        for stamp, event in world.documents:
            if stamp.originator_id == WINDOW_ID:
                found = window_row(found, event, stamp)
        return found

    assert (row()["state"], row()["due_on"], row()["regions"]) == ("closed", None, [REGION])
    assert row()["positions"] == [
        {"region": REGION, "payable_fen": PAID, "recovered_fen": 0, "asked_fen": PAID, "received_fen": 0}
    ]
    world.does(CLERK, funding())
    assert (row()["state"], row()["due_on"]) == ("funded", "2026-04-02")
    release(world)
    paid(world)
    world.does(PLATFORM, SettleWindow(window_id=WINDOW_ID))
    assert (row()["state"], row()["due_on"]) == ("settled", None)


def test_an_agents_windows_are_looked_for_from_the_day_after_its_first() -> None:
    world = World()
    (appointed,) = world.asks(
        OPERATOR, AppointAgent(agent_id=AGENT, name="示例清算有限公司", regions=(REGION,), from_on=DAY)
    )
    stamp = world.documents[-1].stamp
    rows = [window_end_row(None, part, stamp) for _, part in window_ends(appointed, stamp)]
    assert [(row["length"], row["due_on"]) for row in rows] == [(length, "2026-03-03") for length in LENGTHS]
