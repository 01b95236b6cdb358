"""Commands over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.runtime.bodies import BODY_LIMIT
from shared.runtime.errors import CommandConflict, FateUnknown, Overloaded
from shared.runtime.settings import Settings
from tests.unit.web_runtime import (
    ENTERPRISE,
    STORED,
    VOUCHER,
    ApplyForVoucher,
    Caller,
    FakeRuntime,
    QuotaExhausted,
    SubmitContract,
    TenderVoucher,
    is_problem,
)

CONTRACT = f"/voucher/v1/vouchers/{VOUCHER}/contract"
BODY: dict[str, Any] = {"contract_no": "HT-1", "lines": [{"line_no": 1, "amount_fen": 100}]}


@pytest.fixture
def runtime(tmp_path: Path) -> FakeRuntime:
    return FakeRuntime(Settings(state_dir=tmp_path))


@pytest.fixture
def caller(runtime: FakeRuntime) -> Caller:
    return Caller(runtime)


async def test_an_accepted_command_answers_its_position_and_the_stored_documents_byte_for_byte(
    runtime: FakeRuntime, caller: Caller
) -> None:
    key = uuid4()
    answer = await caller.post("/voucher/v1/vouchers", {"voucher_id": str(VOUCHER), "purpose": "test"},
                               headers={"Idempotency-Key": str(key)})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.content == b'{"position":7,"events":[' + STORED + b"," + STORED + b"]}"
    [(command, principal, route, command_id)] = runtime.executed
    assert command == ApplyForVoucher(voucher_id=VOUCHER, purpose="test")
    assert (principal.sub, principal.role, principal.uscc) == ("person-1", "enterprise", ENTERPRISE)
    assert (route, command_id) == ("/vouchers", key)


async def test_path_parameters_fill_the_commands_fields(runtime: FakeRuntime, caller: Caller) -> None:
    assert (await caller.post(CONTRACT, BODY)).status_code == 200
    command, _, route, _ = runtime.executed[0]
    assert isinstance(command, SubmitContract)
    assert command.voucher_id == VOUCHER
    assert route == "/vouchers/{voucher_id}/contract"


async def test_a_command_whose_fields_are_all_in_the_path_needs_no_body(runtime: FakeRuntime, caller: Caller) -> None:
    assert (await caller.post(f"/voucher/v1/vouchers/{VOUCHER}/tender")).status_code == 200
    assert (await caller.post(f"/voucher/v1/vouchers/{VOUCHER}/tender", {})).status_code == 200
    assert runtime.executed[0][0] == TenderVoucher(voucher_id=VOUCHER)


async def test_a_body_that_repeats_a_path_parameter_is_refused(runtime: FakeRuntime, caller: Caller) -> None:
    for said in (str(VOUCHER), str(uuid4())):
        answer = await caller.post(CONTRACT, {**BODY, "voucher_id": said})
        document = is_problem(answer, 422, "invalid_request")
        assert document["errors"][0]["code"] == "extra_forbidden"
        assert document["field"] == "voucher_id"
    assert runtime.executed == []


async def test_every_field_that_does_not_do_is_named_at_once(caller: Caller) -> None:
    answer = await caller.post(
        "/voucher/v1/vouchers/nonsense/contract",
        {"lines": [{"line_no": "x", "amount_fen": -5}], "colour": "red", "note": ""},
    )
    document = is_problem(answer, 422, "invalid_request")
    found = {error["field"]: error["code"] for error in document["errors"]}
    assert found == {
        "voucher_id": "uuid_parsing",
        "contract_no": "missing",
        "lines.0.line_no": "int_parsing",
        "lines.0.amount_fen": "greater_than",
        "note": "string_too_short",
        "colour": "extra_forbidden",
    }
    assert all(error["zh"] and error["detail"] for error in document["errors"])
    assert document["field"] == document["errors"][0]["field"]
    assert "应大于0" in {error["zh"] for error in document["errors"]}


@pytest.mark.parametrize("body", [[], "text", 5, None])
async def test_a_body_that_is_no_object_is_refused(caller: Caller, body: Any) -> None:
    answer = await caller.post(CONTRACT, content=str(body).replace("None", "null").replace("text", '"text"').encode(),
                               headers={"Content-Type": "application/json"})
    assert is_problem(answer, 422, "invalid_request")["field"] == "body"


async def test_a_validators_own_code_chinese_and_section_reach_the_caller(caller: Caller) -> None:
    document = is_problem(await caller.post(CONTRACT, {**BODY, "contract_no": "?"}), 422, "invalid_request")
    assert document["section"] == "三(一)"
    assert document["errors"] == [
        {"field": "contract_no", "code": "odd_number", "detail": "odd", "zh": "合同号有误", "section": "三(一)"}
    ]


async def test_a_refusal_answers_its_code_section_and_both_languages(runtime: FakeRuntime, caller: Caller) -> None:
    runtime.raises = QuotaExhausted("lines", left_fen=0)
    document = is_problem(await caller.post(CONTRACT, BODY), 422, "quota_exhausted")
    assert document["detail"] == "nothing is left of the year: 0 fen"
    assert document["zh"] == "年度额度已用完,剩余0分"
    assert (document["section"], document["field"], document["title"]) == ("二(二)", "lines", "Quota exhausted")


@pytest.mark.parametrize("error", [Overloaded(), FateUnknown()])
async def test_what_may_be_tried_again_says_when(runtime: FakeRuntime, caller: Caller, error: Any) -> None:
    runtime.raises = error
    answer = await caller.post(CONTRACT, BODY)
    is_problem(answer, 503, error.code)
    assert answer.headers["retry-after"] == "1"


async def test_an_id_used_for_another_payload_is_a_conflict(runtime: FakeRuntime, caller: Caller) -> None:
    runtime.raises = CommandConflict()
    is_problem(await caller.post(CONTRACT, BODY), 409, "command_conflict")


async def test_an_internal_error_is_logged_under_its_id_and_tells_nothing_else(
    runtime: FakeRuntime, caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    runtime.raises = RuntimeError("password=hunter2")
    answer = await caller.post(CONTRACT, BODY)
    document = is_problem(answer, 500, "internal_error")
    assert "hunter2" not in answer.text
    assert UUID(document["error_id"])
    assert any(document["error_id"] in record.getMessage() and record.exc_info for record in caplog.records)


async def test_a_command_needs_an_id_made_by_the_caller(runtime: FakeRuntime, caller: Caller) -> None:
    is_problem(await caller.post(CONTRACT, BODY, headers={"Idempotency-Key": None}), 400, "idempotency_key_missing")
    is_problem(await caller.post(CONTRACT, BODY, headers={"Idempotency-Key": "7"}), 400, "idempotency_key_invalid")
    assert runtime.executed == []


@pytest.mark.parametrize(
    "body", [b"{", b"{'a': 1}", b'{"a": NaN}', b"\xff\xfe", b'{"contract_no": "\\ud800"}', b"[" * 5000]
)
async def test_a_body_that_is_not_json_is_refused(caller: Caller, body: bytes) -> None:
    answer = await caller.post(CONTRACT, content=body, headers={"Content-Type": "application/json"})
    is_problem(answer, 400, "malformed_json")


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", None, "application/jsonish"])
async def test_another_content_type_is_refused(caller: Caller, media_type: str | None) -> None:
    answer = await caller.post(CONTRACT, content=b"{}", headers={"Content-Type": media_type})
    is_problem(answer, 415, "unsupported_content_type")


async def test_json_is_known_with_a_charset_or_a_suffix(caller: Caller) -> None:
    for media_type in ("application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"):
        answer = await caller.post(CONTRACT, content=b"{}", headers={"Content-Type": media_type})
        is_problem(answer, 422, "invalid_request")


async def test_a_body_over_the_limit_is_refused_announced_or_not(runtime: FakeRuntime, caller: Caller) -> None:
    async def chunks() -> Any:
        for _ in range(BODY_LIMIT // 65536 + 1):
            yield b"x" * 65536

    for content in (b"x" * (BODY_LIMIT + 1), chunks()):
        answer = await caller.post(CONTRACT, content=content, headers={"Content-Type": "application/json"})
        is_problem(answer, 413, "body_too_large")
        assert answer.headers["connection"] == "close"
    assert runtime.executed == []


async def test_anyone_may_call_a_public_command(runtime: FakeRuntime, caller: Caller) -> None:
    body = {"reason": "copied"}
    assert (await caller.post("/voucher/v1/objections", body, role=None)).status_code == 200
    assert runtime.executed[0][1].role == "public"
    assert (await caller.post("/voucher/v1/objections", body, role="auditor")).status_code == 200
    assert runtime.executed[1][1].role == "auditor"


async def test_commands_are_counted_by_route_and_outcome(runtime: FakeRuntime, caller: Caller) -> None:
    await caller.post(f"/voucher/v1/vouchers/{VOUCHER}/tender")
    runtime.raises = QuotaExhausted(left_fen=0)
    await caller.post(f"/voucher/v1/vouchers/{VOUCHER}/tender")
    text = (await caller.get("/metrics", role=None)).text
    route = 'route="/vouchers/{voucher_id}/tender",service="voucher"'
    assert f'tongdui_commands_total{{outcome="accepted",{route}}}' in text
    assert f'tongdui_commands_total{{outcome="quota_exhausted",{route}}}' in text
    assert f"tongdui_command_seconds_count{{{route}}}" in text


async def test_a_full_queue_is_said_before_the_request_is_looked_at(runtime: FakeRuntime, caller: Caller) -> None:
    """What is spent on refusing is missing for what was accepted: not even a token is read."""
    runtime.overloaded = True
    answer = await caller.post(f"/voucher/v1/vouchers/{VOUCHER}/tender", role=None)
    is_problem(answer, 503, "overloaded")
    assert answer.headers["retry-after"] == "1"
    assert runtime.executed == []
