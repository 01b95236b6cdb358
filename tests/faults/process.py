"""Faults of the platform's own processes."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from random import Random

import psycopg

from tests.faults.scene import Scene, is_stopped
from tests.processes import SERVICES

REBUILD = """
import sys, time
from services.voucher.views import VIEWS
from shared.runtime.projections import Projections
from shared.runtime.rebuild import Rebuild, RebuildImpossible
from shared.runtime.store import Store
projections = Projections(Store(sys.argv[1], "voucher"), VIEWS)
projections.create_tables()
rebuild = Rebuild(projections, "vouchers")
rebuild.rebuild()
for _ in range(200):
    try:
        compared = rebuild.compare()
        sys.exit(3) if compared.different else rebuild.switch()
        break
    except RebuildImpossible:  # the workers move on
        time.sleep(0.05)
else:
    sys.exit(4)
"""


async def killed(scene: Scene, chance: Random) -> None:
    """SIGKILL to one process at no special moment, and a start."""
    process = scene.platform.process_of(chance.choice(SERVICES))
    await scene.workload.more(chance.randint(1, 40))
    process.kill()
    process.start()


async def stopped(scene: Scene, chance: Random) -> None:
    """SIGSTOP to one process for one to four seconds."""
    process = scene.platform.process_of(chance.choice(SERVICES))
    process.signal(signal.SIGSTOP)
    await asyncio.sleep(chance.uniform(1, 4))
    process.signal(signal.SIGCONT)


async def rebuild_killed(scene: Scene, chance: Random) -> None:
    """A rebuild of a view, beside the live one, dies just before its table would be read; then another does it all."""
    url, environment = scene.platform.databases["voucher"], scene.platform.process_of("voucher").environment
    armed = {**environment, "TONGDUI_FAILPOINT": "rebuild.before_switch:kill"}
    died = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", REBUILD, url], env=armed)
    if died.returncode != -signal.SIGKILL:
        raise AssertionError(f"the rebuild ended with {died.returncode}")
    again = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", REBUILD, url], env=environment)
    if again.returncode:
        raise AssertionError(f"the rebuild after it ended with {again.returncode}")


async def zombie_relay(scene: Scene, chance: Random) -> None:
    """The leading relay falls asleep between a batch's acknowledgement and its cursor; a second one takes the lead and
    sends on; the first wakes up. It must send nothing and move nothing."""
    first, work = scene.platform.process_of("voucher"), scene.workload
    await first.ask_to_stop()
    first.start(TONGDUI_FAILPOINT=f"relay.after_ack:stop:{chance.randint(1, 10)}")
    await work.until(lambda: is_stopped(first), 60, "the relay asleep")
    async with scene.second("voucher", "worker"):
        with psycopg.connect(scene.platform.databases["voucher"], autocommit=True) as connection:

            def all_sent() -> bool:
                cursor, head = connection.execute(
                    "SELECT (SELECT cursor FROM voucher_relay), (SELECT position FROM voucher_head)"
                ).fetchone()
                return cursor == head

            await work.until(all_sent, 60, "the second relay sent everything")
        first.signal(signal.SIGCONT)
        await work.more(chance.randint(5, 30))
    await first.ask_to_stop()
    first.start()


async def zombie_consumer(scene: Scene, chance: Random) -> None:
    """A consumer sleeps past its session, another one goes on, the first wakes and delivers what it still holds."""
    first, work = scene.platform.process_of("settlement"), scene.workload
    async with scene.second("settlement", "worker"):
        await asyncio.sleep(chance.uniform(0, 2))
        first.signal(signal.SIGSTOP)
        with psycopg.connect(scene.platform.databases["settlement"], autocommit=True) as connection:
            begun = _seen(connection)
            await work.until(lambda: _seen(connection) > begun + 10, 60, "the second consumer went on")
        first.signal(signal.SIGCONT)
        await work.more(chance.randint(5, 30))


def _seen(connection: psycopg.Connection) -> int:
    found = connection.execute("SELECT (seen::json ->> 'voucher')::bigint FROM settlement_head").fetchone()
    return found[0] or 0
