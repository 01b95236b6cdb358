"""The processes: all services in one (``tongdui up``), or one service alone (``tongdui run``)."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import signal
from collections.abc import AsyncIterator, Iterator, Sequence

import uvicorn
import uvloop
from fastapi import FastAPI

from shared.runtime.bus import bus_of
from shared.runtime.collecting import keep_what_is_loaded
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import DEVELOPMENT_DIGEST_KEY, Settings
from shared.runtime.store import SERVICES
from shared.runtime.web import build_app, build_platform_app

log = logging.getLogger("tongdui")

FAILED = 70


def service_named(name: str) -> Service:
    """The Service of one of registry, voucher, settlement, audit. KeyError for another name."""
    if name not in SERVICES:
        raise KeyError(name)
    return importlib.import_module(f"services.{name}.main").SERVICE


def run(service: str, role: str, settings: Settings) -> int:
    """One service in this process, with its own database; the exit code."""
    return uvloop.run(_serve([service], role, settings))


def up(settings: Settings) -> int:
    """All services in this process on one port; the exit code."""
    return uvloop.run(_serve(SERVICES, "all", settings))


async def _serve(names: Sequence[str], role: str, settings: Settings) -> int:
    async with _running(names, role, settings) as runtimes:
        app = build_platform_app(runtimes) if len(runtimes) > 1 else build_app(runtimes[0])
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=8,
        )
        server = _Server(config)
        keep_what_is_loaded()
        return await _until_told(server, app, runtimes)


@contextlib.asynccontextmanager
async def _running(names: Sequence[str], role: str, settings: Settings) -> AsyncIterator[list[Runtime]]:
    if settings.database_url is None:
        raise ValueError("TONGDUI_DATABASE_URL is not set")
    if settings.environment == "production" and settings.digest_key == DEVELOPMENT_DIGEST_KEY:
        raise ValueError("set TONGDUI_DIGEST_KEY: production refuses the development key")
    bus = bus_of(settings)
    runtimes = [Runtime(service_named(name), settings.database_url, settings, bus) for name in names]
    try:
        for runtime in runtimes:
            await runtime.start(role)
        yield runtimes
    finally:
        await asyncio.gather(*(runtime.stop() for runtime in runtimes))


class _Server(uvicorn.Server):
    """Leaves the signals to us: the parts stop after the requests."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _until_told(server: uvicorn.Server, app: FastAPI, runtimes: Sequence[Runtime]) -> int:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _drain, server, app)
    serving = asyncio.create_task(server.serve(), name="http")
    watching = [asyncio.create_task(runtime.watch(), name=runtime.service.name) for runtime in runtimes]
    await asyncio.wait([serving, *watching], return_when=asyncio.FIRST_COMPLETED)
    failed = [task for task in watching if task.done() and task.exception() is not None]
    for task in failed:
        log.critical("%s failed: the process stops", task.get_name(), exc_info=task.exception())
    _drain(server, app)
    await asyncio.gather(serving, return_exceptions=True)
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    return FAILED if failed else 0


def _drain(server: uvicorn.Server, app: FastAPI) -> None:
    """New requests are refused while the accepted ones finish."""
    app.state.draining = True
    server.should_exit = True
