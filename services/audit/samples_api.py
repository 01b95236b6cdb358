"""Samples over HTTP: draw one, draw it again to prove it, and the work papers of its inspections."""

# Annotations are read by FastAPI where they name what a function made: they are not postponed here.
import io
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI
from openpyxl import Workbook
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from services.audit.domain.sampling import DrawSample, Settled, sampled
from services.audit.population import population
from shared.kernel.access_record import RecordAccess
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import NotFound
from shared.kernel.money import yuan
from shared.runtime.access import allowed
from shared.runtime.command_endpoint import CommandEndpoint
from shared.runtime.documenting import command_api_route, guarded, problems
from shared.runtime.recorded_access import ROUTE as ACCESSES
from shared.runtime.routes import Answered, CommandRoute, Served

ROLES = frozenset({"auditor"})
SAMPLES = CommandRoute("/samples", DrawSample, roles=ROLES)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Redrawn(BaseModel):
    """A sample drawn again from the logs as they are now."""

    sample_id: UUID
    reproduced: bool
    population: int
    population_sha256: str
    total_weight: int


class _Drawing:
    """The running service as the route sees it: what is asked is computed from the logs before it is recorded."""

    def __init__(self, runtime: Served) -> None:
        self._runtime = runtime
        self.service = runtime.service
        self.access = runtime.access

    @property
    def overloaded(self) -> bool:
        return self._runtime.overloaded

    async def execute(self, command: Command, principal: Principal, route: str, command_id: UUID) -> Answered:
        if isinstance(command, DrawSample):
            # what is recorded of a refused caller is another command, and passes as it is
            command = sampled(command, await run_in_threadpool(_population, self._runtime, command))
        return await self._runtime.execute(command, principal, route, command_id)


def _population(runtime: Any, asked: Any) -> list[Settled]:
    with runtime.projections.connection() as connection:
        return population(connection, asked)


def add_samples(app: FastAPI, runtime: Any) -> None:
    """``POST /samples``, ``GET /samples/{sample_id}/proof`` and ``/papers``."""
    app.router.routes.append(command_api_route("/audit/v1", SAMPLES, CommandEndpoint(_Drawing(runtime), SAMPLES)))
    caller = Annotated[Principal, Depends(allowed(runtime.access, ROLES))]

    @app.get(
        "/audit/v1/samples/{sample_id}/proof", tags=["samples"], summary="Draw a sample again", response_model=Redrawn,
        responses=problems(401, 403, 404, 422, 503), openapi_extra=guarded(ROLES),
    )
    async def proof(principal: caller, sample_id: UUID) -> Redrawn:
        """Whether the recorded population and draw come out of the logs again."""
        row = await run_in_threadpool(_sample, runtime, sample_id)
        asked = DrawSample(**{name: row[name] for name in DrawSample.model_fields})
        again = sampled(asked, await run_in_threadpool(_population, runtime, asked)).model_dump(mode="json")
        same = all(row[name] == value for name, value in again.items())
        told = {name: again[name] for name in ("population", "population_sha256", "total_weight")}
        return Redrawn(sample_id=sample_id, reproduced=same, **told)

    @app.get(
        "/audit/v1/samples/{sample_id}/papers", tags=["samples"], summary="Work papers of a sample",
        response_class=Response, responses={200: {"content": {XLSX: {}}}, **problems(401, 403, 404, 422, 503)},
        openapi_extra=guarded(ROLES),
    )
    async def papers(principal: caller, sample_id: UUID) -> Response:
        """检查底稿: the draw, every case of the population with its weight, and where each inspection stands."""
        row = await run_in_threadpool(_sample, runtime, sample_id)
        content = await run_in_threadpool(_workbook, runtime, row)
        count = row["population"]
        access = RecordAccess(what="papers_exported", subject=f"sample/{sample_id}", purpose="inspection", count=count)
        await runtime.execute(access, principal, ACCESSES, uuid4())
        return Response(content, media_type=XLSX)


def _sample(runtime: Any, sample_id: UUID) -> dict[str, Any]:
    row = runtime.projections.get("samples", str(sample_id))
    if row is None:
        raise NotFound(what="sample", id=sample_id)
    return row


def _workbook(runtime: Any, row: dict[str, Any]) -> bytes:
    book = Workbook()
    draw = book.active
    draw.title = "抽样"
    for name in ("sample_id", "seed", "size", "region", "from_on", "until", "population", "total_weight", "population_sha256",
                 "drawn_by", "drawn_on"):
        draw.append([name, row[name]])
    cases = book.create_sheet("样本")
    cases.append(["序号", "创新券", "兑付", "权重", "检查", "状态", "问题", "建议"])
    for number, one in enumerate(row["drawn"], 1):
        inspection = runtime.projections.get("inspections", one["inspection_id"]) or {}
        found = "; ".join(f"{f['party_uscc']} {f['grade']}" for f in inspection.get("findings", ()))
        cases.append([number, one["voucher_id"], one["redemption_id"], one["weight"], one["inspection_id"],
                      inspection.get("state"), found, inspection.get("recommendation")])
    everything = book.create_sheet("总体")
    everything.append(["兑付", "创新券", "金额(元)", "权重"])
    for settled in _population(runtime, DrawSample(**{name: row[name] for name in DrawSample.model_fields})):
        everything.append([str(settled.redemption_id), str(settled.voucher_id), yuan(settled.amount_fen), settled.weight])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()
