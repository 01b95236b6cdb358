"""64 callers over two writer processes of one service, killed by chance, who compete for companies' years and contract lines."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid5

import httpx

from services.demo.casebook import Case
from services.demo.cast import FIRST_DAY, REGIONS, YUAN, digest, enterprise_of, laboratory_of
from services.demo.client import Client, Person
from services.demo.opening import OPERATOR, list_laboratories, register_companies, set_up_regions
from services.demo.stage import Stage
from shared.runtime.local_postgres import DatabaseServer
from shared.runtime.local_program import free_port
from shared.runtime.tokens import issue
from tests.faults.linearizable import Operation, ceiling, linearizable, one_owner
from tests.processes import Platform, Process, answers, eventually

NAMESPACE = UUID("9c0f4f0e-2c55-5d0f-8d5e-7f3f6d0a1b11")
MAANSHAN = REGIONS[3]
CALLERS = 64
COMPANIES = 16
LIMIT_FEN = MAANSHAN.year_cap_yuan * YUAN
CONTRACT_NUMBERS = 6
"""Few a company, so that several vouchers want one contract line."""
NOT_TWICE = "contract_line_already_claimed"


@dataclass
class Race:
    """``years`` and ``lines``: what was asked and answered, by company and by contract line. ``wrong``: in words."""

    years: dict[int, list[Operation]] = field(default_factory=lambda: defaultdict(list))
    lines: dict[tuple[int, str], list[Operation]] = field(default_factory=lambda: defaultdict(list))
    acknowledged: list[tuple[UUID, int, tuple[str, ...]]] = field(default_factory=list)
    kills: int = 0

    def judge(self) -> list[str]:
        """Histories that could not have happened one at a time."""
        wrong = [f"the year of company {key}" for key, ops in self.years.items() if not linearizable(ops, ceiling(LIMIT_FEN), 0)]
        wrong += [f"contract line {key}" for key, ops in self.lines.items() if not linearizable(ops, one_owner(), "")]
        return wrong


@dataclass(frozen=True)
class Answer:
    """A final one: ``code`` None for 200."""

    code: str | None
    events: list[dict[str, Any]]
    begun: float
    ended: float


class Racers:
    """The callers. Each asks either process, and the other when one does not answer."""

    def __init__(self, platform: Platform, urls: list[str], chance: Random) -> None:
        self.platform = platform
        self.urls = urls
        self.chance = chance
        self.race = Race()
        self.running = True
        self._numbers = count(1)
        self._tokens: dict[Person, str] = {}
        self._http = httpx.AsyncClient(timeout=5, limits=httpx.Limits(max_connections=2 * CALLERS))

    async def close(self) -> None:
        await self._http.aclose()

    async def one(self) -> None:
        """A caller: vouchers of companies drawn by chance, some of them given back."""
        held: list[tuple[int, UUID, str, int]] = []
        while self.running:
            if held and self.chance.random() < 0.4:
                await self._give_up(*held.pop(self.chance.randrange(len(held))))
            else:
                kept = await self._voucher(self.chance.randrange(COMPANIES))
                held += [kept] if kept else []

    async def fill(self, company: int) -> str | None:
        """Take exactly what is left of a company's year; why it was refused, or None."""
        held = sum(amount for amount in _held(self.race.years[company]))
        left = LIMIT_FEN - held
        while left > 0:
            share = min(left, MAANSHAN.cap_yuan * YUAN)
            answer = await self._allocated(company, next(self._numbers), share)
            if answer is None:
                return f"{left} fen of company {company}'s year were left and could not be held"
            left -= share
        return None

    async def _voucher(self, company: int) -> tuple[int, UUID, str, int] | None:
        number = next(self._numbers)
        amount = self.chance.randrange(10_000, 60_000) * YUAN
        contract_no = f"合-{self.chance.randrange(CONTRACT_NUMBERS)}"
        return await self._allocated(company, number, amount, contract_no)

    async def _allocated(
        self, company: int, number: int, amount: int, contract_no: str | None = None
    ) -> tuple[int, UUID, str, int] | None:
        """From the application to the allocation of just so much; None when the line or the year was refused."""
        voucher, person = uuid5(NAMESPACE, f"{id(self.platform)}/{number}"), enterprise_of(MAANSHAN, company).enterprise
        provider = laboratory_of("32", 1)
        path, no = f"/voucher/v1/vouchers/{voucher}", contract_no or f"末-{number}"
        await self._ask(person, "/voucher/v1/vouchers", {
            "voucher_id": str(voucher), "provider_uscc": provider.uscc, "mode": "tongyong", "purpose": "检测",
        })  # fmt: skip
        claim = await self._ask(provider.provider, f"{path}/contract", _contract(no, amount))
        self._note(self.race.lines[company, no], ("claim", str(voucher)), claim, NOT_TWICE)
        if claim.code:
            return None
        await self._ask(person, f"{path}/contract/acknowledge", {})
        said = await self._ask(MAANSHAN.centre("allocation"), f"{path}/allocation", {})
        held = any(event["type"] == "AllocationConfirmed" for event in said.events)
        self.race.years[company].append(Operation(("hold", amount), held, said.begun, said.ended))
        if not held:
            await self._give_up(company, voucher, no, 0)
            return None
        return company, voucher, no, amount

    async def _give_up(self, company: int, voucher: UUID, no: str, amount: int) -> None:
        person = enterprise_of(MAANSHAN, company).enterprise
        said = await self._ask(person, f"/voucher/v1/vouchers/{voucher}/withdraw", {})
        if said.code:
            raise AssertionError(f"withdrawal refused: {said.code}")
        self._note(self.race.lines[company, no], ("give up", str(voucher)), said, None)
        if amount:
            self._note(self.race.years[company], ("release", amount), said, None)

    @staticmethod
    def _note(history: list[Operation], asked: Any, said: Answer, refusal: str | None) -> None:
        if said.code not in (None, refusal):
            raise AssertionError(f"{asked}: {said.code}")
        history.append(Operation(asked, said.code is None, said.begun, said.ended))

    async def _ask(self, person: Person, path: str, body: dict[str, Any]) -> Answer:
        """Of either process under one id, until one answers for good."""
        key = uuid5(NAMESPACE, f"{path}/{body}")
        headers = {"Authorization": f"Bearer {self._token(person)}", "Idempotency-Key": str(key)}
        begun = time.monotonic()
        while True:
            try:
                answer = await self._http.post(self.chance.choice(self.urls) + path, json=body, headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code != 503:
                return self._answered(key, answer, begun)
            await asyncio.sleep(0.05)

    def _answered(self, key: UUID, answer: httpx.Response, begun: float) -> Answer:
        said, ended = answer.json(), time.monotonic()
        if answer.status_code != 200:
            return Answer(said["code"], [], begun, ended)
        self.race.acknowledged.append((key, said["position"], tuple(event["event_id"] for event in said["events"])))
        return Answer(None, said["events"], begun, ended)

    def _token(self, person: Person) -> str:
        if person not in self._tokens:
            self._tokens[person] = issue(
                self.platform.settings, sub=person.sub, role=person.role, region=person.region, uscc=person.uscc,
                member_of=person.member_of,
            )  # fmt: skip
        return self._tokens[person]


def _held(history: list[Operation]) -> list[int]:
    signs = {"hold": 1, "release": -1}
    return [signs[one.asked[0]] * one.asked[1] for one in history if one.answered]


def _contract(contract_no: str, amount: int) -> dict[str, Any]:
    """One whose allocation is ``amount``: the price is that by the region's ratio of three tenths, rounded up."""
    price = -(-amount * 10_000 // MAANSHAN.ratio_bp["testing"])
    line = {
        "line_no": 1, "item_code": "T01", "category": "testing", "description": "检测", "amount_fen": price, "tax_bp": 600,
    }  # fmt: skip
    return {
        "contract_no": contract_no, "signed_on": str(FIRST_DAY), "document_sha256": digest(contract_no), "lines": [line],
    }  # fmt: skip


async def _open(platform: Platform) -> None:
    """The region with money enough that only companies' years are short."""
    client = Client(Stage(platform.urls, platform.settings), 1)
    cases = [
        Case(
            number=n, kind="ordinary", region=MAANSHAN, enterprise=enterprise_of(MAANSHAN, n % COMPANIES),
            provider=laboratory_of("32", 1), mode="tongyong", item="T01", category="testing", amount_fen=400_000 * YUAN,
            tax_bp=600, start=0, performed_fen=0, contract_no="",
        )
        for n in range(COMPANIES * 40)
    ]  # fmt: skip
    await client.post(OPERATOR, "/registry/v1/days", {"date": str(FIRST_DAY)})
    await set_up_regions(client, cases)
    await list_laboratories(client)
    await register_companies(client, cases)
    for day in range(1, 8):
        await client.quiet()
        await client.post(OPERATOR, "/registry/v1/days", {"date": str(FIRST_DAY + timedelta(days=day))})
    await client.quiet()
    await client.close()


@asynccontextmanager
async def _two(server: DatabaseServer, directory: Path) -> AsyncIterator[tuple[Platform, Process, str]]:
    platform = Platform("embedded", server, None, directory)
    port = free_port()
    environment = {**platform.process_of("voucher").environment, "TONGDUI_PORT": str(port)}
    arguments = ["run", "voucher", "--role", "api", "--bus", "embedded"]
    second = Process(arguments, environment, directory / "second.log", "services.cli")
    platform.start()
    try:
        await platform.wait_ready(60)
        await _open(platform)
        second.start()
        await eventually(lambda: answers(f"http://127.0.0.1:{port}/readyz"), 30, "the second process ready")
        yield platform, second, f"http://127.0.0.1:{port}"
    finally:
        second.stop()
        platform.stop()


@dataclass(frozen=True)
class Result:
    """``unusable``: what was left of a year and could not be held."""

    race: Race
    databases: dict[str, str]
    unusable: list[str]


@asynccontextmanager
async def raced(seconds: float, seed: int, server: DatabaseServer, directory: Path) -> AsyncIterator[Result]:
    """The race, run for that long, then every company's year filled to the fen."""
    chance = Random(seed)
    async with _two(server, directory) as (platform, second, url):
        racers = Racers(platform, [platform.urls["voucher"], url], chance)
        callers = [asyncio.create_task(racers.one()) for _ in range(CALLERS)]
        killing = asyncio.create_task(_kill_now_and_then(racers, [platform.process_of("voucher"), second], chance))
        await asyncio.wait([*callers, killing], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        racers.running = False
        await killing
        await asyncio.gather(*callers)
        await platform.wait_quiet(60)
        left = [await racers.fill(company) for company in range(COMPANIES)]
        await platform.wait_quiet(60)
        await racers.close()
        yield Result(racers.race, platform.databases, [one for one in left if one])


async def _kill_now_and_then(racers: Racers, processes: list[Process], chance: Random) -> None:
    while racers.running:
        await asyncio.sleep(chance.uniform(0.5, 3))
        process = chance.choice(processes)
        process.kill()
        process.start()
        racers.race.kills += 1
        await asyncio.sleep(2)
