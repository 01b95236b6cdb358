"""The demo: the pilot on simulated days. A client of the services' public commands only."""

from __future__ import annotations

import asyncio
from pathlib import Path

from services.demo.pilot import Pilot
from services.demo.report import Logs, print_report, write_out
from services.demo.stage import Stage, stage


def main(vouchers: int, seed: int, bus: str, out: Path | None) -> int:
    """Play the pilot with so many vouchers; the exit code. ``out``: where events.jsonl and summary.json go."""
    with stage(bus) as place:
        logs = asyncio.run(_play(place, vouchers, seed))
    print_report(logs)
    if out is not None:
        write_out(out, logs)
    return 0


async def _play(place: Stage, vouchers: int, seed: int) -> Logs:
    pilot = Pilot(place, vouchers, seed)
    try:
        await pilot.play()
        return await pilot.logs()
    finally:
        await pilot.client.close()
