"""The demo: the pilot on simulated days. A client of the services' public commands only."""

from __future__ import annotations

import asyncio
from pathlib import Path

from services.demo.pilot import Pilot
from services.demo.report import Logs, print_report, write_out
from services.demo.stage import Stage, stage


def main(vouchers: int, seed: int, bus: str, out: Path | None) -> int:
    """Play the pilot with so many vouchers; the exit code. ``out``: where events.jsonl, summary.json, case.zip
    and keys.json go."""
    with stage(bus) as place:
        logs, bundle, keys = asyncio.run(_play(place, vouchers, seed))
    print_report(logs)
    if out is not None:
        write_out(out, logs)
        (out / "case.zip").write_bytes(bundle)
        (out / "keys.json").write_bytes(keys)
    return 0


async def _play(place: Stage, vouchers: int, seed: int) -> tuple[Logs, bytes, bytes]:
    pilot = Pilot(place, vouchers, seed)
    try:
        await pilot.play()
        logs = await pilot.logs()
        return logs, *await pilot.supervision.bundle()
    finally:
        await pilot.client.close()
