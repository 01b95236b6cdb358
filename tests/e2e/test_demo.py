"""The pilot from application to payment, through the public commands, on each bus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.conftest import BusUnderTest
from tests.e2e import three_ways
from tests.e2e.conftest import DemoOf
from tests.invariants.checker import check
from tests.invariants.history import read_history


def regions(out: Path) -> dict[str, Any]:
    """What the run says of each region."""
    return json.loads((out / "summary.json").read_text())["regions"]


async def test_every_invariant_holds_in_the_history_of_a_run(bus: Any, demo_of: DemoOf) -> None:
    out = await demo_of(bus)
    history = read_history(out / "events.jsonl")
    report = check(history)
    assert report.findings == [], report.table()
    three_ways.agree(out / "events.jsonl")
    methods = {fact["method"] for fact in history.of("settlement", "RecoveryRecorded")}
    assert methods >= {"treasury", "offset"}
    types = {fact.type for log in history.logs.values() for fact in log}
    assert types >= {
        "ApplicationRefused", "AllocationRefused", "VoucherWithdrawn", "VoucherExpired", "RedemptionReturned",
        "RedemptionResubmitted", "ObjectionUpheld", "ObjectionDismissed", "ApprovalWithdrawn", "PayoutSettled",
        "RedemptionSettled", "VoucherRedeemed", "SignalRaised", "SampleDrawn", "InspectionClosed", "ClawbackProposed",
        "ClawbackClosed", "OffsetTaken", "WindowSettled", "PayoutReturned", "BatchAnswered",
        "SanctionDecided", "CreditRecordEntered", "EnterpriseBarred", "ProviderSuspended",
    }
    exchanged = out / "bank"
    assert not list((exchanged / "agent" / "aside").glob("*")), "the bank said nothing that nobody could act on"
    assert len(list((exchanged / "agent" / "sent").iterdir())) > 2
    lists = [path.name for path in exchanged.glob("treasury/*/*.xlsx")]
    assert len(lists) > 2 and sum("结果清单" in name for name in lists) * 2 == len(lists)
    assert _money_at_the_bank(history) == 0, "the agent keeps nothing of what the regions sent"
    assert all(row["held_fen"] == 0 and row["paid_fen"] > 0 for row in regions(out).values())


def _money_at_the_bank(history: Any) -> int:
    """What the agent got less what it paid, in fen."""
    channel = {fact["payout_id"]: fact["channel"] for fact in history.of("settlement", "PayoutScheduled")}

    def through_the_agent(kind: str) -> int:
        facts = history.of("settlement", kind)
        return sum(fact["amount_fen"] for fact in facts if channel[fact["payout_id"]] == "agent")

    got = sum(fact["amount_fen"] for fact in history.of("settlement", "FundingReceived"))
    return got + through_the_agent("PayoutReturned") - through_the_agent("PayoutSettled")


async def test_the_same_seed_gives_the_same_summary_on_both_buses(demo_of: DemoOf, kafka_servers: str) -> None:
    embedded, kafka = BusUnderTest("embedded", None, ""), BusUnderTest("kafka", kafka_servers, "")
    assert regions(await demo_of(embedded)) == regions(await demo_of(kafka))
