"""Groups decided before the head row is locked, over a real PostgreSQL."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tongdui_events.registry import RegionJoined
from tongdui_events.streams import ceiling_id, region_id

from shared.kernel.commands import Command
from shared.runtime import guarded_append, optimistic
from shared.runtime.errors import DecisionFailed, FateUnknown, NoBusinessDay, StoreUnavailable
from shared.runtime.guarded_append import GuardedAppend
from shared.runtime.jobs import Context, Outcome
from shared.runtime.optimistic import Group, OptimisticCommit
from shared.runtime.state import State
from shared.runtime.store import Store
from shared.runtime.writer import Writer
from tests.integration.line import until
from tests.integration.toy import CEILING, DAY, REGION, CeilingFull, OpenDay, PlaceHold, context, foreign, hold, writer_on

PACKED = (guarded_append._uuids, guarded_append._integers, guarded_append._texts, guarded_append._bytes)
Asking = list[asyncio.Future[Outcome]]
Together = Callable[[Writer, Sequence[tuple[Command, Context]]], Awaitable[Asking]]


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each group sent before the lock, whether it was recorded. Others' work keeps nobody from trying again at once."""
    told: list[bool] = []
    wait = GuardedAppend.wait

    def noted(append: GuardedAppend) -> bool:
        told.append(wait(append))
        return told[-1]

    monkeypatch.setattr(GuardedAppend, "wait", noted)
    monkeypatch.setattr(optimistic, "MOST_LOCKED", 0)
    return told


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> Together:
    """Ask for all of it at once: the writer takes nothing before the last has come, and hears of a group it stored only when
    it waits for that, so half of them are decided on top of the other half."""
    monkeypatch.setattr(GuardedAppend, "is_done", lambda append: False)

    async def ask(writer: Writer, asked: Sequence[tuple[Command, Context]]) -> Asking:
        come = threading.Event()
        monkeypatch.setattr(Writer, "_let_others_come", lambda writer, is_one_in_hand: come.wait(20))
        asking = [asyncio.ensure_future(writer.execute(*one)) for one in asked]
        await until(lambda: writer.waiting == len(asked))
        come.set()
        return asking

    return ask


@pytest.fixture
def void(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of each group that was not recorded, how many commands had been decided on top of it."""
    told: list[int] = []
    forget = OptimisticCommit._forget

    def noted(commit: OptimisticCommit, group: Group, on_top: Group | None) -> None:
        told.append(len(on_top.jobs) if on_top is not None else 0)
        forget(commit, group, on_top)

    monkeypatch.setattr(OptimisticCommit, "_forget", noted)
    return told


CASES = {key: uuid4() for key in "ab"}


def more(amount_fen: int, key: str = "a") -> PlaceHold:
    """A hold of the one case that has holds under this key: its streams are known after the first."""
    return PlaceHold(voucher_id=CASES[key], key=key, amount_fen=amount_fen)


async def _ask(writer: Writer, *commands: Command) -> list[Any]:
    asked = (writer.execute(command, context()) for command in commands)
    return await asyncio.gather(*asked, return_exceptions=True)


def _positions(store: Store) -> list[int]:
    with store.connect() as connection:
        return [row[0] for row in connection.execute("SELECT notification_id FROM voucher_events ORDER BY 1")]


def _versions(store: Store) -> list[list[int]]:
    """Of each stream, the shortest first."""
    listed = "SELECT array_agg(originator_version ORDER BY originator_version) FROM voucher_events GROUP BY originator_id"
    with store.connect() as connection:
        return sorted((row[0] for row in connection.execute(listed)), key=len)


async def test_only_the_first_command_of_a_process_takes_the_lock_before_it_is_decided(store: Store, ends: list[bool]) -> None:
    with writer_on(store) as writer:
        await _ask(writer, OpenDay(date=DAY))
        assert ends == []
        await _ask(writer, more(1))
        await _ask(writer, hold(2), hold(3, "b"), more(4))
    assert set(ends) == {True}
    assert _positions(store) == list(range(1, 1 + 1 + 3 + 2 + 3 + 2))


async def test_what_is_not_known_is_read_as_it_was_where_the_state_stands(store: Store) -> None:
    """Later events and facts come when the state catches up, and once."""
    joined = RegionJoined(region="310118", name="青浦", province="31", prefixes=("310118",), joins_on=DAY)
    with writer_on(store) as writer:
        await _ask(writer, OpenDay(date=DAY), more(1))
        with store.connect(autocommit=True) as connection:
            state = State("voucher", [CEILING, REGION])
            state.cursor = connection.cursor()
            state.catch_up(4, 0, {})
            await _ask(writer, more(2), more(5, "b"))
            await writer.deliver("registry", [foreign("registry", 1, joined, region_id("310118"))])
            ids = [ceiling_id("enterprise-year", key, 2025) for key in "ab"]
            assert [state.get(CEILING, stream).held_fen for stream in ids] == [1, 0]
            assert state.get(REGION, region_id("310118")).name == ""
            state.catch_up(9, 1, {"registry": 1})
            assert [state.get(CEILING, stream).held_fen for stream in ids] == [3, 5]
            assert state.get(REGION, region_id("310118")).name == "青浦"


async def test_what_others_recorded_first_is_decided_on(store: Store, ends: list[bool]) -> None:
    with writer_on(store) as one, writer_on(store) as two:
        await _ask(one, OpenDay(date=DAY), more(600))
        await _ask(two, more(300))
        refused = await _ask(one, more(200))
        accepted = [*await _ask(one, more(60)), *await _ask(one, more(40))]
    assert isinstance(refused[0], CeilingFull) and all(isinstance(answer, Outcome) for answer in accepted)
    assert ends == [False, True, True]
    assert _positions(store) == list(range(1, 1 + 1 + 3 + 2 + 2 * 2))


async def test_a_refusal_too_is_given_only_on_what_is_true_now(store: Store, ends: list[bool]) -> None:
    with writer_on(store) as one, writer_on(store) as two:
        before = await _ask(one, more(1))
        await _ask(two, OpenDay(date=DAY))
        after = await _ask(one, more(1))
    assert isinstance(before[0], NoBusinessDay) and isinstance(after[0], Outcome)
    assert ends == [False]


async def test_two_busy_processes_seldom_decide_in_vain(
    store: Store, ends: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimistic, "MOST_LOCKED", 64)
    with writer_on(store) as one, writer_on(store) as two:
        await _ask(one, OpenDay(date=DAY))
        for _ in range(60):
            await _ask(one, more(1, "a"))
            await _ask(two, more(1, "b"))
        assert 2 <= ends.count(False) <= 12, "of 120 groups: each waits 2, 4, 8, 16 and 32 groups before it tries again"
        for _ in range(60):
            await _ask(one, more(1, "a"))
    assert ends.count(True) > 20, "and it tries again when it is alone"


async def test_who_asks_again_gets_the_first_outcome_also_where_it_would_be_refused_now(store: Store, ends: list[bool]) -> None:
    command, once = more(700), context()
    with writer_on(store) as writer:
        await _ask(writer, OpenDay(date=DAY), more(1))
        first, twice = await asyncio.gather(writer.execute(command, once), writer.execute(command, once))
        again = await writer.execute(command, once)
    assert first == twice == again
    assert False in ends, "the last was decided before the lock"
    assert len(_positions(store)) == 1 + 3 + 2


async def test_a_plan_made_while_the_tables_were_empty_reads_by_key(store: Store, ends: list[bool]) -> None:
    """It is kept as long as the session: one that reads a whole table would be slower with every group."""
    with writer_on(store) as writer:
        await _ask(writer, OpenDay(date=DAY))
        await _ask(writer, more(1))
        connection = writer._locked.connected()
        connection.execute("SET plan_cache_mode = force_generic_plan")
        arguments = "0, 0, '{}', '{}', 1, " + ", ".join(["'{}'"] * 13)
        plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN EXECUTE tongdui_append ({arguments})"))
    assert ends and "voucher_outcomes_pkey" in plan and "Seq Scan on voucher_outcomes" not in plan


async def test_what_the_database_refuses_is_decided_again_and_fails_alone(store: Store, ends: list[bool]) -> None:
    with store.connect() as connection:
        connection.execute("""ALTER TABLE voucher_events ADD CHECK (position('"amount_fen":13'::bytea IN state) = 0)""")
    with writer_on(store) as writer:
        await _ask(writer, OpenDay(date=DAY), more(1, "a"), more(1, "b"))
        answers = await _ask(writer, *(more(13 if n == 30 else 1, "a" if n < 45 else "b") for n in range(90)))
    assert [at for at, answer in enumerate(answers) if not isinstance(answer, Outcome)] == [30]
    assert isinstance(answers[30], DecisionFailed)
    assert _positions(store) == list(range(1, 1 + 1 + 2 * 3 + 89 * 2))


async def test_what_was_decided_on_top_of_a_group_that_was_not_recorded_is_forgotten(
    store: Store, ends: list[bool], void: list[int], together: Together
) -> None:
    once = context()
    with writer_on(store) as writer:
        await _ask(writer, OpenDay(date=DAY), more(1, "a"), more(1, "b"))
        first = await writer.execute(more(1), once)
        asked = [(more(1), once if n == 10 else context()) for n in range(45)] + [(more(1, "b"), context()) for _ in range(45)]
        answers = await asyncio.gather(*await together(writer, asked))
    assert void == [45]
    assert answers[10] == first
    assert all(versions == list(range(1, len(versions) + 1)) for versions in _versions(store))
    assert _positions(store) == list(range(1, 1 + 1 + 2 * 3 + 2 + 89 * 2))


async def test_a_cache_too_small_for_a_group_forgets_nothing_that_is_not_stored_yet(
    store: Store, ends: list[bool], caplog: pytest.LogCaptureFixture
) -> None:
    with writer_on(store) as writer:
        await _ask(writer, OpenDay(date=DAY), more(1, "a"), more(1, "b"))
        writer.state._capacity = 1
        answers = await _ask(writer, *(more(1, "ab"[n % 2]) for n in range(200)))
    assert all(isinstance(answer, Outcome) for answer in answers) and set(ends) == {True} and not caplog.records
    assert _versions(store) == [list(range(1, last + 1)) for last in (1, 101, 101, 102, 102)]


async def test_what_was_decided_on_top_of_a_group_that_was_lost_is_decided_again(
    store: Store, ends: list[bool], void: list[int], together: Together
) -> None:
    asked = [(more(1), context()) for _ in range(40)]
    with writer_on(store) as writer, store.connect() as blocker, store.connect(autocommit=True) as killer:
        await _ask(writer, OpenDay(date=DAY), more(1))
        blocker.execute("SELECT FROM voucher_head FOR UPDATE")
        asking = await together(writer, asked)
        waiting = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        await until(lambda: killer.execute(waiting + " AND datname = current_database()").fetchone() is not None)
        blocker.rollback()
        answers = await asyncio.gather(*asking, return_exceptions=True)
        found = [await writer.execute(*one) for one in asked]
    assert void[0] == 20
    assert any(isinstance(answer, FateUnknown) for answer in answers) and any(isinstance(answer, Outcome) for answer in answers)
    assert all(answer == outcome for answer, outcome in zip(answers, found, strict=True) if isinstance(answer, Outcome))
    assert _positions(store) == list(range(1, 1 + 1 + 3 + 40 * 2))


async def test_a_group_that_could_not_be_sent_is_answered_unavailable_and_the_writer_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise psycopg.OperationalError("the connection went away")

    with writer_on(store) as writer:
        await _ask(writer, OpenDay(date=DAY), more(1))
        with monkeypatch.context() as patched:
            patched.setattr(GuardedAppend, "send", broken)
            unsent = await _ask(writer, *(more(1) for _ in range(40)))
        sent = await _ask(writer, more(1))
        assert writer.waiting == 0 and writer.failure is None
    assert any(isinstance(answer, StoreUnavailable) for answer in unsent) and isinstance(sent[0], Outcome)
    recorded = sum(isinstance(answer, Outcome) for answer in unsent) + 1
    assert _positions(store) == list(range(1, 1 + 1 + 3 + 2 * recorded))


BIG = st.integers(-(2**63), 2**63 - 1)


@given(rows=st.lists(st.tuples(st.uuids(), BIG, st.text(st.characters(exclude_characters="\0", codec="utf-8")), st.binary())))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
def test_arrays_of_any_rows_are_read_by_the_database_as_they_are(database_url: str, rows: list[tuple[Any, ...]]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    arrays = [pack(column) for pack, column in zip(PACKED, columns, strict=True)]
    with psycopg.connect(database_url) as connection:
        sent = connection.pgconn.exec_params(
            b"SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bytea[])", arrays, param_formats=[1] * 4
        )
        assert sent.status == psycopg.pq.ExecStatus.TUPLES_OK, sent.error_message
        read = [
            (
                UUID(sent.get_value(at, 0).decode()),
                int(sent.get_value(at, 1)),
                sent.get_value(at, 2).decode(),
                bytes.fromhex(sent.get_value(at, 3)[2:].decode()),
            )
            for at in range(sent.ntuples)
        ]
    assert read == rows
