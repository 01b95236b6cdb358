"""``tongdui whatif``: history under other terms, from the audit archive or a file of events. Touches nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import psycopg
import typer
from pydantic import ValidationError
from pydantic_core import from_json
from rich.console import Console
from rich.table import Table
from tongdui_events.codec import decode_event, decode_stamp
from tongdui_events.policy import PolicyTerms

from services.audit.domain.what_if import TYPES, OtherTerms, Outcome, Trial
from shared.kernel.money import yuan
from shared.runtime.settings import Settings

ORDER = ("registry", "settlement", "voucher")
WANTED = frozenset(cls.__name__ for cls in TYPES)
SHOWN = 20


class Line(NamedTuple):
    """One recorded event."""

    source: str
    position: int
    type: str
    state: bytes


def whatif(
    region: Annotated[str, typer.Option(help="区域 · the region whose terms are tried, six digits")],
    terms: Annotated[Path | None, typer.Option(help="条款 · a JSON file: the members of the terms that change")] = None,
    version: Annotated[int | None, typer.Option(help="版本 · a version of the region's terms, in its stead")] = None,
    since: Annotated[str | None, typer.Option("--from", help="起 · decisions from this day on; all without it")] = None,
    events: Annotated[Path | None, typer.Option(help="事件文件 · events.jsonl; the archive without it")] = None,
    out: Annotated[Path | None, typer.Option(help="输出 · every differing case, as JSON")] = None,
) -> None:
    """政策推演 · Whose outcome would differ under other terms, and by how much money. Reads only.

    Without --events it reads the audit archive in TONGDUI_DATABASE_URL.
    """
    if (terms is None) == (version is None):
        raise typer.BadParameter("give --terms FILE or --version N")
    with _lines(events) as read:
        first = [line for line in read("registry") if line.type == "PolicyAdopted"]
        other = _other_terms(region, terms, version, date.fromisoformat(since) if since else date.min, first)
        outcomes = run(read, other)
    if out is not None:
        told = [_told(one) for one in outcomes if one.region == region and one.reproduced and one.differs]
        out.write_text(json.dumps(told, ensure_ascii=False, indent=1))
    _show([one for one in outcomes if one.region == region])


def run(read: Any, other: OtherTerms) -> list[Outcome]:
    """``read(source)`` gives the lines of a log in its order."""
    trial = Trial(other)
    for source in ORDER:
        for line in read(source):
            if line.type in WANTED:
                event = decode_event(source, line.type, line.state)
                trial.feed(line.position, decode_stamp(line.state), event)
    return trial.finish()


def _other_terms(
    region: str, file: Path | None, version: int | None, since: date, adopted: list[Line]
) -> OtherTerms:
    """The terms in force with the file's members in their stead, or those of a version."""
    changed: dict[str, Any] = from_json(file.read_bytes()) if file else {}
    unknown = set(changed) - set(PolicyTerms.model_fields)
    if unknown:
        raise typer.BadParameter(f"the terms have no {', '.join(sorted(unknown))}")
    versions = {
        event.version: event.terms
        for event in (decode_event("registry", "PolicyAdopted", line.state) for line in adopted)
        if event.region == region
    }
    if version is not None and version not in versions:
        raise typer.BadParameter(f"{region} has versions {', '.join(map(str, sorted(versions))) or 'none'}")

    def other(of: str, day: date, in_force: PolicyTerms) -> PolicyTerms:
        if of != region or day < since:
            return in_force
        if version is not None:
            return versions[version]
        try:
            return PolicyTerms.model_validate({**in_force.model_dump(), **changed})
        except ValidationError as error:
            raise typer.BadParameter(str(error)) from error

    return other


@contextmanager
def _lines(file: Path | None) -> Iterator[Any]:
    if file is not None:
        yield lambda source: _of_file(file, source)
        return
    url = Settings().database_url
    if not url:
        raise typer.BadParameter("set TONGDUI_DATABASE_URL to the audit service's database, or give --events FILE")
    with psycopg.connect(url) as connection:
        # one moment for all logs, and nothing can be written by mistake
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield lambda source: _of_archive(connection, source)


def _of_file(file: Path, source: str) -> Iterator[Line]:
    with file.open("rb") as lines:
        for line in lines:
            if b'"source":"%b"' % source.encode() in line[:40].replace(b" ", b""):
                read = from_json(line)
                event = read["event"]
                yield Line(source, read["position"], event["type"], json.dumps(event).encode())


def _of_archive(connection: psycopg.Connection[Any], source: str) -> Iterator[Line]:
    with connection.cursor(name=f"whatif_{source}", binary=True) as cursor:
        cursor.itersize = 5000
        cursor.execute(
            "SELECT position, type, state FROM audit_archive WHERE source = %s AND type = ANY(%s) ORDER BY position",
            (source, sorted(WANTED)),
        )
        for position, type_name, state in cursor:
            yield Line(source, position, type_name, state)


def _told(one: Outcome) -> dict[str, Any]:
    return {
        "voucher_id": str(one.voucher_id), "enterprise_uscc": one.enterprise_uscc, "was_fen": one.was_fen,
        "would_fen": one.would_fen, "paid_fen": one.paid_fen, "would_pay_fen": one.would_pay_fen,
    }


def _show(outcomes: list[Outcome]) -> None:
    console = Console()
    sure = [one for one in outcomes if one.reproduced]
    differing = sorted((one for one in sure if one.differs), key=lambda one: -abs(one.would_fen - one.was_fen))
    table = Table(title="结果不同的案件(元)")
    for name in ("创新券", "原核定", "推演核定", "原兑付", "推演兑付"):
        table.add_column(name, justify="left" if name == "创新券" else "right")
    for one in differing[:SHOWN]:
        would_pay = "未知" if one.would_pay_fen is None else yuan(one.would_pay_fen)
        table.add_row(str(one.voucher_id), yuan(one.was_fen), yuan(one.would_fen), yuan(one.paid_fen), would_pay)
    console.print(table)
    allocated = sum(one.would_fen - one.was_fen for one in sure)
    paid = sum((one.would_pay_fen or 0) - one.paid_fen for one in sure)
    console.print(f"案件 {len(outcomes)},结果不同 {len(differing)},核定合计差 {yuan(allocated)} 元,兑付合计差 {yuan(paid)} 元")
    left_out = len(outcomes) - len(sure)
    if left_out:
        console.print(f"未能按原条款复算,未列入: {left_out}")
