"""Reading what a caller sent: the body within a limit, JSON, the command's id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic_core import from_json
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from shared.runtime.problems import (
    BodyTooLarge,
    IdempotencyKeyInvalid,
    IdempotencyKeyMissing,
    MalformedJson,
    UnsupportedContentType,
)

BODY_LIMIT = 1024 * 1024
"""Bytes of a request's body."""


def declared_length(headers: Mapping[bytes, bytes]) -> int:
    """The announced length in bytes, 0 when there is none."""
    declared = headers.get(b"content-length", b"")
    return int(declared[:20]) if declared.isdigit() else 0


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, limit: int = BODY_LIMIT) -> bytes:
    """The whole body. Raises BodyTooLarge before more than the limit is held."""
    if declared_length(headers) > limit:
        raise BodyTooLarge(limit=limit)
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False) and len(body) <= limit:
        message = await receive()
        body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    if len(body) > limit:
        raise BodyTooLarge(limit=limit)
    return body


def read_json(headers: Mapping[bytes, bytes], body: bytes) -> Any:
    """The body's value; no body is an empty object. Raises UnsupportedContentType or MalformedJson."""
    if not body:
        return {}
    media_type = headers.get(b"content-type", b"").split(b";", 1)[0].strip().lower()
    if media_type != b"application/json" and not (media_type.startswith(b"application/") and media_type.endswith(b"+json")):
        raise UnsupportedContentType
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedJson(reason=str(error)) from error


def command_id(idempotency_key: str | None) -> UUID:
    """The id the caller made. Raises IdempotencyKeyMissing or IdempotencyKeyInvalid."""
    if not idempotency_key:
        raise IdempotencyKeyMissing("Idempotency-Key")
    try:
        return UUID(idempotency_key)
    except ValueError as error:
        raise IdempotencyKeyInvalid("Idempotency-Key") from error
