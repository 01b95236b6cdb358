"""What tests are given: a database of their own, a broker, and each bus in turn."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

import pytest

from shared.runtime.local_jars import NoLocalKafka
from shared.runtime.local_kafka import kafka_servers as running_kafka
from shared.runtime.local_kafka import temporary_kafka
from shared.runtime.local_postgres import DatabaseServer, temporary_postgres
from shared.runtime.local_program import LocalProgramFailed
from shared.runtime.settings import Settings

REQUIRE_KAFKA = "TONGDUI_REQUIRE_KAFKA"
_ON_KAFKA = {"kafka_servers", "own_kafka"}


@dataclass(frozen=True)
class BusUnderTest:
    """One bus and a topic prefix nobody else uses. ``environment`` and ``settings`` say so to a process or a module."""

    name: Literal["embedded", "kafka"]
    bootstrap_servers: str | None
    topic_prefix: str

    @property
    def environment(self) -> dict[str, str]:
        servers = {"KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers} if self.bootstrap_servers else {}
        return {"TONGDUI_BUS": self.name, "TONGDUI_TOPIC_PREFIX": self.topic_prefix, **servers}

    def settings(self, **others: object) -> Settings:
        return Settings(
            bus=self.name, KAFKA_BOOTSTRAP_SERVERS=self.bootstrap_servers, topic_prefix=self.topic_prefix, **others
        )


@pytest.fixture(scope="session")
def database_server() -> Iterator[DatabaseServer]:
    """One server a run: that of TONGDUI_DATABASE_URL, else one of our own."""
    given = Settings().database_url
    if given:
        yield DatabaseServer(given)
        return
    with temporary_postgres() as server:
        yield server


@pytest.fixture
def new_database(database_server: DatabaseServer) -> Iterator[Callable[..., str]]:
    """``new_database(template=None)``: the URL of an empty database, or of a copy of the one named; gone at the end."""
    made: list[str] = []

    def create(template: str | None = None) -> str:
        made.append(f"test_{uuid4().hex}")
        return database_server.create_database(made[-1], template)

    yield create
    for name in made:
        database_server.drop_database(name)


@pytest.fixture
def database_url(new_database: Callable[..., str]) -> str:
    """An empty database of the test's own."""
    return new_database()


@pytest.fixture(scope="session")
def kafka_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bootstrap servers of one broker a run, shared by tests that use topics of their own and break nothing."""
    with ExitStack() as running:
        try:
            servers = running.enter_context(running_kafka(Settings(), tmp_path_factory.mktemp("kafka")))
        except (NoLocalKafka, LocalProgramFailed) as error:
            pytest.skip(f"no Kafka: {error}")
        yield servers


@pytest.fixture
def own_kafka() -> Iterator[object]:
    """A LocalKafka of the test's own, to kill, pause and restart."""
    with ExitStack() as running:
        try:
            kafka = running.enter_context(temporary_kafka())
        except NoLocalKafka as error:
            pytest.skip(f"no Kafka: {error}")
        yield kafka


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def bus(request: pytest.FixtureRequest) -> BusUnderTest:
    """Each bus in turn; the Kafka one carries the mark ``kafka``."""
    servers = request.getfixturevalue("kafka_servers") if request.param == "kafka" else None
    return BusUnderTest(request.param, servers, f"t{uuid4().hex[:12]}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What asks for a broker without the ``bus`` fixture is a Kafka test too."""
    for item in items:
        if _ON_KAFKA.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.kafka)


class KafkaTests:
    """Counts the tests that met a real broker; with TONGDUI_REQUIRE_KAFKA=1 a run without any has failed."""

    def __init__(self) -> None:
        self.ran = 0
        self.missed = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if "kafka" not in report.keywords:
            return
        if report.skipped:
            self.missed += 1
        elif report.when == "call":
            self.ran += 1

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        required = os.environ.get(REQUIRE_KAFKA) == "1" and not session.config.option.collectonly
        if required and not self.ran and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        missed = f", {self.missed} did not" if self.missed else ""
        required = "" if self.ran or os.environ.get(REQUIRE_KAFKA) != "1" else f" ({REQUIRE_KAFKA}=1: this run fails)"
        terminalreporter.write_line(f"{self.ran} Kafka tests ran on a real broker{missed}{required}")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(KafkaTests(), "kafka-tests")
