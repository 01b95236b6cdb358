"""What falls due when a day is reached: ordinary commands, one a case."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid5

from psycopg import Connection
from tongdui_events.codec import decode_event
from tongdui_events.streams import days_id

from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Refusal
from shared.runtime.errors import PlatformError
from shared.runtime.jobs import Context
from shared.runtime.projections import Projections, Row
from shared.runtime.writer import Writer

log = logging.getLogger("tongdui.sweeps")

NAMESPACE = UUID("2a9d7c54-8f0e-5d0b-8d55-0c9b8f1b7a10")


@dataclass(frozen=True)
class Cases:
    """The rows of ``view`` whose ``member`` says what the due row's ``named`` says, and which of them still wait."""

    view: str
    member: str
    named: str
    waits: Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Sweep:
    """Rows of ``view`` whose ``due_on`` is at or before the day ``day_of`` has reached become commands.

    Rows are asked in the order of their due day, then of their member ``order`` where they have one.
    ``day_of`` names the service whose reached day counts; empty means this one. A row asks once a day,
    and again when it changes. ``cases``: where a due row concerns many, in what they are found; each
    becomes a command.
    """

    name: str
    view: str
    command: Callable[[Mapping[str, Any], date], Command]
    day_of: str = ""
    cases: Cases | None = None


def day_reached(connection: Connection[Any], service: str, source: str) -> date | None:
    """The last business day in a log, as far as ``service`` knows it."""
    if source == service:
        table, order = f"{service}_events", "originator_version"
    else:
        table, order = f"{service}_facts", "fact_id"
    row = connection.execute(
        f"SELECT topic, state FROM {table} WHERE originator_id = %s ORDER BY {order} DESC LIMIT 1",
        (days_id(source),),
    ).fetchone()
    return decode_event(source, row[0], bytes(row[1])).date if row else None


class Sweeper:
    """Turns what is due into commands, in the order of their due day and key."""

    def __init__(self, service: str, sweeps: Sequence[Sweep], projections: Projections, writer: Writer) -> None:
        self.service = service
        self.sweeps = sweeps
        self.projections = projections
        self.writer = writer
        self._asked: dict[str, tuple[date, set[str]]] = {}

    async def sweep(self, days: Mapping[str, date | None]) -> int:
        """How many commands were asked. ``days``: the day reached by source."""
        asked = 0
        for sweep in self.sweeps:
            day = days.get(sweep.day_of or self.service)
            if day is not None:
                asked += await self._sweep_one(sweep, day)
        return asked

    async def _sweep_one(self, sweep: Sweep, day: date) -> int:
        rows = await asyncio.to_thread(self._due, sweep, day)
        asked_on, asked = self._asked.get(sweep.name, (day, set()))
        if asked_on != day:
            asked = set()
        self._asked[sweep.name] = day, asked
        ordered = sorted(rows, key=lambda row: (row["due_on"], row.get("order", "")))
        new = [row for row in ordered if json.dumps(row, sort_keys=True) not in asked]
        results = await asyncio.gather(*(self._ask(sweep, row, day) for row in new), return_exceptions=True)
        for row, result in zip(new, results, strict=True):
            if isinstance(result, PlatformError):
                raise result
            if isinstance(result, Refusal):
                log.info("%s: %s was refused: %s", self.service, sweep.name, result)
            elif isinstance(result, BaseException):
                raise result
            asked.add(json.dumps(row, sort_keys=True))
        return len(new)

    def _due(self, sweep: Sweep, day: date) -> list[Row]:
        due = self.projections.due(sweep.view, day)
        if sweep.cases is None:
            return due
        of = sweep.cases
        return [
            {**case, "due_on": row["due_on"]}
            for row in due
            for case in self.projections.having(of.view, of.member, row[of.named])
            if of.waits(case)
        ]

    async def _ask(self, sweep: Sweep, row: Mapping[str, Any], day: date) -> None:
        command = sweep.command(row, day)
        command_id = uuid5(NAMESPACE, f"{self.service}/{sweep.name}/{day}/{command.model_dump_json()}")
        principal = Principal(sub=self.service, role="service")
        await self.writer.execute(command, Context(principal, f"/{self.service}/sweeps/{sweep.name}", command_id))
