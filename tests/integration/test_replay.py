"""Replaying a log gives the state decisions are made on, and the live tables, byte for byte."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any
from uuid import uuid4

from tongdui_events.codec import decode

from services.voucher.domain.allocation import ConfirmAllocation
from services.voucher.domain.application import ApplyForVoucher
from services.voucher.domain.contract import AcknowledgeContract
from services.voucher.domain.endings import WithdrawVoucher
from services.voucher.main import SERVICE
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Refusal
from shared.runtime.clock import SimulatedClock
from shared.runtime.delivery import Reactor
from shared.runtime.jobs import Context
from shared.runtime.projections import Projections
from shared.runtime.state import State
from shared.runtime.store import Store
from shared.runtime.writer import Writer
from tests.integration.toy import foreign, opened
from tests.unit.voucher_world import (
    CENTRE_OFFICER,
    ENTERPRISE,
    OTHER,
    PROVIDER,
    contract,
    enterprise,
    laboratory,
    registry_facts,
    voucher,
)

CASES = 30


async def _live(writer: Writer) -> None:
    """Thirty cases; a third are given back; the last ones meet what is left of the enterprises' year."""
    facts = [opened(1), *(foreign("registry", n, event, stream) for n, (stream, event) in enumerate(registry_facts(), 2))]
    assert (await writer.deliver("registry", facts)).stopped is None

    async def ask(principal: Principal, command: Command) -> None:
        try:
            await writer.execute(command, Context(principal, f"/{type(command).__name__}", uuid4()))
        except Refusal as refusal:
            assert refusal.status < 500, refusal

    for number in range(CASES):
        person, case = enterprise((ENTERPRISE, OTHER)[number % 2]), voucher(number)
        await ask(person, ApplyForVoucher(voucher_id=case, provider_uscc=PROVIDER, mode="tongdui", purpose="检测"))
        await ask(laboratory(), contract(number, 10_000_000 + number))
        await ask(person, AcknowledgeContract(voucher_id=case))
        await ask(CENTRE_OFFICER, ConfirmAllocation(voucher_id=case))
        if number % 3 == 0:
            await ask(person, WithdrawVoucher(voucher_id=case))


async def test_the_fold_of_a_log_equals_the_cached_state_and_the_live_tables(database_url: str) -> None:
    store = Store(database_url, "voucher")
    store.create_tables()
    projections = Projections(store, SERVICE.views)
    projections.create_tables()
    reactor = Reactor("voucher", SERVICE.listens, SERVICE.reactions)
    writer = Writer(store, State("voucher", SERVICE.folds), SimulatedClock(time.time()), SERVICE.handlers, reactor)
    writer.start()
    await _live(writer)
    with store.connect() as connection, connection.cursor() as cursor:
        rows = cursor.execute("SELECT topic, state FROM voucher_events ORDER BY notification_id").fetchall()
        replayed = State("voucher", SERVICE.folds)
        replayed.cursor = writer.state.cursor = cursor
        replayed.position, replayed.facts = writer.state.position, writer.state.facts
        streams = {(topic, decode(bytes(state)).stamp.originator_id) for topic, state in rows}
        compared = 0
        for topic, stream in streams:
            fold = writer.state.own.get(topic)
            if fold is not None:
                assert replayed.get(fold, stream) == writer.state.get(fold, stream)
                compared += 1
    assert compared > 4 * CASES
    with store.connect() as connection:
        while projections.project_chunk(connection, limit=37):
            pass
        for view in SERVICE.views:
            live = dict(connection.execute(f"SELECT key, row FROM voucher_view_{view.name}").fetchall())
            assert live == _folded(view, rows), view.name
    writer.stop()
    projections.close()
    store.close()


def _folded(view: Any, rows: list[tuple[str, bytes]]) -> dict[str, Any]:
    wanted = {cls.__name__ for cls in view.types}
    folded: defaultdict[str, Any] = defaultdict(lambda: None)
    for topic, state in rows:
        if topic in wanted:
            stamp, event = decode(bytes(state))
            for key, part in view.touched(event, stamp):
                folded[key] = view.evolve(folded[key], part, stamp)
    return {key: row for key, row in folded.items() if row is not None}
