"""The inbox over the real writer, on both buses: effects and tracking in one transaction, stops, parking, waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from eventsourcing.persistence import StoredEvent
from tongdui_events.registry import DayOpened, RegionJoined, RegionLeft
from tongdui_events.settlement import RedemptionWithdrawn
from tongdui_events.streams import days_id, region_id

from shared.runtime import inbox as inbox_module
from shared.runtime.bus import bus_of
from shared.runtime.failpoints import FailpointReached
from shared.runtime.inbox import Inbox
from shared.runtime.observing import Stops
from shared.runtime.relay import Relay
from shared.runtime.store import Append, Store
from shared.runtime.writer import Writer
from tests.conftest import BusUnderTest
from tests.integration.line import Member, Part, Party, running, until, write_foreign
from tests.integration.toy import DAY, foreign, writer_on
from tests.integration.written_log import WrittenLog

LISTENS = ("registry", "settlement")


class Town:
    """Logs of registry and settlement, and the voucher service of the toy that hears both."""

    def __init__(self, database_url: str, bus: BusUnderTest, tmp_path: Any) -> None:
        self.settings = bus.settings(state_dir=tmp_path)
        self.bus = bus_of(self.settings)
        self.stores = {name: Store(database_url, name) for name in (*LISTENS, "voucher")}
        for store in self.stores.values():
            store.create_tables()
        self.store = self.stores["voucher"]
        self.registry, self.settlement = (WrittenLog(self.stores[name]) for name in LISTENS)

    def relays(self) -> list[Part]:
        members = {name: Member(Party(name), self.stores[name]) for name in LISTENS}
        return [Relay(m.store, name, self.bus.publisher(m), self.settings) for name, m in members.items()]

    def inbox(self, writer: Writer) -> Inbox:
        consumer = self.bus.consumer(Member(Party("voucher", LISTENS), self.store))
        return Inbox("voucher", LISTENS, consumer, writer)

    def count(self, table: str) -> int:
        with self.store.connect() as connection:
            return connection.execute(f"SELECT count(*) FROM voucher_{table}").fetchone()[0]

    def tracked(self) -> dict[str, int]:
        with self.store.connect() as connection:
            rows = connection.execute("SELECT application_name, notification_id FROM voucher_tracking").fetchall()
        return {source: position for source, position in rows if source in LISTENS}

    def open_day(self) -> None:
        self.registry.append((days_id("registry"), DayOpened(date=DAY, working=True)))

    def join(self, region: str, name: str = "青浦") -> None:
        joined = RegionJoined(region=region, name=name, province=region[:2], prefixes=[region], joins_on=DAY)
        self.registry.append((region_id(region), joined))

    def withdraw(self, seen: dict[str, int]) -> None:
        """An event of the settlement service that was decided knowing so much of the others."""
        log, redemption_id = self.settlement, uuid4()
        log.position += 1
        event = RedemptionWithdrawn(redemption_id=redemption_id)
        record = foreign("settlement", log.position, event, redemption_id, seen)
        stored = StoredEvent(redemption_id, 1, record.type, record.state)
        with log.store.connect() as connection:
            log.store.recorder.append(connection.cursor(), Append(log.position, 0, {}, [stored]))

    def leave(self, region: str) -> None:
        self.registry.append((region_id(region), RegionLeft(region=region, leaves_on=DAY, run_off_until=DAY)))


@pytest.fixture
def town(bus: BusUnderTest, database_url: str, tmp_path) -> Iterator[Town]:
    town = Town(database_url, bus, tmp_path)
    yield town
    for store in town.stores.values():
        store.close()


async def test_effects_and_tracking_are_recorded_together(town: Town) -> None:
    town.open_day()
    town.join("310118")
    town.leave("310118")
    with writer_on(town.store) as writer:
        inbox = town.inbox(writer)
        async with running(*town.relays(), inbox):
            await until(lambda: inbox.applied["registry"] == 3)
    assert town.tracked() == {"registry": 3}
    assert (town.count("events"), town.count("facts")) == (2, 2), "DayReached and ReactionRefused; joined and left"


async def test_a_crash_after_the_effects_applies_nothing_twice(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.open_day()
    town.join("310118")

    def die(name: str) -> None:
        raise FailpointReached(name)

    with writer_on(town.store) as writer, monkeypatch.context() as armed:
        armed.setattr(inbox_module, "failpoint", die)
        async with running(*town.relays()):
            with pytest.raises(FailpointReached):
                await town.inbox(writer).run(asyncio.Event())
    assert town.tracked() == {"registry": 2}
    with writer_on(town.store) as writer:
        inbox = town.inbox(writer)
        town.leave("310118")
        async with running(*town.relays(), inbox):
            await until(lambda: inbox.applied["registry"] == 3)
    assert (town.count("events"), town.count("facts")) == (2, 2)


async def test_an_event_waits_for_the_registry_facts_behind_its_stamp(town: Town) -> None:
    town.withdraw(seen={"registry": 2})
    with writer_on(town.store) as writer:
        inbox = town.inbox(writer)
        async with running(*town.relays(), inbox):
            town.open_day()
            await until(lambda: inbox.applied["registry"] == 1)
            await asyncio.sleep(0.4)
            assert inbox.applied["settlement"] == 0
            town.join("310118")
            await until(lambda: inbox.applied["settlement"] == 1)


async def _stopped(town: Town, bring: Callable[[], None], release: Callable[[Stops], bool]) -> Inbox:
    """Open a day, bring a record that cannot be applied and one more; release it once it has stopped its source."""
    town.open_day()
    town.join("310118", "broken")
    with writer_on(town.store) as writer:
        inbox, stops = town.inbox(writer), Stops(town.store)
        async with running(*town.relays(), inbox):
            await until(lambda: inbox.applied["registry"] == 2)
            bring()
            await until(lambda: "registry" in inbox.stopped)
            assert [row["source"] for row in stops.stopped()] == ["registry"]
            town.join("320509")
            await asyncio.sleep(0.3)
            assert inbox.applied["registry"] == 2
            assert release(stops)
            await until(lambda: inbox.applied["registry"] == town.registry.position)
        return inbox


async def test_a_reaction_that_raises_stops_its_source_until_the_record_is_parked(town: Town) -> None:
    inbox = await _stopped(town, lambda: town.leave("310118"), lambda stops: stops.park("registry", 3, "operator-1"))
    assert inbox.stopped == {}
    assert town.count("parked") == 1
    assert town.tracked() == {"registry": 4}


async def test_a_stopped_source_is_still_stopped_after_a_restart(town: Town) -> None:
    town.open_day()
    town.join("310118", "broken")
    town.leave("310118")
    for _ in range(2):
        with writer_on(town.store) as writer:
            inbox = town.inbox(writer)
            async with running(*town.relays(), inbox):
                await until(lambda inbox=inbox: "registry" in inbox.stopped)
    assert town.tracked() == {"registry": 2}


@pytest.mark.kafka
async def test_a_foreign_record_on_the_topic_stops_the_source_until_it_is_parked(
    kafka_servers: str, database_url: str, tmp_path
) -> None:
    town = Town(database_url, BusUnderTest("kafka", kafka_servers, f"t{uuid4().hex[:12]}"), tmp_path)
    town.open_day()
    with writer_on(town.store) as writer:
        inbox, stops = town.inbox(writer), Stops(town.store)
        async with running(*town.relays(), inbox):
            await until(lambda: inbox.applied["registry"] == 1)
            await write_foreign(town.settings, b"\x00\xffnot a document", [("trace", b"1")])
            town.join("310118")
            await until(lambda: "registry" in inbox.stopped)
            [stopped] = stops.stopped()
            assert stopped["position"] == 0
            assert stops.park("registry", 0, "operator-1")
            await until(lambda: inbox.applied["registry"] == 2)
    for store in town.stores.values():
        store.close()
