"""The pilot from application to payment, through the public commands, on each bus."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e import three_ways
from tests.e2e.conftest import DemoOf
from tests.invariants.checker import check
from tests.invariants.history import read_history


@pytest.fixture(scope="module")
def summaries() -> dict[str, Any]:
    return {}


async def test_every_invariant_holds_in_the_history_of_a_run(bus: Any, demo_of: DemoOf, summaries: dict[str, Any]) -> None:
    out = await demo_of(bus)
    summaries[bus.name] = json.loads((out / "summary.json").read_text())["regions"]
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
        "ClawbackClosed", "OffsetTaken", "WindowSettled",
        "SanctionDecided", "CreditRecordEntered", "EnterpriseBarred", "ProviderSuspended",
    }
    assert all(row["held_fen"] == 0 and row["paid_fen"] > 0 for row in summaries[bus.name].values())


def test_the_same_seed_gives_the_same_summary_on_both_buses(summaries: dict[str, Any]) -> None:
    assert set(summaries) == {"embedded", "kafka"}, "both runs above are needed"
    assert summaries["embedded"] == summaries["kafka"]
