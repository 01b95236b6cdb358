"""Money that was paid is taken back through the running services: ordered by two persons, repaid, closed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tongdui_events.document import Event
from tongdui_events.payments import BatchOpened, BatchReleased, PayoutInstructed, PayoutScheduled
from tongdui_events.settlement import PublicityPassed

from services.settlement.domain.redemption import payout_id
from shared.runtime.settings import Settings
from tests.integration.people_world import (
    DAY,
    LABORATORY,
    NOTICE,
    REDEMPTION,
    REGION,
    SHA,
    VOUCHER,
    People,
    Record,
    an_id,
    people,
    told,
)

PAYOUT, BATCH, CLAWBACK = payout_id(REDEMPTION, NOTICE), an_id(71), an_id(72)
PAID = 3_000_000
PAYMENT = f"/settlement/v1/payouts/{PAYOUT}"


def instructed() -> list[tuple[UUID, Event]]:
    """The payment of the history's redemption is out."""
    about = {"redemption_id": REDEMPTION, "voucher_id": VOUCHER, "region": REGION, "payee_uscc": LABORATORY}
    return [
        (REDEMPTION, told(PublicityPassed, redemption_id=REDEMPTION, notice_id=NOTICE)),
        (BATCH, told(BatchOpened, batch_id=BATCH, payer=REGION, channel="treasury")),
        (PAYOUT, told(PayoutScheduled, payout_id=PAYOUT, **about, amount_fen=PAID, offset_fen=0, offset_clawback_id=None,
                      channel="treasury")),
        (PAYOUT, told(PayoutInstructed, payout_id=PAYOUT, batch_id=BATCH, amount_fen=PAID, end_to_end_id="E71")),
        (BATCH, told(BatchReleased, batch_id=BATCH)),
    ]  # fmt: skip


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[People]:
    async with AsyncExitStack() as stack:
        world = await people(database_url, Settings(state_dir=tmp_path, database_url=database_url, clock="simulated"), stack)
        Record.history["instructed"] = instructed()
        await world.record("settlement", "instructed")
        yield world


async def asks(world: People, sub: str, path: str, body: dict[str, Any], status: int = 200) -> Any:
    answer = await world.call("POST", path, world.bearer(sub, "regional_officer", {"region": REGION}), body)
    assert answer.status_code == status, answer.text
    return [event["type"] for event in answer.json()["events"]] if status == 200 else answer.json()["code"]


async def test_what_was_paid_is_ordered_back_by_two_persons_repaid_by_instalments_and_closed(world: People) -> None:
    settled = {"end_to_end_id": "E71", "amount_fen": PAID, "settled_on": str(DAY)}
    assert await asks(world, "recorder", f"{PAYMENT}/settled", settled) == ["PayoutSettled", "RedemptionSettled"]
    proposed = {
        "clawback_id": str(CLAWBACK), "redemption_id": str(REDEMPTION), "debtor_uscc": LABORATORY, "amount_fen": 1_000_000,
        "ground": "no_fault", "evidence_sha256": [SHA],
    }  # fmt: skip
    assert await asks(world, "one", "/settlement/v1/clawbacks", proposed) == ["ClawbackProposed", "RecoverySought"]
    path = f"/settlement/v1/clawbacks/{CLAWBACK}"
    order = {"decision_no": "追1号", "amount_fen": 1_000_000}
    assert await asks(world, "one", f"{path}/order", order, 403) == "same_person"
    assert await asks(world, "another", f"{path}/order", order) == ["ClawbackOrdered", "DebtBooked"]
    repaid = {"method": "repaid", "fiscal_year": DAY.year, "reference": "流水1", "received_on": str(DAY)}
    assert await asks(world, "one", f"{path}/recoveries", repaid | {"amount_fen": 999_999}) == ["RecoveryRecorded"]
    assert await asks(world, "one", f"{path}/recoveries", repaid | {"amount_fen": 2}, 409) == "more_than_owed"
    assert await asks(world, "one", f"{path}/recoveries", repaid | {"amount_fen": 1, "method": "treasury"}) == [
        "RecoveryRecorded", "ClawbackClosed",
    ]  # fmt: skip
    recusal = {"recused_actor": "somebody else", "reason": "relative"}
    assert await asks(world, "one", f"/settlement/v1/redemptions/{REDEMPTION}/recusals", recusal) == ["RecusalRecorded"]
    await world.rest()
    debtor = world.bearer("laboratory", "provider", {"uscc": LABORATORY})
    row = (await world.call("GET", path, debtor)).json()
    assert (row["state"], row["ordered_fen"], row["recovered_fen"], row["left_fen"]) == ("closed", 1_000_000, 1_000_000, 0)
    assert row["voucher_id"] == str(VOUCHER)
