"""The writer over a real PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from tongdui_events.registry import RegionJoined, RegionLeft
from tongdui_events.settlement import RedemptionWithdrawn
from tongdui_events.streams import region_id

from shared.kernel.folding import Fold
from shared.runtime.bus.port import Record
from shared.runtime.delivery import Reactor
from shared.runtime.errors import (
    CommandConflict,
    DecisionFailed,
    DocumentTooLarge,
    FateUnknown,
    NoBusinessDay,
    Overloaded,
    StoreUnavailable,
)
from shared.runtime.jobs import Delivered
from shared.runtime.observing import Stops
from shared.runtime.state import State
from shared.runtime.store import Store
from shared.runtime.transaction import Transaction
from tests.integration.toy import (
    CEILING,
    DAY,
    LIMIT,
    REGION,
    BreakTransaction,
    CeilingFull,
    Explode,
    FallAsleep,
    OpenDay,
    PlaceHold,
    context,
    foreign,
    hold,
    lost_connection,
    opened,
    writer_on,
)


def _count(store: Store, table: str) -> int:
    with store.connect() as connection:
        return connection.execute(f"SELECT count(*) FROM voucher_{table}").fetchone()[0]


async def test_before_the_first_day_nothing_can_be_recorded(store: Store) -> None:
    with writer_on(store) as writer, pytest.raises(NoBusinessDay):
        await writer.execute(hold(1), context())
    assert _count(store, "events") == 0


async def test_positions_are_dense_from_1_and_equal_commit_order(store: Store) -> None:
    with writer_on(store) as writer:
        await writer.execute(OpenDay(date=DAY), context())
        await asyncio.gather(*(writer.execute(hold(1, str(n % 7)), context()) for n in range(300)))
    with store.connect() as connection:
        positions = [row[0] for row in connection.execute("SELECT notification_id FROM voucher_events ORDER BY 1")]
        head = connection.execute("SELECT position FROM voucher_head").fetchone()[0]
    assert positions == list(range(1, head + 1))
    assert head == 1 + 7 + 600


async def test_a_refused_command_stores_nothing_and_its_id_stays_free(store: Store) -> None:
    with writer_on(store) as writer:
        await writer.execute(OpenDay(date=DAY), context())
        before = _count(store, "events"), _count(store, "outcomes")
        again = context()
        with pytest.raises(CeilingFull):
            await writer.execute(hold(LIMIT + 1), again)
        assert (_count(store, "events"), _count(store, "outcomes")) == before
        assert (await writer.execute(hold(LIMIT), again)).position > before[0]


async def test_the_same_payload_under_one_id_gets_the_first_outcome_again(store: Store) -> None:
    command, once = hold(10), context()
    with writer_on(store) as writer:
        await writer.execute(OpenDay(date=DAY), context())
        together = await asyncio.gather(*(writer.execute(command, once) for _ in range(5)))
        later = await writer.execute(command, once)
    with writer_on(store) as another:
        restarted = await another.execute(command, once)
    assert {outcome.position for outcome in (*together, later, restarted)} == {together[0].position}
    assert together[0].documents == later.documents == restarted.documents
    assert len(together[0].documents) == 3


async def test_another_payload_under_one_id_is_a_conflict(store: Store) -> None:
    once = context()
    with writer_on(store) as writer:
        await writer.execute(OpenDay(date=DAY), context())
        await writer.execute(hold(10), once)
        with pytest.raises(CommandConflict):
            await writer.execute(hold(11), once)


async def test_an_id_of_another_organisation_is_another_id(store: Store) -> None:
    command_id = uuid4()
    with writer_on(store) as writer:
        await writer.execute(OpenDay(date=DAY), context())
        first = await writer.execute(hold(10), context(command_id, "one"))
        second = await writer.execute(hold(11), context(command_id, "two"))
    assert first.position < second.position


@pytest.mark.parametrize("poison", [Explode, BreakTransaction])
async def test_a_decision_that_raises_or_breaks_the_transaction_fails_alone(store: Store, poison: type) -> None:
    with writer_on(store) as writer:
        await writer.execute(OpenDay(date=DAY), context())
        commands = [hold(1), hold(2), poison(voucher_id=uuid4()), hold(3), hold(4)]
        results = await asyncio.gather(*(writer.execute(c, context()) for c in commands), return_exceptions=True)
    assert isinstance(results[2], DecisionFailed)
    assert [type(result).__name__ for result in results if result is not results[2]] == ["Outcome"] * 4
    assert _count(store, "outcomes") == 5


async def test_who_asks_for_what_is_on_its_way_in_the_same_group_gets_it(store: Store) -> None:
    repeated, once = hold(1), context()
    with writer_on(store) as writer:
        await writer.execute(OpenDay(date=DAY), context())
        # each new key's stream is looked for in the database while the events of those before are being copied into it
        before = [writer.execute(hold(1, f"k{n}"), context()) for n in range(60)]
        after = [writer.execute(hold(1, f"k{n}"), context()) for n in range(60, 120)]
        answers = await asyncio.gather(*before, writer.execute(repeated, once), *after, writer.execute(repeated, once))
    assert answers[60] == answers[-1]
    with store.connect() as connection:
        rows = connection.execute("SELECT notification_id, state FROM voucher_events ORDER BY 1").fetchall()
    assert [position for position, _ in rows] == list(range(1, 1 + 1 + 121 * 3))
    stored = {position: bytes(state) for position, state in rows}
    for answer in answers:
        assert answer.documents == [stored[answer.position - 2 + at] for at in range(3)]


async def test_what_the_database_refuses_among_many_fails_alone(store: Store) -> None:
    with store.connect() as connection:
        connection.execute("ALTER TABLE voucher_events ADD CHECK (position('poison'::bytea IN state) = 0)")
    with writer_on(store) as writer:
        await writer.execute(OpenDay(date=DAY), context())
        commands = [hold(1, "poison" if n == 30 else f"k{n % 7}") for n in range(90)]
        results = await asyncio.gather(*(writer.execute(c, context()) for c in commands), return_exceptions=True)
    assert [at for at, result in enumerate(results) if isinstance(result, BaseException)] == [30]
    assert isinstance(results[30], DecisionFailed)
    assert _count(store, "outcomes") == 90 and _count(store, "events") == 1 + 7 + 2 * 89


async def test_an_event_over_the_size_limit_is_refused_by_the_writer(store: Store) -> None:
    with writer_on(store, event_size_limit=620) as writer:
        await writer.execute(OpenDay(date=DAY), context())
        with pytest.raises(DocumentTooLarge):
            await writer.execute(hold(1, "k" * 80), context())
        await writer.execute(hold(1), context())
    assert _count(store, "events") == 4


async def test_a_full_queue_is_answered_overloaded_at_once(store: Store) -> None:
    with writer_on(store, queue_limit=5) as writer:
        await writer.execute(OpenDay(date=DAY), context())
        with store.connect() as blocker:
            blocker.execute("SELECT * FROM voucher_head FOR UPDATE")
            waiting = [asyncio.create_task(writer.execute(hold(1), context())) for _ in range(30)]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            refused = [task for task in waiting if task.done()]
            assert refused and all(isinstance(task.exception(), Overloaded) for task in refused)
        results = await asyncio.gather(*waiting, return_exceptions=True)
    assert sum(not isinstance(result, Overloaded) for result in results) >= 5


async def test_two_writers_never_exceed_one_ceiling_and_leave_none_of_it_unused(store: Store) -> None:
    with writer_on(store) as one, writer_on(store) as two:
        await one.execute(OpenDay(date=DAY), context())
        asked = [(one, two)[n % 2].execute(hold(7), context()) for n in range(400)]
        results = await asyncio.gather(*asked, return_exceptions=True)
    accepted = [result for result in results if not isinstance(result, Exception)]
    assert len(accepted) == LIMIT // 7
    assert all(isinstance(result, CeilingFull) for result in results if isinstance(result, Exception))


async def test_a_commit_whose_answer_is_lost_is_unknown_and_found_again_under_its_id(store: Store) -> None:
    command, once = hold(10), context()
    with writer_on(store) as writer:
        await writer.execute(OpenDay(date=DAY), context())
        with lost_connection("writer.unknown_commit"), pytest.raises(FateUnknown):
            await writer.execute(command, once)
        found = await writer.execute(command, once)
    assert found.position == 4
    assert _count(store, "events") == 4


async def test_a_terminated_session_is_replaced_without_a_restart(store: Store) -> None:
    with writer_on(store) as writer:
        await writer.execute(OpenDay(date=DAY), context())
        with store.connect(autocommit=True) as killer:
            killer.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                           " AND datname = current_database()")
        results = []
        for _ in range(3):
            results += await asyncio.gather(writer.execute(hold(1), context()), return_exceptions=True)
    assert getattr(results[0], "status", 200) in (200, 503)
    assert not isinstance(results[-1], Exception)


async def test_a_writer_that_slept_through_its_transaction_asks_to_come_back_and_goes_on(store: Store) -> None:
    with writer_on(store) as writer:
        await writer.execute(OpenDay(date=DAY), context())
        with pytest.raises(StoreUnavailable):
            await writer.execute(FallAsleep(voucher_id=uuid4()), context())
        await writer.execute(hold(1), context())
    assert _count(store, "events") == 1 + 3


async def test_a_snapshot_is_used_and_one_of_another_version_is_ignored(store: Store) -> None:
    with writer_on(store) as writer:
        await writer.execute(OpenDay(date=DAY), context())
        for _ in range(25):
            await writer.execute(hold(2), context())
    assert _count(store, "snapshots") == 2
    for version, expected in ((1, 50), (2, 50)):
        with store.connect(autocommit=True) as connection, connection.cursor() as cursor:
            fold = Fold(CEILING.name, "voucher", CEILING.types, CEILING.initial, CEILING.evolve, version, 10)
            state = State("voucher", [fold])
            state.cursor, state.position = cursor, _count(store, "events")
            stream = cursor.execute("SELECT originator_id FROM voucher_snapshots LIMIT 1").fetchone()[0]
            assert state.get(fold, stream).held_fen == expected
    with store.connect() as connection:
        connection.execute("UPDATE voucher_snapshots SET state = %s", (b'{"limit_fen":1000,"held_fen":0}',))
        connection.commit()
        state = State("voucher", [CEILING])
        state.cursor, state.position = connection.cursor(), _count(store, "events")
        assert state.get(CEILING, stream).held_fen == 12, "what came after the snapshot of version 20"


async def test_facts_of_another_log_are_kept_once_whatever_is_delivered_again(store: Store) -> None:
    joined = foreign("registry", 2, RegionJoined(region="310118", name="青浦", province="31", prefixes=("310118",),
                                                 joins_on=DAY), region_id("310118"))
    with writer_on(store) as writer:
        assert (await writer.deliver("registry", [opened(1), joined])).applied == 2
        assert (await writer.deliver("registry", [opened(1), joined])).applied == 2
    assert _count(store, "facts") == 1
    assert _count(store, "events") == 1


async def test_with_deduplication_switched_off_the_same_delivery_is_doubled(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the test above is worth: the same records, and an inbox that forgets what it applied."""

    def deliver_everything(self: Reactor, transaction: Transaction, source: str, records: list[Record]) -> Any:
        for record in records:
            transaction.state.seen = {**transaction.state.seen, source: record.position - 1}
            self._apply(transaction, source, record)
        return Delivered(transaction.state.seen[source]), None

    monkeypatch.setattr(Reactor, "deliver", deliver_everything)
    joined = foreign("registry", 2, RegionJoined(region="310118", name="青浦", province="31", prefixes=("310118",),
                                                 joins_on=DAY), region_id("310118"))
    with writer_on(store) as writer:
        await writer.deliver("registry", [opened(1), joined])
        await writer.deliver("registry", [opened(1), joined])
    assert _count(store, "facts") == 2
    assert _count(store, "events") == 2


async def test_a_gap_stops_the_source_and_loses_nothing_before_it(store: Store) -> None:
    with writer_on(store) as writer:
        delivered = await writer.deliver("registry", [opened(1), opened(3)])
    assert delivered.applied == 1
    assert "position 3 came where 2 was expected" in delivered.stopped
    assert Stops(store).stopped()[0]["position"] == 3


async def test_a_reaction_that_refuses_is_recorded_with_its_rule(store: Store) -> None:
    left = foreign("registry", 2, RegionLeft(region="310118", leaves_on=DAY, run_off_until=DAY), region_id("310118"))
    with writer_on(store) as writer:
        assert (await writer.deliver("registry", [opened(1), left])).applied == 2
    with store.connect() as connection:
        state = bytes(connection.execute("SELECT state FROM voucher_events WHERE topic = 'ReactionRefused'").fetchone()[0])
    assert b'"from_source":"registry","from_position":2,"rule":"ceiling_full"' in state


async def test_an_unreadable_record_stops_its_source_until_an_operator_parks_it(store: Store) -> None:
    broken = Record(2, b"", b"{not json", "DayOpened")
    third = opened(3, DAY.replace(day=4))
    with writer_on(store) as writer:
        delivered = await writer.deliver("registry", [opened(1), broken, third])
        assert (delivered.applied, bool(delivered.stopped)) == (1, True)
        assert Stops(store).park("registry", 2, "operator-1")
        delivered = await writer.deliver("registry", [broken, third])
        assert (delivered.applied, delivered.stopped) == (3, None)
    with store.connect() as connection:
        assert bytes(connection.execute("SELECT state FROM voucher_parked").fetchone()[0]) == b"{not json"


async def test_a_record_of_a_type_nobody_here_needs_passes_by_unread(store: Store) -> None:
    with writer_on(store) as writer:
        delivered = await writer.deliver("registry", [opened(1), Record(2, b"", b"{not json", "SomethingNew")])
    assert (delivered.applied, delivered.stopped) == (2, None)


async def test_a_reaction_that_raises_stops_its_source_and_leaves_nothing_half_done(store: Store) -> None:
    stream = region_id("310118")
    joined = foreign("registry", 2, RegionJoined(region="310118", name="broken", province="31", prefixes=("310118",),
                                                 joins_on=DAY), stream)
    left = foreign("registry", 3, RegionLeft(region="310118", leaves_on=DAY, run_off_until=DAY), stream)
    with writer_on(store) as writer:
        delivered = await writer.deliver("registry", [opened(1), joined, left])
    assert delivered.applied == 2
    assert "ZeroDivisionError" in delivered.stopped
    assert _count(store, "facts") == 1


async def test_a_record_the_database_refuses_stops_its_source_alone_until_it_is_parked(store: Store) -> None:
    stream = region_id("310118")
    joined = foreign("registry", 2, RegionJoined(region="310118", name="refused", province="31", prefixes=("310118",),
                                                 joins_on=DAY), stream)
    left = foreign("registry", 3, RegionLeft(region="310118", leaves_on=DAY, run_off_until=DAY), stream)
    records = [opened(1), joined, left, opened(4, DAY.replace(day=4))]
    with writer_on(store) as writer:
        delivered = await writer.deliver("registry", records)
        assert delivered.applied == 2 and "the database refused it" in delivered.stopped
        assert Stops(store).stopped()[0]["position"] == 3
        assert Stops(store).park("registry", 3, "operator-1")
        delivered = await writer.deliver("registry", records)
        assert (delivered.applied, delivered.stopped) == (4, None)
    assert _count(store, "facts") == 1


async def test_an_event_waits_for_the_registry_facts_behind_it(store: Store) -> None:
    redemption = uuid4()
    withdrawn = foreign("settlement", 1, RedemptionWithdrawn(redemption_id=redemption), redemption, seen={"registry": 1})
    with writer_on(store) as writer:
        delivered = await writer.deliver("settlement", [withdrawn])
        assert (delivered.applied, delivered.waits_for) == (0, ("registry", 1))
        await writer.deliver("registry", [opened(1)])
        assert (await writer.deliver("settlement", [withdrawn])).applied == 1


async def test_a_writer_decides_on_facts_another_process_kept(store: Store) -> None:
    stream = region_id("310118")
    joined = foreign("registry", 2, RegionJoined(region="310118", name="青浦", province="31", prefixes=("310118",),
                                                 joins_on=DAY), stream)
    with writer_on(store) as one, writer_on(store) as two:
        await one.deliver("registry", [opened(1)])
        await two.execute(hold(1), context())
        await one.deliver("registry", [joined])
        await two.execute(hold(1), context())
        assert two.state.seen == {"registry": 2}
        with store.connect() as connection:
            two.state.cursor = connection.cursor()
            assert two.state.get(REGION, stream).name == "青浦"


def test_the_command_names_the_ids_its_group_is_loaded_by() -> None:
    assert PlaceHold.id_fields == ("voucher_id",)
