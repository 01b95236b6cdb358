"""``python -m tests.faults.soak [--minutes N]``: work for half an hour; memory and descriptors of each process stay flat.

The writer's cache is made small, so that what grows is not what a cache is for.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from shared.runtime.local_kafka import kafka_servers
from shared.runtime.local_postgres import temporary_postgres
from shared.runtime.local_program import end_what_was_started_on_sigterm
from shared.runtime.settings import Settings
from tests.faults.scene import Scene, scene
from tests.faults.table import ROOT, machine
from tests.faults.workload import withdrawn_again

SAMPLE_SECONDS = 10.0
#: what a business day lasts here: what is kept for a day must go with it
DAY_SECONDS = 60.0
SETTINGS = {"TONGDUI_STATE_CAPACITY": "5000"}
#: growth from the second third to the last that is still flat: a share of the memory, and descriptors
FLAT_SHARE, FLAT_DESCRIPTORS = 0.05, 3
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- the soak: make soak -->", "<!-- end of the soak -->"


@dataclass
class Samples:
    """Of one process, in order: resident MiB and open descriptors."""

    memory: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)

    def take(self, process: psutil.Process) -> None:
        self.memory.append(process.memory_info().rss / 2**20)
        self.descriptors.append(process.num_fds())

    def thirds(self, values: Sequence[float]) -> tuple[float, float, float]:
        third = len(values) // 3
        first, second, last = (median(values[n * third : (n + 1) * third]) for n in range(3))
        return first, second, last

    @property
    def told(self) -> str:
        """What became of the process: a dead one has no memory."""
        if 0 in self.memory:
            return "**died**"
        return "flat" if self.flat else "grows"

    @property
    def flat(self) -> bool:
        _, before, after = self.thirds(self.memory)
        _, opened, open_now = self.thirds(self.descriptors)
        return after <= before * (1 + FLAT_SHARE) and open_now <= opened + FLAT_DESCRIPTORS


async def soak(place: Scene, seconds: float) -> dict[str, Samples]:
    """By process name, while work goes on."""
    processes = {name: psutil.Process(process.popen.pid) for name, process in place.platform.processes.items()}
    samples = {name: Samples() for name in processes}
    place.workload.resume()
    ends = time.monotonic() + seconds
    next_day = time.monotonic() + DAY_SECONDS
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task("soak", total=seconds)
        while (left := ends - time.monotonic()) > 0:
            await asyncio.sleep(min(SAMPLE_SECONDS, left))
            for name, process in processes.items():
                samples[name].take(process)
            acknowledged = len(place.workload.acknowledged)
            bar.update(task, completed=seconds - left, description=f"{acknowledged:,} acknowledged")
            await place.workload.more(1)
            if time.monotonic() >= next_day:
                await place.workload.next_day()
                next_day = time.monotonic() + DAY_SECONDS
    await place.workload.pause()
    return samples


def table(samples: dict[str, Samples], acknowledged: int, minutes: float) -> str:
    cache = SETTINGS["TONGDUI_STATE_CAPACITY"]
    lines = [
        f"{minutes:g} minutes, {acknowledged:,} commands acknowledged, a cache of {cache} streams; medians by thirds.", "",
        "| process | MiB | descriptors | |", "|---|--:|--:|---|",
    ]  # fmt: skip
    for name, taken in samples.items():
        memory = " → ".join(f"{value:.0f}" for value in taken.thirds(taken.memory))
        descriptors = " → ".join(f"{value:.0f}" for value in taken.thirds(taken.descriptors))
        lines.append(f"| {name} | {memory} | {descriptors} | {taken.told} |")
    return "\n".join(lines)


async def run(minutes: float) -> int:
    """The exit code: 1 when a process grows."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tongdui-soak-")))
        server = stack.enter_context(temporary_postgres())
        brokers = stack.enter_context(kafka_servers(Settings(), directory / "kafka"))
        async with scene("kafka", directory, server, brokers, settings=SETTINGS, steps=withdrawn_again) as place:
            samples = await soak(place, minutes * 60)
            text = table(samples, len(place.workload.acknowledged), minutes)
    page = PAGE.read_text()
    PAGE.write_text(f"{page.split(BEGIN)[0]}{BEGIN}\n{text}\n\nOn {machine()}.\n{END}{page.split(END)[1]}")
    print(text)
    return 0 if all(taken.told == "flat" for taken in samples.values()) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    chosen = parser.parse_args()
    end_what_was_started_on_sigterm()
    sys.exit(asyncio.run(run(chosen.minutes)))
