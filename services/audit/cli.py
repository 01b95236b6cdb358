"""``tongdui audit``: what an auditor runs. Exit codes: 0 sound, 1 a finding, 2 it could not be checked."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.audit.platform_client import PATIENCE_SECONDS, NotAnswered, Platform
from shared.runtime.settings import Settings
from shared.runtime.tokens import DevelopmentOnly

audit = typer.Typer(no_args_is_help=True, help="审计 · Verify the archive, get proofs and bundles, countersign.")

SOUND, FOUND, UNCHECKED = 0, 1, 2
UrlOption = Annotated[str | None, typer.Option(help="平台地址 · the platform's address (TONGDUI_HOST, TONGDUI_PORT)")]
TokenOption = Annotated[
    str | None, typer.Option(envvar="TONGDUI_TOKEN", help="令牌 · of an auditor or officer; a development platform makes one")
]


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
    is frozen: its proofs are not given until it was looked at. That no checkpoint is signed by the keys freezes nothing.
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


@audit.command()
def bundle(
    case: Annotated[str, typer.Argument(help="案件 · the voucher's id, or KIND/KEY as enterprise/USCC or region/310118")],
    out: Annotated[Path, typer.Option(help="输出文件 · FILE.zip")],
    purpose: Annotated[str, typer.Option(help="用途 · why; it is recorded")],
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """案卷 · One case, or every event of a party, a region or a list, as a file that proves itself.

    Check it with services/audit/verify_bundle.py.
    """
    with _platform(url, token) as platform:
        of = f"streams/{case}" if "/" in case else f"cases/{case}"
        out.write_bytes(platform.get(f"/audit/v1/{of}/bundle", purpose=purpose))
    typer.echo(out)


@audit.command()
def keys(
    out: Annotated[Path, typer.Option(help="输出文件 · keys.json")], url: UrlOption = None, token: TokenOption = None
) -> None:
    """公钥 · The keys and newest checkpoints as the platform states them now; pass them on another way than what they check."""
    with _platform(url, token) as platform:
        out.write_bytes(platform.get("/audit/v1/keys"))
    typer.echo(out)


@audit.command()
def proof(
    source: Annotated[str, typer.Argument(help="日志 · registry, voucher, settlement or audit")],
    position: Annotated[int | None, typer.Option(help="位置 · that this event is in the log")] = None,
    first: Annotated[int | None, typer.Option(help="起始规模 · that the log continues its first so many events")] = None,
    size: Annotated[int | None, typer.Option(help="检查点规模 · against an earlier checkpoint")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """证明 · An inclusion proof (--position) or a consistency proof (--first), as text."""
    if (position is None) == (first is None):
        raise typer.BadParameter("give --position or --first")
    with _platform(url, token) as platform:
        if position is not None:
            text = platform.get(f"/audit/v1/logs/{source}/proofs/inclusion", position=position, size=size)
        else:
            text = platform.get(f"/audit/v1/logs/{source}/proofs/consistency", first=first, second=size)
    typer.echo(text.decode(), nl=False)


@audit.command()
def witness(
    log: Annotated[str, typer.Option(help="日志地址 · http://HOST/audit/v1/logs/voucher")],
    key: Annotated[Path, typer.Option(help="见证人私钥 · Ed25519, PEM; made where there is none")],
    name: Annotated[str | None, typer.Option(help="见证人名称 · the key file's name without it")] = None,
    known: Annotated[Path | None, typer.Option("--keys", help="公钥 · keys.json; without it the platform's word")] = None,
    seen: Annotated[Path | None, typer.Option(help="已见检查点 · a folder; beside the key without it")] = None,
    token: TokenOption = None,
) -> None:
    """见证 · Countersign what a log shows now, if it continues what it showed before. Exit 1: it does not."""
    from services.audit.witness import TwoHistories, load_or_make_key
    from services.audit.witness import witness as look
    from shared.runtime.checkpoints import BadCheckpoint, VerifierKey

    base, _, source = log.rstrip("/").partition("/audit/v1/logs/")
    with _platform(base, token) as platform:
        try:
            private = load_or_make_key(key)
            told = json.loads(known.read_text(encoding="utf-8") if known else platform.get("/audit/v1/keys"))
            if known is None:
                typer.echo("the log's key is the platform's own word: give --keys", err=True)
            shown = _Shown(platform, source)
            done = look(shown, VerifierKey.parse(told["logs"][source]), name or key.stem, private,
                        seen or key.parent / f"{key.stem}.seen", int(time.time()))  # fmt: skip
        except TwoHistories as finding:
            typer.echo(f"发现 FOUND: {finding}", err=True)
            raise typer.Exit(FOUND) from finding
        except (BadCheckpoint, OSError, ValueError, KeyError) as error:
            typer.echo(f"could not check: {error}", err=True)
            raise typer.Exit(UNCHECKED) from error
        body = {"size": done.checkpoint.size, "key": done.key, "line": done.line}
        platform.post(f"/audit/v1/logs/{source}/cosignatures", body)
    typer.echo(f"{done.checkpoint.origin} {done.checkpoint.size} (before: {done.before}) countersigned by {done.key}")


class _Shown:
    """A log as the platform shows it."""

    def __init__(self, platform: Platform, source: str) -> None:
        self._platform = platform
        self._path = f"/audit/v1/logs/{source}"

    def checkpoint(self) -> str:
        return self._platform.get(f"{self._path}/checkpoint").decode()

    def consistency(self, first: int, second: int) -> str:
        return self._platform.get(f"{self._path}/proofs/consistency", first=first, second=second).decode()


@contextmanager
def _platform(url: str | None, token: str | None) -> Iterator[Platform]:
    """The platform's API. What it refuses or does not answer ends the command with 2."""
    settings = Settings()
    try:
        with Platform(url or f"http://{settings.host}:{settings.port}", token, settings, _waits) as platform:
            yield platform
    except (NotAnswered, DevelopmentOnly) as error:
        typer.echo(f"could not check: {error}", err=True)
        raise typer.Exit(UNCHECKED) from error


def _waits(why: str) -> None:
    typer.echo(f"等待 WAITING up to {PATIENCE_SECONDS:.0f} s: {why}", err=True)


def _keys(path: Path | None, settings: Settings) -> dict[str, Any]:
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
def _bar(console: Console, total: int) -> Iterator[Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("核验", total=total)

        def told(source: str, count: int) -> None:
            progress.update(task, advance=count, description=f"核验 {source}")

        yield told


def _freeze_or_release(url: str, verdict: Any, release: bool) -> None:
    """A finding freezes its log's proofs; the worker then records the signal. Keys of another installation freeze nothing."""
    from services.audit.comparing import Difference, freeze

    with psycopg.connect(url) as connection:
        if connection.execute("SELECT to_regclass('audit_frozen')").fetchone()[0] is None:
            return
        for source in sorted({finding.source for finding in verdict.findings}):
            first = verdict.first(source)
            if first is not None:
                cause = f"{source}/verify/{first.position or 0}"
                freeze(connection, Difference(source, first.position or 1, first.what, cause))
        if release and not verdict.findings:
            connection.execute("DELETE FROM audit_frozen")


def _print(verdict: Any) -> None:
    for line in verdict.checked:
        typer.echo(f"已核验 checked      {line}")
    for line in verdict.unchecked:
        typer.echo(f"未核验 NOT checked  {line}")
    for finding in verdict.findings:
        at = f" {finding.position}" if finding.position else ""
        typer.echo(f"发现 FOUND          {finding.source}{at}: {finding.what}")
    typer.echo("sound 无异常" if not verdict.findings else f"{len(verdict.findings)} findings 发现异常")
