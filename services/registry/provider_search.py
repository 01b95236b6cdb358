"""``GET /registry/v1/providers``: the public list, searched by name, USCC, category, province and item."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from tongdui_events.common import Province
from tongdui_events.document import Code, Text

from shared.kernel.commands import Principal
from shared.runtime.documenting import problems
from shared.runtime.routes import Rows, Scope, Served
from shared.runtime.view_endpoint import Arrivals, AtLeast, Page

_PAGE = 500


class ProviderQuery(BaseModel):
    """What to look for; every condition must hold. ``name`` is a fragment of the name."""

    model_config = ConfigDict(extra="forbid")

    name: Text | None = None
    uscc: Code | None = None
    category: Code | None = None
    province: Province | None = None
    item: Code | None = None
    state: Code | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    after: Text | None = None
    at_least: AtLeast = None

    def where(self) -> dict[str, Any]:
        """The conditions that the view answers by itself."""
        wanted = {
            "uscc": self.uscc,
            "province": self.province,
            "state": self.state,
            "categories": [self.category] if self.category else None,
            "items": [self.item] if self.item else None,
        }
        return {member: value for member, value in wanted.items() if value is not None}


def providers_seen(principal: Principal) -> Scope:
    """Everybody sees who is listed; a provider itself, its province all its own, an auditor all."""
    listed = {"state": "listed"}
    if principal.role == "auditor":
        return None
    if principal.role == "provider" and principal.uscc:
        return [listed, {"uscc": principal.uscc}]
    if principal.role == "provincial_officer" and principal.region:
        return [listed, {"province": principal.region}]
    return listed


def matching(rows: Rows, scope: Scope, query: ProviderQuery) -> Iterator[tuple[str, dict[str, Any]]]:
    """(key, row) of every provider that fits, in the order of keys. Reads as far as it is consumed."""
    after, fragment = query.after, (query.name or "").casefold()
    while True:
        page = rows.find("providers", scope, query.where(), after, _PAGE if fragment else query.limit)
        yield from ((key, row) for key, row in page if fragment in row["name"].casefold())
        if len(page) < (_PAGE if fragment else query.limit):
            return
        after = page[-1][0]


def found(rows: Rows, scope: Scope, query: ProviderQuery) -> Page:
    """One page of what fits."""
    page = list(islice(matching(rows, scope, query), query.limit))
    following = page[-1][0] if len(page) == query.limit else None
    return Page(items=[row for _, row in page], next=following)


def add_provider_search(app: FastAPI, runtime: Served) -> None:
    """Public: without a token it shows who is listed; with one also what is the caller's to see."""
    arrivals = Arrivals(runtime.projections)

    @app.get(
        "/registry/v1/providers",
        summary="List providers",
        operation_id="list_providers",
        tags=["providers"],
        responses=problems(401, 422, 503),
    )
    async def list_providers(request: Request, query: Annotated[ProviderQuery, Query()]) -> Page:
        """Search the list of providers by a fragment of the name, USCC, category, province and item."""
        principal = await runtime.access.admit(request.headers.get("authorization"), {"public"})
        if query.at_least:
            await arrivals.reach(query.at_least)
        return await run_in_threadpool(found, runtime.projections, providers_seen(principal), query)
