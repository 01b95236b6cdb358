"""``tongdui registry import KIND FILE``."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TextIO

import psycopg
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from services.importing.bulk import Bulk, Import, Report, Verdict
from services.importing.kinds import KINDS
from services.platform import service_named
from shared.kernel.commands import Principal
from shared.runtime.clock import clock_of
from shared.runtime.errors import NoBusinessDay
from shared.runtime.settings import Settings
from shared.runtime.store import Store
from shared.runtime.tables import Row, Unreadable, row_count, rows_of

BAD, IMPOSSIBLE = 1, 2
MOST_NAMED = 20

registry = typer.Typer(no_args_is_help=True, help="登记 · Lists into the registry.")


class KindName(StrEnum):
    """Which list."""

    enterprises = "enterprises"
    providers = "providers"
    catalogue = "catalogue"
    policies = "policies"
    local_support = "local-support"


@registry.callback()
def _group() -> None:
    """登记 · Lists into the registry."""


@registry.command("import")
def import_(
    kind: Annotated[KindName, typer.Argument(help="名单 · which list")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV (UTF-8, GB18030) or XLSX")],
    by: Annotated[str, typer.Option(help="经办人 · who imports: the actor of every event")],
    region: Annotated[str | None, typer.Option(help="区域代码 · six digits; for a province two")] = None,
    year: Annotated[int | None, typer.Option(help="年度 · the year of a catalogue")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="入库 · record; without it everything is only tried")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="跳过错行 · record the good rows of a list with bad ones")] = False,
    report: Annotated[Path | None, typer.Option(help="逐行结果 · a CSV file with the verdict on every row")] = None,
) -> None:
    """导入 · Check a list row by row, and with --apply record it: all rows or, with --skip-bad, the good ones."""
    settings = Settings()
    if settings.database_url is None:
        _stop("TONGDUI_DATABASE_URL is not set")
    chosen = KINDS[kind.value]
    role = "provincial_officer" if region is not None and len(region) == 2 else "regional_officer"
    constants: dict[str, Any] = {"year": year} if chosen.whole else {}
    if chosen.whole and role == "regional_officer" and region is not None:
        constants["region"] = region
    store = Store(settings.database_url, chosen.service)
    job = Import(chosen, Principal(sub=by, role=role, region=region), constants)
    try:
        with _verdicts(report) as tell:
            bulk = Bulk(store, service_named(chosen.service), clock_of(settings))
            found = bulk.run(job, _shown(file), tell, apply=apply, skip_bad=skip_bad)
    except (Unreadable, NoBusinessDay, psycopg.OperationalError) as error:
        _stop(str(error))
    finally:
        store.close()
    _say(found, apply)
    raise typer.Exit(BAD if found.bad and not (apply and skip_bad) else 0)


def _shown(file: Path) -> Iterator[Row]:
    """The rows, with a bar on the terminal."""
    columns = (TextColumn(file.name), BarColumn(), TextColumn("{task.completed}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(file.name, total=row_count(file))
        for row in rows_of(file):
            yield row
            bar.advance(task)


@contextmanager
def _verdicts(path: Path | None) -> Iterator[Any]:
    """Writes every verdict to the report, and names the first bad rows on standard error."""
    named = 0
    with path.open("w", encoding="utf-8-sig", newline="") if path else _nowhere() as file:
        writer = csv.writer(file)
        writer.writerow(("行", "结果", "说明"))

        def tell(verdict: Verdict) -> None:
            nonlocal named
            writer.writerow(verdict)
            if verdict.is_bad:
                named += 1
                if named <= MOST_NAMED:
                    print(f"第{verdict.number}行 {verdict.code}: {verdict.text}", file=sys.stderr)

        yield tell
    if named > MOST_NAMED:
        print(f"… {named - MOST_NAMED} more", file=sys.stderr)


@contextmanager
def _nowhere() -> Iterator[TextIO]:
    with Path("/dev/null").open("w") as file:
        yield file


def _say(report: Report, apply: bool) -> None:
    counts = ", ".join(f"{code} {number:,}" for code, number in sorted(report.counts.items())) or "no rows"
    hint = "" if apply else " (--apply records 加 --apply 入库)"
    ending = "recorded 已入库" if report.done else f"nothing recorded 未入库{hint}"
    print(f"{counts}: {ending}")


def _stop(text: str) -> None:
    print(text, file=sys.stderr)
    raise typer.Exit(IMPOSSIBLE)
