"""What is recorded of access: refusals, and readings by those who see beyond their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.kernel.access_record import RecordAccess
from shared.kernel.decisions import NotYours
from shared.runtime.errors import NoBusinessDay, StoreUnavailable
from shared.runtime.settings import Settings
from tests.unit.web_runtime import ENTERPRISE, Caller, FakeRuntime, Recorded, is_problem


class Recording(FakeRuntime):
    """Refuses every other command, records accesses or says why not."""

    unrecordable: Exception | None = None

    async def execute(self, command: Any, principal: Any, route: str, command_id: Any) -> Recorded:
        if isinstance(command, RecordAccess) and self.unrecordable is None:
            return await super().execute(command, principal, route, command_id)
        raise self.unrecordable if isinstance(command, RecordAccess) else NotYours()


@pytest.fixture
def runtime(tmp_path: Path) -> Recording:
    runtime = Recording(Settings(state_dir=tmp_path))
    runtime.projections.rows = {"a": {"enterprise_uscc": ENTERPRISE}, "b": {"enterprise_uscc": "another"}}
    return runtime


def accesses(runtime: Recording) -> list[tuple[str, str, str, str, int]]:
    return [
        (principal.sub, command.what, command.subject, command.purpose, command.count)
        for command, principal, _, _ in runtime.executed
    ]


async def test_a_role_that_may_not_is_refused_and_the_refusal_recorded(runtime: Recording) -> None:
    caller = Caller(runtime)
    is_problem(await caller.post("/voucher/v1/vouchers", {}, role="auditor"), 403, "role_not_allowed")
    is_problem(await caller.get("/voucher/v1/vouchers", role="operator"), 403, "role_not_allowed")
    path = "/voucher/v1/vouchers"
    assert accesses(runtime) == [("person-1", "refused", path, "role_not_allowed", 0)] * 2


async def test_what_is_anothers_is_refused_and_the_refusal_recorded_under_one_id(runtime: Recording) -> None:
    caller = Caller(runtime)
    path = "/voucher/v1/vouchers/00000000-0000-4000-8000-000000000001/tender"
    for _ in range(2):
        is_problem(await caller.post(path), 403, "not_yours")
    assert accesses(runtime) == [("person-1", "refused", path, "not_yours", 0)] * 2
    assert len({command_id for *_, command_id in runtime.executed}) == 1, "the second is the first again"


async def test_a_row_out_of_scope_is_not_there_and_the_attempt_is_recorded(runtime: Recording) -> None:
    is_problem(await Caller(runtime).get("/voucher/v1/vouchers/b"), 404, "not_found")
    is_problem(await Caller(runtime).get("/voucher/v1/vouchers/none"), 404, "not_found")
    assert accesses(runtime) == [("person-1", "refused", "voucher/vouchers/b", "not_in_scope", 0)]


async def test_an_auditors_reading_is_recorded_with_its_purpose_and_a_partys_own_is_not(runtime: Recording) -> None:
    caller = Caller(runtime)
    await caller.get("/voucher/v1/vouchers?purpose=yearly+check", role="auditor")
    await caller.get("/voucher/v1/vouchers/a", role="auditor")
    await caller.get("/voucher/v1/vouchers/a")
    await caller.get("/voucher/v1/notices", role="auditor")
    assert accesses(runtime) == [
        ("person-1", "view_read", "voucher/vouchers", "yearly check", 2),
        ("person-1", "view_read", "voucher/vouchers/a", "not stated", 1),
    ]


async def test_what_cannot_be_recorded_is_not_answered(runtime: Recording) -> None:
    runtime.unrecordable = StoreUnavailable()
    is_problem(await Caller(runtime).get("/voucher/v1/vouchers/a", role="auditor"), 503, "store_unavailable")
    is_problem(await Caller(runtime).post("/voucher/v1/vouchers", {}, role="auditor"), 503, "store_unavailable")


async def test_before_the_first_day_a_refusal_is_still_a_refusal(runtime: Recording) -> None:
    runtime.unrecordable = NoBusinessDay()
    is_problem(await Caller(runtime).post("/voucher/v1/vouchers", {}, role="auditor"), 403, "role_not_allowed")


async def test_a_caller_without_a_token_leaves_nothing(runtime: Recording) -> None:
    assert (await Caller(runtime).get("/voucher/v1/vouchers", role=None)).status_code == 401
    assert runtime.executed == []
