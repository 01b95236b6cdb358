"""``POST`` of one command: its own small ASGI application.

FastAPI documents the route; the request is not taken through its dependency solving, which costs
more than deciding and recording the command does. One pydantic validation a request, and the
stored documents are joined, never encoded again.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from shared.kernel.commands import Command
from shared.kernel.decisions import Refusal
from shared.runtime import metrics
from shared.runtime.bodies import command_id, read_body, read_json
from shared.runtime.errors import Overloaded
from shared.runtime.problems import Prepared, answer, instance_of, invalid
from shared.runtime.recorded_access import record_refusal
from shared.runtime.routes import Answered, CommandRoute, Served

_JSON = (b"content-type", b"application/json")
_OVERLOADED = Prepared(Overloaded())


class CommandEndpoint:
    """Admits the caller, reads the command, has it executed, answers."""

    def __init__(self, runtime: Served, route: CommandRoute) -> None:
        self._runtime = runtime
        self._route = route
        self._service: str = runtime.service.name
        self._roles = frozenset(route.roles)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        if self._runtime.overloaded:
            # before any work on the request: what is spent on refusing is missing for those already accepted
            self._count(_OVERLOADED.code, started)
            await _OVERLOADED(scope, receive, send)
            return
        try:
            outcome = await self._execute(scope, receive)
        except ValidationError as error:
            self._count("invalid_request", started)
            await invalid(_plain(error), instance_of(scope))(scope, receive, send)
        except Refusal as refusal:
            self._count(refusal.code, started)
            told = await record_refusal(self._runtime, refusal, scope["path"])
            await answer(told, instance_of(scope))(scope, receive, send)
        else:
            self._count("accepted", started)
            await _send_outcome(outcome, send)

    async def _execute(self, scope: Scope, receive: Receive) -> Answered:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        principal = await self._runtime.access.admit(
            _text(headers, b"authorization"), self._roles, _text(headers, b"on-behalf-of"), self._route.command.__name__
        )
        identity = command_id(_text(headers, b"idempotency-key"))
        body = await read_body(headers, receive)
        fields = await run_in_threadpool(self._route.read, headers, body) if self._route.read else read_json(headers, body)
        command = self._read(fields, scope["path_params"])
        if self._route.keep is not None:
            await run_in_threadpool(self._route.keep, self._runtime.settings, fields)
        try:
            return await self._runtime.execute(command, principal, self._route.path, identity)
        except Refusal as refusal:
            refusal.caller = principal
            raise

    def _read(self, fields: Any, path_params: Mapping[str, str]) -> Command:
        """The command. A body that repeats a path parameter is refused: it could say another thing."""
        if isinstance(fields, dict) and path_params:
            for name in path_params:
                if name in fields:
                    raise ValidationError.from_exception_data(
                        self._route.command.__name__, [{"type": "extra_forbidden", "loc": (name,), "input": None}]
                    )
            fields.update(path_params)
        return self._route.command.model_validate(fields)

    def _count(self, outcome: str, started: float) -> None:
        metrics.command(self._service, self._route.path, outcome, perf_counter() - started)


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


def _plain(error: ValidationError) -> list[Any]:
    return list(error.errors(include_url=False, include_input=False))


async def _send_outcome(outcome: Answered, send: Send) -> None:
    body = b'{"position":%d,"events":[%b]}' % (outcome.position, b",".join(outcome.documents))
    headers = [_JSON, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
