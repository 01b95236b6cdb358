"""What the audit service answers: the history of a case, and the logs as archived."""

# Annotations are read by FastAPI where they name what a function made: they are not postponed here.
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI, Path, Query
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from tongdui_events.document import Source

from services.audit import archive
from services.audit.case_access import case_for, record_access
from services.audit.cases import Entry
from services.audit.proofs_api import add_proofs
from services.audit.replay_api import add_replay, moment_of
from services.audit.request_fields import AsOf, At, BusinessOn, Purpose
from services.audit.samples_api import add_samples
from services.audit.supervision_routes import SUPERVISION_ROUTES
from shared.kernel.commands import Principal
from shared.runtime.access import allowed
from shared.runtime.documenting import StoredDocument, guarded, problems
from shared.runtime.routes import Served

ROUTES: list[Any] = [*SUPERVISION_ROUTES]

CASE_ROLES = frozenset(
    {"auditor", "operator", "regional_officer", "provincial_officer", "centre", "enterprise", "provider"}
)
LOG_ROLES = frozenset({"auditor"})
PAGE = 500
NDJSON = "application/x-ndjson"


class CaseEvent(BaseModel):
    """One event of a case, and where it stands in the log it was recorded in."""

    source: Source
    position: int
    event: StoredDocument


class CaseHistory(BaseModel):
    """Ordered by recorded time, source, position; the events are the stored bytes."""

    case_id: UUID
    events: list[CaseEvent]


def add_case_history(app: FastAPI, runtime: Served) -> None:
    """``GET /audit/v1/cases/{case_id}``."""

    @app.get(
        "/audit/v1/cases/{case_id}",
        tags=["cases"], summary="The whole history of a case", response_model=CaseHistory,
        responses=problems(401, 403, 404, 422, 503), openapi_extra=guarded(CASE_ROLES),
    )
    async def case_history(
        principal: Annotated[Principal, Depends(allowed(runtime.access, CASE_ROLES))],
        case_id: UUID,
        as_of: AsOf = None,
        business_on: BusinessOn = None,
        at: At = None,
        purpose: Purpose = "not stated",
    ) -> Response:
        """Every event of the case in all four logs, as stored; with ``as_of`` those recorded by then, with
        ``business_on`` those that count for that day or one before, with ``at`` those a log held or had seen.

        For auditors, operators, the case's parties, its paying region and that region's centres, and its
        listing province; for others it is not there.
        """
        moment = await run_in_threadpool(moment_of, runtime, as_of, business_on, at)
        _, entries = await case_for(runtime, principal, case_id, purpose, moment)
        return Response(_history(case_id, entries), media_type="application/json")


def add_logs(app: FastAPI, runtime: Served) -> None:
    """``GET /audit/v1/logs/{source}``."""

    @app.get(
        "/audit/v1/logs/{source}",
        tags=["logs"], summary="A log as archived", response_class=StreamingResponse,
        responses={200: {"content": {NDJSON: {}}}, **problems(401, 403, 422, 503)}, openapi_extra=guarded(LOG_ROLES),
    )
    async def log(
        principal: Annotated[Principal, Depends(allowed(runtime.access, LOG_ROLES))],
        source: Annotated[Source, Path()],
        after: Annotated[int, Query(ge=0, le=2**63 - 1, description="The position before the first")] = 0,
        limit: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="At most so many; all without it")] = None,
        purpose: Purpose = "not stated",
    ) -> StreamingResponse:
        """One JSON object a line, ``{"source", "position", "event"}``, in the order of positions, the event's
        bytes untouched. A record that is no JSON document of one line has ``bytes_base64`` in the event's stead.

        The export is itself recorded in the audit log, after its end was fixed.
        """
        last = await run_in_threadpool(_last, runtime, source)
        count = min(max(last - after, 0), limit or last)
        if count:
            await record_access(runtime, principal, "log_exported", f"log/{source}", purpose, count)
        return StreamingResponse(_lines(runtime, source, after, after + count), media_type=NDJSON)


def _last(runtime: Served, source: str) -> int:
    with runtime.projections.connection() as connection:
        return archive.last_position(connection, source)


def _lines(runtime: Served, source: str, after: int, last: int) -> Iterator[bytes]:
    """Page by page, so that neither memory nor a transaction grows with the log."""
    while after < last:
        with runtime.projections.connection() as connection:
            rows = archive.page(connection, source, after, last, PAGE)
        yield b"".join(_line(source, position, state) for position, state in rows)
        after = rows[-1][0] if rows else last


def _line(source: str, position: int, state: bytes) -> bytes:
    if archive.is_one_line(state):
        return b'{"source":"%b","position":%d,"event":%b}\n' % (source.encode(), position, state)
    return b'{"source":"%b","position":%d,"bytes_base64":"%b"}\n' % (source.encode(), position, b64encode(state))


def _history(case_id: UUID, entries: Sequence[Entry]) -> bytes:
    events = b",".join(
        b'{"source":"%b","position":%d,"event":%b}' % (entry.source.encode(), entry.position, entry.state)
        for entry in entries
    )
    return b'{"case_id":"%b","events":[%b]}' % (str(case_id).encode(), events)


EXTRA: list[Callable[[FastAPI, Any], None]] = [add_case_history, add_logs, add_samples, add_replay, add_proofs]
