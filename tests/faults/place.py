"""The scene a fault needs: shared parts where it harms none of them, its own otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from shared.runtime.local_kafka import LocalKafka, temporary_kafka
from shared.runtime.local_postgres import DatabaseServer, LocalPostgres, temporary_postgres
from tests.faults.catalogue import Fault
from tests.faults.disk import server_on_small_disk
from tests.faults.scene import Scene, scene

REPLICATED = {"TONGDUI_KAFKA_REPLICATION_FACTOR": "3"}


@asynccontextmanager
async def scene_of(
    fault: Fault, bus: str, directory: Path, server: DatabaseServer, brokers: str | None
) -> AsyncIterator[Scene]:
    """Raises NoSmallDisk or NoLocalKafka where the machine lacks what the fault needs."""
    with ExitStack() as stack:
        postgres = stack.enter_context(_postgres(fault))
        kafka = stack.enter_context(_kafka(fault))
        settings = REPLICATED if fault.needs == "cluster" else None
        found = kafka.bootstrap_servers if kafka else brokers
        async with scene(bus, directory, postgres or server, found, postgres, kafka, settings) as ready:
            yield ready


@contextmanager
def _postgres(fault: Fault) -> Iterator[LocalPostgres | None]:
    if fault.needs == "postgres":
        with temporary_postgres() as server:
            yield server
    elif fault.needs == "disk":
        with server_on_small_disk() as server:
            yield server
    else:
        yield None


@contextmanager
def _kafka(fault: Fault) -> Iterator[LocalKafka | None]:
    if fault.needs in ("kafka", "cluster"):
        with temporary_kafka(3 if fault.needs == "cluster" else 1) as kafka:
            yield kafka
    else:
        yield None
