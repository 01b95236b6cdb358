"""The writer and the inbox as machines: any order of requests, repeats, deliveries, crashes and days, over a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from tongdui_events.registry import RegionJoined, RegionLeft
from tongdui_events.settlement import RedemptionWithdrawn
from tongdui_events.streams import ceiling_id, region_id

from shared.runtime import optimistic
from shared.runtime.bus.port import Record
from shared.runtime.errors import CommandConflict, FateUnknown, StoreUnavailable
from shared.runtime.jobs import Context, Outcome
from shared.runtime.observing import Stops
from shared.runtime.store import Store
from shared.runtime.writer import Writer
from tests.integration.toy import (
    DAY,
    LIMIT,
    CeilingFull,
    OpenDay,
    PlaceHold,
    context,
    foreign,
    lost_connection,
    opened,
    writer_on,
)

KEYS = st.sampled_from(["a", "b", "c"])
SETTINGS = settings(max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))


def case_under(key: str) -> UUID:
    """One for each ceiling, so that a writer soon knows all the streams of a hold and has nothing to read."""
    return ceiling_id("region-year", key, 2025)


class OnStore(RuleBasedStateMachine):
    """A store of its own and two writers that take turns."""

    new_database: Callable[[], str]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.runner = self.stack.enter_context(asyncio.Runner())
        self.store = Store(type(self).new_database(), "voucher")
        self.stack.callback(self.store.close)
        self.store.create_tables()
        self.look = self.stack.enter_context(self.store.connect(autocommit=True))
        self.writers = [self.stack.enter_context(writer_on(self.store)) for _ in range(2)]

    def teardown(self) -> None:
        self.stack.close()

    def do(self, awaitable: Any) -> Any:
        """Its result, or the exception it raised."""

        async def outcome() -> Any:
            return (await asyncio.gather(awaitable, return_exceptions=True))[0]

        return self.runner.run(outcome())

    def rows(self, statement: str) -> list[Any]:
        return self.look.execute(statement).fetchall()

    @invariant()
    def positions_are_dense_and_the_head_is_the_last(self) -> None:
        positions = [row[0] for row in self.rows("SELECT notification_id FROM voucher_events ORDER BY 1")]
        assert positions == list(range(1, len(positions) + 1))
        assert self.rows("SELECT position FROM voucher_head") == [(len(positions),)]


class WriterMachine(OnStore):
    """Holds under three ceilings, against sums kept beside."""

    @initialize()
    def begin(self) -> None:
        self.held: dict[str, int] = {}
        self.done: dict[UUID, tuple[PlaceHold, Context, Outcome]] = {}
        self.days = 0
        self.next_day()

    @rule()
    def next_day(self) -> None:
        assert isinstance(self.do(self.writers[0].execute(OpenDay(date=DAY + timedelta(days=self.days)), context())), Outcome)
        self.days += 1

    @rule(key=KEYS, amount=st.integers(1, 600), which=st.integers(0, 1), anew=st.booleans())
    def hold(self, key: str, amount: int, which: int, anew: bool) -> None:
        case = uuid4() if anew else case_under(key)
        self._expect(PlaceHold(voucher_id=case, key=key, amount_fen=amount), context(), self.writers[which])

    @rule(key=KEYS, amount=st.integers(1, 600), which=st.integers(0, 1))
    def a_hold_whose_transaction_never_commits(self, key: str, amount: int, which: int) -> None:
        command, asked = PlaceHold(voucher_id=case_under(key), key=key, amount_fen=amount), context()
        with lost_connection("writer.before_commit"):
            answer = self.do(self.writers[which].execute(command, asked))
        assert isinstance(answer, StoreUnavailable)
        self._expect(command, asked, self.writers[1 - which])

    @rule(key=KEYS, amount=st.integers(1, 600), which=st.integers(0, 1))
    def a_hold_whose_answer_is_lost(self, key: str, amount: int, which: int) -> None:
        """Unknown is not refused: asked again under its id, of the other process, the truth is told."""
        command, asked = PlaceHold(voucher_id=case_under(key), key=key, amount_fen=amount), context()
        fits = self._fits(command)
        with lost_connection("writer.unknown_commit"):
            answer = self.do(self.writers[which].execute(command, asked))
        assert isinstance(answer, FateUnknown if fits else CeilingFull)
        before = len(self.rows("SELECT 1 FROM voucher_outcomes"))
        self._expect(command, asked, self.writers[1 - which])
        assert len(self.rows("SELECT 1 FROM voucher_outcomes")) == before, "it was recorded twice"

    @precondition(lambda self: self.done)
    @rule(number=st.integers(0, 999), which=st.integers(0, 1))
    def the_same_again(self, number: int, which: int) -> None:
        command, asked, first = self._one_done(number)
        again = self.do(self.writers[which].execute(command, asked))
        assert (again.position, again.documents) == (first.position, first.documents)

    @precondition(lambda self: self.done)
    @rule(number=st.integers(0, 999), which=st.integers(0, 1))
    def another_payload_under_a_used_id(self, number: int, which: int) -> None:
        command, asked, _ = self._one_done(number)
        other = command.model_copy(update={"amount_fen": command.amount_fen + 1})
        assert isinstance(self.do(self.writers[which].execute(other, asked)), CommandConflict)

    @rule(key=KEYS, amounts=st.lists(st.integers(1, 400), min_size=2, max_size=8))
    def several_at_once(self, key: str, amounts: list[int]) -> None:
        """Over both writers: what is accepted fits, and what is refused did not fit beside the others."""
        commands = [PlaceHold(voucher_id=case_under(key), key=key, amount_fen=amount) for amount in amounts]
        asked = [context() for _ in commands]

        async def together() -> list[Any]:
            work = (self.writers[n % 2].execute(c, a) for n, (c, a) in enumerate(zip(commands, asked, strict=True)))
            return await asyncio.gather(*work, return_exceptions=True)

        answers = self.runner.run(together())
        for command, ask, answer in zip(commands, asked, answers, strict=True):
            if isinstance(answer, Outcome):
                self._note(command, ask, answer)
        for command, answer in zip(commands, answers, strict=True):
            if not isinstance(answer, Outcome):
                assert isinstance(answer, CeilingFull)
                assert self.held[key] + command.amount_fen > LIMIT

    @rule(which=st.integers(0, 1))
    def a_process_begins_anew(self, which: int) -> None:
        self.writers[which] = self.stack.enter_context(writer_on(self.store))

    def _one_done(self, number: int) -> tuple[PlaceHold, Context, Outcome]:
        """By a number drawn beforehand: how many of several at once were accepted is not for Hypothesis to know."""
        return list(self.done.values())[number % len(self.done)]

    def _fits(self, command: PlaceHold) -> bool:
        return self.held.get(command.key, 0) + command.amount_fen <= LIMIT

    def _expect(self, command: PlaceHold, asked: Context, writer: Writer) -> None:
        fits, recorded = self._fits(command), asked.command_id in self.done
        answer = self.do(writer.execute(command, asked))
        assert isinstance(answer, Outcome if fits or recorded else CeilingFull)
        if isinstance(answer, Outcome):
            self._note(command, asked, answer)

    def _note(self, command: PlaceHold, asked: Context, answer: Outcome) -> None:
        self.held[command.key] = self.held.get(command.key, 0) + command.amount_fen
        self.done[asked.command_id] = (command, asked, answer)

    @invariant()
    def holds_add_up_to_what_was_acknowledged(self) -> None:
        rows = self.rows(
            "SELECT e ->> 'key', sum((e ->> 'amount_fen')::bigint)::bigint FROM voucher_events,"
            " LATERAL (SELECT convert_from(state, 'UTF8')::json) AS parsed (e) WHERE topic = 'HoldPlaced' GROUP BY 1"
        )
        assert dict(rows) == {key: held for key, held in getattr(self, "held", {}).items() if held}


def registry_log(length: int) -> list[Record]:
    """Days, regions that join and regions whose leaving is refused, by turns."""
    records = [opened(1)]
    for position in range(2, length + 1):
        region = f"{position:06d}"
        if position % 5 == 0:
            records.append(opened(position, DAY + timedelta(days=position)))
        elif position % 7 == 0:
            left = RegionLeft(region=region, leaves_on=DAY, run_off_until=DAY)
            records.append(foreign("registry", position, left, region_id(region)))
        else:
            joined = RegionJoined(region=region, name="示例", province="31", prefixes=(region,), joins_on=DAY)
            records.append(foreign("registry", position, joined, region_id(region)))
    return records


REGISTRY = registry_log(60)


def settlement_log() -> list[Record]:
    """Each withdrawal was decided having seen a little more of the registry."""
    records = []
    for position in range(1, 21):
        redemption = UUID(int=position)
        event = RedemptionWithdrawn(redemption_id=redemption)
        records.append(foreign("settlement", position, event, redemption, seen={"registry": 3 * position}))
    return records


SETTLEMENT = settlement_log()


class InboxMachine(OnStore):
    """Two logs delivered in pieces: again, overlapping, too early, with crashes; each record takes effect once."""

    @initialize()
    def begin(self) -> None:
        self.applied = {"registry": 0, "settlement": 0}

    @rule(back=st.integers(0, 8), size=st.integers(1, 12), which=st.integers(0, 1))
    def deliver_from_the_registry(self, back: int, size: int, which: int) -> None:
        self._deliver("registry", REGISTRY, back, size, which)

    @rule(back=st.integers(0, 4), size=st.integers(1, 6), which=st.integers(0, 1))
    def deliver_from_settlement(self, back: int, size: int, which: int) -> None:
        """A withdrawal that was decided knowing more of the registry than is applied here waits."""
        self._deliver("settlement", SETTLEMENT, back, size, which, self.applied["registry"] // 3)

    @rule(size=st.integers(1, 12), which=st.integers(0, 1), at=st.sampled_from(["writer.before_commit", "writer.unknown_commit"]))
    def a_delivery_whose_connection_is_lost(self, size: int, which: int, at: str) -> None:
        begin = self.applied["registry"]
        pieces = REGISTRY[begin : begin + size]
        if not pieces:
            return
        with lost_connection(at):
            answer = self.do(self.writers[which].deliver("registry", pieces))
        assert isinstance(answer, StoreUnavailable if at == "writer.before_commit" else FateUnknown)
        if at == "writer.unknown_commit":
            self.applied["registry"] = begin + len(pieces)
        self._deliver("registry", REGISTRY, 0, size, 1 - which)

    @rule(skipped=st.integers(1, 5), which=st.integers(0, 1))
    def a_gap_stops_the_source_until_an_operator_lets_it_try_again(self, skipped: int, which: int) -> None:
        at = self.applied["registry"] + skipped
        if at >= len(REGISTRY):
            return
        answer = self.do(self.writers[which].deliver("registry", REGISTRY[at : at + 1]))
        assert answer.applied == self.applied["registry"] and "was expected" in answer.stopped
        assert Stops(self.store).retry("registry")

    @rule(which=st.integers(0, 1))
    def a_process_begins_anew(self, which: int) -> None:
        self.writers[which] = self.stack.enter_context(writer_on(self.store))

    def _deliver(self, source: str, log: list[Record], back: int, size: int, which: int, reach: int = len(REGISTRY)) -> None:
        begin = max(0, self.applied[source] - back)
        pieces = log[begin : begin + size]
        if not pieces:
            return
        answer = self.do(self.writers[which].deliver(source, pieces))
        expected = max(self.applied[source], min(reach, begin + len(pieces)))
        assert (answer.applied, answer.stopped) == (expected, None)
        self.applied[source] = expected

    @invariant()
    def every_record_took_effect_once_and_none_before_its_turn(self) -> None:
        applied = getattr(self, "applied", {"registry": 0, "settlement": 0})
        heard = REGISTRY[: applied["registry"]]
        kept = self.rows("SELECT position FROM voucher_facts WHERE source = 'registry' ORDER BY fact_id")
        assert [row[0] for row in kept] == [record.position for record in heard if record.type in ("RegionJoined", "RegionLeft")]
        counted = dict(self.rows("SELECT topic, count(*) FROM voucher_events GROUP BY topic"))
        wanted = {"DayReached": "DayOpened", "ReactionRefused": "RegionLeft"}
        for effect, cause in wanted.items():
            assert counted.get(effect, 0) == sum(record.type == cause for record in heard)
        seen = self.rows("SELECT seen::json ->> 'registry', seen::json ->> 'settlement' FROM voucher_head")[0]
        assert tuple(int(position or 0) for position in seen) == (applied["registry"], applied["settlement"])


@pytest.mark.parametrize("most_locked", [0, 64])
def test_the_writer_under_any_order_of_holds_repeats_crashes_and_days(
    new_database: Callable[..., str], monkeypatch: pytest.MonkeyPatch, most_locked: int
) -> None:
    """With 0 each group is decided before the lock first, in vain whenever the other writer was there."""
    monkeypatch.setattr(optimistic, "MOST_LOCKED", most_locked)
    machine = type("Bound", (WriterMachine,), {"new_database": staticmethod(new_database)})
    run_state_machine_as_test(machine, settings=SETTINGS)


def test_the_inbox_under_any_order_of_deliveries_repeats_gaps_and_crashes(new_database: Callable[..., str]) -> None:
    machine = type("Bound", (InboxMachine,), {"new_database": staticmethod(new_database)})
    run_state_machine_as_test(machine, settings=SETTINGS)
