"""All rows in one transaction of the service's own writer: decided by the same rules, recorded all or none.

The head row is locked meanwhile: other commands of that service are answered 503 until it is over.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, Future
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, cast
from uuid import UUID, uuid5

from pydantic import ValidationError

from services.importing.kinds import Kind, WrongCell
from shared.kernel.commands import Command, Principal
from shared.runtime import recorded_access
from shared.runtime.clock import Clock
from shared.runtime.jobs import CommandJob, Context, Outcome, outcome_key, payload_digest
from shared.runtime.service import Service
from shared.runtime.state import State
from shared.runtime.store import Store
from shared.runtime.tables import Row
from shared.runtime.transaction import Transaction

NAMESPACE = UUID("7b6f4d0e-9d8e-5a14-8a55-0f2d0a6a9d31")
CHUNK = 1000
EVENT_SIZE_LIMIT = 256 * 1024


class Verdict(NamedTuple):
    """One row: ``code`` "recorded", "known" (recorded before, word for word), or why it is refused with ``text``."""

    number: int
    code: str
    text: str = ""

    @property
    def is_bad(self) -> bool:
        return self.code not in ("recorded", "known")


@dataclass
class Report:
    """``done``: whether anything was recorded for good."""

    counts: dict[str, int] = field(default_factory=dict)
    bad: int = 0
    done: bool = False

    def note(self, verdict: Verdict) -> None:
        self.counts[verdict.code] = self.counts.get(verdict.code, 0) + 1
        self.bad += verdict.is_bad


@dataclass(frozen=True)
class Import:
    """Who imports what, with what is the same for all rows (``constants``: the year of a catalogue)."""

    kind: Kind
    importer: Principal
    constants: Mapping[str, Any]


class Bulk:
    """``tell`` hears the verdict on every row."""

    def __init__(self, store: Store, service: Service, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.state = State(service.name, service.folds)
        self.handlers = {**recorded_access.HANDLERS, **service.handlers}

    def run(
        self, job: Import, rows: Iterable[Row], tell: Callable[[Verdict], None], *, apply: bool, skip_bad: bool
    ) -> Report:
        """Decide every row; commit where ``apply`` and nothing is bad, or ``skip_bad``."""
        report = Report()
        with self.store.connect(autocommit=True) as connection, connection.cursor() as cursor:
            transaction = Transaction(self.store, self.state, self.clock, cursor, EVENT_SIZE_LIMIT)
            transaction.open()
            for chunk in _chunks(_commands(job, rows), CHUNK):
                for verdict in self._decided(transaction, job, chunk):
                    report.note(verdict)
                    tell(verdict)
                transaction.flush()
            report.done = apply and (skip_bad or not report.bad)
            cursor.execute("COMMIT" if report.done else "ROLLBACK")
        return report

    def _decided(
        self, transaction: Transaction, job: Import, chunk: list[tuple[int, Command | Verdict]]
    ) -> Iterator[Verdict]:
        jobs = {number: self._job(job, asked) for number, asked in chunk if isinstance(asked, Command)}
        self.state.prefetch({stream for one in jobs.values() for stream in job.kind.streams(one.command)})
        transaction.look_up_outcomes(list(jobs.values()))
        for number, asked in chunk:
            if isinstance(asked, Verdict):
                yield asked
                continue
            before = self.state.position
            answer = transaction.decide(jobs[number], self.handlers)
            if isinstance(answer, Outcome):
                yield Verdict(number, "recorded" if self.state.position > before else "known")
            else:
                yield Verdict(number, answer.code, f"{answer.text_zh} · {answer.text_en}")

    def _job(self, job: Import, command: Command) -> CommandJob:
        principal = job.kind.principal(job.importer, command)
        command_id = uuid5(NAMESPACE, f"{type(command).__name__} {command.model_dump_json()}")
        context = Context(principal, f"/{self.store.service}/import", command_id)
        loop, future = cast(AbstractEventLoop, None), cast("Future[Any]", None)  # nobody waits for an answer here
        return CommandJob(loop, future, command, context, outcome_key(context), payload_digest(command))


def _commands(job: Import, rows: Iterable[Row]) -> Iterator[tuple[int, Command | Verdict]]:
    """What each row asks for, or what is wrong with it. Raises Unreadable."""
    if job.kind.whole:
        yield from _whole(job, list(rows))
        return
    for row in rows:
        try:
            yield row.number, job.kind.command.model_validate({**job.kind.fields_of(row), **job.constants})
        except WrongCell as error:
            yield row.number, Verdict(row.number, "wrong_cell", str(error))
        except ValidationError as error:
            yield row.number, Verdict(row.number, "invalid", _first(error))


def _whole(job: Import, rows: list[Row]) -> Iterator[tuple[int, Command | Verdict]]:
    """One command of all rows; a row that cannot be read is named and left out, so nothing is recorded without it."""
    items = []
    for row in rows:
        try:
            items.append(job.kind.fields_of(row))
        except WrongCell as error:
            yield row.number, Verdict(row.number, "wrong_cell", str(error))
    try:
        yield 1, job.kind.command.model_validate({"items": items, **job.constants})
    except ValidationError as error:
        yield 1, Verdict(1, "invalid", _first(error))


def _first(error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults[:3])


def _chunks(items: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while chunk := list(islice(items, size)):
        yield chunk
