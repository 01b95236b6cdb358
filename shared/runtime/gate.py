"""What every request passes first: the drain, the fast lane of commands, the limit on bodies."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Iterable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime.bodies import BODY_LIMIT, declared_length
from shared.runtime.document_routes import is_document_upload
from shared.runtime.documents import DOCUMENT_LIMIT
from shared.runtime.errors import Draining, FateUnknown
from shared.runtime.problems import BodyTooLarge, answer, instance_of

#: still answered while the process stops, so that whoever watches it sees why
ALWAYS_ANSWERED = frozenset({"/healthz", "/readyz", "/metrics"})


class PathTable:
    """Templates like ``/voucher/v1/vouchers/{voucher_id}/contract``, found by one look-up a segment."""

    def __init__(self, endpoints: Iterable[tuple[str, ASGIApp]]) -> None:
        self._root: dict[str, Any] = {}
        for template, endpoint in endpoints:
            node = self._root
            for segment in template.split("/"):
                is_parameter = segment.startswith("{")
                node = node.setdefault("{}" if is_parameter else segment, {})
            if "/" in node:
                raise ValueError(f"two commands at {template}")
            node["/"] = (endpoint, [segment[1:-1] for segment in template.split("/") if segment.startswith("{")])

    def find(self, path: str) -> tuple[ASGIApp, dict[str, str]] | None:
        """The endpoint and its path parameters. A literal segment goes before a parameter."""
        node: dict[str, Any] = self._root
        values: list[str] = []
        for segment in path.split("/"):
            following = node.get(segment) if segment != "{}" else None
            if following is None:
                following = node.get("{}")
                if following is None or not segment:
                    return None
                values.append(segment)
            node = following
        found = node.get("/")
        return None if found is None else (found[0], dict(zip(found[1], values, strict=True)))


class Gate:
    """The outermost middleware of an application whose ``state.draining`` says whether it stops."""

    def __init__(self, app: ASGIApp, commands: PathTable, limit: int = BODY_LIMIT) -> None:
        self._app = app
        self._commands = commands
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if scope["app"].state.draining and path not in ALWAYS_ANSWERED:
            await answer(Draining(), instance_of(scope), {"Connection": "close"})(scope, receive, send)
            return
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        found = self._commands.find(path)
        if found is None:
            limit = DOCUMENT_LIMIT if is_document_upload(scope) else self._limit
            await self._app(scope, _limited(scope, receive, limit), send)
            return
        endpoint, scope["path_params"] = found
        try:
            await endpoint(scope, receive, send)
        except CancelledError:
            # the process stops and waits no longer: for the rest of a body, or for the writer
            await answer(FateUnknown(), instance_of(scope), {"Connection": "close"})(scope, receive, send)
            raise


def _limited(scope: Scope, receive: Receive, limit: int) -> Receive:
    """``receive`` for hand-written routes: 413 instead of more than ``limit`` bytes."""
    too_long = declared_length(dict(scope["headers"])) > limit
    received = 0

    async def receive_within_limit() -> Message:
        nonlocal received
        if too_long:
            raise BodyTooLarge(limit=limit)
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise BodyTooLarge(limit=limit)
        return message

    return receive_within_limit
