"""The settlement agent's bank: a process that others wrote, and the platform's own connector between it and settlement.

The bank's clock goes with the days of the pilot. Every file that passes between the two stays in the connector's folders.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import chinese_calendar
import httpx
from stdnum import iban

from services.demo.cast import AGENT_ID, AGENT_NAME, FIRST_DAY, YEAR
from services.demo.client import PATIENCE_SECONDS, NotQuiet
from services.demo.stage import OwnStage, StageFailed, running
from shared.runtime.local_program import free_port

_ACCOUNT = {"name": AGENT_NAME, "account": "3105016636000012", "bank_code": "105290068016"}
_CUSTOMER = "AGENT"
_BBAN = _ACCOUNT["account"].zfill(18)
_IBAN = f"CN{iban.calc_check_digits(f'CN00{_BBAN}')}{_BBAN}"
_AGAIN_SECONDS = 1.0

ENVIRONMENT = {"TONGDUI_BANK_PAYERS": json.dumps({str(AGENT_ID): _ACCOUNT}, ensure_ascii=False)}
"""What the services are told: the agent pays by files of a bank."""


class Bank:
    """``look()`` lets the connector carry what waits on either side, and returns when nothing does."""

    def __init__(self, url: str, spool: Path, connector_pid: int) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=30)
        self._spool = spool
        self._pid = connector_pid
        self._released: set[str] = set()

    async def close(self) -> None:
        await self._http.aclose()

    async def open(self) -> None:
        """The agent's account, empty; the bank keeps the country's holidays."""
        account = {
            "id": _CUSTOMER, "iban": _IBAN, "account_number": _ACCOUNT["account"], "name": _ACCOUNT["name"], "currency": "CNY",
            "balance": 0,
        }
        await self._ask("POST", "/_mock/accounts", json=account)
        days = (date(YEAR, 1, 1) + timedelta(days=number) for number in range(365))
        await self._ask("PUT", "/_mock/holidays", json=[str(day) for day in days if not chinese_calendar.is_workday(day)])

    def is_open(self, day: date) -> bool:
        """No bank books on a weekend that is worked elsewhere."""
        return day.weekday() < 5 and chinese_calendar.is_workday(day)

    async def next_day(self) -> None:
        await self._ask("POST", "/_mock/advance", params={"days": "1"})
        await self.look()

    async def receive(self, payer: str, fen: int, reference: str) -> None:
        """A region's money arrives on the agent's account."""
        credit = {"account": _CUSTOMER, "amount": fen, "debtor": {"name": payer}, "reference": reference}
        await self._ask("POST", "/_mock/credits", json=credit)
        await self.look()

    async def pay(self, batch_id: str, behaviour: str = "accept", **parameters: Any) -> None:
        """A released batch goes to the bank, which deals with it in one of its ways."""
        self._released.add(f"{batch_id.replace('-', '')}.xml")
        told = {"behaviour": behaviour, **({"parameters": parameters} if parameters else {})}
        await self._ask("PATCH", f"/_mock/accounts/{_CUSTOMER}", json=told)
        await self.look()

    async def look(self) -> None:
        """Raises NotQuiet with what is left."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        asked = 0.0
        while left := await self._left():
            if time.monotonic() > deadline:
                raise NotQuiet(f"the bank's connector did not come to rest in {PATIENCE_SECONDS:.0f} s: {left}")
            if time.monotonic() - asked > _AGAIN_SECONDS:
                os.kill(self._pid, signal.SIGUSR1)
                asked = time.monotonic()
            await asyncio.sleep(0.005)

    async def _left(self) -> list[str]:
        """By name: batches not sent, messages not fetched, answers not acted on."""
        left = sorted(self._released - _names(self._spool / "sent"))
        left += sorted(_names(self._spool / "incoming"))
        if not left:
            messages = (await self._ask("GET", "/_mock/mailbox", params={"leave": ""})).json()
            taken = set((self._spool / "taken").read_text().split()) if (self._spool / "taken").exists() else set()
            left = [one["type"] for one in messages if one["account"] in (None, _CUSTOMER) and str(one["id"]) not in taken]
        return left

    async def balance_fen(self) -> int:
        return int((await self._ask("GET", f"/_mock/accounts/{_CUSTOMER}")).json()["balance"])

    async def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        answer = await self._http.request(method, path, **request)
        answer.raise_for_status()
        return answer


@contextmanager
def bank_of_the_agent(place: OwnStage) -> Iterator[Bank]:
    """The bank and the connector running; both are stopped by their process ids."""
    with ExitStack() as stack:
        port, spool = free_port(), place.papers / "agent"
        command = [
            sys.executable, "-m", "mockbank", "--port", str(port), "--clock", f"{FIRST_DAY}T09:00",
            "--timezone", "Asia/Shanghai", "--db", str(place.directory / "bank.sqlite"), "-q",
        ]  # fmt: skip
        stack.enter_context(running(command, place.environment, place.directory / "bank.log"))
        url = f"http://127.0.0.1:{port}"
        _wait(lambda: _answers(url), "the bank")
        process = stack.enter_context(running(_connect(place, url, spool), place.environment, place.directory / "connector.log"))
        _wait((spool / "aside").is_dir, "the connector")
        yield Bank(url, spool, process.pid)


def _connect(place: OwnStage, bank_url: str, spool: Path) -> list[str]:
    """It looks when it is asked to, once a pilot's day."""
    return [
        sys.executable, "-m", "services.cli", "settlement", "connect", "--agent", str(AGENT_ID), "--account", _IBAN,
        "--spool", str(spool), "--mailbox", bank_url, "--customer", _CUSTOMER, "--every", "600",
        "--url", place.urls["settlement"],
    ]  # fmt: skip


def keep_papers(papers: Path, out: Path) -> None:
    """Every file and list that was exchanged, by who exchanged it."""
    for source in sorted(papers.rglob("*")):
        target = out / source.relative_to(papers)
        if source.is_file() and not source.name.startswith("."):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/_mock/health").status_code == 200
    except httpx.TransportError:
        return False


def _wait(holds: Any, what: str, within_seconds: float = 60) -> None:
    deadline = time.monotonic() + within_seconds
    while not holds():
        if time.monotonic() > deadline:
            raise StageFailed(f"{what} did not become ready within {within_seconds:.0f} s")
        time.sleep(0.02)
