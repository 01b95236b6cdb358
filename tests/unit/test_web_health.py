"""Health, metrics, stopped sources, and a process that is stopping."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from shared.runtime import metrics
from shared.runtime.settings import Settings
from tests.unit.web_runtime import VOUCHER, Caller, FakeRuntime, is_problem

STOP = {"source": "registry", "position": 12, "reason": "UnreadableDocument", "stopped_at": "2026-01-05T01:00:00+00:00"}


@pytest.fixture
def runtime(tmp_path: Path) -> FakeRuntime:
    return FakeRuntime(Settings(state_dir=tmp_path))


@pytest.fixture
def caller(runtime: FakeRuntime) -> Caller:
    return Caller(runtime)


async def test_a_process_says_it_is_alive_and_ready(caller: Caller) -> None:
    assert (await caller.get("/healthz", role=None)).json() == {"status": "alive"}
    assert (await caller.get("/readyz", role=None)).json() == {"status": "ready"}


async def test_a_process_that_is_not_ready_lists_every_failing_check(tmp_path: Path) -> None:
    voucher, registry = (FakeRuntime(Settings(state_dir=tmp_path), name) for name in ("voucher", "registry"))
    voucher.complaints = ["synchronous_commit is off: set it on"]
    registry.complaints = ["the broker does not answer: start it"]
    answer = await Caller(voucher, registry).get("/readyz", role=None)
    document = is_problem(answer, 503, "not_ready")
    assert document["checks"] == [
        "voucher: synchronous_commit is off: set it on",
        "registry: the broker does not answer: start it",
    ]
    assert answer.headers["retry-after"]


async def test_metrics_carry_the_service_and_the_units(caller: Caller) -> None:
    metrics.WriterObserver().batch("voucher", 12, 0.02)
    metrics.WriterObserver().queue("voucher", 3)
    metrics.WriterObserver().recorded("voucher", ["VoucherIssued", "HoldPlaced", "HoldPlaced"])
    metrics.relay_lag("voucher", 5, 1.5)
    metrics.consumer_lag("voucher", "registry", 4, 2.5)
    metrics.stopped("voucher", "registry", True)
    metrics.view_age("voucher", "vouchers", 0.5, 2)
    answer = await caller.get("/metrics", role=None)
    assert answer.headers["content-type"].startswith("text/plain")
    for line in (
        'tongdui_batch_size_sum{service="voucher"}',
        'tongdui_batch_seconds_count{service="voucher"}',
        'tongdui_queue_depth{service="voucher"} 3.0',
        'tongdui_events_total{service="voucher",type="HoldPlaced"}',
        'tongdui_relay_lag_events{service="voucher"} 5.0',
        'tongdui_relay_lag_seconds{service="voucher"} 1.5',
        'tongdui_consumer_lag_events{service="voucher",source="registry"} 4.0',
        'tongdui_consumer_lag_seconds{service="voucher",source="registry"} 2.5',
        'tongdui_source_stopped{service="voucher",source="registry"} 1.0',
        'tongdui_view_age_seconds{service="voucher",view="vouchers"} 0.5',
        'tongdui_view_lag_events{service="voucher",view="vouchers"} 2.0',
    ):
        assert line in answer.text


async def test_anyone_may_ask_for_progress(caller: Caller) -> None:
    answer = await caller.get("/voucher/v1/progress", role=None)
    assert answer.json() == {"head": 7, "applied": {"registry": 3}, "waiting": 0}


async def test_stopped_sources_are_for_operators(runtime: FakeRuntime, caller: Caller) -> None:
    runtime.stopped = [STOP]
    assert (await caller.get("/voucher/v1/stopped", role="operator")).json() == [STOP]
    is_problem(await caller.get("/voucher/v1/stopped", role=None), 401, "token_missing")
    is_problem(await caller.get("/voucher/v1/stopped", role="auditor"), 403, "role_not_allowed")


async def test_an_operator_parks_the_record_a_source_is_stopped_at_by_name(
    runtime: FakeRuntime, caller: Caller
) -> None:
    runtime.stopped = [STOP]
    path = "/voucher/v1/stopped/registry/12"
    assert (await caller.post(f"{path}/park", role="operator")).json()["parked_by"] == "person-1"
    assert runtime.parked == [("registry", 12, "person-1")]
    assert (await caller.post(f"{path}/retry", role="operator")).status_code == 200
    assert runtime.retried == ["registry"]


async def test_only_a_record_that_stops_a_source_is_parked_or_tried_again(
    runtime: FakeRuntime, caller: Caller
) -> None:
    runtime.stopped = [STOP]
    for path in ("registry/13/park", "settlement/12/park", "registry/13/retry"):
        is_problem(await caller.post(f"/voucher/v1/stopped/{path}", role="operator"), 404, "not_found")
    is_problem(await caller.post("/voucher/v1/stopped/registry/x/park", role="operator"), 422, "invalid_request")
    assert (runtime.parked, runtime.retried) == ([], [])


async def test_parking_needs_the_role_and_an_id_too(runtime: FakeRuntime, caller: Caller) -> None:
    runtime.stopped = [STOP]
    path = "/voucher/v1/stopped/registry/12/park"
    is_problem(await caller.post(path, role=None), 401, "token_missing")
    is_problem(await caller.post(path), 403, "role_not_allowed")
    no_id, odd_id = {"Idempotency-Key": None}, {"Idempotency-Key": "x"}
    is_problem(await caller.post(path, role="operator", headers=no_id), 400, "idempotency_key_missing")
    is_problem(await caller.post(path, role="operator", headers=odd_id), 400, "idempotency_key_invalid")
    assert runtime.parked == []


async def test_a_stopping_process_takes_no_more_but_says_that_it_is_alive(
    runtime: FakeRuntime, caller: Caller
) -> None:
    caller.app.state.draining = True
    for answer in (
        await caller.post(f"/voucher/v1/vouchers/{VOUCHER}/tender"),
        await caller.get("/voucher/v1/vouchers"),
    ):
        is_problem(answer, 503, "draining")
        assert answer.headers["connection"] == "close"
        assert answer.headers["retry-after"] == "2"
    assert runtime.executed == []
    assert (await caller.get("/healthz", role=None)).status_code == 200
    is_problem(await caller.get("/readyz", role=None), 503, "not_ready")


async def test_a_request_still_waiting_when_the_process_leaves_is_told_to_ask_again(runtime: FakeRuntime, caller: Caller) -> None:
    """The server cancels what is not done in time; that must not look like an error of the request."""
    sent: list[dict[str, Any]] = []

    async def nothing_yet() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    told = {**caller.bearer(), "Idempotency-Key": str(uuid4()), "Content-Length": "9"}
    headers = [(name.lower().encode(), value.encode()) for name, value in told.items()]
    scope = {"type": "http", "method": "POST", "path": f"/voucher/v1/vouchers/{VOUCHER}/tender", "headers": headers}
    request = asyncio.create_task(caller.app({**scope, "query_string": b"", "app": caller.app}, nothing_yet, send))
    await asyncio.sleep(0)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert sent[0]["status"] == 503 and b"fate_unknown" in sent[1]["body"]
    assert runtime.executed == []
