"""Views over HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest

from shared.runtime import view_endpoint
from shared.runtime.settings import Settings
from shared.runtime.view_endpoint import contains, is_in_scope
from tests.unit.web_runtime import ENTERPRISE, Caller, FakeRuntime, is_problem


@pytest.fixture
def runtime(tmp_path: Path) -> FakeRuntime:
    runtime = FakeRuntime(Settings(state_dir=tmp_path))
    runtime.projections.rows = {
        "a": {"enterprise_uscc": ENTERPRISE, "name": "示例公司"},
        "b": {"enterprise_uscc": "another"},
        "c": {"enterprise_uscc": ENTERPRISE},
    }
    return runtime


@pytest.fixture
def caller(runtime: FakeRuntime) -> Caller:
    return Caller(runtime)


async def test_a_row_is_answered_as_it_stands(caller: Caller) -> None:
    answer = await caller.get("/voucher/v1/vouchers/a")
    assert answer.status_code == 200
    assert answer.json() == {"enterprise_uscc": ENTERPRISE, "name": "示例公司"}
    assert "示例公司" in answer.text


async def test_a_row_that_is_not_there_and_one_out_of_scope_are_answered_alike(caller: Caller) -> None:
    missing = is_problem(await caller.get("/voucher/v1/vouchers/zzz"), 404, "not_found")
    foreign = is_problem(await caller.get("/voucher/v1/vouchers/b"), 404, "not_found")
    assert missing["detail"].replace("zzz", "b") == foreign["detail"]
    assert (await caller.get("/voucher/v1/vouchers/b", role="auditor")).status_code == 200


async def test_a_list_asks_for_the_callers_rows_with_filters_page_by_page(runtime: FakeRuntime, caller: Caller) -> None:
    answer = await caller.get("/voucher/v1/vouchers?region=310118&limit=2")
    assert runtime.projections.asked == [
        ("vouchers", {"enterprise_uscc": ENTERPRISE}, {"region": "310118"}, None, 2)
    ]
    assert answer.json()["next"] == "b"
    last = await caller.get("/voucher/v1/vouchers?after=b&limit=2")
    assert last.json() == {"items": [{"enterprise_uscc": ENTERPRISE}], "next": None}


async def test_anyone_reads_a_public_list(runtime: FakeRuntime, caller: Caller) -> None:
    assert (await caller.get("/voucher/v1/notices", role=None)).status_code == 200
    assert runtime.projections.asked == [("notices", None, {}, None, 100)]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "regoin=310118", "at_least=-1", "after=%00", "after="])
async def test_a_query_that_does_not_do_is_refused(runtime: FakeRuntime, caller: Caller, query: str) -> None:
    document = is_problem(await caller.get(f"/voucher/v1/vouchers?{query}"), 422, "invalid_request")
    assert document["field"] == query.split("=")[0]
    assert runtime.projections.asked == []


async def test_who_may_not_read_is_told_before_what_is_wrong_with_the_query(caller: Caller) -> None:
    is_problem(await caller.get("/voucher/v1/vouchers?limit=x", role=None), 401, "token_missing")
    is_problem(await caller.get("/voucher/v1/vouchers?limit=x", role="operator"), 403, "role_not_allowed")


async def test_a_read_waits_for_the_position_it_needs(runtime: FakeRuntime, caller: Caller) -> None:
    reading = asyncio.create_task(caller.get("/voucher/v1/vouchers/a?at_least=9"))
    await asyncio.sleep(0.1)
    assert not reading.done()
    runtime.projections.shown = 9
    assert (await reading).status_code == 200


async def test_a_read_does_not_wait_for_ever(runtime: FakeRuntime, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_endpoint, "PATIENCE_SECONDS", 0.05)
    for path in ("/voucher/v1/vouchers/a?at_least=9", "/voucher/v1/vouchers?at_least=9"):
        answer = await caller.get(path)
        assert "position 9" in is_problem(answer, 503, "behind")["detail"]
        assert answer.headers["retry-after"] == "1"


async def test_a_database_that_is_away_is_said_so(
    runtime: FakeRuntime, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(name: str, key: str) -> None:
        raise psycopg.OperationalError("connection to 10.0.0.5 refused")

    monkeypatch.setattr(runtime.projections, "get", away)
    answer = await caller.get("/voucher/v1/vouchers/a")
    is_problem(answer, 503, "store_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert "10.0.0.5" not in answer.text


@pytest.mark.parametrize(
    ("row", "pattern", "holds"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"b": None}, False),
        ({"a": None}, {"a": None}, True),
        ({"a": {"b": [1, 2, {"c": 3}]}}, {"a": {"b": [{"c": 3}, 1]}}, True),
        ({"a": [1]}, {"a": [1, 2]}, False),
        ({"a": True}, {"a": 1}, False),
        ({"a": "1"}, {"a": 1}, False),
    ],
)
async def test_a_row_contains_a_pattern_as_jsonb_has_it(row: object, pattern: object, holds: bool) -> None:
    assert contains(row, pattern) is holds


async def test_a_scope_of_several_patterns_is_any_of_them_and_of_none_is_nothing() -> None:
    row = {"enterprise": "e", "provider": "p"}
    assert is_in_scope(row, None)
    assert is_in_scope(row, [{"enterprise": "x"}, {"provider": "p"}])
    assert not is_in_scope(row, [])
