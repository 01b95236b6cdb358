"""The command route over 64 connections, against the same route with the writer stubbed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import uvloop

from benchmarks.load import Requests, closed_loop, server
from benchmarks.measure import Figure, taking_turns
from benchmarks.prepared import PreparedLog, company
from benchmarks.stage import Stage

CONNECTIONS = 64
COMMANDS = 3000
ROUNDS = 5


class Refused(RuntimeError):
    """An answer that was not 200: the figure would count what was not done."""


def figures(stage: Stage, told: Callable[[str], None]) -> Iterator[Figure]:
    told("64 connections")
    url, settings = stage.database(), stage.settings()
    log = PreparedLog(url)
    numbers = log.add_vouchers([company(n % 200) for n in range(COMMANDS * (ROUNDS + 1))])
    log.close()
    requests = Requests(settings)

    def on(port: int, first: int) -> float:
        asked = [requests.of(numbers[n]) for n in range(first, first + COMMANDS)]
        rate, statuses = uvloop.run(closed_loop(port, asked, CONNECTIONS))
        if set(statuses) != {200}:
            raise Refused(f"answers by status: {dict(statuses)}")
        return rate

    with server(url, settings) as real, server(url, settings, "stubbed") as stubbed:
        on(real, COMMANDS * ROUNDS)
        on(stubbed, 0)
        yield taking_turns(
            "command over HTTP, 64 connections, of the writer stubbed",
            "requests/s",
            lambda turn: on(real, turn * COMMANDS),
            lambda turn: on(stubbed, turn * COMMANDS),
            0.7,
        )
