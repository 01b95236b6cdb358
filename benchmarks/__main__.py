"""``python -m benchmarks [PATH …]``: measure, print the table, write ``latest.json`` beside this file."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.measure import Figure
from benchmarks.paths import PATHS
from benchmarks.stage import stage
from shared.runtime.collecting import keep_what_is_loaded

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- the table: make bench -->", "<!-- end of the table -->"
LATEST = Path(__file__).parent / "latest.json"
WIDTH = 170


def main(names: list[str]) -> int:
    """The exit code: 0 also where a ratio is missed (timings fail nothing), 2 for an unknown path."""
    unknown = [name for name in names if name not in PATHS]
    if unknown:
        print(f"no such path: {', '.join(unknown)}; there are {', '.join(PATHS)}", file=sys.stderr)
        return 2
    console = Console(stderr=True)
    keep_what_is_loaded()
    started = time.perf_counter()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="tongdui-bench-") as directory, stage(Path(directory)) as place:
        for name in names or PATHS:
            for figure in PATHS[name](place, lambda text, n=name: console.print(f"{n}: {text} …", style="dim")):
                figures.append(figure)
                console.print(_line(figure))
    seconds = time.perf_counter() - started
    Console(width=WIDTH).print(table(figures))
    if not names:
        report = _report(figures, seconds)
        LATEST.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n")
        write_page(report)
    return 0


def write_page(report: dict[str, Any]) -> None:
    """The table of ``docs/performance.md``."""
    machine = report["machine"]
    lines = [
        "| path | unit | measured | reference | ratio | spread | at least | |", "|---|---|--:|--:|--:|--:|--:|---|",
        *(_row(Figure(**{n: v for n, v in figure.items() if n not in ("ratio", "holds")})) for figure in report["figures"]),
        "", f"{report['measured_at']}, {report['seconds']} s, {machine['cores']} cores, {machine['memory_gib']} GiB,"
        f" {machine['system']}, Python {machine['python']}.",
    ]  # fmt: skip
    page = PAGE.read_text()
    PAGE.write_text(f"{page.split(BEGIN)[0]}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{page.split(END)[1]}")


def _row(figure: Figure) -> str:
    return "| " + " | ".join(cell.replace("\n  ", ": ") for cell in _cells(figure)) + " |"


def table(figures: list[Figure]) -> Table:
    """One row a figure."""
    drawn = Table(title="tongdui bench")
    for column in ("path", "unit", "measured", "reference", "ratio", "spread", "at least", ""):
        drawn.add_column(column, justify="left" if column in ("path", "unit", "") else "right")
    for figure in figures:
        drawn.add_row(*_cells(figure))
    return drawn


def _cells(figure: Figure) -> list[str]:
    mark = {True: "holds", False: "falls short", None: ""}[figure.holds]
    spread = f"{figure.spread[0]:.2f}–{figure.spread[1]:.2f}" if figure.spread else ""
    return [
        figure.path + (f"\n  {figure.note}" if figure.note else ""), figure.unit, f"{figure.subject:,.1f}",
        f"{figure.reference:,.1f}" if figure.reference else "", f"{figure.ratio:.2f}" if figure.ratio else "", spread,
        f"{figure.least:g}" if figure.least is not None else "", mark,
    ]  # fmt: skip


def _line(figure: Figure) -> str:
    return "  " + " · ".join(cell for cell in _cells(figure) if cell)


def _report(figures: list[Figure], seconds: float) -> dict[str, Any]:
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "seconds": round(seconds),
        "machine": {
            "cores": os.cpu_count(), "memory_gib": round(psutil.virtual_memory().total / 2**30),
            "system": platform.platform(), "python": platform.python_version(),
        },
        "figures": [figure.as_json() for figure in figures],
    }  # fmt: skip


def _commit() -> str | None:
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True)
    return found.stdout.strip() or None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
