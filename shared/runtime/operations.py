"""What operators ask of every service: how far it is, which sources stopped, park one record or try again."""

# Annotations are read by FastAPI where they name what a function made: they are not postponed here.
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Path
from starlette.concurrency import run_in_threadpool
from tongdui_events.document import Code

from shared.kernel.commands import Principal
from shared.kernel.decisions import NotFound
from shared.runtime.access import allowed
from shared.runtime.documenting import IdempotencyKey, guarded, problems
from shared.runtime.routes import Served

_OPERATOR = frozenset({"operator"})
_POST_PROBLEMS = (400, 401, 403, 404, 422, 503)

Source = Annotated[Code, Path(description="registry, voucher, settlement or audit")]
Position = Annotated[int, Path(ge=0, le=2**63 - 1, description="Where that source is stopped")]


def add_operations(app: FastAPI, prefix: str, runtime: Served) -> None:
    """``progress`` for anyone; ``stopped`` for operators."""
    operator = Annotated[Principal, Depends(allowed(runtime.access, _OPERATOR))]

    @app.get(
        f"{prefix}/progress", tags=["operations"], summary="Progress", operation_id="progress", responses=problems(503)
    )
    async def progress() -> dict[str, Any]:
        """``head``: the last position of this log; ``applied``: of each other log; ``waiting``: work in hand."""
        return await runtime.progress()

    @app.get(
        f"{prefix}/stopped", tags=["operations"], summary="Stopped sources", operation_id="stopped",
        responses=problems(401, 403, 503), openapi_extra=guarded(_OPERATOR),
    )
    async def stopped(principal: operator) -> list[dict[str, Any]]:
        """The sources that wait for an operator, each with the record it is stopped at and the reason."""
        return await run_in_threadpool(runtime.stops)

    @app.post(
        f"{prefix}/stopped/{{source}}/{{position}}/park", tags=["operations"], summary="Park a record", operation_id="park",
        responses=problems(*_POST_PROBLEMS), openapi_extra=guarded(_OPERATOR),
    )
    async def park(
        principal: operator, source: Source, position: Position, idempotency_key: IdempotencyKey
    ) -> dict[str, Any]:
        """Set the record aside, whole, under the caller's name; the source goes on after it."""
        await _check_stopped(runtime, source, position)
        _found(await runtime.park(source, position, principal), source, position)
        return {"source": source, "position": position, "parked_by": principal.sub}

    @app.post(
        f"{prefix}/stopped/{{source}}/{{position}}/retry", tags=["operations"], summary="Try again", operation_id="retry",
        responses=problems(*_POST_PROBLEMS), openapi_extra=guarded(_OPERATOR),
    )
    async def retry(
        principal: operator, source: Source, position: Position, idempotency_key: IdempotencyKey
    ) -> dict[str, Any]:
        """Let the source try the record again, after what stopped it was mended."""
        await _check_stopped(runtime, source, position)
        _found(await runtime.retry(source), source, position)
        return {"source": source, "position": position}


async def _check_stopped(runtime: Served, source: str, position: int) -> None:
    stops = await run_in_threadpool(runtime.stops)
    _found(any(stop["source"] == source and stop["position"] == position for stop in stops), source, position)


def _found(was_there: Any, source: str, position: int) -> None:
    if was_there is False:
        raise NotFound(what="stopped record", id=f"{source}/{position}")
