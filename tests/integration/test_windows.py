"""A window closes by itself when its last day is over, is funded by its region, and settles: in the running service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tongdui_events.document import Event
from tongdui_events.payments import PayableBooked, PayoutCancelled, PayoutScheduled
from tongdui_events.streams import position_id

from services.settlement.domain.windows import window_id
from shared.runtime.settings import Settings
from tests.integration.people_world import (
    AGENT,
    DAY,
    LABORATORY,
    REDEMPTION,
    REGION,
    VOUCHER,
    People,
    Record,
    an_id,
    people,
    told,
)

PAYOUT, FEN = an_id(81), 3_000_000
#: the sample's terms have windows of a week, and DAY is a Monday
SUNDAY = DAY + timedelta(days=6)
WINDOW = window_id(AGENT, "week", SUNDAY)


def scheduled() -> list[tuple[UUID, Event]]:
    about = {"redemption_id": REDEMPTION, "voucher_id": VOUCHER, "region": REGION, "payee_uscc": LABORATORY}
    return [
        (PAYOUT, told(PayoutScheduled, payout_id=PAYOUT, **about, amount_fen=FEN, offset_fen=0, offset_clawback_id=None,
                      channel="agent")),
        (position_id(REGION), PayableBooked(region=REGION, payout_id=PAYOUT, amount_fen=FEN)),
    ]  # fmt: skip


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[People]:
    async with AsyncExitStack() as stack:
        world = await people(database_url, Settings(state_dir=tmp_path, database_url=database_url, clock="simulated"), stack)
        Record.history["scheduled"] = scheduled()
        await world.record("settlement", "scheduled")
        yield world


async def row(world: People) -> Any:
    await world.rest()
    officer = world.bearer("officer", "regional_officer", {"region": REGION})
    answer = await world.call("GET", f"/settlement/v1/windows/{WINDOW}", officer)
    return answer.json() if answer.status_code == 200 else None


async def days_from(world: People, day: date, count: int) -> None:
    for one in range(count):
        opened = {"date": str(day + timedelta(days=one + 1))}
        answer = await world.call("POST", "/registry/v1/days", world.bearer("op", "operator", {}), opened)
        assert answer.status_code == 200, answer.text
        await world.rest()


async def test_a_week_closes_on_monday_is_funded_by_its_region_and_settles_with_its_last_payment(world: People) -> None:
    await days_from(world, DAY, 6)
    assert await row(world) is None
    await days_from(world, SUNDAY, 1)
    closed = await row(world)
    assert (closed["state"], closed["opens_on"], closed["closes_on"]) == ("closed", str(DAY), str(SUNDAY))
    assert closed["positions"] == [
        {"region": REGION, "payable_fen": FEN, "recovered_fen": 0, "asked_fen": FEN, "received_fen": 0}
    ]
    money = {"region": REGION, "amount_fen": FEN, "received_on": str(SUNDAY), "reference": "到账1"}
    path = f"/settlement/v1/windows/{WINDOW}/funding"
    agent = world.bearer("agent", "agent", {"member_of": str(AGENT)})
    answer = await world.call("POST", path, agent, money)
    assert [event["type"] for event in answer.json()["events"]] == ["FundingReceived", "PositionFunded"]
    assert (await row(world))["state"] == "funded"
    await days_from(world, SUNDAY + timedelta(days=1), 1)
    assert (await row(world))["state"] == "funded"
    Record.history["given_up"] = [(PAYOUT, PayoutCancelled(payout_id=PAYOUT, reason="payee_dissolved"))]
    await world.record("settlement", "given_up")
    await days_from(world, SUNDAY + timedelta(days=2), 1)
    assert (await row(world))["state"] == "settled"
