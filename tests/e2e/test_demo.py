"""The pilot from application to payment, through the public commands, on each bus."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.invariants.checker import check
from tests.invariants.history import read_history

VOUCHERS = 30


async def play(bus: Any, out: Path) -> dict[str, Any]:
    """A run of the demo in a process of its own; what it left."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.cli", "demo", "--vouchers", str(VOUCHERS), "--bus", bus.name, "--out", str(out),
        env={**os.environ, **({"KAFKA_BOOTSTRAP_SERVERS": bus.bootstrap_servers} if bus.bootstrap_servers else {})},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()[-4000:]
    assert "一张创新券的始末" in output.decode()
    return json.loads((out / "summary.json").read_text())["regions"]


@pytest.fixture(scope="module")
def summaries() -> dict[str, Any]:
    return {}


async def test_every_invariant_holds_in_the_history_of_a_run(bus: Any, tmp_path: Path, summaries: dict[str, Any]) -> None:
    summaries[bus.name] = await play(bus, tmp_path / "out")
    history = read_history(tmp_path / "out" / "events.jsonl")
    report = check(history)
    assert report.findings == [], report.table()
    types = {fact.type for log in history.logs.values() for fact in log}
    assert types >= {
        "ApplicationRefused", "AllocationRefused", "VoucherWithdrawn", "VoucherExpired", "RedemptionReturned",
        "RedemptionResubmitted", "ObjectionUpheld", "ObjectionDismissed", "ApprovalWithdrawn", "PayoutSettled",
        "RedemptionSettled", "VoucherRedeemed", "SignalRaised", "SampleDrawn", "InspectionClosed", "ClawbackProposed", "ClawbackClosed",
        "SanctionDecided", "CreditRecordEntered", "EnterpriseBarred", "ProviderSuspended",
    }
    assert all(row["held_fen"] == 0 and row["paid_fen"] > 0 for row in summaries[bus.name].values())


def test_the_same_seed_gives_the_same_summary_on_both_buses(summaries: dict[str, Any]) -> None:
    assert set(summaries) == {"embedded", "kafka"}, "both runs above are needed"
    assert summaries["embedded"] == summaries["kafka"]
