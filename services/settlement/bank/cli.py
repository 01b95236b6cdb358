"""``tongdui settlement connect`` and ``reconcile``: what an agent runs between the platform and its bank."""

from __future__ import annotations

import hashlib
import logging
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

import typer
from rich.console import Console
from rich.table import Table

from services.settlement.bank.answers import Unreadable, read
from services.settlement.bank.connector import Connector, Pass
from services.settlement.bank.lines import Folders, Line, Mailbox, NotReached
from services.settlement.bank.platform_client import NotAllowed, NotAnswered, Settlement
from services.settlement.bank.reconciling import HEADINGS, cells, reconcile, workbook
from services.settlement.bank.spool import Spool
from shared.runtime.settings import Settings
from shared.runtime.tokens import DevelopmentOnly, issue

RIGHT, FOUND, UNCHECKED = 0, 1, 2
log = logging.getLogger("tongdui.bank")

AgentOption = Annotated[UUID, typer.Option(help="结算机构 · the agent's id")]
UrlOption = Annotated[str | None, typer.Option(help="平台地址 · the platform's address (TONGDUI_HOST, TONGDUI_PORT)")]
TokenOption = Annotated[
    str | None, typer.Option(envvar="TONGDUI_TOKEN", help="令牌 · of the agent; a development platform makes one")
]


def connect(
    agent: AgentOption,
    account: Annotated[str, typer.Option(help="账号 · the agent's account as its statements name it")],
    spool: Annotated[Path, typer.Option(help="工作目录 · outgoing, sent, incoming, done, aside")],
    mailbox: Annotated[str | None, typer.Option(help="银行邮箱 · URL of a bank that takes files by POST")] = None,
    customer: Annotated[str, typer.Option(help="客户号 · whose messages in the bank's mailbox are ours")] = "",
    out: Annotated[Path | None, typer.Option(help="发送目录 · where the bank's software takes files from")] = None,
    back: Annotated[Path | None, typer.Option(help="接收目录 · where it puts its messages")] = None,
    every: Annotated[float, typer.Option(min=0.05, help="间隔秒数 · seconds between two looks")] = 5.0,
    once: Annotated[bool, typer.Option(help="只运行一次 · one look, and the exit code")] = False,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """银行接入 · Released files to the bank, its answers into the platform; may be killed and started at any time.

    SIGUSR1: look now. With --once: exit 0, or 1 when a file was set aside for a person, 2 when the platform or the bank was
    not reached.
    """
    if (mailbox is None) == (out is None or back is None):
        raise typer.BadParameter("give --mailbox, or --out and --back")
    line: Line = Mailbox(mailbox, customer, spool / "taken") if mailbox else Folders(out, back)
    with _settlement(url, token, agent) as platform, _signals() as told:
        connector = Connector(platform, line, Spool(spool), agent, account)
        while True:
            code = _look(connector)
            if once:
                raise typer.Exit(code)
            if signal.SIGTERM in _told(told, every):
                return


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """What arrives by it are the numbers of signals: a handler that sets an event may meet the lock its own thread holds."""
    read, write = socket.socketpair()
    with read, write:
        write.setblocking(False)
        for number in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, lambda *_: None)
        before = signal.set_wakeup_fd(write.fileno(), warn_on_full_buffer=False)
        try:
            yield read
        finally:
            signal.set_wakeup_fd(before)


def _told(signals: socket.socket, within_seconds: float) -> bytes:
    ready, _, _ = select.select([signals], [], [], within_seconds)
    return signals.recv(1024) if ready else b""


def _look(connector: Connector) -> int:
    try:
        done = connector.run_once()
    except (NotAnswered, NotReached) as error:
        log.warning("%s; asked again", error)
        return UNCHECKED
    _tell(done)
    return FOUND if done.aside else RIGHT


def _tell(done: Pass) -> None:
    if done.did_something:
        typer.echo(
            f"取文件 fetched {len(done.fetched)}, 发送 sent {len(done.sent)}, 收到 arrived {len(done.arrived)}, 入账 recorded"
            f" {done.recorded}, 等待 waiting {len(done.waiting)}, 待人工 aside {', '.join(done.aside) or 0}"
        )


def reconcile_file(
    file: Annotated[Path, typer.Argument(help="对账单 · a camt.053")],
    agent: AgentOption,
    account: Annotated[str | None, typer.Option(help="账号 · the account it must be of")] = None,
    xlsx: Annotated[Path | None, typer.Option(help="输出文件 · the table as XLSX")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """对账 · A statement beside what was instructed: matched, or a break. Exit 1 on breaks, 2 when it cannot be read."""
    console = Console()
    try:
        answer = read(file.read_bytes())
        if account is not None and answer.statement is not None and answer.statement.account != account:
            raise Unreadable(f"the statement is of account {answer.statement.account}, not {account}")
        if answer.statement is not None:
            answer.statement.ensure_adds_up()
        with _settlement(url, token, agent) as platform:
            lines = reconcile(answer, platform.payouts())
    except (Unreadable, ValueError, OSError, NotAnswered) as error:
        Console(stderr=True).print(f"could not check: {error}", style="red", markup=False)
        raise typer.Exit(UNCHECKED) from error
    table = Table(title=f"对账单勾稽 {answer.statement.day if answer.statement else ''}")
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if "元" in heading else "left")
    for line in lines:
        table.add_row(*cells(line), style="red" if line.is_break else None)
    console.print(table)
    if xlsx is not None:
        workbook(lines).save(xlsx)
    breaks = sum(line.is_break for line in lines)
    console.print(f"{len(lines) - breaks} matched 相符, {breaks} breaks 不符")
    raise typer.Exit(FOUND if breaks else RIGHT)


def override_file(
    file: Annotated[Path, typer.Argument(help="对账单 · a camt.053 that was set aside")],
    agent: AgentOption,
    reason: Annotated[str, typer.Option(help="理由 · a code, as closing_confirmed_by_letter")],
    spool: Annotated[Path | None, typer.Option(help="工作目录 · where it is read again once two have said so")] = None,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """对账单放行 · Accept a statement that is refused whole; it counts when another person says the same. Exit 2 if refused."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    with _settlement(url, token, agent) as platform:
        answer = platform.command(f"agents/{agent}/statements/{digest}/override", {"reason": reason}, uuid4())
    if "events" not in answer:
        typer.echo(f"refused: {answer['detail']}", err=True)
        raise typer.Exit(UNCHECKED)
    overridden = any(event["type"] == "StatementOverridden" for event in answer["events"])
    if overridden and spool is not None:
        Spool(spool).move(file.name, "aside", "incoming")
    typer.echo("两人已确认 overridden by two persons" if overridden else "已登记,待另一人确认 another person has to say the same")


@contextmanager
def _settlement(url: str | None, token: str | None, agent: UUID) -> Iterator[Settlement]:
    """Whoever is not let in has nothing to do here."""
    settings = Settings()
    try:
        made = token or issue(settings, "connector", "agent", member_of=str(agent))
        yield Settlement(url or f"http://{settings.host}:{settings.port}", made)
    except (NotAllowed, DevelopmentOnly) as error:
        typer.echo(f"not let in: {error}", err=True)
        raise typer.Exit(UNCHECKED) from error
