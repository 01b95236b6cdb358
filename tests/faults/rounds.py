"""One fault, one seed: work, strike, recover, rest, judge."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random

import psycopg

from tests.faults.catalogue import Fault
from tests.faults.scene import Scene
from tests.faults.verdict import Verdict, verdict

#: acknowledgements before the strike, at least and at most
WARMING_UP = (5, 60)
AFTERWARDS = 20


@dataclass(frozen=True)
class Round:
    """What one seed showed. ``seconds``: from the end of the fault until a command asked for afterwards was
    acknowledged and its events were in the archive. ``slowest_503``: seconds, None when none was answered."""

    seed: int
    acknowledged: int
    seconds: float
    slowest_503: float | None
    verdict: Verdict


async def play(fault: Fault, scene: Scene, seed: int, invariants: bool = True) -> Round:
    """Raises AssertionError when the platform does not come back."""
    chance = Random(f"{fault.name}/{seed}")
    work = scene.workload
    before, unavailable = len(work.acknowledged), len(work.unavailable)
    work.resume()
    await work.more(chance.randint(*WARMING_UP))
    await fault.strike(scene, chance)
    over = time.monotonic()
    await _recovered(scene, over)
    seconds = time.monotonic() - over
    await work.more(AFTERWARDS)
    await work.pause()
    await scene.platform.wait_quiet(60)
    judged = verdict(scene.platform.databases, work.acknowledged, invariants)
    answered = work.unavailable[unavailable:]
    return Round(seed, len(work.acknowledged) - before, seconds, max(answered, default=None), judged)


async def _recovered(scene: Scene, over: float, within: float = 90) -> None:
    """A voucher command asked for after the fault is acknowledged, and audit has its events."""
    work = scene.workload

    def after() -> int | None:
        later = [one.position for one in work.acknowledged if one.service == "voucher" and one.asked_at > over]
        return later[0] if later else None

    await work.until(lambda: after() is not None, within, "a command acknowledged after the fault")
    position = after()
    with psycopg.connect(scene.platform.databases["audit"], autocommit=True) as connection:

        def archived() -> bool:
            there = "SELECT 1 FROM audit_archive WHERE source = 'voucher' AND position = %s"
            return connection.execute(there, (position,)).fetchone() is not None

        await work.until(archived, within, "its events in the archive")
