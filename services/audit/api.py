"""What the audit service answers: the history of a case, and the logs as archived."""

# Annotations are read by FastAPI where they name what a function made: they are not postponed here.
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI, Path, Query
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field
from pydantic_core import PydanticCustomError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from tongdui_events.document import Source, Text

from services.audit import archive
from services.audit.cases import Case, Entry, read_case, recorded_by
from services.audit.domain.parties import is_outside, may_read
from services.audit.samples_api import add_samples
from services.audit.supervision_routes import SUPERVISION_ROUTES
from shared.kernel.access_record import RecordAccess
from shared.kernel.commands import Principal
from shared.kernel.decisions import NotFound
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

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6}\d*)?([Zz]|[+-]\d\d:\d\d)")


def _rfc_3339(text: Any) -> Any:
    """Only such times: a bare number or day would be read as something it was not meant to be."""
    if isinstance(text, str):
        # In a query an unescaped plus sign arrives as a space.
        text = re.sub(r" (\d\d:\d\d)$", r"+\1", text)
    if not isinstance(text, str) or not _RFC_3339.fullmatch(text):
        zh = "应为RFC 3339时间,如2025-03-03T09:00:00+08:00"
        raise PydanticCustomError("rfc3339", "use an RFC 3339 time such as 2025-03-03T01:00:00Z", {"zh": zh})
    return text


RecordedTime = Annotated[
    AwareDatetime, BeforeValidator(_rfc_3339), Field(description="A recorded time, RFC 3339: the history as it was then")
]
Purpose = Annotated[Text, Query(description="Why an auditor or an officer of another region reads; it is recorded")]


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
        as_of: Annotated[RecordedTime | None, Query()] = None,
        purpose: Purpose = "not stated",
    ) -> Response:
        """Every event of the case in all four logs, as stored; with ``as_of`` those recorded by then.

        For auditors, operators, the case's parties, its paying region and that region's centres, and its
        listing province; for others it is not there.
        """
        case = await run_in_threadpool(read_case, runtime.projections, case_id)
        entries = await _as_the_caller_may_see(runtime, principal, case, case_id, as_of, purpose)
        return Response(_history(case_id, entries), media_type="application/json")


async def _as_the_caller_may_see(
    runtime: Served, principal: Principal, case: Case, case_id: UUID, time: datetime | None, purpose: str
) -> list[Entry]:
    nothing = NotFound(what="case", id=case_id)
    if not case.entries:
        raise nothing
    if not may_read(principal, case.parties, case.centres):
        await _record(runtime, principal, "case_refused", f"case/{case_id}", purpose, 0)
        raise nothing
    entries = recorded_by(case.entries, time)
    if is_outside(principal, case.parties):
        await _record(runtime, principal, "case_read", f"case/{case_id}", purpose, len(entries))
    if not entries:
        raise nothing
    return entries


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
            await _record(runtime, principal, "log_exported", f"log/{source}", purpose, count)
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


async def _record(runtime: Served, principal: Principal, what: str, subject: str, purpose: str, count: int) -> None:
    """What cannot be recorded is not read: this raises before anything is answered."""
    access = RecordAccess(what=what, subject=subject, purpose=purpose, count=count)
    await runtime.execute(access, principal, "/accesses", uuid4())


EXTRA: list[Callable[[FastAPI, Any], None]] = [add_case_history, add_logs, add_samples]
