"""A service of a few lines over the real store, to try the writer on: holds under one ceiling."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import psycopg
from psycopg.pq import TransactionStatus
from tongdui_events.codec import encode
from tongdui_events.common import DayReached
from tongdui_events.document import Actor, Document, Event, Stamp
from tongdui_events.registry import DayOpened, RegionJoined, RegionLeft
from tongdui_events.settlement import RedemptionWithdrawn
from tongdui_events.streams import ceiling_id, days_id, region_id
from tongdui_events.voucher import CeilingSet, HoldPlaced, VoucherTendered

from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, Refusal
from shared.kernel.folding import Fold
from shared.runtime import locked, optimistic
from shared.runtime.bus.port import Record
from shared.runtime.clock import SimulatedClock
from shared.runtime.delivery import Reactor
from shared.runtime.desk import Desk
from shared.runtime.jobs import Context
from shared.runtime.state import ReadingNeeded, State
from shared.runtime.store import Store
from shared.runtime.writer import Writer

DAY = date(2025, 3, 3)
LIMIT = 1000


class CeilingFull(Refusal):
    status = 409
    zh = "额度已满"
    en = "the ceiling is full"


@dataclass(frozen=True)
class Ceiling:
    limit_fen: int = 0
    held_fen: int = 0


@dataclass(frozen=True)
class Region:
    name: str = ""
    left: bool = False


def evolve_ceiling(state: Ceiling, event: Event, stamp: Stamp) -> Ceiling:
    if isinstance(event, CeilingSet):
        return replace(state, limit_fen=event.limit_fen)
    return replace(state, held_fen=state.held_fen + event.amount_fen)


def evolve_region(state: Region, event: Event, stamp: Stamp) -> Region:
    return replace(state, name=event.name) if isinstance(event, RegionJoined) else replace(state, left=True)


CEILING = Fold("ceiling", "voucher", (CeilingSet, HoldPlaced), Ceiling(), evolve_ceiling, snapshot_every=10)
REGION = Fold("region", "registry", (RegionJoined, RegionLeft), Region(), evolve_region)


class PlaceHold(Command):
    voucher_id: UUID
    key: str
    amount_fen: int


class Explode(Command):
    voucher_id: UUID


class BreakTransaction(Command):
    voucher_id: UUID


class FallAsleep(Command):
    """Until the server has ended the writer's session."""

    voucher_id: UUID


class OpenDay(Command):
    date: date


def place_hold(command: PlaceHold, desk: Desk) -> list[Decided] | Refusal:
    stream = ceiling_id("enterprise-year", command.key, 2025)
    ceiling = desk.get(CEILING, stream)
    decided = []
    if not ceiling.limit_fen:
        ceiling = Ceiling(LIMIT)
        term = CeilingSet(kind="enterprise-year", key=command.key, year=2025, wanted_fen=LIMIT, limit_fen=LIMIT)
        decided.append(Decided(stream, term))
    if ceiling.held_fen + command.amount_fen > ceiling.limit_fen:
        return CeilingFull()
    hold = HoldPlaced(kind="enterprise-year", key=command.key, year=2025, voucher_id=command.voucher_id,
                      amount_fen=command.amount_fen)
    decided.append(Decided(stream, hold, command.voucher_id))
    decided.append(Decided(command.voucher_id, VoucherTendered(voucher_id=command.voucher_id), command.voucher_id))
    return decided


def explode(command: Explode, desk: Desk) -> list[Decided]:
    raise ZeroDivisionError


def break_transaction(command: BreakTransaction, desk: Desk) -> list[Decided]:
    raise psycopg.errors.UniqueViolation("as a broken constraint would")


def fall_asleep(command: FallAsleep, desk: Desk) -> list[Decided]:
    cursor = desk.state.cursor
    if cursor is None or cursor.connection.info.transaction_status == TransactionStatus.IDLE:
        raise ReadingNeeded  # before the lock there is no transaction to be idle in
    sleep_too_long(cursor.connection)
    return [Decided(command.voucher_id, VoucherTendered(voucher_id=command.voucher_id), command.voucher_id)]


def open_day(command: OpenDay, desk: Desk) -> list[Decided]:
    return [Decided(days_id("voucher"), DayReached(date=command.date))]


HANDLERS = {
    PlaceHold: place_hold, Explode: explode, BreakTransaction: break_transaction, FallAsleep: fall_asleep, OpenDay: open_day,
}  # fmt: skip


def day_opened(event: DayOpened, stamp: Stamp, desk: Desk) -> list[Decided]:
    return [Decided(days_id("voucher"), DayReached(date=event.date))]


def region_left(event: RegionLeft, stamp: Stamp, desk: Desk) -> list[Decided] | Refusal:
    if desk.get(REGION, region_id(event.region)).name == "broken":
        raise ZeroDivisionError
    if desk.get(REGION, region_id(event.region)).name == "refused":
        raise psycopg.errors.CheckViolation("as a constraint would")
    return CeilingFull()


def redemption_withdrawn(event: RedemptionWithdrawn, stamp: Stamp, desk: Desk) -> list[Decided]:
    return []


REACTIONS = {
    ("settlement", "RedemptionWithdrawn"): redemption_withdrawn,
    ("registry", "DayOpened"): day_opened, ("registry", "RegionLeft"): region_left}


def sleep_too_long(connection: psycopg.Connection[Any]) -> None:
    """Idle in its transaction until the server has ended the session."""
    connection.execute("SET LOCAL idle_in_transaction_session_timeout = 20")
    with psycopg.connect(connection.info.dsn, autocommit=True) as other:
        alive, until = "SELECT 1 FROM pg_stat_activity WHERE pid = %s", time.monotonic() + 20
        while other.execute(alive, (connection.info.backend_pid,)).fetchone():
            assert time.monotonic() < until, "the server did not end the session"
            time.sleep(0.01)


@contextmanager
def lost_connection(at: str) -> Iterator[None]:
    """The writers' next transactions meet a dead connection at that line."""

    def fail(name: str) -> None:
        if name == at:
            raise psycopg.OperationalError("the connection went away")

    with patch.object(locked, "failpoint", fail), patch.object(optimistic, "failpoint", fail):
        yield


@contextmanager
def writer_on(store: Store, **options: Any) -> Iterator[Writer]:
    state = State("voucher", [CEILING, REGION])
    reactor = Reactor("voucher", ("registry", "settlement"), REACTIONS)
    writer = Writer(store, state, SimulatedClock(time.time()), HANDLERS, reactor, **options)
    writer.start()
    try:
        yield writer
    finally:
        writer.stop()


def context(command_id: UUID | None = None, sub: str = "somebody") -> Context:
    return Context(Principal(sub=sub, role="centre"), "/voucher/v1/holds", command_id or uuid4())


def hold(amount_fen: int, key: str = "a") -> PlaceHold:
    return PlaceHold(voucher_id=uuid4(), key=key, amount_fen=amount_fen)


def foreign(source: str, position: int, event: Event, stream: UUID, seen: dict[str, int] | None = None) -> Record:
    """A record as another service's relay would send it."""
    stamp = Stamp(
        source=source, type=type(event).__name__, event_id=uuid4(), originator_id=stream, originator_version=1,
        business_day=DAY, occurred_at="2025-03-03T01:00:00Z", recorded_at="2025-03-03T01:00:00Z",
        actor=Actor(id="x", role="operator"), causation_id=uuid4(), seen=seen or {},
    )
    return Record(position, str(stream).encode(), encode(Document(stamp, event)), stamp.type)


def opened(position: int, day: date = DAY) -> Record:
    return foreign("registry", position, DayOpened(date=day, working=True), days_id("registry"))
