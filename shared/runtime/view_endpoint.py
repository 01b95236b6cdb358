"""``GET`` of a view's row or rows, as far as the caller may see them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from inspect import Parameter, Signature
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Path, Query
from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from tongdui_events.document import Text

from shared.kernel.commands import Principal
from shared.kernel.decisions import NotFound
from shared.runtime.access import allowed
from shared.runtime.documenting import guarded, problems
from shared.runtime.errors import Behind
from shared.runtime.recorded_access import NOT_STATED, record_hidden_row, record_reading
from shared.runtime.routes import Rows, Scope, Served, ViewRoute

PATIENCE_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.02

AtLeast = Annotated[
    int | None,
    Field(ge=0, le=2**63 - 1, description="Wait up to 5 s until the view shows this position of the log"),
]


Purpose = Annotated[Text, Query(description="Why an auditor, an operator or an officer of another region reads; it is recorded")]


class Page(BaseModel):
    """Rows in the order of their keys. ``next`` is the ``after`` of the next page, null at the end."""

    items: list[dict[str, Any]]
    next: str | None


class Arrivals:
    """Waits until the views show a position; however many wait, one at a time asks the database."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._asking: asyncio.Task[int] | None = None

    async def reach(self, position: int) -> None:
        """Raises Behind when it takes too long."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await self._shown() < position:
                    await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        except TimeoutError as error:
            raise Behind(position=position) from error

    async def _shown(self) -> int:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(run_in_threadpool(self._rows.position))
        return await asyncio.shield(self._asking)


def contains(row: Any, pattern: Any) -> bool:
    """Whether ``row @> pattern``, as PostgreSQL's jsonb containment has it."""
    if isinstance(pattern, Mapping):
        return isinstance(row, Mapping) and all(name in row and contains(row[name], pattern[name]) for name in pattern)
    if isinstance(pattern, list):
        return isinstance(row, list) and all(any(contains(item, wanted) for item in row) for wanted in pattern)
    return type(row) is type(pattern) and row == pattern


def is_in_scope(row: Any, scope: Scope) -> bool:
    """Whether a caller of that scope sees the row."""
    if scope is None:
        return True
    return any(contains(row, pattern) for pattern in (scope if isinstance(scope, list) else [scope]))


def add_view_route(app: FastAPI, prefix: str, runtime: Served, route: ViewRoute, arrivals: Arrivals) -> None:
    """Serve one row of the table of routes."""
    endpoint = _list_endpoint(runtime, route, arrivals) if route.is_list else _row_endpoint(runtime, route, arrivals)
    app.add_api_route(
        prefix + route.path,
        endpoint,
        methods=["GET"],
        response_model=Page if route.is_list else dict[str, Any],
        summary=f"{'List' if route.is_list else 'Read'} {route.view.replace('_', ' ')}",
        description=f"{route.description}\n\nRoles: {', '.join(sorted(route.roles))}.".strip(),
        operation_id=f"{'list' if route.is_list else 'read'}_{route.path.replace('/{key}', '').strip('/').replace('/', '_')}",
        tags=[route.path.split("/")[1]],
        responses=problems(401, 403, 422, 503) if route.is_list else problems(401, 403, 404, 422, 503),
        openapi_extra=guarded(route.roles),
    )


def _row_endpoint(runtime: Served, route: ViewRoute, arrivals: Arrivals) -> Any:
    async def read(principal: Principal, key: str, at_least: int | None, purpose: str) -> Response:
        if at_least:
            await arrivals.reach(at_least)
        row = await run_in_threadpool(runtime.projections.get, route.view, key)
        scope, subject = await _scope_of(runtime, route, principal), f"{runtime.service.name}/{route.view}/{key}"
        if row is None:
            raise NotFound(what=route.view, id=key)
        if not is_in_scope(row, scope):
            await record_hidden_row(runtime, principal, subject)
            raise NotFound(what=route.view, id=key)
        await record_reading(runtime, route, principal, scope, subject, purpose, 1)
        return _json(row)

    read.__signature__ = Signature(
        [
            _principal(runtime, route),
            _parameter("key", Annotated[Text, Path()]),
            _parameter("at_least", Annotated[AtLeast, Query()], None),
            _parameter("purpose", Purpose, NOT_STATED),
        ]
    )
    return read


def _list_endpoint(runtime: Served, route: ViewRoute, arrivals: Arrivals) -> Any:
    filters = tuple(route.filters)

    async def find(principal: Principal, query: Any) -> Response:
        if query.at_least:
            await arrivals.reach(query.at_least)
        where = {name: value for name in filters if (value := getattr(query, name)) is not None}
        scope = await _scope_of(runtime, route, principal)
        rows = await run_in_threadpool(
            runtime.projections.find, route.view, scope, where, query.after, query.limit
        )
        subject = f"{runtime.service.name}/{route.view}"
        await record_reading(runtime, route, principal, scope, subject, query.purpose, len(rows))
        following = rows[-1][0] if len(rows) == query.limit else None
        return _json({"items": [row for _, row in rows], "next": following})

    model = _query_model(route, filters)
    find.__signature__ = Signature([_principal(runtime, route), _parameter("query", Annotated[model, Query()])])
    return find


def _query_model(route: ViewRoute, filters: tuple[str, ...]) -> type[BaseModel]:
    """A query with a misspelt filter is refused: it would give more than was asked for."""
    fields: dict[str, Any] = {name: (Text | None, None) for name in filters}
    return create_model(
        f"{route.view.title().replace('_', '')}Query",
        __config__=ConfigDict(extra="forbid"),
        limit=(Annotated[int, Field(ge=1, le=500)], 100),
        after=(Annotated[Text | None, Field(description="The key after which the page begins")], None),
        at_least=(AtLeast, None),
        purpose=(Purpose, NOT_STATED),
        **fields,
    )


async def _scope_of(runtime: Served, route: ViewRoute, principal: Principal) -> Scope:
    return None if route.scope is None else route.scope(await runtime.reader(principal))


def _principal(runtime: Served, route: ViewRoute) -> Parameter:
    return _parameter("principal", Annotated[Principal, Depends(allowed(runtime.access, route.roles))])


def _parameter(name: str, annotation: Any, default: Any = Parameter.empty) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _json(value: Any) -> Response:
    return Response(to_json(value), media_type="application/json")
