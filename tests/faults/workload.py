"""Companies, laboratories and officers at work without a break, who keep every acknowledgement they are given."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4, uuid5

import httpx

from services.demo.casebook import Case
from services.demo.cast import FIRST_DAY, REGIONS, digest, enterprise_of, laboratory_of
from services.demo.client import Client, Person
from services.demo.evidence import request_body
from services.demo.opening import OPERATOR, list_laboratories, register_companies, set_up_regions
from services.demo.stage import Stage
from shared.runtime.tokens import issue
from tests.processes import Platform

NAMESPACE = UUID("4d7f1c2a-6b0e-5e57-9f6a-1f6f3f0a7c21")
QINGPU = REGIONS[0]
COMPANIES = 24
CALLERS = 6
CLAIMANTS = 2
OPENING_DAYS = 8
PAUSE_SECONDS = 0.02
TIMEOUT_SECONDS = 5.0
#: what settlement says of a voucher whose story has not reached it yet
NOT_YET = {"voucher_not_open", "nothing_allocated", "voucher_not_handed_over", "not_found", "no_business_day"}


@dataclass(frozen=True)
class Acknowledged:
    """What a 200 said: the events a command recorded, and where the last of them stands. Times are monotonic."""

    service: str
    key: UUID
    position: int
    event_ids: tuple[str, ...]
    asked_at: float
    answered_at: float


class NotExpected(AssertionError):
    """An answer that no fault explains."""


Step = tuple[Person, str, dict[str, Any]]
Steps = Callable[[Case], list[Step]]
"""What is done with one case, in order."""


def _case(number: int) -> Case:
    amount = 10_000 + number  # small: an enterprise's year carries thousands of them
    case = Case(
        number=number, kind="ordinary", region=QINGPU, enterprise=enterprise_of(QINGPU, number % COMPANIES),
        provider=laboratory_of("33", 1 + number % 2), mode="tongyong", item="T01", category="testing", amount_fen=amount,
        tax_bp=600, start=0, performed_fen=amount, contract_no=f"GZ-{number:06d}",
        voucher_id=uuid5(NAMESPACE, f"voucher/{number}"), redemption_id=uuid5(NAMESPACE, f"redemption/{number}"),
    )  # fmt: skip
    case.allocation_fen = case.planned_fen()
    return case


def allocated(case: Case) -> list[Step]:
    path = f"/voucher/v1/vouchers/{case.voucher_id}"
    application = {
        "voucher_id": str(case.voucher_id), "provider_uscc": case.provider.uscc, "mode": case.mode, "purpose": "检测",
    }  # fmt: skip
    line = {
        "line_no": 1, "item_code": case.item, "category": case.category, "description": "检测",
        "amount_fen": case.amount_fen, "tax_bp": case.tax_bp,
    }  # fmt: skip
    contract = {
        "contract_no": case.contract_no, "signed_on": str(FIRST_DAY), "document_sha256": digest(case.contract_no),
        "lines": [line],
    }  # fmt: skip
    company = case.enterprise.enterprise
    return [
        (company, "/voucher/v1/vouchers", application),
        (case.provider.provider, f"{path}/contract", contract),
        (company, f"{path}/contract/acknowledge", {}),
        (case.region.centre("allocation"), f"{path}/allocation", {}),
    ]


def handed_over(case: Case) -> list[Step]:
    """From the application until the company hands the voucher over; a payment request follows."""
    return [*allocated(case), (case.enterprise.enterprise, f"/voucher/v1/vouchers/{case.voucher_id}/tender", {})]


def withdrawn_again(case: Case) -> list[Step]:
    """From the application until the company gives the voucher back: nothing stays held."""
    return [*allocated(case), (case.enterprise.enterprise, f"/voucher/v1/vouchers/{case.voucher_id}/withdraw", {})]


@dataclass
class Workload:
    """``acknowledged`` grows while the gate is open; each command is asked for under one id until it is answered."""

    platform: Platform
    steps: Steps
    acknowledged: list[Acknowledged] = field(default_factory=list)
    unavailable: list[float] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self._gate = asyncio.Event()
        self._claims: deque[Case] = deque()
        self._tokens: dict[Person, str] = {}
        self._http = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, limits=httpx.Limits(max_connections=64))
        self._resting = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._days = OPENING_DAYS

    # -- life ----------------------------------------------------------------------------------

    async def open(self) -> None:
        """Regions, terms, laboratories, companies, and the eight days until the laboratories are listed."""
        client = Client(Stage(self.platform.urls, self.platform.settings), 1)
        cases = [_case(number) for number in range(COMPANIES)]
        await client.post(OPERATOR, "/registry/v1/days", {"date": str(FIRST_DAY)})
        await set_up_regions(client, cases)
        await list_laboratories(client)
        await register_companies(client, cases)
        for day in range(1, OPENING_DAYS):
            await client.quiet()
            await client.post(OPERATOR, "/registry/v1/days", {"date": str(FIRST_DAY + timedelta(days=day))})
        await client.quiet()
        await client.close()
        self._tasks = [asyncio.create_task(self._call()) for _ in range(CALLERS)]
        self._tasks += [asyncio.create_task(self._claim()) for _ in range(CLAIMANTS)]

    def resume(self) -> None:
        self._gate.set()

    async def pause(self, within: float = 60) -> None:
        """Take up nothing new; return once what was begun is answered."""
        self._gate.clear()
        await self.until(lambda: self._resting == len(self._tasks), within, "everybody answered")

    async def next_day(self) -> None:
        """Everybody rests, another business day is opened, work goes on."""
        await self.pause()
        await self.platform.wait_quiet(60)
        headers = {"Authorization": f"Bearer {self.platform.token('operator')}", "Idempotency-Key": str(uuid4())}
        day = {"date": str(FIRST_DAY + timedelta(days=self._days))}
        answer = await self._http.post(f"{self.platform.urls['registry']}/registry/v1/days", json=day, headers=headers)
        if answer.status_code != 200:
            raise NotExpected(f"the next day: {answer.status_code} {answer.text[:300]}")
        await self.platform.wait_quiet(60)
        self._days += 1
        self.resume()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()

    async def until(self, holds: Any, within: float, what: str) -> None:
        """Wait for a condition; an unexpected answer meanwhile is raised."""
        deadline = time.monotonic() + within
        while not holds():
            for task in self._tasks:
                if task.done():
                    task.result()
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {within:.0f} s: {what} (see {self.platform.directory})")
            await asyncio.sleep(0.02)

    async def more(self, number: int, within: float = 60) -> None:
        """Until so many more are acknowledged."""
        wanted = len(self.acknowledged) + number
        await self.until(lambda: len(self.acknowledged) >= wanted, within, f"{number} more acknowledged")

    # -- people ----------------------------------------------------------------------------------

    async def _call(self) -> None:
        """One case after another, from the application until the voucher is handed over."""
        while True:
            await self._at_the_gate(lambda: self._gate.is_set())
            case = _case(next(self._numbers))
            for person, step, body in self.steps(case):
                await self.ask(person, step, body)
                await asyncio.sleep(PAUSE_SECONDS)
            if self.steps is handed_over:
                self._claims.append(case)

    async def _claim(self) -> None:
        """The payment requests, once settlement has heard of the voucher."""
        while True:
            await self._at_the_gate(lambda: bool(self._claims))
            case = self._claims.popleft()
            body = request_body(case, str(self.today))
            await self.ask(case.enterprise.enterprise, "/settlement/v1/redemptions", body, patient=True)

    async def _at_the_gate(self, opens: Any) -> None:
        self._resting += 1
        while not opens():
            await asyncio.sleep(0.01)
        self._resting -= 1

    @property
    def today(self) -> date:
        return FIRST_DAY + timedelta(days=self._days - 1)

    async def ask(self, person: Person, path: str, body: dict[str, Any], patient: bool = False) -> Acknowledged:
        """Under one id until somebody answers. ``patient``: a refusal that a late event explains is asked again."""
        service = path.split("/")[1]
        key = uuid5(NAMESPACE, f"{path}{json.dumps(body, sort_keys=True)}")
        headers = {"Authorization": f"Bearer {self._token(person)}", "Idempotency-Key": str(key)}
        asked_at = time.monotonic()
        while True:
            begun = time.monotonic()
            try:
                answer = await self._http.post(self.platform.urls[service] + path, json=body, headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code == 200:
                return self._acknowledge(service, key, answer.json(), asked_at)
            if answer.status_code == 503:
                self._note_unavailable(answer, time.monotonic() - begun)
            elif not (patient and answer.json().get("code") in NOT_YET):
                raise NotExpected(f"{path}: {answer.status_code} {answer.text}")
            await asyncio.sleep(0.05)

    def _acknowledge(self, service: str, key: UUID, said: dict[str, Any], asked_at: float) -> Acknowledged:
        ids = tuple(event["event_id"] for event in said["events"])
        self.acknowledged.append(Acknowledged(service, key, said["position"], ids, asked_at, time.monotonic()))
        return self.acknowledged[-1]

    def _note_unavailable(self, answer: httpx.Response, seconds: float) -> None:
        if not answer.headers.get("retry-after", "").isdigit():
            raise NotExpected(f"503 without Retry-After: {answer.text}")
        self.unavailable.append(seconds)

    def _token(self, person: Person) -> str:
        if person not in self._tokens:
            self._tokens[person] = issue(
                self.platform.settings, sub=person.sub, role=person.role, region=person.region, uscc=person.uscc,
                member_of=person.member_of,
            )  # fmt: skip
        return self._tokens[person]
