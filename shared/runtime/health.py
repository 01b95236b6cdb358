"""Whether the process is alive, whether it can serve, and what it counts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response

from shared.runtime import metrics
from shared.runtime.documenting import problems
from shared.runtime.problems import NotReady, answer, instance_of
from shared.runtime.routes import Served

CHECK_SECONDS = 5.0


def add_health(app: FastAPI, runtimes: Sequence[Served]) -> None:
    """``/healthz``, ``/readyz`` and ``/metrics``, for all services of the process."""

    @app.get("/healthz", tags=["health"], summary="Alive")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", tags=["health"], summary="Ready to serve", responses=problems(503), response_model=dict[str, str])
    async def readyz(request: Request) -> Any:
        """503 lists each check that fails, with what to do."""
        complaints = await _complaints(runtimes)
        if request.app.state.draining:
            complaints.append("this process is stopping: send requests to another")
        if complaints:
            return answer(NotReady(), instance_of(request.scope), checks=complaints)
        return {"status": "ready"}

    @app.get("/metrics", tags=["health"], summary="Metrics", response_class=Response)
    def exposition() -> Response:
        """In the text format of Prometheus."""
        body, content_type = metrics.exposition()
        return Response(body, media_type=content_type)


async def _complaints(runtimes: Sequence[Served]) -> list[str]:
    found = await asyncio.gather(*(_complaints_of(runtime) for runtime in runtimes))
    return [complaint for complaints in found for complaint in complaints]


async def _complaints_of(runtime: Served) -> list[str]:
    name = runtime.service.name
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            complaints = list(await runtime.ready())
            keys = await runtime.access.complaint()
    except TimeoutError:
        return [f"{name}: the checks took over {CHECK_SECONDS:.0f} s: see whether the database and the bus answer"]
    return [f"{name}: {complaint}" for complaint in [*complaints, *([keys] if keys else [])]]
