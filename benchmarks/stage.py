"""What the paths run on: a database server and a broker of the run's own, fast to make new databases."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.prepared import PreparedLog, company
from shared.runtime.local_kafka import kafka_servers
from shared.runtime.local_postgres import DatabaseServer, temporary_postgres
from shared.runtime.settings import Settings

LONG_LOG = 200_000
EVENTS_A_VOUCHER = 4


class Stage:
    """Parts are started when they are first asked for."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.directory = directory
        self._stack = stack
        self._server: DatabaseServer | None = None
        self._kafka: str | None = None
        self._long_log: PreparedLog | None = None

    def database(self, template: str | None = None) -> str:
        """The URL of a new database."""
        if self._server is None:
            given = Settings().database_url
            self._server = DatabaseServer(given) if given else self._stack.enter_context(temporary_postgres())
        name = f"bench_{secrets.token_hex(4)}"
        url = self._server.create_database(name, template)
        self._stack.callback(self._server.drop_database, name)
        return url

    def kafka(self) -> str:
        """Bootstrap servers."""
        if self._kafka is None:
            self._kafka = self._stack.enter_context(kafka_servers(Settings(state_dir=self.directory, bus="kafka")))
        return self._kafka

    def long_log(self) -> PreparedLog:
        """A voucher log of ``LONG_LOG`` events and one, made once; its views and its relay may have moved on."""
        if self._long_log is None:
            self._long_log = PreparedLog(self.database())
            self._long_log.add_vouchers([company(n % 200) for n in range(LONG_LOG // EVENTS_A_VOUCHER)])
            self._stack.callback(self._long_log.close)
        return self._long_log

    def settings(self, **others: object) -> Settings:
        return Settings(state_dir=self.directory, clock="simulated", simulated_epoch=1.0, **others)


@contextmanager
def stage(directory: Path) -> Iterator[Stage]:
    """Everything it started is ended, and its databases dropped."""
    with ExitStack() as stack:
        yield Stage(directory, stack)
