"""The platform with payments of one agent, a real mock-bank beside it, and the connector between them as its own process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import uvicorn
from stdnum import iban
from tongdui_events.document import Event
from tongdui_events.payments import PayoutScheduled
from tongdui_events.samples import sample
from tongdui_events.settlement import (
    Invoice,
    InvoiceClaimed,
    PublicityPassed,
    RedemptionApproved,
    RedemptionRequested,
    RedemptionReviewed,
    ReviewOpened,
)
from tongdui_events.streams import invoice_id
from tongdui_events.voucher import AllocationConfirmed, VoucherCollected, VoucherIssued, VoucherPresented, VoucherTendered

from services.settlement.bank.connector import Connector
from services.settlement.bank.desk import BANK, BankAccount
from services.settlement.bank.lines import Mailbox
from services.settlement.bank.platform_client import Settlement
from services.settlement.bank.spool import Spool
from services.settlement.domain.redemption import payout_id
from shared.runtime.local_program import free_port
from shared.runtime.service import Service
from shared.runtime.settings import Settings
from shared.runtime.web import build_platform_app
from tests.integration.people_world import (
    AGENT,
    COMPANY,
    DAY,
    NOTICE,
    OTHER_LABORATORY,
    REGION,
    People,
    Record,
    an_id,
    people,
    told,
)
from tests.processes import eventually

PAID_FEN = 3_000_000
AGENTS_ACCOUNT, PAYEES_ACCOUNT = "3105016636000012", "6222000000000173"
CUSTOMER, BALANCE_FEN = "AGENT", 100_000_000
CASES = 4


def case_of(number: int) -> tuple[UUID, UUID, UUID]:
    """(voucher, redemption, payout) of a payment of the world, from 1."""
    redemption = an_id(200 + number)
    return an_id(100 + number), redemption, payout_id(redemption, NOTICE)


def vouchers_told() -> list[tuple[UUID, Event]]:
    parties = {"enterprise_uscc": COMPANY, "provider_uscc": OTHER_LABORATORY, "region": REGION, "mode": "tongdui"}
    history: list[tuple[UUID, Event]] = []
    for number in range(1, CASES + 1):
        voucher, redemption, _ = case_of(number)
        lines = [{"line_no": 1, "eligible_fen": 10_000_000, "ratio_bp": 3000, "amount_fen": PAID_FEN}]
        history += [
            (voucher, told(VoucherIssued, voucher_id=voucher, **parties, listing_province="31", policy_version=1)),
            (voucher, told(AllocationConfirmed, voucher_id=voucher, **parties, amount_fen=PAID_FEN, lines=lines, holds=(),
                           policy_version=1)),
            (voucher, VoucherTendered(voucher_id=voucher)), (voucher, VoucherCollected(voucher_id=voucher)),
            (voucher, VoucherPresented(voucher_id=voucher, redemption_id=redemption, allocation_fen=PAID_FEN)),
        ]  # fmt: skip
    return history


def invoice_of(number: int) -> Invoice:
    """Each payment is backed by an invoice of its own."""
    return sample(RedemptionRequested).invoices[0].model_copy(update={"number": f"2631200000000000{number:04d}"})


def payments_due() -> list[tuple[UUID, Event]]:
    history: list[tuple[UUID, Event]] = []
    for number in range(1, CASES + 1):
        voucher, redemption, payout = case_of(number)
        about = {"redemption_id": redemption, "voucher_id": voucher, "region": REGION, "payee_uscc": OTHER_LABORATORY}
        parties = {"enterprise_uscc": COMPANY, "provider_uscc": OTHER_LABORATORY, "region": REGION, "mode": "tongdui"}
        invoice = invoice_of(number)
        history += [
            (redemption, told(RedemptionRequested, redemption_id=redemption, voucher_id=voucher, claimed_fen=PAID_FEN,
                              invoices=(invoice.model_dump(),), **parties)),
            (invoice_id(invoice.number), InvoiceClaimed(number=invoice.number, redemption_id=redemption,
                                                        allotted_fen=invoice.allotted_fen, total_fen=invoice.total_fen)),
            (redemption, ReviewOpened(redemption_id=redemption, voucher_id=voucher)),
            (redemption, told(RedemptionReviewed, redemption_id=redemption, amount_fen=PAID_FEN)),
            (redemption, told(RedemptionApproved, **about, amount_fen=PAID_FEN)),
            (redemption, told(PublicityPassed, redemption_id=redemption, notice_id=NOTICE)),
            (payout, told(PayoutScheduled, payout_id=payout, **about, amount_fen=PAID_FEN, offset_fen=0, offset_clawback_id=None,
                          channel="agent")),
        ]  # fmt: skip
    return history


class MockBank:
    """mock-bank as a process of its own, its clock moved by the test."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx.AsyncClient(base_url=self.url, timeout=20)
        command = [
            sys.executable, "-m", "mockbank", "--port", str(self.port), "--clock", f"{DAY}T09:00", "--timezone", "Asia/Shanghai",
            "--db", str(directory / "bank.sqlite"), "-q",
        ]  # fmt: skip
        self.process = subprocess.Popen(command)

    async def open(self) -> None:
        """The agent's account and the laboratory's."""

        async def answers() -> bool:
            try:
                return (await self.http.get("/_mock/health")).status_code == 200
            except httpx.TransportError:
                return False

        await eventually(answers, 30, "mock-bank answers")
        for name, number, balance in ((CUSTOMER, AGENTS_ACCOUNT, BALANCE_FEN), ("LAB", PAYEES_ACCOUNT, 0)):
            account = {"id": name, "iban": _iban(number), "account_number": number, "name": name, "currency": "CNY",
                       "balance": balance}  # fmt: skip
            answer = await self.http.post("/_mock/accounts", json=account)
            assert answer.status_code in (200, 201), answer.text

    async def behave(self, account: str, behaviour: str, **parameters: Any) -> None:
        await self.change(account, behaviour=behaviour, **({"parameters": parameters} if parameters else {}))

    async def change(self, account: str, **fields: Any) -> None:
        answer = await self.http.patch(f"/_mock/accounts/{account}", json=fields)
        assert answer.status_code == 200, answer.text

    async def advance(self, days: int = 1) -> None:
        answer = await self.http.post("/_mock/advance", params={"days": str(days)})
        assert answer.status_code == 200, answer.text

    async def booked(self, end_to_end_id: str) -> list[dict[str, Any]]:
        """Every booking of one payment."""
        answer = await self.http.get(f"/_mock/payments/{end_to_end_id}", params={"all": ""})
        return [one for one in answer.json() if one["booked_at"]] if answer.status_code == 200 else []

    async def stop(self) -> None:
        await self.http.aclose()
        self.process.terminate()
        self.process.wait(timeout=15)


def _iban(number: str) -> str:
    text = number.zfill(18)
    return f"CN{iban.calc_check_digits(f'CN00{text}')}{text}"


class BankWorld:
    """``days`` go by together on the platform and at the bank."""

    def __init__(self, world: People, bank: MockBank, url: str, directory: Path) -> None:
        self.world = world
        self.bank = bank
        self.url = url
        self.spool = directory / "spool"
        self.day = DAY
        self._agent = world.bearer("clearer-1", "agent", {"member_of": str(AGENT)})
        self._environment = {
            **os.environ, "TONGDUI_TOKEN": self._agent["Authorization"].removeprefix("Bearer "),
            "TONGDUI_STATE_DIR": str(directory),
        }

    # -- the platform ----------------------------------------------------------------------------

    async def release(self, *numbers: int, status: int = 200) -> str:
        """A batch with these payments; its message id."""
        batch = uuid4()
        opened = {"batch_id": str(batch), "payer": str(AGENT), "channel": "agent"}
        answer = await self.world.call("POST", "/settlement/v1/batches", self._agent, opened)
        assert answer.status_code == 200, answer.text
        ids = [str(case_of(number)[2]) for number in numbers]
        answer = await self.world.call("POST", f"/settlement/v1/batches/{batch}/release", self._agent, {"payout_ids": ids})
        assert answer.status_code == status, answer.text
        await self.world.rest()
        return batch.hex

    async def payout(self, number: int) -> dict[str, Any]:
        await self.world.rest()
        answer = await self.world.call("GET", f"/settlement/v1/payouts/{case_of(number)[2]}", self._agent)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def states(self, numbers: Sequence[int] = range(1, CASES + 1)) -> list[str]:
        return [(await self.payout(number))["state"] for number in numbers]

    async def batch(self, message_id: str) -> dict[str, Any]:
        await self.world.rest()
        answer = await self.world.call("GET", f"/settlement/v1/batches/{UUID(message_id)}", self._agent)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def redemption(self, number: int) -> str:
        headers = self.world.bearer("officer", "regional_officer", {"region": REGION})
        answer = await self.world.call("GET", f"/settlement/v1/redemptions/{case_of(number)[1]}", headers)
        return answer.json()["state"]

    async def recorded(self, event_type: str) -> int:
        """How many events of a type settlement's log has."""
        with self.world.runtimes["settlement"].store.connect() as connection:
            statement = "SELECT count(*) FROM settlement_events WHERE topic = %s"
            return connection.execute(statement, (event_type,)).fetchone()[0]

    async def ensure_the_end_is_right(self) -> None:
        """However it went: the books say what the payments say, and the bank has booked no attempt twice."""
        rows = [await self.payout(number) for number in range(1, CASES + 1)]
        paid = sum(row["amount_fen"] for row in rows if row["state"] == "settled")
        books = (await self.world.call("GET", "/settlement/v1/books", self._agent)).json()
        assert books["findings"] == [] and books["debit_fen"] == books["credit_fen"], books
        balances = {item["kind"]: item["balance_fen"] for item in books["items"] if item["party"] in ("", OTHER_LABORATORY)}
        assert (balances.get("agent_clearing", 0), balances.get("payee", 0)) == (-paid, paid), books
        for row in rows:
            for end_to_end_id in filter(None, (row.get("end_to_end_id"), *row.get("earlier", ()))):
                assert len(await self.bank.booked(end_to_end_id)) <= 1, end_to_end_id

    async def next_day(self, days: int = 1) -> None:
        """The bank's clock and the platform's days."""
        for _ in range(days):
            self.day += timedelta(days=1)
            await self.bank.advance()
            await self.open_day(self.day)

    async def open_day(self, day: date) -> None:
        headers = self.world.bearer("operator-1", "operator", {})
        answer = await self.world.call("POST", "/registry/v1/days", headers, {"date": day.isoformat()})
        assert answer.status_code == 200, answer.text
        await self.world.rest()

    # -- the connector ---------------------------------------------------------------------------

    async def connect(self) -> tuple[int, str]:
        """One look of the connector, over HTTP: (exit code, what it did)."""
        line = Mailbox(self.bank.url, CUSTOMER, self.spool / "taken")
        settlement = Settlement(self.url, self._environment["TONGDUI_TOKEN"])
        connector = Connector(settlement, line, Spool(self.spool), AGENT, _iban(AGENTS_ACCOUNT))
        done = await asyncio.to_thread(connector.run_once)
        await self.world.rest()
        return (1 if done.aside else 0), str(done)

    async def connect_process(self, failpoint: str | None = None) -> tuple[int, str]:
        """One look of the connector in a process of its own, killed at a line: (exit code, what it said)."""
        command = [
            sys.executable, "-m", "services.cli", "settlement", "connect", "--agent", str(AGENT),
            "--account", _iban(AGENTS_ACCOUNT), "--spool", str(self.spool), "--mailbox", self.bank.url, "--customer", CUSTOMER,
            "--url", self.url, "--once",
        ]  # fmt: skip
        environment = self._environment | ({"TONGDUI_FAILPOINT": f"{failpoint}:kill"} if failpoint else {})
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        output, _ = await asyncio.wait_for(process.communicate(), 120)
        if failpoint:
            assert process.returncode == -signal.SIGKILL, output.decode()
        await self.world.rest()
        return int(process.returncode or 0), output.decode()

    async def reconcile(self, statement: Path, *more: str) -> tuple[int, str]:
        """The command over a statement: (exit code, what it said)."""
        return await self._run("reconcile", str(statement), *more)

    async def override(self, name: str, person: str) -> tuple[int, str]:
        """One of the agent's people accepts a statement that was set aside: (exit code, what it said)."""
        token = self.world.bearer(person, "agent", {"member_of": str(AGENT)})["Authorization"].removeprefix("Bearer ")
        path = self.spool / "aside" / name
        return await self._run("override", str(path), "--reason", "confirmed_by_letter", "--spool", str(self.spool), token=token)

    async def _run(self, *arguments: str, token: str | None = None) -> tuple[int, str]:
        command = [sys.executable, "-m", "services.cli", "settlement", *arguments, "--agent", str(AGENT), "--url", self.url]
        told = {"COLUMNS": "200", **({"TONGDUI_TOKEN": token} if token else {})}
        process = await asyncio.create_subprocess_exec(
            *command, env=self._environment | told, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        output, _ = await asyncio.wait_for(process.communicate(), 120)
        return int(process.returncode or 0), output.decode()

    def arrive(self, name: str, content: bytes) -> None:
        """An answer that came some other way than the bank's mailbox."""
        folder = self.spool / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    def aside(self) -> dict[str, str]:
        """What was set aside, and why."""
        folder = self.spool / "aside"
        return {path.name.removesuffix(".why.txt"): path.read_text() for path in sorted(folder.glob("*.why.txt"))}

    def folder(self, name: str) -> list[str]:
        return sorted(path.name for path in (self.spool / name).iterdir())


def _without_a_stand_in(service: Service) -> Service:
    """A real bank answers."""
    return replace(service, sweeps=[sweep for sweep in service.sweeps if sweep.name != "stand_in_bank"])


@asynccontextmanager
async def bank_world(database_url: str, directory: Path) -> AsyncIterator[BankWorld]:
    """Four payments of one agent are due, its account and the payee's are at the bank."""
    BANK.payers[str(AGENT)] = BankAccount(name="示例清算有限公司", account=AGENTS_ACCOUNT, bank_code="105290068016")
    async with AsyncExitStack() as stack:
        stack.callback(BANK.payers.pop, str(AGENT))
        bank = MockBank(directory)
        stack.push_async_callback(bank.stop)
        settings = Settings(state_dir=directory, database_url=database_url, clock="simulated")
        world = await people(database_url, settings, stack, _without_a_stand_in)
        Record.history |= {"vouchers_told": vouchers_told(), "payments_due": payments_due()}
        await world.record("voucher", "vouchers_told")
        await world.record("settlement", "payments_due")
        await _account(world)
        url = await _served(world, stack)
        await bank.open()
        paying = BankWorld(world, bank, url, directory)
        yield paying
        await paying.ensure_the_end_is_right()


async def _account(world: People) -> None:
    """The laboratory names its account, another of its people confirms it; the number goes into the private table."""
    path = f"/settlement/v1/accounts/{OTHER_LABORATORY}"
    stated = {"account_number": PAYEES_ACCOUNT, "bank_code": "102290002916"}
    for sub, step, body in (("lab-1", "", stated), ("lab-2", "/confirm", {})):
        answer = await world.call("POST", path + step, world.bearer(sub, "provider", {"uscc": OTHER_LABORATORY}), body)
        assert answer.status_code == 200, answer.text


async def _served(world: People, stack: AsyncExitStack) -> str:
    """The platform's API on a real port, as the connector's process reaches it."""
    port = free_port()
    app = build_platform_app(list(world.runtimes.values()))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="off"))
    task = asyncio.create_task(server.serve())

    async def stopped() -> None:
        server.should_exit = True
        await task

    stack.push_async_callback(stopped)
    await eventually(_started(server), 30, "the API is served")
    return f"http://127.0.0.1:{port}"


def _started(server: uvicorn.Server) -> Any:
    async def started() -> bool:
        return server.started

    return started
