"""The inbox over a consumer and a writer in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from shared.runtime.bus.port import Deliver, Lag, Record, Taken
from shared.runtime.errors import DecisionFailed, Draining, FateUnknown, StoreUnavailable
from shared.runtime.inbox import Inbox
from shared.runtime.jobs import Delivered


def records(*positions: int) -> list[Record]:
    return [Record(position, b"key", b"state %d" % position, "RegionJoined") for position in positions]


class Batches:
    """A consumer that hands over given batches, each source by itself, and remembers what was taken."""

    def __init__(self, batches: Mapping[str, Sequence[list[Record]]]) -> None:
        self.batches = batches
        self.taken: dict[str, list[Taken]] = {source: [] for source in batches}

    async def run(self, deliver: Deliver, stop: asyncio.Event) -> None:
        await asyncio.gather(*(self._deliver_all(source, deliver) for source in self.batches))

    async def _deliver_all(self, source: str, deliver: Deliver) -> None:
        for batch in self.batches[source]:
            self.taken[source].append(await deliver(source, batch))

    def lags(self) -> Mapping[str, Lag]:
        return {source: Lag(0, 0.0) for source in self.batches}


class Script:
    """A writer that gives the next answer of a list, then applies whatever comes."""

    store: Any = None

    def __init__(self, *answers: Delivered | Exception) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[str, list[int]]] = []
        self.waits: dict[tuple[str, int], tuple[str, int]] = {}
        self.applied: dict[str, int] = {}

    async def deliver(self, source: str, batch: Sequence[Record]) -> Delivered:
        self.calls.append((source, [record.position for record in batch]))
        await asyncio.sleep(0)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        for record in batch:
            needed = self.waits.get((source, record.position))
            if needed and self.applied.get(needed[0], 0) < needed[1]:
                return Delivered(self.applied.get(source, 0), waits_for=needed)
            self.applied[source] = max(self.applied.get(source, 0), record.position)
        return Delivered(self.applied.get(source, 0))


def _inbox(consumer: Batches, writer: Script, stopped: set[str] | None = None) -> Inbox:
    return Inbox("voucher", tuple(consumer.batches), consumer, writer, lambda: stopped or set())


async def test_a_batch_is_handed_over_and_taken_whole() -> None:
    consumer, writer = Batches({"registry": [records(1, 2), records(3)]}), Script()
    inbox = _inbox(consumer, writer)
    await inbox.run(asyncio.Event())
    assert consumer.taken["registry"] == [Taken(2, True), Taken(3, True)]
    assert inbox.applied == {"registry": 3}


async def test_a_record_waits_until_the_other_source_is_applied_that_far() -> None:
    consumer = Batches({"voucher": [records(1, 2, 3)], "registry": [records(1), records(2)]})
    writer = Script()
    writer.waits[("voucher", 2)] = ("registry", 2)
    await _inbox(consumer, writer).run(asyncio.Event())
    assert consumer.taken["voucher"] == [Taken(3, True)]
    calls = [positions for source, positions in writer.calls if source == "voucher"]
    assert calls[0] == [1, 2, 3]
    assert all(positions == [2, 3] for positions in calls[1:]), "what was applied is not handed over again"


async def test_a_waiting_source_does_not_spin_and_sees_what_another_process_applied() -> None:
    consumer, writer = Batches({"voucher": [records(1)]}), Script()
    writer.waits[("voucher", 1)] = ("registry", 5)

    async def elsewhere() -> None:
        await asyncio.sleep(0.6)
        writer.applied["registry"] = 5

    await asyncio.gather(_inbox(consumer, writer).run(asyncio.Event()), elsewhere())
    assert consumer.taken["voucher"] == [Taken(1, True)]
    assert len(writer.calls) <= 6


@pytest.mark.parametrize("failure", [StoreUnavailable(), FateUnknown()])
async def test_what_could_not_be_recorded_is_handed_over_again(failure: Exception) -> None:
    consumer, writer = Batches({"registry": [records(1)]}), Script(failure, failure)
    await _inbox(consumer, writer).run(asyncio.Event())
    assert [positions for _, positions in writer.calls] == [[1], [1], [1]]
    assert consumer.taken["registry"] == [Taken(1, True)]


async def test_a_record_the_database_refuses_does_not_hold_up_those_before_it() -> None:
    consumer, writer = Batches({"registry": [records(1, 2, 3)]}), Script(DecisionFailed())
    await _inbox(consumer, writer).run(asyncio.Event())
    assert [positions for _, positions in writer.calls] == [[1, 2, 3], [1], [2], [3]]


async def test_a_record_the_database_keeps_refusing_stops_its_source_by_name() -> None:
    consumer = Batches({"registry": [records(1)]})
    writer = Script(DecisionFailed(), DecisionFailed(), DecisionFailed())
    inbox = _inbox(consumer, writer)
    running = asyncio.create_task(inbox.run(asyncio.Event()))
    await asyncio.sleep(0.1)
    assert inbox.stopped == {"registry": "the database refuses the effects of position 1"}
    await running
    assert inbox.stopped == {}


async def test_a_stopped_source_waits_for_the_operator_and_is_read_again() -> None:
    consumer, stopped = Batches({"registry": [records(1), records(1)]}), set()
    writer = Script(Delivered(0, stopped="unreadable"))
    inbox = _inbox(consumer, writer, stopped)
    inbox._checked.add("registry")
    stopped.add("registry")
    running = asyncio.create_task(inbox.run(asyncio.Event()))
    await asyncio.sleep(0.3)
    assert inbox.stopped == {"registry": "unreadable"}
    assert len(writer.calls) == 1
    stopped.clear()
    await running
    assert inbox.stopped == {}
    assert consumer.taken["registry"] == [Taken(0, False), Taken(1, True)]


async def test_a_source_that_was_stopped_before_a_restart_stays_stopped() -> None:
    consumer, stopped = Batches({"registry": [records(1)]}), {"registry"}
    writer = Script()
    inbox = _inbox(consumer, writer, stopped)
    running = asyncio.create_task(inbox.run(asyncio.Event()))
    await asyncio.sleep(0.3)
    assert writer.calls == []
    assert "registry" in inbox.stopped
    stopped.clear()
    await running
    assert consumer.taken["registry"] == [Taken(1, True)]


async def test_a_stopped_source_holds_up_no_other() -> None:
    consumer, stopped = Batches({"registry": [records(1)], "settlement": [records(1), records(2)]}), {"registry"}
    inbox = _inbox(consumer, Script(), stopped)
    running = asyncio.create_task(inbox.run(asyncio.Event()))
    await asyncio.sleep(0.2)
    assert consumer.taken["settlement"] == [Taken(1, True), Taken(2, True)]
    stopped.clear()
    await running


async def test_a_process_that_stops_lets_go_of_what_is_not_applied() -> None:
    consumer, stop = Batches({"registry": [records(1)]}), asyncio.Event()
    writer = Script(*[Draining()] * 1000)
    running = asyncio.create_task(_inbox(consumer, writer).run(stop))
    await asyncio.sleep(0.1)
    stop.set()
    await asyncio.wait_for(running, 2)
    assert consumer.taken["registry"] == [Taken(0, False)]
    assert len(writer.calls) < 10
