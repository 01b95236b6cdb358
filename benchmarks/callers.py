"""So many callers, each asking for its next allocation once it has the answer to the one before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID, uuid4

import uvloop

from benchmarks.prepared import company, voucher
from services.voucher.commands import FOLDS, HANDLERS
from services.voucher.domain.allocation import ConfirmAllocation
from services.voucher.domain.contract import AcknowledgeContract
from services.voucher.reactions import REACTIONS
from shared.kernel.commands import Principal
from shared.runtime.clock import SimulatedClock
from shared.runtime.delivery import Reactor
from shared.runtime.jobs import Context, Outcome
from shared.runtime.state import State
from shared.runtime.store import Store
from shared.runtime.writer import Writer
from tests.unit.voucher_world import CENTRE_OFFICER

ROUTE = "/vouchers/{voucher_id}/allocation"


@contextmanager
def writer_on(store: Store) -> Iterator[Writer]:
    """The voucher service's writer alone; nothing is cached at first."""
    reactor = Reactor("voucher", ("registry", "settlement"), REACTIONS)
    writer = Writer(store, State("voucher", FOLDS), SimulatedClock(time.time()), HANDLERS, reactor)
    writer.start()
    try:
        yield writer
    finally:
        writer.stop()


def rate(writer: Writer, numbers: Sequence[int], callers: int) -> float:
    """Commands a second of so many callers over these vouchers."""
    ids = [voucher(number) for number in numbers]
    started = time.perf_counter()
    uvloop.run(_call(writer, iter(ids), callers))
    return len(numbers) / (time.perf_counter() - started)


def acknowledge(writer: Writer, numbers: Sequence[int], companies: int) -> None:
    """The step before, by each voucher's own company; the writer knows the vouchers from it."""

    async def one(number: int) -> Outcome:
        uscc = company(number % companies)
        context = Context(Principal(sub=f"person-{uscc}", role="enterprise", uscc=uscc), "/acknowledge", uuid4())
        return await writer.execute(AcknowledgeContract(voucher_id=voucher(number)), context)

    async def some() -> None:
        for first in range(0, len(numbers), 256):
            await asyncio.gather(*(one(number) for number in numbers[first : first + 256]))

    uvloop.run(some())


async def _call(writer: Writer, ids: Iterator[UUID], callers: int) -> None:
    async def one() -> None:
        for voucher_id in ids:
            await confirm(writer, voucher_id)

    await asyncio.gather(*(one() for _ in range(callers)))


async def confirm(writer: Writer, voucher_id: UUID) -> Outcome:
    command = ConfirmAllocation(voucher_id=voucher_id)
    return await writer.execute(command, Context(CENTRE_OFFICER, ROUTE, uuid4()))
