"""Money that was paid is taken back through the running services: ordered by two persons, repaid, closed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from tongdui_events.codec import encode
from tongdui_events.document import Event
from tongdui_events.payments import BatchOpened, BatchReleased, PayoutInstructed, PayoutScheduled
from tongdui_events.samples import sample_document
from tongdui_events.settlement import PublicityPassed, RecoveryRecorded
from tongdui_events.voucher import AllocationCorrected
from typer.testing import CliRunner

from services.settlement.cli import settlement
from services.settlement.domain.redemption import payout_id
from shared.runtime.settings import Settings
from tests.integration.people_world import (
    COMPANY,
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
PAID, ORDERED = 3_000_000, 2_400_000
"""What the test pays, and what the history has ordered back of the company."""
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
    first = await asks(world, "one", f"{path}/recoveries", repaid | {"amount_fen": 999_999})
    assert first == ["RecoveryRecorded", "RecoveryBooked"]
    assert await asks(world, "one", f"{path}/recoveries", repaid | {"amount_fen": 2}, 409) == "more_than_owed"
    assert await asks(world, "one", f"{path}/recoveries", repaid | {"amount_fen": 1, "method": "treasury"}) == [
        "RecoveryRecorded", "RecoveryBooked", "ClawbackClosed",
    ]  # fmt: skip
    recusal = {"recused_actor": "somebody else", "reason": "relative"}
    assert await asks(world, "one", f"/settlement/v1/redemptions/{REDEMPTION}/recusals", recusal) == ["RecusalRecorded"]
    await world.rest()
    debtor = world.bearer("laboratory", "provider", {"uscc": LABORATORY})
    row = (await world.call("GET", path, debtor)).json()
    assert (row["state"], row["ordered_fen"], row["recovered_fen"], row["left_fen"]) == ("closed", 1_000_000, 1_000_000, 0)
    assert row["voucher_id"] == str(VOUCHER)


async def test_a_rise_after_payment_is_asked_of_the_voucher_and_published_once_it_is_allowed(world: People) -> None:
    await asks(world, "recorder", f"{PAYMENT}/settled", {"end_to_end_id": "E71", "amount_fen": PAID, "settled_on": str(DAY)})
    parties = {"enterprise_uscc": COMPANY, "provider_uscc": LABORATORY, "region": REGION, "mode": "tongdui"}
    corrected = told(AllocationCorrected, voucher_id=VOUCHER, **parties, amount_fen=PAID + 500_000, lines=(), holds=())
    Record.history["corrected"] = [(VOUCHER, corrected)]
    await world.record("voucher", "corrected")
    path = f"/settlement/v1/redemptions/{REDEMPTION}/adjust"
    assert await asks(world, "one", path, {"by_fen": 500_001, "reason": "mistake"}, 409) == "over_allocation"
    notice = {"notice_id": str(an_id(73)), "region": REGION, "redemption_ids": [str(REDEMPTION)], "kind": "adjustment"}
    assert await asks(world, "one", "/settlement/v1/notices", notice, 409) == "supplement_not_allowed"
    assert await asks(world, "one", path, {"by_fen": 500_000, "reason": "mistake"}) == ["RedemptionAdjusted"]
    await world.rest()
    assert await asks(world, "one", "/settlement/v1/notices", notice) == [
        "NoticeNumbered", "NoticePublished", "RedemptionPublished",
    ]  # fmt: skip
    await world.rest()
    officer = world.bearer("one", "regional_officer", {"region": REGION})
    row = (await world.call("GET", f"/settlement/v1/redemptions/{REDEMPTION}", officer)).json()
    assert (row["state"], row["adjusted_fen"]) == ("settled", 500_000)


async def test_the_trial_balance_is_read_over_http_and_printed_from_the_log(
    world: People, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asks(world, "recorder", f"{PAYMENT}/settled", {"end_to_end_id": "E71", "amount_fen": PAID, "settled_on": str(DAY)})
    await world.rest()
    officer = world.bearer("one", "regional_officer", {"region": REGION})
    read = (await world.call("GET", f"/settlement/v1/books?on={DAY}", officer)).json()
    assert {(one["kind"], one["party"]): one["balance_fen"] for one in read["items"]} == {
        ("region_fund", ""): -PAID, ("payee", LABORATORY): PAID, ("payee", COMPANY): -ORDERED, ("recovery", COMPANY): ORDERED,
    }  # fmt: skip
    assert read["findings"] == [] and read["debit_fen"] == read["credit_fen"] == PAID + ORDERED
    elsewhere = world.bearer("x", "regional_officer", {"region": "330421"})
    assert (await world.call("GET", f"/settlement/v1/books?on={DAY}", elsewhere)).json()["items"] == []
    monkeypatch.setenv("COLUMNS", "160")
    printed = CliRunner().invoke(settlement, ["balance", "--database", database_url, "--on", str(DAY)])
    assert printed.exit_code == 0 and "试算平衡表" in printed.output and "30,000.00" in printed.output, printed.output
    assert CliRunner().invoke(settlement, ["balance", "--database", "postgresql://127.0.0.1:1/none"]).exit_code == 2
    _forge(database_url)
    assert CliRunner().invoke(settlement, ["balance", "--database", database_url]).exit_code == 1


def _forge(database_url: str) -> None:
    """Money comes back that nobody owes."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        state = encode(sample_document("settlement", RecoveryRecorded))
        connection.execute(
            "INSERT INTO settlement_events (notification_id, originator_id, originator_version, topic, state)"
            " VALUES (100000, %s, 99, 'RecoveryRecorded', %s)", (an_id(99), state),
        )  # fmt: skip
