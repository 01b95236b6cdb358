"""Twice the capacity for half a minute: what is still done, what the rest is told, how soon all is well again."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from uuid import uuid4

import uvloop

from benchmarks.load import Connection, closed_loop, connections, server
from benchmarks.measure import Figure
from benchmarks.prepared import PreparedLog, company
from benchmarks.stage import Stage
from shared.runtime.settings import Settings
from shared.runtime.tokens import issue
from tests.unit.voucher_world import PROVIDER

CONNECTIONS = 1500
QUEUE_LIMIT = 512
WARM, CALM = 4000, 20_000
SECONDS = 30.0
PATIENCE = 5.0


def figures(stage: Stage, told: Callable[[str], None]) -> Iterator[Figure]:
    url, settings = stage.database(), stage.settings()
    applications = Applications(settings)
    log = PreparedLog(url)
    log.add_vouchers([company(0)])
    log.close()
    with server(url, settings, TONGDUI_QUEUE_LIMIT=str(QUEUE_LIMIT)) as port:
        told("capacity")
        uvloop.run(closed_loop(port, [applications.one() for _ in range(WARM)], 64))
        capacity, calm = uvloop.run(closed_loop(port, [applications.one() for _ in range(CALM)], 64))
        assert set(calm) == {200}, calm
        told(f"{2 * capacity:,.0f} requests/s for {SECONDS:.0f} s")
        statuses, normal_after = uvloop.run(_overloaded(port, applications, 2 * capacity))
    goodput = statuses[200] / SECONDS
    refused = {status: number for status, number in statuses.items() if status not in (200, 503)}
    offered = sum(statuses.values()) / SECONDS
    note = (
        f"offered {offered:,.0f}/s, 503 to {statuses[503] / SECONDS:,.0f}/s, others {refused or 'none'};"
        f" back to normal after {normal_after:.1f} s"
    )
    yield Figure("overload at twice the capacity, done of the capacity", "requests/s", goodput, capacity, 0.9, note=note)


class Applications:
    """Requests for new vouchers of one company, by one token."""

    def __init__(self, settings: Settings) -> None:
        token = issue(settings, "person-1", "enterprise", uscc=company(0))
        self._head = (
            f"POST /voucher/v1/vouchers HTTP/1.1\r\nHost: tongdui\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\nContent-Length: {length}\r\nIdempotency-Key: {key}\r\n\r\n"
        )

    def one(self) -> bytes:
        body = f'{{"voucher_id":"{uuid4()}","provider_uscc":"{PROVIDER}","mode":"tongdui","purpose":"test"}}'
        return (self._head.format(length=len(body), key=uuid4()) + body).encode()


async def _overloaded(port: int, applications: Applications, rate: float) -> tuple[Counter[int], float]:
    """Answers by status of an open loop, and the seconds until a lone request is answered within 50 ms again."""
    # made beforehand, as those the capacity is measured with: on two cores the client must not take more of them now
    requests = [applications.one() for _ in range(int(rate * SECONDS) + CONNECTIONS)]
    idle = await connections(port, CONNECTIONS)
    opened = list(idle)
    statuses: Counter[int] = Counter()

    def answered(connection: Connection, answer: asyncio.Future[int]) -> None:
        statuses[answer.result()] += 1
        idle.append(connection)

    started, begun = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - started) < SECONDS:
        due = int(elapsed * rate) - begun
        begun += due
        for _ in range(min(due, len(idle))):
            connection = idle.pop()
            connection.ask(requests.pop()).add_done_callback(partial(answered, connection))
        await asyncio.sleep(0.002)
    counted = Counter(statuses)
    ended = time.perf_counter()
    async with asyncio.timeout(PATIENCE):
        while len(idle) < CONNECTIONS:
            await asyncio.sleep(0.002)
    normal = await _normal_again(opened[0], applications, ended)
    for connection in opened:
        connection.close()
    return counted, normal


async def _normal_again(connection: Connection, applications: Applications, since: float) -> float:
    while time.perf_counter() - since < 6 * PATIENCE:
        asked = time.perf_counter()
        status = await connection.ask(applications.one())
        if status == 200 and time.perf_counter() - asked < 0.05:
            return time.perf_counter() - since
        await asyncio.sleep(0.01)
    return float("inf")
