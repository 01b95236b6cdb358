"""``python -m tests.faults.table [--seeds N] [NAME …]``: every fault with so many seeds, into ``docs/reliability.md``.

Rows are written one by one, so a run that is ended keeps what it has; named faults replace their rows only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import psutil

from shared.runtime.local_jars import NoLocalKafka
from shared.runtime.local_kafka import kafka_servers
from shared.runtime.local_postgres import temporary_postgres
from shared.runtime.local_program import end_what_was_started_on_sigterm
from shared.runtime.settings import Settings
from tests.faults.catalogue import FAULTS, Fault
from tests.faults.disk import NoSmallDisk
from tests.faults.place import scene_of
from tests.faults.rounds import Round, play

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
KEPT = Path(__file__).parent / "latest.json"
BEGIN, END = "<!-- the table: make faults -->", "<!-- end of the table -->"


@dataclass(frozen=True)
class Row:
    """One line. ``seconds`` to recover: median and worst. ``slowest_503``: seconds."""

    fault: str
    bus: str
    seeds: int
    acknowledged: int
    lost: int
    doubled: int
    wrong: int
    seconds: tuple[float, float]
    slowest_503: float | None
    said: str = ""


def row_of(fault: Fault, bus: str, rounds: Sequence[Round], said: str) -> Row:
    """``said``: why there are fewer rounds than asked for, or what was wrong."""
    verdicts = [one.verdict for one in rounds]
    seconds = [one.seconds for one in rounds] or [0.0]
    told = [sentence for v in verdicts for sentence in (*v.lost, *v.doubled, *v.wrong)]
    return Row(
        fault=fault.name,
        bus=bus,
        seeds=len(rounds),
        acknowledged=sum(one.acknowledged for one in rounds),
        lost=sum(len(v.lost) for v in verdicts),
        doubled=sum(len(v.doubled) for v in verdicts),
        wrong=sum(len(v.wrong) for v in verdicts),
        seconds=(median(seconds), max(seconds)),
        slowest_503=max((one.slowest_503 for one in rounds if one.slowest_503 is not None), default=None),
        said="; ".join([*told[:3], *([said] if said else [])]),
    )


async def played(fault: Fault, bus: str, seeds: int, server: object, brokers: str | None) -> Row:
    """One scene, one round a seed, the whole history checked after the last."""
    rounds: list[Round] = []
    said = ""
    with tempfile.TemporaryDirectory(prefix="tongdui-faults-") as directory:
        try:
            async with scene_of(fault, bus, Path(directory), server, brokers) as scene:
                for seed in range(1, seeds + 1):
                    rounds.append(await play(fault, scene, seed, invariants=seed in (1, seeds)))
                    print(f"  {fault.name}, {bus}: seed {seed}: {_told(rounds[-1])}", file=sys.stderr, flush=True)
        except (NoSmallDisk, NoLocalKafka) as error:
            said = f"not run: {error}"
        except (AssertionError, OSError, TimeoutError) as error:
            said = f"seed {len(rounds) + 1}: {error!r}"[:300]
            print(f"  {fault.name}, {bus}: {said}", file=sys.stderr, flush=True)
    return row_of(fault, bus, rounds, said)


def _told(one: Round) -> str:
    clean = "nothing lost or doubled" if one.verdict.clean else str(one.verdict)
    return f"{one.acknowledged} acknowledged, {clean}, back after {one.seconds:.1f} s"


async def run(seeds: int, names: Sequence[str]) -> int:
    """The exit code: 1 when anything was lost, doubled or did not come back."""
    rows = _kept() if names else {}
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="tongdui-broker-") as directory:
        server = stack.enter_context(temporary_postgres())
        brokers = stack.enter_context(kafka_servers(Settings(), Path(directory)))
        for fault, bus in _chosen(names):
            row = await played(fault, bus, seeds, server, brokers)
            rows[f"{row.fault}, {row.bus}"] = row
            _write(rows)
    return 1 if any(row.lost or row.doubled or row.wrong or row.seeds < seeds for row in rows.values()) else 0


def _chosen(names: Sequence[str]) -> Iterable[tuple[Fault, str]]:
    for fault in FAULTS:
        for bus in fault.buses:
            if not names or any(name in f"{fault.name}, {bus}" for name in names):
                yield fault, bus


def _kept() -> dict[str, Row]:
    if not KEPT.exists():
        return {}
    told = json.loads(KEPT.read_text())["rows"]
    return {f"{row['fault']}, {row['bus']}": Row(**{**row, "seconds": tuple(row["seconds"])}) for row in told}


def _write(rows: dict[str, Row]) -> None:
    """The rows as data beside this file, and as the page's table."""
    order = [f"{fault.name}, {bus}" for fault in FAULTS for bus in fault.buses]
    listed = [rows[key] for key in order if key in rows]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    report = {"measured_at": now, "machine": machine(), "rows": [asdict(row) for row in listed]}
    KEPT.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    page = PAGE.read_text()
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{table(listed)}\n\n{_footnote(report)}\n{END}{after}")


def table(rows: Sequence[Row]) -> str:
    """Markdown."""
    lines = [
        "| fault | bus | seeds | acknowledged | lost | doubled | seconds to recover, median (worst) | slowest 503 | |",
        "|---|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    for row in rows:
        slowest = "" if row.slowest_503 is None else f"{row.slowest_503:.2f} s"
        wrong = f"{row.wrong} wrong: " if row.wrong else ""
        lines.append(
            f"| {row.fault} | {row.bus} | {row.seeds} | {row.acknowledged:,} | {row.lost} | {row.doubled} |"
            f" {row.seconds[0]:.1f} ({row.seconds[1]:.1f}) | {slowest} | {wrong}{row.said} |"
        )
    return "\n".join(lines)


def machine() -> str:
    """What it was measured on, in a line."""
    gib = round(psutil.virtual_memory().total / 2**30)
    return f"{os.cpu_count()} cores, {gib} GiB, {platform.platform()}, Python {platform.python_version()}"


def _footnote(report: dict[str, object]) -> str:
    return f"Last row written {report['measured_at']} on {report['machine']}."


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.table", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("names", nargs="*", metavar="NAME", help="part of a fault's name; none: all")
    chosen = parser.parse_args(arguments)
    end_what_was_started_on_sigterm()
    started = time.monotonic()
    code = asyncio.run(run(chosen.seeds, chosen.names))
    print(f"{PAGE.name} written after {time.monotonic() - started:.0f} s", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
