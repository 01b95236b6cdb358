"""Where a fault strikes: the platform's processes, its database server and its brokers, all killable."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from shared.runtime.local_kafka import LocalKafka
from shared.runtime.local_postgres import DatabaseServer, LocalPostgres
from shared.runtime.local_program import free_port
from tests.faults.workload import Steps, Workload, handed_over
from tests.processes import Platform, Process


@dataclass
class Scene:
    """A platform at work. ``postgres`` and ``kafka`` are there where a fault needs its own."""

    platform: Platform
    workload: Workload
    postgres: LocalPostgres | None = None
    kafka: LocalKafka | None = None

    @property
    def bus(self) -> str:
        return self.platform.bus

    async def restarted_until_dead(self, service: str, failpoint: str, within: float = 60) -> None:
        """The service's process again with a failpoint armed, until it has died there; then unharmed."""
        process = self.platform.process_of(service)
        await process.ask_to_stop()
        process.start(TONGDUI_FAILPOINT=failpoint)
        await self.workload.until(lambda: process.is_dead, within, f"{service} dead at {failpoint}")
        if process.popen.returncode != -signal.SIGKILL:
            raise AssertionError(f"{service} ended by itself ({process.popen.returncode}), not at {failpoint}")
        process.start()

    @asynccontextmanager
    async def second(self, service: str, role: str) -> AsyncIterator[Process]:
        """Another process of a service, beside the first."""
        first = self.platform.process_of(service)
        environment = {**first.environment, "TONGDUI_PORT": str(free_port())}
        log = self.platform.directory / f"{service}-second.log"
        process = Process(["run", service, "--role", role, "--bus", self.bus], environment, log, first.module)
        process.start()
        try:
            yield process
        finally:
            await process.ask_to_stop()


def is_stopped(process: Process) -> bool:
    """Whether it sleeps by SIGSTOP."""
    return psutil.Process(process.popen.pid).status() == psutil.STATUS_STOPPED


@asynccontextmanager
async def scene(
    bus: str, directory: Path, server: DatabaseServer, brokers: str | None, postgres: LocalPostgres | None = None,
    kafka: LocalKafka | None = None, settings: dict[str, str] | None = None, steps: Steps = handed_over,
) -> AsyncIterator[Scene]:  # fmt: skip
    """A platform opened and ready for work; stopped at the end."""
    platform = Platform(bus, server, brokers if bus == "kafka" else None, directory, settings=settings)
    async with AsyncExitStack() as stack:
        stack.callback(platform.stop)
        platform.start()
        await platform.wait_ready(90)
        workload = Workload(platform, steps)
        stack.push_async_callback(workload.close)
        await workload.open()
        yield Scene(platform, workload, postgres, kafka)


