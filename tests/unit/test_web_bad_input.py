"""Whatever a caller sends, the answer is a problem of theirs and never an internal error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.runtime.settings import Settings
from tests.unit.web_runtime import VOUCHER, Caller, FakeRuntime

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.fixed_dictionaries({}, optional={name: JSON for name in ("contract_no", "lines", "note", "voucher_id", "x")})
BODIES = st.binary(max_size=200) | st.builds(lambda value: json.dumps(value).encode(), JSON | FIELDS)
HEADER = st.binary(max_size=60).filter(lambda value: not set(value) & set(b"\r\n\x00"))
MEDIA = st.sampled_from([b"application/json", b"text/plain", b"application/json; charset=gb18030"]) | HEADER
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(body=BODIES, media_type=MEDIA, segment=st.just(str(VOUCHER)) | st.text(min_size=1, max_size=20))
async def test_no_body_leads_to_an_internal_error(tmp_path: Path, body: bytes, media_type: bytes, segment: str) -> None:
    caller = Caller(FakeRuntime(Settings(state_dir=tmp_path)))
    answer = await _send(caller, f"/voucher/v1/vouchers/{segment}/contract", body, [(b"content-type", media_type)])
    assert answer in (200, 400, 404, 405, 415, 422)


@QUICK
@given(authorization=HEADER | HEADER.map(lambda value: b"Bearer " + value), key=HEADER)
async def test_no_header_leads_to_an_internal_error(tmp_path: Path, authorization: bytes, key: bytes) -> None:
    caller = Caller(FakeRuntime(Settings(state_dir=tmp_path)))
    headers = [(b"authorization", authorization), (b"idempotency-key", key)]
    assert await _send(caller, "/voucher/v1/vouchers", b"{}", headers) == 401
    headers[0] = (b"authorization", caller.bearer()["Authorization"].encode())
    assert await _send(caller, "/voucher/v1/vouchers", b"{}", headers) in (400, 415)


async def _send(caller: Caller, path: str, body: bytes, headers: list[tuple[bytes, bytes]]) -> int:
    """The status of one request, given to the application as a server would."""
    given_headers = dict(headers)
    given_headers.setdefault(b"authorization", caller.bearer()["Authorization"].encode())
    given_headers.setdefault(b"idempotency-key", b"00000000-0000-4000-8000-000000000001")
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path, "raw_path": b"/", "query_string": b"", "root_path": "", "headers": list(given_headers.items()),
        "client": ("127.0.0.1", 1), "server": ("tongdui.test", 80),
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await caller.app(scope, receive, send)
    if sent[0]["status"] != 200:
        assert json.loads(sent[1]["body"])["status"] == sent[0]["status"]
    return int(sent[0]["status"])
