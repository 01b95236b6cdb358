"""Where a run of the demo plays: its own database, bus, processes and directory, gone at the end."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from shared.runtime.local_kafka import kafka_servers
from shared.runtime.local_postgres import DatabaseServer, temporary_postgres
from shared.runtime.local_program import free_port
from shared.runtime.settings import Settings

SERVICES = ("registry", "voucher", "settlement", "audit")


class StageFailed(RuntimeError):
    """A part of the run did not start; the text says which, and where its output is."""


@dataclass(frozen=True)
class Stage:
    """Base URLs by service, and the settings tokens are issued under."""

    urls: Mapping[str, str]
    settings: Settings


@dataclass(frozen=True)
class OwnStage(Stage):
    """What other processes of the run are given, and where they leave things. ``papers``: what is exchanged with banks and
    treasuries."""

    environment: Mapping[str, str]
    directory: Path

    @property
    def papers(self) -> Path:
        return self.directory / "papers"


@contextmanager
def stage(bus: str, told: Mapping[str, str]) -> Iterator[OwnStage]:
    """All parts running on loopback; stopped by their process ids and removed at the end. ``told``: settings of theirs."""
    with ExitStack() as stack:
        directory = Path(tempfile.mkdtemp(prefix="tongdui-demo-"))
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        settings = Settings(state_dir=directory, clock="simulated")
        run_id = f"demo_{os.getpid()}_{secrets.token_hex(3)}"
        databases = stack.enter_context(_databases(settings, run_id))
        environment = {**_environment(directory, bus, run_id), **told}
        if bus == "kafka":
            environment["KAFKA_BOOTSTRAP_SERVERS"] = stack.enter_context(kafka_servers(settings))
        urls = {}
        for name, services in _processes(bus).items():
            port = free_port()
            url = f"http://127.0.0.1:{port}"
            served = {**environment, "TONGDUI_DATABASE_URL": databases[name], "TONGDUI_PORT": str(port)}
            stack.enter_context(running(_command(name), served, directory / f"{name}.log"))
            urls.update({service: url for service in services})
        _wait_until_ready(urls)
        yield OwnStage(urls, settings, environment, directory)


def _processes(bus: str) -> dict[str, tuple[str, ...]]:
    """On Kafka four processes with a database each; on the embedded bus all services in one."""
    return {service: (service,) for service in SERVICES} if bus == "kafka" else {"up": SERVICES}


@contextmanager
def _databases(settings: Settings, run_id: str) -> Iterator[dict[str, str]]:
    """An empty database for every process name, dropped at the end."""
    with ExitStack() as stack:
        given = settings.database_url
        server = DatabaseServer(given) if given else stack.enter_context(temporary_postgres())
        urls = {}
        for name in (*SERVICES, "up"):
            database = f"{run_id}_{name}"
            urls[name] = server.create_database(database)
            stack.callback(server.drop_database, database)
        yield urls


def _environment(directory: Path, bus: str, run_id: str) -> dict[str, str]:
    return {
        **os.environ,
        "TONGDUI_STATE_DIR": str(directory),
        "TONGDUI_BUS": bus,
        "TONGDUI_CLOCK": "simulated",
        "TONGDUI_SIMULATED_EPOCH": repr(time.time()),
        "TONGDUI_TOPIC_PREFIX": run_id,
        "TONGDUI_ENVIRONMENT": "development",
        "TONGDUI_CHECKPOINT_EVERY_SECONDS": "1",
    }


def _command(name: str) -> list[str]:
    arguments = ["up"] if name == "up" else ["run", name, "--role", "all"]
    return [sys.executable, "-m", "services.cli", *arguments]


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the run; stopped by its id."""
    with output.open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(urls: Mapping[str, str], within_seconds: float = 60) -> None:
    deadline = time.monotonic() + within_seconds
    waiting = dict(urls)
    with httpx.Client(timeout=5) as client:
        while waiting:
            for service, url in list(waiting.items()):
                if _answers(client, f"{url}/readyz"):
                    del waiting[service]
            if waiting and time.monotonic() > deadline:
                raise StageFailed(f"{', '.join(waiting)} did not become ready within {within_seconds:.0f} s")
            time.sleep(0.05)


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == 200
    except httpx.TransportError:
        return False
