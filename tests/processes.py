"""Real processes of the platform for tests: started, killed, stopped and started again by their ids."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from shared.runtime.local_postgres import DatabaseServer
from shared.runtime.local_program import free_port
from shared.runtime.settings import Settings
from shared.runtime.tokens import issue

#: one for all processes of a run, so that their instants order alike
EPOCH = repr(time.time())
SERVICES = ("registry", "voucher", "settlement", "audit")


class Process:
    """One ``tongdui`` process. ``module`` is what is run: the console script's module, or a test's stand-in."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str], log: Path, module: str) -> None:
        self.arguments = arguments
        self.environment = dict(environment)
        self.log = log
        self.module = module
        self.popen: subprocess.Popen[bytes] | None = None

    def start(self, **extra: str) -> None:
        with self.log.open("ab") as output:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", self.module, *self.arguments],
                env={**self.environment, **extra}, stdout=output, stderr=subprocess.STDOUT,
            )

    def signal(self, number: int) -> None:
        self.popen.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.popen.wait()

    def stop(self, within: float = 15) -> int:
        """SIGTERM and the exit code; killed when it does not leave in time."""
        if self.popen is None or self.popen.poll() is not None:
            return self.popen.returncode if self.popen else 0
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            return self.popen.wait(timeout=within)
        except subprocess.TimeoutExpired:
            self.kill()
            return -9

    async def ask_to_stop(self, within: float = 15) -> int:
        """``stop``, while the clients of this process go on."""
        return await asyncio.to_thread(self.stop, within)

    @property
    def is_dead(self) -> bool:
        return self.popen is not None and self.popen.poll() is not None


class Platform:
    """All four services: one process on the embedded bus, four with a database each on Kafka."""

    def __init__(
        self, bus: str, server: DatabaseServer, kafka_servers: str | None, directory: Path,
        module: str = "services.cli", settings: Mapping[str, str] | None = None,
    ) -> None:
        self.bus = bus
        self.directory = directory
        self.settings = Settings(state_dir=directory)
        run_id = f"run_{uuid4().hex[:10]}"
        names = {"up": SERVICES} if bus == "embedded" else {name: (name,) for name in SERVICES}
        self.urls: dict[str, str] = {}
        self.databases: dict[str, str] = {}
        self.processes: dict[str, Process] = {}
        for name, services in names.items():
            port = free_port()
            database = server.create_database(f"{run_id}_{name}")
            environment = _environment(bus, run_id, kafka_servers, directory, database, port, settings or {})
            arguments = ["up"] if name == "up" else ["run", name, "--role", "all"]
            self.processes[name] = Process(arguments, environment, directory / f"{name}.log", module)
            for service in services:
                self.urls[service] = f"http://127.0.0.1:{port}"
                self.databases[service] = database

    def process_of(self, service: str) -> Process:
        return self.processes.get(service) or self.processes["up"]

    def start(self, **extra: str) -> None:
        for process in self.processes.values():
            process.start(**extra)

    def stop(self) -> list[int]:
        return [process.stop() for process in self.processes.values()]

    def token(self, role: str, **claims: Any) -> str:
        return issue(self.settings, **{"sub": f"{role}-1", "role": role, "region": None, "uscc": None,
                                       "member_of": None, **claims})

    async def wait_ready(self, within: float = 30) -> None:
        async with httpx.AsyncClient(timeout=2) as client:
            await eventually(lambda: self._all_ready(client), within, f"ready (see {self.directory})")

    async def _all_ready(self, client: httpx.AsyncClient) -> bool:
        for url in set(self.urls.values()):
            try:
                if (await client.get(f"{url}/readyz")).status_code != 200:
                    return False
            except httpx.TransportError:
                return False
        return True

    async def wait_quiet(self, within: float = 30) -> dict[str, Any]:
        """Until every inbox is at every head and nothing waits; the progress then."""
        async with httpx.AsyncClient(timeout=5) as client:
            said: dict[str, Any] = {}

            async def at_rest() -> bool:
                before = dict(said)
                said.update(await self._progress(client))
                heads = {service: progress.get("head") for service, progress in said.items()}
                return before == said and all(
                    progress.get("waiting") == 0
                    and all(heads[source] == position for source, position in progress["applied"].items())
                    for progress in said.values()
                )

            await eventually(at_rest, within, lambda: f"quiet: {said} (see {self.directory})")
            return said

    async def _progress(self, client: httpx.AsyncClient) -> dict[str, Any]:
        answers = {}
        for service in SERVICES:
            try:
                answer = await client.get(f"{self.urls[service]}/{service}/v1/progress")
                answers[service] = answer.json() if answer.status_code == 200 else {"applied": {}}
            except httpx.TransportError:
                answers[service] = {"applied": {}}
        return answers


async def answers(url: str) -> bool:
    """Whether a GET is answered 200."""
    async with httpx.AsyncClient(timeout=2) as client:
        try:
            return (await client.get(url)).status_code == 200
        except httpx.TransportError:
            return False


async def eventually(condition: Any, within: float, what: Any) -> None:
    """Wait for a condition, not for seconds; fails with ``what`` was waited for."""
    deadline = time.monotonic() + within
    while not await condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:.0f} s: {what() if callable(what) else what}")
        await asyncio.sleep(0.02)


def _environment(
    bus: str, run_id: str, kafka_servers: str | None, directory: Path, database: str, port: int,
    settings: Mapping[str, str],
) -> dict[str, str]:
    return {
        **os.environ,
        "TONGDUI_STATE_DIR": str(directory),
        "TONGDUI_BUS": bus,
        "TONGDUI_CLOCK": "simulated",
        "TONGDUI_SIMULATED_EPOCH": EPOCH,
        "TONGDUI_TOPIC_PREFIX": run_id,
        "TONGDUI_DATABASE_URL": database,
        "TONGDUI_PORT": str(port),
        **({"KAFKA_BOOTSTRAP_SERVERS": kafka_servers} if kafka_servers else {}),
        **settings,
    }


@contextmanager
def running(platform: Platform, **extra: str) -> Iterator[Platform]:
    """Started, and stopped whatever happens."""
    platform.start(**extra)
    try:
        yield platform
    finally:
        platform.stop()
