"""Views over a real PostgreSQL."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest
from tongdui_events.document import Event, Stamp
from tongdui_events.voucher import VoucherTendered

from shared.runtime import projections as projections_module
from shared.runtime.failpoints import FailpointReached
from shared.runtime.projections import Projections, Row, View
from shared.runtime.store import Store
from tests.integration.toy import sleep_too_long
from tests.integration.written_log import (
    VOUCHERS,
    WrittenLog,
    applied,
    lives,
    tendered,
    voucher,
    withdrawn,
)


@pytest.fixture
def written(store: Store) -> WrittenLog:
    return WrittenLog(store)


@pytest.fixture
def views(store: Store) -> Iterator[Projections]:
    views = _views(store, VOUCHERS)
    yield views
    views.close()


def _views(store: Store, *declared: View) -> Projections:
    views = Projections(store, declared)
    views.create_tables()
    return views


def test_a_reader_that_slept_through_its_transaction_finds_the_database_away_and_then_there_again(views: Projections) -> None:
    with pytest.raises(psycopg.OperationalError), views.connection() as connection:
        sleep_too_long(connection)
        connection.execute("SELECT 1")
    assert views.position() == 0


def _project(views: Projections, limit: int = 1000) -> int:
    with views.connection() as connection:
        folded = 0
        while n := views.project_chunk(connection, limit):
            folded += n
    return folded


def test_rows_and_position_follow_the_log(views: Projections, written: WrittenLog) -> None:
    written.append(applied(1), applied(2), tendered(1))
    assert _project(views) == 3
    assert views.position() == 3
    assert views.get("vouchers", str(voucher(1)))["state"] == "tendered"
    assert views.get("vouchers", str(voucher(2)))["state"] == "applied"
    assert views.get("vouchers", str(voucher(3))) is None


def test_a_row_that_folds_to_nothing_is_gone(views: Projections, written: WrittenLog) -> None:
    written.append(applied(1))
    _project(views)
    written.append(withdrawn(1), applied(2), withdrawn(2))
    _project(views)
    assert views.find("vouchers", None, {}, None, 10) == []


def test_the_rows_are_the_same_in_chunks_of_any_size(store: Store, written: WrittenLog) -> None:
    written.append(*lives(range(40)))
    found = []
    for limit in (1, 7, 1000):
        with store.connect() as connection:
            connection.execute("DROP TABLE IF EXISTS voucher_view_vouchers, voucher_positions, voucher_views")
        views = _views(store, VOUCHERS)
        assert _project(views, limit) == written.position
        found.append(views.find("vouchers", None, {}, None, 100))
        views.close()
    assert len(found[0]) == 32
    assert found[0] == found[1] == found[2]


def test_what_a_fold_is_given_does_not_depend_on_where_a_chunk_ended(store: Store, written: WrittenLog) -> None:
    def names(row: Row | None, event: Event, stamp: Stamp) -> Row:
        """Members that come in neither by length nor by name, and a list in the order they came in."""
        known = {**(row["known"] if row else {}), "z" * (9 - stamp.originator_version): type(event).__name__}
        return {"known": known, "order": list(known), "last": stamp.originator_version}

    view = View("names", VOUCHERS.types, lambda event, stamp: str(event.voucher_id), names)
    written.append(applied(1), tendered(1), tendered(1), withdrawn(1))
    found = []
    for limit in (1, 1000):
        with store.connect() as connection:
            connection.execute("DROP TABLE IF EXISTS voucher_view_names, voucher_positions, voucher_views")
        views = _views(store, view)
        _project(views, limit)
        found.append(json.dumps(views.get("names", str(voucher(1)))))
        views.close()
    assert found[0] == found[1]


def test_events_no_view_wants_move_the_position_too(store: Store, written: WrittenLog) -> None:
    views = _views(store, View("tendered", (VoucherTendered,), lambda event, stamp: str(stamp.originator_id),
                               lambda row, event, stamp: {"on": stamp.business_day.isoformat()}))
    written.append(applied(1), applied(2))
    assert _project(views) == 2
    assert views.position() == 2
    views.close()


def test_an_event_whose_key_is_none_touches_no_row(store: Store, written: WrittenLog) -> None:
    views = _views(store, View("some", VOUCHERS.types, lambda event, stamp: None, VOUCHERS.evolve))
    written.append(applied(1))
    _project(views)
    assert views.find("some", None, {}, None, 10) == []
    views.close()


def test_a_new_view_catches_up_and_the_others_do_not_fold_twice(store: Store, views: Projections, written: WrittenLog) -> None:
    written.append(*lives(range(1, 4)))
    _project(views)
    counted = View("tenders", (VoucherTendered,), lambda event, stamp: "all",
                   lambda row, event, stamp: {"count": (row or {"count": 0})["count"] + 1})
    more = _views(store, VOUCHERS, counted)
    assert more.position() == 0
    written.append(applied(9), tendered(9))
    _project(more, 2)
    assert more.get("tenders", "all") == {"count": 4}
    assert more.get("vouchers", str(voucher(1)))["steps"] == 2
    assert more.position() == written.position
    more.close()


def test_two_workers_fold_every_event_once(store: Store, written: WrittenLog) -> None:
    counted = View("events", VOUCHERS.types, lambda event, stamp: "all",
                   lambda row, event, stamp: {"count": (row or {"count": 0})["count"] + 1})
    one, two = _views(store, counted), _views(store, counted)
    written.append(*lives(range(100)))
    workers = [threading.Thread(target=_project, args=(views, 10)) for views in (one, two)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert one.get("events", "all") == {"count": written.position}
    assert two.position() == written.position
    one.close()
    two.close()


def test_a_chunk_that_dies_before_its_commit_leaves_neither_rows_nor_position(
    views: Projections, written: WrittenLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(name: str) -> None:
        raise FailpointReached(name)

    written.append(applied(1))
    with monkeypatch.context() as patched:
        patched.setattr(projections_module, "failpoint", die)
        with pytest.raises(FailpointReached):
            _project(views)
    assert views.position() == 0
    assert views.get("vouchers", str(voucher(1))) is None
    _project(views)
    assert views.get("vouchers", str(voucher(1)))["steps"] == 1


def test_a_chunk_is_a_transaction_of_its_own(views: Projections) -> None:
    with views.connection() as connection:
        connection.execute("SELECT 1")
        with pytest.raises(psycopg.ProgrammingError):
            views.project_chunk(connection)


def test_a_list_goes_on_after_a_key(views: Projections, written: WrittenLog) -> None:
    written.append(*(applied(n) for n in range(10)))
    _project(views)
    seen, after = [], None
    while page := views.find("vouchers", None, {}, after, 3):
        seen += [key for key, _ in page]
        after = page[-1][0]
    assert seen == sorted(str(voucher(n)) for n in range(10))


def test_a_scope_is_containment_in_one_of_its_patterns(views: Projections, written: WrittenLog) -> None:
    written.append(applied(1, "310118"), applied(2, "320509"), applied(3, "330421"), tendered(3))
    _project(views)

    def found(scope: object) -> set[str]:
        return {row["region"] for _, row in views.find("vouchers", scope, {}, None, 10)}

    assert found({"region": "310118"}) == {"310118"}
    assert found([{"region": "310118"}, {"state": "tendered"}]) == {"310118", "330421"}
    assert found([{"region": "310118", "state": "tendered"}]) == set()
    assert found([]) == set()
    assert found({}) == found(None) == {"310118", "320509", "330421"}


@pytest.mark.parametrize("where, expected", [
    ({"region": "320509"}, {2}),
    ({"region": "320509", "state": "tendered"}, set()),
    ({"state": "tendered"}, {3}),
    ({"steps": "2"}, {3}),
    ({"steps": 2}, {3}),
    ({"urgent": "false"}, {1, 2, 3}),
    ({"urgent": "true"}, set()),
    ({"missing": "x"}, set()),
    ({"region": "' OR 1=1 --"}, set()),
])
def test_a_filter_is_equality_with_the_rows_member(
    views: Projections, written: WrittenLog, where: dict[str, object], expected: set[int]
) -> None:
    written.append(applied(1), applied(2, "320509"), applied(3), tendered(3))
    _project(views)
    found = {key for key, _ in views.find("vouchers", None, where, None, 10)}
    assert found == {str(voucher(n)) for n in expected}


def test_what_is_due_comes_in_the_order_of_its_day_then_key(views: Projections, written: WrittenLog) -> None:
    written.append(applied(1), applied(2), tendered(2), applied(3))
    _project(views)
    early = sorted(str(voucher(n)) for n in (1, 3))
    assert views.due("vouchers", date(2025, 3, 9)) == []
    assert [row["voucher_id"] for row in views.due("vouchers", date(2025, 3, 10))] == early
    assert [row["voucher_id"] for row in views.due("vouchers", date(2025, 3, 20))] == [*early, str(voucher(2))]


def test_a_view_nobody_declared_is_a_key_error(views: Projections) -> None:
    with pytest.raises(KeyError):
        views.get("others", "x")


def test_a_service_without_views_is_always_at_its_head(store: Store, written: WrittenLog) -> None:
    views = _views(store)
    written.append(applied(1))
    assert views.position() == 1
    assert _project(views) == 0
    views.close()


def test_reads_survive_the_loss_of_every_session(views: Projections, written: WrittenLog, store: Store) -> None:
    written.append(applied(1))
    _project(views)
    with store.connect(autocommit=True) as killer:
        killer.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                       " AND datname = current_database()")
    assert views.position() == 1
    assert views.get("vouchers", str(voucher(1)))["state"] == "applied"


@pytest.mark.parametrize("name", ["", "Vouchers", "vouchers_2", "a-b", "x" * 41])
def test_a_views_name_is_a_plain_word(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        View(name, VOUCHERS.types, VOUCHERS.key, VOUCHERS.evolve)
