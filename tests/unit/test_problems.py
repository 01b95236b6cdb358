"""Problem documents (RFC 9457) for whatever goes wrong outside a route."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from pydantic import BaseModel

from shared.kernel.commands import Principal
from shared.runtime.bodies import BODY_LIMIT
from shared.runtime.problems import NoSuchRoute, document
from shared.runtime.settings import Settings
from shared.runtime.web import allowed
from tests.unit.web_runtime import VOUCHER, Caller, FakeRuntime, QuotaExhausted, is_problem


class Note(BaseModel):
    text: str


def by_hand(app: FastAPI, runtime: FakeRuntime) -> None:
    async def note(body: Note, principal: Principal = Depends(allowed(runtime.access, {"auditor"}))) -> dict[str, str]:
        if body.text == "boom":
            raise RuntimeError("secret")
        return {"by": principal.sub}

    app.post("/voucher/v1/notes")(note)


@pytest.fixture
def caller(tmp_path: Path) -> Caller:
    return Caller(FakeRuntime(Settings(state_dir=tmp_path), extra=[by_hand]))


@pytest.mark.parametrize("path", ["/", "/voucher", "/voucher/v1", "/voucher/v1/nothing", "/voucher/v1/vouchers/",
                                  "/registry/v1/progress", "/voucher/v1/vouchers/{}/contract/x"])
async def test_an_unknown_path_is_a_problem(caller: Caller, path: str) -> None:
    is_problem(await caller.post(path, {}), 405 if path == "/" else 404,
               "method_not_allowed" if path == "/" else "no_such_route")


async def test_a_wrong_method_is_a_problem_that_names_the_right_one(caller: Caller) -> None:
    answer = await caller.get(f"/voucher/v1/vouchers/{VOUCHER}/contract")
    is_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"


async def test_a_braced_segment_is_an_ordinary_value(caller: Caller) -> None:
    document = is_problem(await caller.post("/voucher/v1/vouchers/{}/contract", {}), 422, "invalid_request")
    assert document["errors"][0]["field"] == "voucher_id"


async def test_hand_written_routes_answer_problems_too(caller: Caller) -> None:
    notes = "/voucher/v1/notes"
    assert (await caller.post(notes, {"text": "seen"}, role="auditor")).json() == {"by": "person-1"}
    is_problem(await caller.post(notes, {"text": "seen"}, role=None), 401, "token_missing")
    is_problem(await caller.post(notes, {"text": "seen"}), 403, "role_not_allowed")
    assert is_problem(await caller.post(notes, {}, role="auditor"), 422, "invalid_request")["field"] == "text"
    said = {"role": "auditor", "headers": {"Content-Type": "application/json"}}
    is_problem(await caller.post(notes, content=b"{", **said), 400, "malformed_json")
    is_problem(await caller.post(notes, content=b"x" * (BODY_LIMIT + 1), **said), 413, "body_too_large")
    is_problem(await caller.post(notes, content=_chunks(), **said), 413, "body_too_large")
    answer = await caller.post(notes, {"text": "boom"}, role="auditor")
    is_problem(answer, 500, "internal_error")
    assert "secret" not in answer.text


async def _chunks() -> Any:
    for _ in range(BODY_LIMIT // 65536 + 1):
        yield b"x" * 65536


async def test_a_document_leaves_out_what_has_no_value() -> None:
    assert document(NoSuchRoute(), "/x") == {
        "type": "urn:tongdui:problem:no_such_route",
        "title": "No such route",
        "status": 404,
        "detail": "there is nothing at this path",
        "code": "no_such_route",
        "zh": "没有该地址",
        "instance": "/x",
    }
    assert document(QuotaExhausted(left_fen=3), "/x")["section"] == "二(二)"
