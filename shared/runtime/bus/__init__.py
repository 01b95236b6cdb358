"""Two buses behind one small port: the shared database, or Kafka."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Protocol

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from shared.runtime.bus.embedded import EmbeddedConsumer, EmbeddedPublisher
from shared.runtime.bus.kafka import KafkaPublisher, stop_client
from shared.runtime.bus.kafka_consumer import KafkaConsumer
from shared.runtime.bus.kafka_topics import REQUEST_TIMEOUT_MS, NoBroker, connection_options
from shared.runtime.bus.notes import EmbeddedNotes, KafkaNotes, NoteReader
from shared.runtime.bus.port import Applied, Consumer, Publisher
from shared.runtime.settings import Settings
from shared.runtime.store import Store


class Listener(Protocol):
    """Who is on the bus: a service's name and the names it listens to."""

    @property
    def name(self) -> str: ...

    @property
    def listens(self) -> Sequence[str]: ...


class Member(Protocol):
    """A running service."""

    @property
    def service(self) -> Listener: ...

    @property
    def store(self) -> Store: ...


class Bus(Protocol):
    """Makes the ends of the bus for one running service."""

    def publisher(self, member: Member) -> Publisher: ...

    def consumer(self, member: Member) -> Consumer: ...

    def notes(self, member: Member) -> NoteReader: ...

    async def complaint(self) -> str | None:
        """Why the bus cannot be used and what to do, or None."""


class EmbeddedBus:
    """All services' logs are in one database."""

    def publisher(self, member: Member) -> EmbeddedPublisher:
        return EmbeddedPublisher(member.store.url, member.service.name)

    def consumer(self, member: Member) -> EmbeddedConsumer:
        return EmbeddedConsumer(member.store.url, member.service.listens, applied_in(member.store))

    def notes(self, member: Member) -> EmbeddedNotes:
        return EmbeddedNotes(member.store.url, (*member.service.listens, member.service.name))

    async def complaint(self) -> str | None:
        return None


class KafkaBus:
    """A topic for each service. Raises NoBroker when the settings name none."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        connection_options(settings)

    def publisher(self, member: Member) -> KafkaPublisher:
        return KafkaPublisher(self.settings, member.service.name)

    def consumer(self, member: Member) -> KafkaConsumer:
        return KafkaConsumer(self.settings, member.service.name, member.service.listens, applied_in(member.store))

    def notes(self, member: Member) -> KafkaNotes:
        return KafkaNotes(self.settings, (*member.service.listens, member.service.name))

    async def complaint(self) -> str | None:
        probe = AIOKafkaConsumer(request_timeout_ms=REQUEST_TIMEOUT_MS, **connection_options(self.settings))
        try:
            async with asyncio.timeout(2):
                await probe.start()
        except (KafkaError, OSError, TimeoutError) as error:
            return f"no broker answers at {self.settings.kafka_bootstrap_servers} ({error!r}): start it, or correct it"
        finally:
            await stop_client(probe)
        return None


def bus_of(settings: Settings) -> Bus:
    """The bus the settings name. Raises NoBroker."""
    return KafkaBus(settings) if settings.bus == "kafka" else EmbeddedBus()


def applied_in(store: Store) -> Applied:
    """Reads from the service's head row how far a source is applied. psycopg.OperationalError without a database."""

    def read(source: str) -> int:
        with store.connect(autocommit=True) as connection:
            row = connection.execute(f"SELECT seen FROM {store.service}_head").fetchone()
        return json.loads(row[0]).get(source, 0)

    async def applied(source: str) -> int:
        return await asyncio.to_thread(read, source)

    return applied


__all__ = ["Bus", "EmbeddedBus", "KafkaBus", "NoBroker", "applied_in", "bus_of"]
