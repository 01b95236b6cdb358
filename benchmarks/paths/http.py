"""Two commands over 64 connections, each against the same route with the writer stubbed.

The writer has been at work, as in ``allocation``: it knows the vouchers from the step before."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import uvloop

from benchmarks.load import Requests, closed_loop, server
from benchmarks.measure import Figure, taking_turns
from benchmarks.prepared import PreparedLog, company
from benchmarks.stage import Stage

CONNECTIONS = 64
COMMANDS = 2500
COMPANIES = 200
ROUNDS = 5
MEASURED = {"allocation": "an allocation, three events", "tender": "a hand-over, one event"}


class Refused(RuntimeError):
    """An answer that was not 200: the figure would count what was not done."""


def figures(stage: Stage, told: Callable[[str], None]) -> Iterator[Figure]:
    told("64 connections")
    url, settings = stage.database(), stage.settings()
    log = PreparedLog(url)
    numbers = log.add_vouchers([company(n % COMPANIES) for n in range(COMMANDS * ROUNDS)], acknowledged=False)
    log.close()
    requests = Requests(settings, COMPANIES)

    def on(port: int, step: str, part: range) -> float:
        asked = [requests.of(step, number) for number in part]
        rate, statuses = uvloop.run(closed_loop(port, asked, CONNECTIONS))
        if set(statuses) != {200}:
            raise Refused(f"{step}: answers by status: {dict(statuses)}")
        return rate

    def of_turn(turn: int) -> range:
        return numbers[turn * COMMANDS : (turn + 1) * COMMANDS]

    with server(url, settings) as real, server(url, settings, "stubbed") as stubbed:
        on(real, "contract/acknowledge", numbers)
        on(stubbed, "contract/acknowledge", of_turn(0))
        for step, what in MEASURED.items():
            yield taking_turns(
                f"command over HTTP, 64 connections, of the writer stubbed: {what}",
                "requests/s",
                lambda turn, step=step: on(real, step, of_turn(turn)),
                lambda turn, step=step: on(stubbed, step, of_turn(turn)),
                0.7,
            )
        yield taking_turns(
            "the stubbed route of a command, of one written in plain FastAPI",
            "requests/s",
            lambda turn: on(stubbed, "allocation", of_turn(turn)),
            lambda turn: on(stubbed, "allocation/plain", of_turn(turn)),
            None,
        )
