"""A client of kept-alive connections that costs little: the server's work is what is measured."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import httpx

from benchmarks.prepared import company, voucher
from shared.runtime.settings import Settings
from shared.runtime.tokens import issue
from tests.unit.voucher_world import CENTRE_OFFICER


@contextmanager
def server(url: str, settings: Settings, *arguments: str, **environment: str) -> Iterator[int]:
    """The port of a server process over that database; ended by its process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    told = {
        "TONGDUI_DATABASE_URL": url, "TONGDUI_PORT": str(port), "TONGDUI_STATE_DIR": str(settings.state_dir),
        "TONGDUI_CLOCK": "simulated", "TONGDUI_SIMULATED_EPOCH": "1.0", "TONGDUI_BUS": "embedded",
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.server", *arguments], env={**os.environ, **told, **environment})
    try:
        _wait(port)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(port: int, within_seconds: float = 30) -> None:
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError(f"no answer at port {port} in {within_seconds} s")


class Requests:
    """The bytes of a voucher's steps: the allocation by the centre, the others by its company."""

    def __init__(self, settings: Settings, companies: int) -> None:
        self._centre = issue(settings, CENTRE_OFFICER.sub, "centre", member_of=CENTRE_OFFICER.member_of)
        parties = [company(number) for number in range(companies)]
        self._parties = [issue(settings, f"person-{uscc}", "enterprise", uscc=uscc) for uscc in parties]

    def of(self, step: str, number: int) -> bytes:
        """``step`` is the end of the route: ``contract/acknowledge``, ``allocation``, ``tender``."""
        token = self._centre if step.startswith("allocation") else self._parties[number % len(self._parties)]
        return (
            f"POST /voucher/v1/vouchers/{voucher(number)}/{step} HTTP/1.1\r\nHost: tongdui\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: 2\r\nIdempotency-Key: {uuid4()}\r\n\r\n{{}}"
        ).encode()


class Connection(asyncio.Protocol):
    """One request at a time; what ``ask`` gives has its status in the end."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(b"\r\n\r\n")
        if head < 0 or self._answer is None:
            return
        at = self._received.lower().find(b"content-length: ", 0, head)
        length = int(self._received[at + 16 : self._received.index(b"\r\n", at)])
        if len(self._received) >= head + 4 + length:
            status, self._received = int(self._received[9:12]), b""
            answer, self._answer = self._answer, None
            answer.set_result(status)

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError(error or "closed"))

    def ask(self, request: bytes) -> asyncio.Future[int]:
        answer = self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return answer

    def close(self) -> None:
        self._transport.close()


async def connections(port: int, count: int) -> list[Connection]:
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Connection, "127.0.0.1", port))[1] for _ in range(count)]


async def closed_loop(port: int, requests: list[bytes], count: int) -> tuple[float, Counter[int]]:
    """So many connections, each asking again once answered: (requests a second, answers by status)."""
    opened = await connections(port, count)
    waiting = iter(requests)
    statuses: Counter[int] = Counter()

    async def one(connection: Connection) -> None:
        for request in waiting:
            statuses[await connection.ask(request)] += 1

    started = time.perf_counter()
    await asyncio.gather(*(one(connection) for connection in opened))
    rate = len(requests) / (time.perf_counter() - started)
    for connection in opened:
        connection.close()
    return rate, statuses
