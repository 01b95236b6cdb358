"""``tongdui settlement``: what an operator runs about the money. Exit codes: 0 right, 1 a finding, 2 it could not be checked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated
from uuid import UUID

import psycopg
import typer
from psycopg import Connection
from rich.console import Console
from rich.table import Table
from tongdui_events.codec import decode_event, decode_stamp

from services.settlement.bank.cli import connect, override_file, reconcile_file
from services.settlement.domain.books import BOOKED, Entry, Ledger, TrialBalance, evolve, trial_balance
from services.settlement.papers.cli import try_paper
from shared.kernel.money import yuan
from shared.runtime.settings import Settings

settlement = typer.Typer(no_args_is_help=True, help="兑付与拨付 · What the money did.")

RIGHT, FOUND, UNCHECKED = 0, 1, 2
KINDS = {"region_fund": "区域资金", "agent_clearing": "结算机构往来", "payee": "收款单位", "recovery": "应收追回"}


@settlement.callback()
def _money() -> None:
    """兑付与拨付 · What the money did."""


settlement.command()(connect)
settlement.command("reconcile")(reconcile_file)
settlement.command("override")(override_file)
settlement.command("paper")(try_paper)


@settlement.command()
def balance(
    on: Annotated[str | None, typer.Option(help="业务日 · YYYY-MM-DD, included; all days without it")] = None,
    region: Annotated[str | None, typer.Option(help="区域 · six digits; every region without it")] = None,
    database: Annotated[str | None, typer.Option(help="兑付库 · the settlement database (TONGDUI_DATABASE_URL)")] = None,
) -> None:
    """试算平衡 · The trial balance, from the log itself and not from a view. Exit 1 when it does not balance."""
    url = database or Settings().database_url
    console = Console()
    try:
        if url is None:
            raise ValueError("set TONGDUI_DATABASE_URL, or give --database")
        day = date.fromisoformat(on) if on else date.max
        with psycopg.connect(url, connect_timeout=5) as connection:
            found = trial_balance(_entries(connection, region), day)
    except (psycopg.Error, ValueError) as error:
        Console(stderr=True).print(f"could not check: {error}", style="red", markup=False)
        raise typer.Exit(UNCHECKED) from error
    console.print(_table(found, on))
    for finding in found.findings:
        console.print(finding, style="red", markup=False)
    raise typer.Exit(FOUND if found.findings else RIGHT)


def _entries(connection: Connection[tuple[UUID, str, bytes]], region: str | None) -> Iterator[Entry]:
    """Every entry of the log, stream by stream."""
    with connection.cursor(name="books") as cursor:
        cursor.itersize = 5_000
        cursor.execute(
            "SELECT originator_id, topic, state FROM settlement_events WHERE topic = ANY(%s)"
            " ORDER BY originator_id, originator_version",
            ([cls.__name__ for cls in BOOKED],),
        )
        stream, ledger = None, Ledger()
        for originator_id, topic, state in cursor:
            if originator_id != stream:
                yield from _of_region(ledger, region)
                stream, ledger = originator_id, Ledger()
            ledger = evolve(ledger, decode_event("settlement", topic, bytes(state)), decode_stamp(bytes(state)))
        yield from _of_region(ledger, region)


def _of_region(ledger: Ledger, region: str | None) -> Iterator[Entry]:
    return (entry for entry in ledger.entries if region in (None, entry.debit.region))


def _table(found: TrialBalance, on: str | None) -> Table:
    table = Table(title=f"试算平衡表 {on or ''}".strip(), caption="元")
    for name in ("科目", "区域", "单位"):
        table.add_column(name)
    for name in ("借方", "贷方", "借方余额", "贷方余额"):
        table.add_column(name, justify="right")
    for line in found.lines:
        kind, region, party = line.account
        debit, credit = max(line.balance_fen, 0), max(-line.balance_fen, 0)
        table.add_row(KINDS[kind], region, party, *map(yuan, (line.debit_fen, line.credit_fen, debit, credit)))
    left = sum(max(line.balance_fen, 0) for line in found.lines)
    right = sum(max(-line.balance_fen, 0) for line in found.lines)
    table.add_section()
    table.add_row("合计", "", "", *map(yuan, (found.debit_fen, found.credit_fen, left, right)))
    return table
