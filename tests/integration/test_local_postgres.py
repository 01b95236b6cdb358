"""The PostgreSQL of a machine that was given none."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from shared.runtime.local_postgres import DatabaseServer, LocalPostgres, database_url
from shared.runtime.local_program import DirectoryInUse, LocalProgramFailed
from shared.runtime.settings import Settings
from tests.integration.left_behind import left_behind


@pytest.fixture
def directory() -> Iterator[Path]:
    """One that any account may pass through; pytest's own directories are closed."""
    made = Path(tempfile.mkdtemp(prefix="tongdui-test-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


def write(url: str, number: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS written (number int)")
        connection.execute("INSERT INTO written VALUES (%s)", (number,))


def written(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [number for (number,) in connection.execute("SELECT number FROM written ORDER BY number")]


def test_data_are_kept_between_runs(directory: Path) -> None:
    for number in (1, 2):
        with database_url(Settings(state_dir=directory, database_url=None), directory / "postgres") as url:
            write(url, number)
            assert written(url) == list(range(1, number + 1))


def test_what_was_committed_outlives_a_kill_of_the_server(directory: Path) -> None:
    with LocalPostgres(directory) as server:
        write(server.url, 1)
        server.kill()
        with pytest.raises(psycopg.OperationalError):
            write(server.url, 2)
        server.start()
        assert written(server.url) == [1]


def test_a_paused_server_answers_again_when_it_is_resumed(directory: Path) -> None:
    with LocalPostgres(directory) as server:
        server.pause()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(server.url, connect_timeout=2)
        server.resume()
        write(server.url, 1)


def test_a_url_that_was_given_is_used_as_it_is() -> None:
    with database_url(Settings(database_url="postgresql://someone@somewhere/something")) as url:
        assert url == "postgresql://someone@somewhere/something"


def test_a_database_is_copied_from_a_template_and_dropped_with_its_sessions(database_server: DatabaseServer) -> None:
    template = database_server.create_database("template_of_a_test")
    write(template, 7)
    copy = database_server.create_database("copy_of_a_test", "template_of_a_test")
    session = psycopg.connect(copy)
    assert session.execute("SELECT number FROM written").fetchone() == (7,)
    database_server.drop_database("copy_of_a_test")
    session.close()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        written(copy)
    database_server.drop_database("template_of_a_test")


def test_a_directory_has_one_owner_at_a_time(directory: Path) -> None:
    with LocalPostgres(directory), pytest.raises(DirectoryInUse, match=str(os.getpid())):
        LocalPostgres(directory).start()


def test_the_server_of_a_killed_run_is_ended_before_the_next_starts(directory: Path) -> None:
    left = left_behind("local_postgres", "LocalPostgres", directory)
    with LocalPostgres(directory) as server:
        assert server.pid != left
        assert not psutil.pid_exists(left) or psutil.Process(left).status() == psutil.STATUS_ZOMBIE
        write(server.url, 1)


def test_a_path_too_long_for_a_socket_is_no_obstacle(directory: Path) -> None:
    with LocalPostgres(directory / ("long" * 40)) as server:
        write(server.url, 1)
        sockets = server.url.rpartition("host=")[2]
    assert not os.path.exists(sockets.replace("%2F", "/"))


def test_no_folder_is_opened_for_a_server_that_may_not_run_as_root(directory: Path) -> None:
    closed = directory / "closed"
    closed.mkdir(mode=0o700)
    server = LocalPostgres(closed / "postgres")
    with server:
        write(server.url, 1)
    assert closed.stat().st_mode & 0o777 == 0o700
    assert server.directory.stat().st_mode & 0o777 == 0o700
    if server.directory.parent != closed:
        shutil.rmtree(server.directory)


def test_a_setting_the_server_refuses_is_told_with_its_own_words(directory: Path) -> None:
    with pytest.raises(LocalProgramFailed, match="no_such_setting"):
        LocalPostgres(directory, {"no_such_setting": "1"}).start()
