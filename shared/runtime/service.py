"""One service in one process: what it is (Service) and its running parts (Runtime)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid5

import psycopg

from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Refusal
from shared.kernel.delegation import acting_for
from shared.kernel.folding import Fold
from shared.runtime import metrics
from shared.runtime.access import Access
from shared.runtime.clock import Clock, clock_of
from shared.runtime.delegated import delegation_of
from shared.runtime.delivery import Archive, Reaction, Reactor
from shared.runtime.entrusting_regions import entrusting_regions
from shared.runtime.errors import LogInDoubt, StoreUnavailable, WorkerOnly
from shared.runtime.inbox import Inbox
from shared.runtime.jobs import Context, Outcome
from shared.runtime.observing import Head, Stops, database_complaints, head_of
from shared.runtime.projections import Projections, View
from shared.runtime.relay import Relay
from shared.runtime.settings import Settings
from shared.runtime.state import State
from shared.runtime.store import Store
from shared.runtime.sweeps import NAMESPACE, Sweep, Sweeper, day_reached
from shared.runtime.transaction import Handler
from shared.runtime.wakeup import Wakeup
from shared.runtime.writer import Writer

log = logging.getLogger("tongdui.service")

ROLES = ("api", "worker", "all")


class Part(Protocol):
    """Something a worker runs until it is told to stop; ``waiting``: what it has still to do at a head of the log."""

    name: str

    async def run(self, stop: asyncio.Event) -> None: ...

    def waiting(self, head: Head) -> int: ...


@dataclass(frozen=True)
class Service:
    """What makes a service: its folds, commands, reactions, sweeps, views and routes."""

    name: str
    folds: Sequence[Fold[Any]]
    handlers: Mapping[type[Command], Handler]
    reactions: Mapping[tuple[str, str], Reaction] = field(default_factory=dict)
    sweeps: Sequence[Sweep] = ()
    views: Sequence[View] = ()
    routes: Sequence[Any] = ()
    listens: Sequence[str] = ()
    extra: Sequence[Callable[..., None]] = ()
    #: runs in the transaction of every delivery, with the records applied
    archive: Archive | None = None
    #: statements that make further tables of the service's own
    tables: Sequence[str] = ()
    #: makes what else a worker runs beside inbox and views
    parts: Sequence[Callable[[Any], Part]] = ()
    #: the command that opens a business day; only the registry has one
    open_day: Callable[[date], Command] | None = None


class Runtime:
    """The running parts of one service: writer always; relay, inbox, views and sweeps for workers."""

    def __init__(self, service: Service, url: str, settings: Settings, bus: Any, clock: Clock | None = None) -> None:
        self.service = service
        self.settings = settings
        self.clock = clock or clock_of(settings)
        self.access = Access(settings)
        self.access.delegated = self.acting_for
        self.store = Store(url, service.name)
        self.state = State(service.name, service.folds, settings.state_capacity)
        reactor = Reactor(service.name, service.listens, service.reactions, service.archive)
        self.writer = Writer(
            self.store,
            self.state,
            self.clock,
            service.handlers,
            reactor,
            queue_limit=settings.queue_limit,
            event_size_limit=settings.event_size_limit,
            observer=metrics.WriterObserver(),
        )
        self.projections = Projections(self.store, service.views)
        self.sweeper = Sweeper(service.name, service.sweeps, self.projections, self.writer)
        self.bus = bus
        self.stops_table = Stops(self.store)
        self.parts: list[Part] = []
        self.relay: Relay | None = None
        self.inbox: Inbox | None = None
        #: when the views last showed the whole log, monotonic seconds
        self._shown_at = time.monotonic()
        self._role = "all"
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._wakeup = Wakeup(url, f"tongdui_{service.name}")

    # -- life ----------------------------------------------------------------------------------

    async def start(self, role: str = "all") -> None:
        """Tables, writer, and for a worker the background parts."""
        await asyncio.to_thread(self._create_tables)
        self.writer.start()
        self._role = role
        if role in ("worker", "all"):
            self._start_parts()

    def _create_tables(self) -> None:
        self.store.create_tables()
        self.projections.create_tables()
        with self.store.connect(autocommit=True) as connection:
            for statement in self.service.tables:
                connection.execute(statement)

    def _start_parts(self) -> None:
        self.relay = Relay(self.store, self.service.name, self.bus.publisher(self), self.settings)
        self._spawn("relay", self.relay.run(self._stopping))
        if self.service.listens:
            consumer = self.bus.consumer(self)
            self.inbox = Inbox(self.service.name, self.service.listens, consumer, self.writer)
            self._spawn("inbox", self.inbox.run(self._stopping))
        self._spawn("follow", self._follow())
        self.parts = [make(self) for make in self.service.parts]
        for part in self.parts:
            self._spawn(part.name, part.run(self._stopping))
        if self.service.open_day is not None and not self.clock.simulated:
            self._spawn("days", self._open_days())

    def _spawn(self, name: str, part: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(part, name=f"{self.service.name} {name}"))

    async def watch(self) -> None:
        """Until a part ends by itself or the writer fails, which it should not: raises why."""
        while not self._stopping.is_set():
            done = [task for task in self._tasks if task.done()]
            for task in done:
                task.result()
                raise RuntimeError(f"{task.get_name()} ended by itself")
            if self.writer.failure is not None:
                raise self.writer.failure
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), 0.5)

    async def stop(self) -> None:
        """Finish what was accepted, commit, leave."""
        self._stopping.set()
        self._wakeup.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=5)
            for task in late:
                log.warning("%s did not stop in time", task.get_name())
                task.cancel()
        await asyncio.to_thread(self.writer.stop)
        await self._wakeup.close()
        self.projections.close()
        self.store.close()

    # -- what the web asks -----------------------------------------------------------------------

    @property
    def overloaded(self) -> bool:
        """Whether a command would be refused for want of room, whatever it says."""
        return self.writer.is_full

    async def execute(self, command: Command, principal: Principal, route: str, command_id: UUID) -> Outcome:
        """Decide and record under (organisation, route, command_id). Raises a Refusal or PlatformError."""
        if self._role == "worker":
            raise WorkerOnly
        if self.relay is not None and self.relay.stopped:
            raise LogInDoubt
        today = self.state.today
        occurred_at = self.clock.instant(today) if today else None
        return await self.writer.execute(command, Context(principal, route, command_id, occurred_at))

    async def acting_for(self, delegate: Principal, delegation_id: UUID, act: str | None) -> Principal | Refusal:
        """The delegate with the authority of who delegated; or why not, by what this service knows today."""
        return await asyncio.to_thread(self._acting_for, delegate, delegation_id, act)

    def _acting_for(self, delegate: Principal, delegation_id: UUID, act: str | None) -> Principal | Refusal:
        try:
            with self.projections.connection() as connection:
                day = day_reached(connection, self.service.name, self.service.name)
                delegation = delegation_of(connection, self.service.name, delegation_id)
                connection.commit()
        except psycopg.OperationalError as error:
            raise StoreUnavailable from error
        return acting_for(delegation, delegate, self.service.name, act, day or date.max)

    async def reader(self, principal: Principal) -> Principal:
        """The caller as scopes see it: a centre's person with the regions that entrust the centre today, an agent's with
        those it is appointed for."""
        found = {"centre": self._entrusting, "agent": self._appointed}.get(principal.role)
        if found is None or principal.member_of is None:
            return principal
        regions = await asyncio.to_thread(found, principal.member_of)
        return principal.model_copy(update={"regions": regions})

    def _appointed(self, agent_id: UUID) -> tuple[str, ...]:
        """Nobody's in a service that keeps no agents."""
        row = self.projections.get("agents", str(agent_id)) if "agents" in self.projections.views else None
        return tuple(row["regions"]) if row is not None and row["state"] == "appointed" else ()

    def _entrusting(self, centre_id: UUID) -> tuple[str, ...]:
        try:
            with self.projections.connection() as connection:
                day = day_reached(connection, self.service.name, self.service.name)
                found = entrusting_regions(connection, self.service.name, centre_id, day) if day else ()
                connection.commit()
                return found
        except psycopg.OperationalError as error:
            raise StoreUnavailable from error

    async def progress(self) -> dict[str, Any]:
        """``head``, ``applied`` by source, ``waiting``: jobs in hand, what parts have to do, and 1
        while views or sweeps are behind."""
        head = await asyncio.to_thread(self._head)
        behind = 0 if head.swept else 1
        applied = {source: head.seen.get(source, 0) for source in self.service.listens}
        in_parts = sum(part.waiting(head) for part in self.parts)
        return {"head": head.position, "applied": applied, "waiting": self.writer.waiting + in_parts + behind}

    async def ready(self) -> list[str]:
        """What hinders serving, each with what to do; empty when nothing does."""
        complaints = await asyncio.to_thread(database_complaints, self.store)
        if self.writer.failure is not None:
            complaints.append(f"the writer has failed ({self.writer.failure!r}): restart the process")
        if self.relay is not None and self.relay.stopped:
            complaints.append(f"the relay is stopped ({self.relay.stopped}): see docs/operating.md")
        bus = await self.bus.complaint()
        return [*complaints, *([bus] if bus else [])]

    def stops(self) -> list[dict[str, Any]]:
        """source, position, reason, stopped_at of each stopped source; this service itself is its own relay's source."""
        stopped = self.stops_table.stopped()
        if self.relay is not None and self.relay.stopped:
            stopped.append({"source": self.service.name, "position": self.relay.cursor, "reason": self.relay.stopped})
        return stopped

    async def park(self, source: str, position: int, principal: Principal) -> bool:
        """Set the record a source is stopped at aside, whole; False when it is not stopped there."""
        return await asyncio.to_thread(self.stops_table.park, source, position, principal.sub)

    async def retry(self, source: str) -> bool:
        """Let a stopped source, or this service's own relay, try again; False when it is not stopped."""
        if source == self.service.name and self.relay is not None and self.relay.stopped:
            self.relay.retry()
            return True
        return await asyncio.to_thread(self.stops_table.retry, source)

    def _head(self) -> Head:
        try:
            with self.projections.connection() as connection:
                return head_of(connection, self.service.name)
        except psycopg.OperationalError as error:
            raise StoreUnavailable from error

    # -- views and sweeps --------------------------------------------------------------------------

    async def _follow(self) -> None:
        """Views to the head, then what is due; again whenever the log moves."""
        swept: tuple[int, int] | None = None
        while not self._stopping.is_set():
            try:
                swept = await self._follow_once(swept)
            except (psycopg.OperationalError, StoreUnavailable, Refusal) as error:
                log.warning("%s: views and sweeps wait: %s", self.service.name, error)
                await asyncio.sleep(0.5)
            await self._wakeup.wait()

    async def _follow_once(self, swept: tuple[int, int] | None) -> tuple[int, int]:
        while not self._stopping.is_set():
            head, days = await asyncio.to_thread(self._project)
            mark = (head.position, head.facts)
            if mark == swept and head.swept:
                return mark
            if not await self.sweeper.sweep(days):
                await asyncio.to_thread(self._mark_swept, head)
                swept = mark
        return (0, 0)

    def _project(self) -> tuple[Head, dict[str, date | None]]:
        """Every view to the head that was read before; the day reached by each source a sweep counts by."""
        with self.projections.connection() as connection:
            head = head_of(connection, self.service.name)
            sources = {sweep.day_of or self.service.name for sweep in self.service.sweeps}
            days = {source: day_reached(connection, self.service.name, source) for source in sources}
            connection.commit()
            while self._note_age(head.position - self.projections.position()) > 0:
                self.projections.project_chunk(connection)
        return head, days

    def _note_age(self, behind: int) -> int:
        """Tell the metrics how many events the views do not show, and since when; gives ``behind``."""
        now = time.monotonic()
        if behind <= 0:
            self._shown_at = now
        for view in self.projections.views:
            metrics.view_age(self.service.name, view, now - self._shown_at, max(behind, 0))
        return behind

    def _mark_swept(self, head: Head) -> None:
        with self.projections.connection() as connection:
            connection.execute("SET LOCAL synchronous_commit = off")
            connection.execute(
                f"UPDATE {self.service.name}_swept SET position = %s, facts = %s", (head.position, head.facts)
            )
            connection.commit()

    # -- days --------------------------------------------------------------------------------------

    async def _open_days(self) -> None:
        """At midnight in Shanghai, and missed days one by one; a log begins with its first day."""
        while not self._stopping.is_set():
            last = await asyncio.to_thread(self._last_day)
            today = self.clock.today()
            day = today if last is None else last + timedelta(days=1)
            if day <= today:
                await self._open_day(day)
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), 1.0)

    async def _open_day(self, day: date) -> None:
        principal = Principal(sub=self.service.name, role="service")
        command_id = uuid5(NAMESPACE, f"day/{day}")
        try:
            command = self.service.open_day(day)
            await self.writer.execute(command, Context(principal, f"/{self.service.name}/days", command_id))
        except Refusal as refusal:
            log.error("%s cannot be opened: %s", day, refusal)
            await asyncio.sleep(1)

    def _last_day(self) -> date | None:
        with self.projections.connection() as connection:
            day = day_reached(connection, self.service.name, self.service.name)
            connection.commit()
            return day
