"""Every «no» over HTTP is one problem document (RFC 9457, ``application/problem+json``).

What the web itself refuses, besides the refusals of decisions and of the platform::

    Refusal
    ├── MalformedJson           400  the body does not parse
    ├── IdempotencyKeyMissing   400  ┐ a command's id is made by the caller
    ├── IdempotencyKeyInvalid   400  ┘
    ├── TokenMissing            401
    ├── TokenInvalid            401
    ├── RoleNotAllowed          403
    ├── NoSuchRoute             404
    ├── MethodNotAllowed        405
    ├── BodyTooLarge            413
    ├── UnsupportedContentType  415
    ├── InvalidRequest          422  one entry a field in ``errors``
    ├── InternalError           500  logged under ``error_id``, nothing else told
    ├── KeysUnavailable         503  the keys that verify tokens cannot be had
    └── NotReady                503  one entry a failing check in ``checks``
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from pydantic_core import ErrorDetails, to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.kernel.decisions import Refusal
from shared.runtime.errors import PlatformError, StoreUnavailable
from shared.runtime.field_errors import code_of, detail_of, field_of, section_of, zh_of

log = logging.getLogger("tongdui.web")

MEDIA_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    """One field that does not do."""

    field: str
    code: str
    detail: str
    zh: str
    section: str | None = None


class Problem(BaseModel):
    """Why a request was not done. ``code`` is what a client acts on; ``section`` the notice's section."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    field: str | None = None
    section: str | None = None
    zh: str
    instance: str
    errors: list[FieldProblem] | None = None
    checks: list[str] | None = None
    error_id: str | None = None


class MalformedJson(Refusal):
    status = 400
    zh = "请求正文不是有效的JSON:{reason}"
    en = "the body is not valid JSON: {reason}"


class IdempotencyKeyMissing(Refusal):
    status = 400
    zh = "缺少请求头Idempotency-Key(由调用方生成的UUID)"
    en = "the header Idempotency-Key is missing: a UUID made by the caller"


class IdempotencyKeyInvalid(Refusal):
    status = 400
    zh = "请求头Idempotency-Key不是UUID"
    en = "the header Idempotency-Key is not a UUID"


class TokenMissing(Refusal):
    status = 401
    zh = "需要访问令牌(Authorization: Bearer)"
    en = "a token is required: Authorization: Bearer"


class TokenInvalid(Refusal):
    status = 401
    zh = "访问令牌无效"
    en = "the token is not accepted: {reason}"


class RoleNotAllowed(Refusal):
    status = 403
    zh = "角色{role}无权执行该操作"
    en = "the role {role} may not do this"


class NoSuchRoute(Refusal):
    status = 404
    zh = "没有该地址"
    en = "there is nothing at this path"


class MethodNotAllowed(Refusal):
    status = 405
    zh = "该地址不支持此方法"
    en = "this path does not take this method"


class BodyTooLarge(Refusal):
    status = 413
    zh = "请求正文超过{limit}字节"
    en = "the body exceeds {limit} bytes"


class UnsupportedContentType(Refusal):
    status = 415
    zh = "请求正文应为application/json"
    en = "the body must be application/json"


class InvalidRequest(Refusal):
    status = 422
    zh = "请求内容不符合要求:{zh}"
    en = "the request is not valid: {en}"


class HttpRefusal(Refusal):
    """A status the framework answers with that has no refusal of its own; the code is its phrase."""

    zh = "请求不能处理"
    en = "{reason}"

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason=reason)
        self.status = status

    @property
    def code(self) -> str:
        return HTTPStatus(self.status).phrase.lower().replace(" ", "_")


class InternalError(PlatformError):
    zh = "内部错误,编号{error_id}"
    en = "an internal error, logged as {error_id}"


class KeysUnavailable(PlatformError):
    status = 503
    retry_after = 2
    zh = "暂时无法取得验证访问令牌的公钥"
    en = "the keys that verify tokens cannot be had at the moment"


class NotReady(PlatformError):
    status = 503
    retry_after = 2
    zh = "服务尚未就绪"
    en = "not ready; each failing check says what to do"


def document(refusal: Refusal, instance: str, **extensions: Any) -> dict[str, Any]:
    """The problem document of a refusal; members without a value are left out."""
    title = refusal.code.replace("_", " ").capitalize()
    members = {
        "type": f"urn:tongdui:problem:{refusal.code}",
        "title": title,
        "status": refusal.status,
        "detail": refusal.text_en or title,
        "code": refusal.code,
        "field": refusal.field,
        "section": refusal.section,
        "zh": refusal.text_zh or title,
        "instance": instance,
        **extensions,
    }
    defects = getattr(refusal, "defects", None)
    if defects:
        members["errors"] = [_defect(one) for one in defects]
    return {name: value for name, value in members.items() if value is not None}


def _defect(refusal: Refusal) -> dict[str, Any]:
    """One of several things a request was refused for at once."""
    return FieldProblem(
        field=refusal.field or "body", code=refusal.code, detail=refusal.text_en, zh=refusal.text_zh,
        section=refusal.section,
    ).model_dump(exclude_none=True)


def instance_of(scope: Scope) -> str:
    """The path that was asked for, as a URI reference."""
    return quote(scope["path"])


def answer(
    refusal: Refusal, instance: str, headers: Mapping[str, str] | None = None, **extensions: Any
) -> Response:
    """The HTTP answer of a refusal, with the headers its status asks for."""
    content = to_json(document(refusal, instance, **extensions))
    return Response(content, refusal.status, {**_headers(refusal), **(headers or {})}, MEDIA_TYPE)


class Prepared:
    """A refusal's answer of which all but the path is made beforehand: for what is said when there is no time to say it."""

    def __init__(self, refusal: Refusal) -> None:
        self.code = refusal.code
        response = answer(refusal, _ANY_PATH)
        self._before, self._after = bytes(response.body).split(_ANY_PATH.encode())
        self._status = response.status_code
        self._headers = [header for header in response.raw_headers if header[0] != b"content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = self._before + instance_of(scope).encode() + self._after
        headers = [*self._headers, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


_ANY_PATH = "/any/path"


def _headers(refusal: Refusal) -> dict[str, str]:
    headers: dict[str, str] = {}
    retry_after = getattr(refusal, "retry_after", None)
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if refusal.status == 401:
        error = ', error="invalid_token"' if isinstance(refusal, TokenInvalid) else ""
        headers["WWW-Authenticate"] = f'Bearer realm="tongdui"{error}'
    if refusal.status == 413:
        headers["Connection"] = "close"
    return headers


def invalid(errors: Iterable[ErrorDetails | dict[str, Any]], instance: str) -> Response:
    """The answer to a request whose fields do not validate: one entry a field."""
    entries = [
        FieldProblem(
            field=field_of(error), code=code_of(error), detail=detail_of(error), zh=zh_of(error),
            section=section_of(error),
        ).model_dump(exclude_none=True)
        for error in errors
    ]
    first = entries[0]
    refusal = InvalidRequest(
        first["field"], en=f"{first['field']}: {first['detail']}", zh=f"{first['field']}{first['zh']}"
    )
    return answer(refusal, instance, errors=entries, section=first.get("section"))


def install(app: FastAPI) -> None:
    """Answer whatever the application raises with a problem document."""
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(psycopg.OperationalError, _on_no_database)
    app.add_exception_handler(Exception, _on_unexpected)


async def _on_refusal(request: Request, refusal: Refusal) -> Response:
    record = getattr(request.app.state, "record_refusal", None)
    if record is not None:
        refusal = await record(refusal, request.url.path)
    return answer(refusal, instance_of(request.scope))


async def _on_invalid(request: Request, error: RequestValidationError) -> Response:
    errors = error.errors()
    if errors and errors[0]["type"] == "json_invalid":
        return answer(MalformedJson(reason=errors[0]["ctx"]["error"]), instance_of(request.scope))
    for found in errors:
        if tuple(found["loc"]) == ("header", "Idempotency-Key"):
            kind = IdempotencyKeyMissing if found["type"] == "missing" else IdempotencyKeyInvalid
            return answer(kind("Idempotency-Key"), instance_of(request.scope))
    return invalid(errors, instance_of(request.scope))


async def _on_http(request: Request, error: HTTPException) -> Response:
    return answer(_refusal_of(error), instance_of(request.scope), error.headers)


def _refusal_of(error: HTTPException) -> Refusal:
    # What is refused while a body is read comes wrapped by FastAPI, as the cause of a 400.
    if isinstance(error.__cause__, Refusal):
        return error.__cause__
    if error.status_code == 404:
        return NoSuchRoute()
    if error.status_code == 405:
        return MethodNotAllowed()
    return HttpRefusal(error.status_code, error.detail)


async def _on_no_database(request: Request, error: psycopg.OperationalError) -> Response:
    log.warning("%s %s: the database cannot be reached: %s", request.method, request.url.path, error)
    return answer(StoreUnavailable(), instance_of(request.scope))


async def _on_unexpected(request: Request, error: Exception) -> Response:
    error_id = str(uuid4())
    log.error("%s %s failed as %s", request.method, request.url.path, error_id, exc_info=error)
    return answer(InternalError(error_id=error_id), instance_of(request.scope), error_id=error_id)
