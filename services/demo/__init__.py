"""The demo: the pilot on simulated days. A client of the services' public commands only."""

from __future__ import annotations

import asyncio
from pathlib import Path

from services.demo.bank import ENVIRONMENT, Bank, bank_of_the_agent, keep_papers
from services.demo.pilot import Pilot
from services.demo.report import Logs, print_report, write_out
from services.demo.stage import OwnStage, stage


def main(vouchers: int, seed: int, bus: str, out: Path | None) -> int:
    """Play the pilot with so many vouchers; the exit code. ``out``: where events.jsonl, summary.json, case.zip,
    keys.json and what was exchanged with the bank and the treasuries (bank/) go."""
    with stage(bus, ENVIRONMENT) as place, bank_of_the_agent(place) as bank:
        logs, bundle, keys = asyncio.run(_play(place, bank, vouchers, seed))
        if out is not None:
            keep_papers(place.papers, out / "bank")
    print_report(logs)
    if out is not None:
        write_out(out, logs)
        (out / "case.zip").write_bytes(bundle)
        (out / "keys.json").write_bytes(keys)
    return 0


async def _play(place: OwnStage, bank: Bank, vouchers: int, seed: int) -> tuple[Logs, bytes, bytes]:
    pilot = Pilot(place, bank, vouchers, seed)
    try:
        await bank.open()
        await pilot.play()
        logs = await pilot.logs()
        return logs, *await pilot.supervision.bundle()
    finally:
        await bank.close()
        await pilot.client.close()
