"""Rebuilding a view while it is read and while its log grows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from shared.runtime import rebuild as rebuild_module
from shared.runtime.projections import Projections
from shared.runtime.rebuild import Rebuild, RebuildImpossible, status
from shared.runtime.store import Store
from tests.integration.written_log import VOUCHERS, WrittenLog, applied, lives, tendered, voucher


@pytest.fixture
def written(store: Store) -> WrittenLog:
    return WrittenLog(store)


@pytest.fixture
def views(store: Store) -> Iterator[Projections]:
    views = Projections(store, [VOUCHERS])
    views.create_tables()
    yield views
    views.close()


def _project(views: Projections) -> None:
    with views.connection() as connection:
        while views.project_chunk(connection):
            pass


def _tables(store: Store) -> list[str]:
    with store.connect() as connection:
        rows = connection.execute(r"SELECT tablename FROM pg_tables WHERE tablename LIKE 'voucher_view\_%' ORDER BY 1")
        return [table for (table,) in rows]


def test_a_rebuilt_view_equals_the_one_that_is_read(views: Projections, written: WrittenLog) -> None:
    written.append(*lives(range(50)))
    _project(views)
    seen: list[tuple[int, int]] = []
    assert Rebuild(views, "vouchers").rebuild(lambda at, head: seen.append((at, head))) == "voucher_view_vouchers_2"
    compared = Rebuild(views, "vouchers").compare()
    assert (compared.position, compared.keys, compared.different, compared.differences) == (110, 40, 0, [])
    assert seen[-1] == (110, 110)


def test_both_tables_are_kept_current_until_one_is_discarded(views: Projections, written: WrittenLog, store: Store) -> None:
    written.append(applied(1))
    _project(views)
    Rebuild(views, "vouchers").rebuild()
    written.append(tendered(1), applied(2))
    _project(views)
    assert {(one.is_read, one.position) for one in status(views)} == {(True, 3), (False, 3)}
    assert Rebuild(views, "vouchers").compare().different == 0
    assert Rebuild(views, "vouchers").discard() == "voucher_view_vouchers_2"
    assert _tables(store) == ["voucher_view_vouchers"]
    assert Rebuild(views, "vouchers").discard() is None


def test_a_switch_changes_what_is_read_and_again_back(views: Projections, written: WrittenLog, store: Store) -> None:
    written.append(applied(1))
    _project(views)
    with store.connect() as connection:
        connection.execute("""UPDATE voucher_view_vouchers SET row = (row::jsonb || '{"state": "tampered"}')::json""")
    Rebuild(views, "vouchers").rebuild()
    compared = Rebuild(views, "vouchers").compare()
    assert compared.different == 1
    assert (compared.differences[0].read["state"], compared.differences[0].other["state"]) == ("tampered", "applied")
    read = []
    for _ in range(2):
        read.append(views.get("vouchers", str(voucher(1)))["state"])
        Rebuild(views, "vouchers").switch()
    assert read == ["tampered", "applied"]
    assert views.get("vouchers", str(voucher(1)))["state"] == "tampered"


def test_a_row_that_only_one_table_has_is_a_difference(views: Projections, written: WrittenLog, store: Store) -> None:
    written.append(applied(1), applied(2))
    _project(views)
    Rebuild(views, "vouchers").rebuild()
    with store.connect() as connection:
        connection.execute("DELETE FROM voucher_view_vouchers WHERE key = %s", (str(voucher(1)),))
        connection.execute("DELETE FROM voucher_view_vouchers_2 WHERE key = %s", (str(voucher(2)),))
    compared = Rebuild(views, "vouchers").compare()
    assert (compared.keys, compared.different) == (2, 2)
    assert {(d.key, d.read is None, d.other is None) for d in compared.differences} == {
        (str(voucher(1)), True, False), (str(voucher(2)), False, True)}


def test_nothing_is_switched_or_compared_before_a_rebuild(views: Projections) -> None:
    for step in (Rebuild(views, "vouchers").switch, Rebuild(views, "vouchers").compare):
        with pytest.raises(RebuildImpossible, match="rebuild it first"):
            step()


def test_one_rebuild_of_a_view_runs_at_a_time(views: Projections, written: WrittenLog) -> None:
    written.append(applied(1))

    def begin_another(at: int, head: int) -> None:
        with pytest.raises(RebuildImpossible, match="another process"):
            Rebuild(views, "vouchers").rebuild()

    Rebuild(views, "vouchers").rebuild(begin_another)


def test_a_rebuild_under_a_growing_log_ends_and_agrees(
    views: Projections, written: WrittenLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild_module, "CHUNK", 50)
    written.append(*lives(range(200)))
    _project(views)
    ended = threading.Event()
    states: set[str] = set()

    def live() -> None:
        number = 200
        while not ended.is_set():
            written.append(*lives(range(number, number + 5)))
            _project(views)
            states.add(views.get("vouchers", str(voucher(1)))["state"])
            number += 5

    load = threading.Thread(target=live)
    load.start()
    try:
        Rebuild(views, "vouchers").rebuild()
        Rebuild(views, "vouchers").switch()
    finally:
        ended.set()
        load.join()
    compared = Rebuild(views, "vouchers").compare()
    assert compared.different == 0
    assert compared.position == written.position
    assert states == {"tendered"}


@pytest.mark.parametrize("failpoint", ["projection.before_commit:kill:3", "rebuild.before_switch:kill"])
def test_a_rebuild_killed_half_way_leaves_no_trace(
    views: Projections, written: WrittenLog, store: Store, failpoint: str
) -> None:
    written.append(*lives(range(100)))
    _project(views)
    before = views.find("vouchers", None, {}, None, 500)
    program = (
        "import sys\n"
        "from shared.runtime import rebuild\n"
        "from shared.runtime.projections import Projections\n"
        "from shared.runtime.store import Store\n"
        "from tests.integration.written_log import VOUCHERS\n"
        "rebuild.CHUNK = 50\n"
        "steps = rebuild.Rebuild(Projections(Store(sys.argv[1], 'voucher'), [VOUCHERS]), 'vouchers')\n"
        "steps.rebuild(); steps.switch()\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, store.url], env={**os.environ, "TONGDUI_FAILPOINT": failpoint})
    assert killed.returncode == -signal.SIGKILL
    assert next(one.table for one in status(views) if one.is_read) == "voucher_view_vouchers"
    written.append(applied(1000))
    _project(views)
    assert views.position() == written.position
    assert [row for row in views.find("vouchers", None, {}, None, 500) if row[0] != str(voucher(1000))] == before
    Rebuild(views, "vouchers").rebuild()
    assert Rebuild(views, "vouchers").compare().different == 0
