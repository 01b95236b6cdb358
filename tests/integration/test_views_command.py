"""``tongdui views`` over a real log: rebuilt, compared, switched, back, and told when they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from services.cli import app
from services.voucher.main import SERVICE
from shared.runtime.projections import Projections
from shared.runtime.store import Store
from tests.integration.written_log import WrittenLog, applied

Run = Callable[..., Result]


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """The voucher service's views over thirty applications; runs the command."""
    store = Store(database_url, "voucher")
    store.create_tables()
    projections = Projections(store, SERVICE.views)
    projections.create_tables()
    WrittenLog(store).append(*(applied(number) for number in range(30)))
    with projections.connection() as connection:
        while projections.project_chunk(connection):
            pass
    monkeypatch.setenv("TONGDUI_DATABASE_URL", database_url)
    yield lambda *asked: CliRunner().invoke(app, ["views", *asked])
    projections.close()
    store.close()


def tables(run: Run, view: str) -> list[list[str]]:
    """The cells of the view's rows in `status`."""
    lines = run("status", "voucher").output.splitlines()
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if f"│ {view} " in line]


def test_a_view_is_rebuilt_compared_switched_and_back(run: Run) -> None:
    assert len(tables(run, "vouchers")) == 1
    assert run("rebuild", "voucher", "vouchers").exit_code == 0
    first, second = tables(run, "vouchers")
    assert (first[3:], second[3:]) == (["*", "30", "30", ""], ["", "30", "30", ""])
    answer = run("compare", "voucher", "vouchers")
    assert (answer.exit_code, answer.output) == (0, "vouchers: 30 keys at position 30, 0 different\n")
    assert "voucher_view_vouchers_2 is read" in run("switch", "voucher", "vouchers").output
    assert [row[3] for row in tables(run, "vouchers")] == ["", "*"]
    assert "voucher_view_vouchers is read" in run("switch", "voucher", "vouchers").output
    assert run("discard", "voucher", "vouchers").exit_code == 0
    assert len(tables(run, "vouchers")) == 1


def test_every_view_of_a_service_is_rebuilt_at_once(run: Run) -> None:
    answer = run("rebuild", "voucher")
    assert answer.exit_code == 0, answer.output
    assert all(f"{view.name}: " in answer.output for view in SERVICE.views)


def test_a_difference_is_shown_and_exits_1(run: Run, database_url: str) -> None:
    run("rebuild", "voucher", "vouchers")
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM voucher_view_vouchers WHERE key = (SELECT min(key) FROM voucher_view_vouchers)")
    answer = run("compare", "voucher", "vouchers")
    assert answer.exit_code == 1 and "1 different" in answer.output and "read:  None" in answer.output


@pytest.mark.parametrize("step", ["compare", "switch"])
def test_what_cannot_be_done_now_is_said_and_exits_2(run: Run, step: str) -> None:
    answer = run(step, "voucher", "vouchers")
    assert answer.exit_code == 2 and "rebuild it first" in answer.output


def test_what_does_not_exist_is_refused(run: Run, monkeypatch: Any) -> None:
    assert run("switch", "voucher", "nothing").exit_code == 2
    assert run("switch", "nobody", "vouchers").exit_code == 2
    monkeypatch.delenv("TONGDUI_DATABASE_URL")
    assert run("status").exit_code == 2
