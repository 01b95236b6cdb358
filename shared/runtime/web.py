"""The HTTP application of one service, or of all services on one port.

Paths are ``/<service>/v1/…`` either way; each service has its own OpenAPI document and pages under
that prefix, whose files are served from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.runtime.access import allowed
from shared.runtime.command_endpoint import CommandEndpoint
from shared.runtime.documenting import command_api_route, document_with_problems, guarded, problems
from shared.runtime.gate import Gate, PathTable
from shared.runtime.health import add_health
from shared.runtime.operations import add_operations
from shared.runtime.problems import install
from shared.runtime.recorded_access import record_refusal
from shared.runtime.routes import CommandRoute, Served, ViewRoute
from shared.runtime.view_endpoint import Arrivals, add_view_route

VERSION = "1"


def build_app(runtime: Served) -> FastAPI:
    """One service: its routes, ``/healthz``, ``/readyz``, ``/metrics``. Set ``app.state.draining`` to stop it."""
    return build_platform_app([runtime])


def build_platform_app(runtimes: Sequence[Served]) -> FastAPI:
    """Several services on one port. Set ``app.state.draining`` to take no more requests."""
    app = FastAPI(title="通兑 Tongdui", version=VERSION, openapi_url=None, redirect_slashes=False)
    app.state.draining = False
    install(app)
    add_health(app, runtimes)
    commands: list[tuple[str, ASGIApp]] = []
    for runtime in runtimes:
        endpoints = [
            (_prefix(runtime) + route.path, route, CommandEndpoint(runtime, route))
            for route in runtime.service.routes
            if isinstance(route, CommandRoute)
        ]
        commands.extend((path, endpoint) for path, _, endpoint in endpoints)
        service = _service_app(runtime, [(route, endpoint) for _, route, endpoint in endpoints])
        app.router.routes.append(_Whole(runtime.service.name, service))
    _add_front_page(app, runtimes)
    app.add_middleware(Gate, commands=PathTable(commands))
    return app


def _prefix(runtime: Served) -> str:
    return f"/{runtime.service.name}/v1"


def _service_app(runtime: Served, endpoints: Sequence[tuple[CommandRoute, CommandEndpoint]]) -> FastAPI:
    """The documented routes of one service. Commands come here only where the fast lane does not know the path."""
    name, prefix = runtime.service.name, _prefix(runtime)
    app: FastAPI = FastAPIOffline(
        title=f"通兑 Tongdui: {name}",
        version=VERSION,
        docs_url=f"{prefix}/docs",
        redoc_url=f"{prefix}/redoc",
        openapi_url=f"{prefix}/openapi.json",
        swagger_ui_oauth2_redirect_url=f"{prefix}/docs/oauth2-redirect",
        static_url=f"{prefix}/docs/files",
        redirect_slashes=False,
    )
    app.state.draining = False
    install(app)
    app.state.record_refusal = partial(record_refusal, runtime)
    document_with_problems(app)
    for route, endpoint in endpoints:
        app.router.routes.append(command_api_route(prefix, route, endpoint))
    arrivals = Arrivals(runtime.projections)
    for route in runtime.service.routes:
        if isinstance(route, ViewRoute):
            add_view_route(app, prefix, runtime, route, arrivals)
    add_operations(app, prefix, runtime)
    for extra in runtime.service.extra:
        extra(app, runtime)
    return app


def service_documents(app: FastAPI) -> dict[str, dict[str, Any]]:
    """The OpenAPI document of each service in an application, by the service's name."""
    return {route.name: route.app.openapi() for route in app.router.routes if isinstance(route, _Whole)}


class _Whole(BaseRoute):
    """Hands every path below a prefix to an application, unchanged: a mount would cut the prefix off."""

    def __init__(self, name: str, app: FastAPI) -> None:
        self._prefix = f"/{name}/"
        self.name = name
        self.app = app

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        is_below = scope["type"] == "http" and scope["path"].startswith(self._prefix)
        return (Match.FULL if is_below else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def _add_front_page(app: FastAPI, runtimes: Sequence[Served]) -> None:
    links = "".join(
        f'<li><a href="{_prefix(runtime)}/docs">{escape(runtime.service.name)}</a></li>' for runtime in runtimes
    )
    page = f'<!doctype html><html lang="zh"><meta charset="utf-8"><title>通兑</title><h1>通兑</h1><ul>{links}</ul></html>'

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def front() -> str:
        return page


__all__ = [
    "CommandRoute",
    "Served",
    "ViewRoute",
    "allowed",
    "build_app",
    "build_platform_app",
    "guarded",
    "problems",
    "service_documents",
]
