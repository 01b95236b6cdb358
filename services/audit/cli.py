"""``tongdui audit``: what an auditor runs. Exit codes: 0 sound, 1 a finding, 2 it could not be checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from shared.runtime.settings import Settings

audit = typer.Typer(no_args_is_help=True, help="审计 · Verify the archive, get proofs and bundles, countersign.")

SOUND, FOUND, UNCHECKED = 0, 1, 2


@audit.command()
def verify(
    database: Annotated[str | None, typer.Option(help="审计库 · the audit service's database (TONGDUI_DATABASE_URL)")] = None,
    service: Annotated[list[str] | None, typer.Option(help="业务库 · NAME=URL of a service's own database; repeatable")] = None,
    witnessed: Annotated[list[Path] | None, typer.Option(help="见证 · a witness's checkpoints: a file or a folder")] = None,
    keys: Annotated[Path | None, typer.Option(help="公钥 · keys.json; without it the keys of this installation")] = None,
    release: Annotated[bool, typer.Option(help="解冻 · give proofs again of a frozen log in which nothing is found")] = False,
) -> None:
    """核验档案 · The whole archive: trees, checkpoints, gaps, chains of versions, and the services' own logs.

    Without --service the services' logs are looked for in the same database, as `tongdui up` has them. A log with a finding
    is frozen: its proofs are not given until it was looked at.
    """
    from services.audit.verify import CannotCheck, Sources, total_of, verify_archive
    from shared.runtime.checkpoints import BadCheckpoint, NoSigningKey

    settings = Settings()
    console = Console(stderr=True)
    try:
        url = database or settings.database_url
        if url is None:
            raise CannotCheck("set TONGDUI_DATABASE_URL, or give --database")
        services = _named(service) if service else dict.fromkeys(("registry", "voucher", "settlement"), url)
        sources = Sources(url, {**services, "audit": url}, _keys(keys, settings), _notes(witnessed or []))
        with _bar(console, total_of(url)) as told:
            verdict = verify_archive(sources, told)
        _freeze_or_release(url, verdict, release)
    except (CannotCheck, NoSigningKey, BadCheckpoint, psycopg.Error, OSError, ValueError) as error:
        console.print(f"could not check: {error}", style="red", markup=False)
        raise typer.Exit(UNCHECKED) from error
    _print(verdict)
    raise typer.Exit(FOUND if verdict.findings else SOUND)


def _keys(path: Path | None, settings: Settings) -> dict:
    from services.audit.key_files import log_keys
    from shared.runtime.checkpoints import verifier_of
    from shared.runtime.store import SERVICES

    if path is not None:
        return log_keys(path)
    return {service: verifier_of(settings, service) for service in SERVICES}


def _named(given: list[str]) -> dict[str, str]:
    named = dict(one.split("=", 1) for one in given if "=" in one)
    if len(named) != len(given) or not set(named) <= {"registry", "voucher", "settlement"}:
        raise ValueError("--service is registry=URL, voucher=URL or settlement=URL")
    return named


def _notes(paths: list[Path]) -> list[str]:
    """The checkpoints in these files, and in the files ``*.txt`` of these folders."""
    files = [file for path in paths for file in (sorted(path.rglob("*.txt")) if path.is_dir() else [path])]
    return [file.read_text(encoding="utf-8") for file in files]


@contextmanager
def _bar(console: Console, total: int) -> Iterator:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("核验", total=total)

        def told(source: str, count: int) -> None:
            progress.update(task, advance=count, description=f"核验 {source}")

        yield told


def _freeze_or_release(url: str, verdict, release: bool) -> None:
    """A finding freezes its log's proofs; the worker then records the signal."""
    from services.audit.comparing import Difference, freeze

    with psycopg.connect(url) as connection:
        if connection.execute("SELECT to_regclass('audit_frozen')").fetchone()[0] is None:
            return
        for source in sorted({finding.source for finding in verdict.findings}):
            first = verdict.first(source)
            freeze(connection, Difference(source, first.position or 1, first.what, f"{source}/verify/{first.position or 0}"))
        if release and not verdict.findings:
            connection.execute("DELETE FROM audit_frozen")


def _print(verdict) -> None:
    for line in verdict.checked:
        typer.echo(f"已核验 checked      {line}")
    for line in verdict.unchecked:
        typer.echo(f"未核验 NOT checked  {line}")
    for finding in verdict.findings:
        at = f" {finding.position}" if finding.position else ""
        typer.echo(f"发现 FOUND          {finding.source}{at}: {finding.what}")
    typer.echo("sound 无异常" if not verdict.findings else f"{len(verdict.findings)} findings 发现异常")
