"""Replay over HTTP: why a decision came out so, what changed between two moments, what led to what, and any stream as of
a moment."""

# Annotations are read by FastAPI where they name what a function made: they are not postponed here.
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, FastAPI, Path, Query
from pydantic import BaseModel
from pydantic_core import from_json
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from tongdui_events.codec import decode_stamp

from services.audit import archive
from services.audit.case_access import case_for, record_access
from services.audit.cases import Case, Entry
from services.audit.context import context_of, entries_of, known, read_documents, streams_of
from services.audit.domain import causation
from services.audit.domain.case_picture import changes, picture
from services.audit.domain.moments import Moment, cut, positions_of
from services.audit.domain.reasons import Known, Reason, reasons
from services.audit.request_fields import AsOf, At, BusinessOn, Purpose
from shared.kernel.commands import Principal
from shared.kernel.decisions import NotFound
from shared.runtime.access import allowed
from shared.runtime.documenting import guarded, problems
from shared.runtime.routes import Served

CASE_ROLES = frozenset(
    {"auditor", "operator", "regional_officer", "provincial_officer", "centre", "enterprise", "provider"}
)
STREAM_ROLES = frozenset({"auditor", "operator"})
STREAM_LIMIT = 10_000
Kind = Literal["enterprise", "provider", "region", "province", "catalogue", "account", "stream"]


class Reference(BaseModel):
    """One event, by where it stands."""

    source: str
    position: int
    type: str
    business_day: date


class Why(BaseModel):
    """One decision: what it rests on. ``policy_as_named``: it names the version that was in force on its day.
    ``not_seen``: recorded elsewhere before it, and not yet known to who decided."""

    decision: Reference
    actor: str
    stated: dict[str, Any]
    policy: dict[str, Any] | None
    policy_as_named: bool | None
    catalogue: dict[str, Any] | None
    known: list[Reference]
    not_seen: list[Reference]


class Explained(BaseModel):
    case_id: UUID
    decisions: list[Why]


class Changed(BaseModel):
    member: str
    before: Any = None
    after: Any = None


class Difference(BaseModel):
    """What a case looked like at two moments. ``events`` are in the second and not in the first; ``gone`` the reverse."""

    case_id: UUID
    changed: list[Changed]
    events: list[Reference]
    gone: list[Reference]


class Node(BaseModel):
    id: UUID
    kind: Literal["event", "command", "outside"]
    source: str
    label: str
    on: str
    by: str
    position: int | None


class Edge(BaseModel):
    cause: UUID
    effect: UUID


class Graph(BaseModel):
    """Nodes in the order they happened; an edge from a cause to what it led to."""

    case_id: UUID
    nodes: list[Node]
    edges: list[Edge]


class StreamEvent(BaseModel):
    source: str
    position: int
    event: dict[str, Any]


class Stream(BaseModel):
    kind: str
    key: str
    events: list[StreamEvent]


def moment_of(runtime: Served, as_of: datetime | None, business_on: date | None, at: str | None) -> Moment:
    """As the query states it; logs that ``at`` does not name are cut where the events it names had seen them."""
    if at is None:
        return Moment(as_of, business_on)
    named = positions_of(at)
    with runtime.projections.connection() as connection:
        states = [state for source, last in named.items() for _, state in archive.page(connection, source, last - 1, last, 1)]
    return Moment(as_of, business_on, cut(named, [decode_stamp(state) for state in states if archive.is_one_line(state)]))


def add_replay(app: FastAPI, runtime: Served) -> None:
    """``GET /cases/{id}/why``, ``/diff``, ``/causes``, ``/causes.svg`` and ``GET /streams/{kind}/{key}``."""
    _add_why(app, runtime)
    _add_diff(app, runtime)
    _add_causes(app, runtime)
    _add_streams(app, runtime)


def _add_why(app: FastAPI, runtime: Served) -> None:
    @app.get(
        "/audit/v1/cases/{case_id}/why", tags=["cases"], summary="Why each decision came out so", response_model=Explained,
        responses=problems(401, 403, 404, 422, 503), openapi_extra=guarded(CASE_ROLES),
    )
    async def why(
        principal: Annotated[Principal, Depends(allowed(runtime.access, CASE_ROLES))],
        case_id: UUID,
        purpose: Purpose = "not stated",
    ) -> Explained:
        """The terms and the catalogue in force as the decider knew them, every step of the sum, what was known, and what
        had been recorded elsewhere and was not seen yet."""
        case, entries = await case_for(runtime, principal, case_id, purpose, what="case_explained")
        found = await run_in_threadpool(_reasons, runtime, case, entries)
        return Explained(case_id=case_id, decisions=[_why(one) for one in found])


def _reasons(runtime: Served, case: Case, entries: list[Entry]) -> list[Reason]:
    of_case = known(entries)
    with runtime.projections.connection() as connection:
        context = known(context_of(connection, case.parties, {one.business_day.year for one in of_case}))
    return reasons(of_case, context)


def _why(reason: Reason) -> Why:
    policy, catalogue = reason.policy, reason.catalogue
    return Why(
        decision=_reference(reason.decision), actor=reason.decision.actor,
        stated=reason.decision.event.model_dump(mode="json"),
        policy=None if policy is None else {"position": policy.position, **policy.event.model_dump(mode="json")},
        policy_as_named=reason.policy_as_named,
        catalogue=None if catalogue is None else {"position": catalogue.position, **catalogue.event.model_dump(mode="json")},
        known=[_reference(one) for one in reason.known], not_seen=[_reference(one) for one in reason.not_seen],
    )


def _reference(one: Known) -> Reference:
    return Reference(source=one.source, position=one.position, type=one.type, business_day=one.business_day)


def _add_diff(app: FastAPI, runtime: Served) -> None:
    @app.get(
        "/audit/v1/cases/{case_id}/diff", tags=["cases"], summary="A case at two moments", response_model=Difference,
        responses=problems(401, 403, 404, 422, 503), openapi_extra=guarded(CASE_ROLES),
    )
    async def diff(
        principal: Annotated[Principal, Depends(allowed(runtime.access, CASE_ROLES))],
        case_id: UUID,
        before: Annotated[str, Query(description="voucher:12, or several with commas")],
        after: Annotated[str | None, Query(description="The same; everything without it")] = None,
        purpose: Purpose = "not stated",
    ) -> Difference:
        """What the case looked like at two positions, and the events between."""
        case, _ = await case_for(runtime, principal, case_id, purpose, what="case_compared")
        first = case.at(await run_in_threadpool(moment_of, runtime, None, None, before))
        second = case.at(await run_in_threadpool(moment_of, runtime, None, None, after))
        pictures = [picture(document for _, document in read_documents(entries)) for entries in (first, second)]
        return Difference(
            case_id=case_id, changed=[Changed(**one._asdict()) for one in changes(*pictures)],
            events=[_reference(one) for one in known(entry for entry in second if entry not in first)],
            gone=[_reference(one) for one in known(entry for entry in first if entry not in second)],
        )


def _add_causes(app: FastAPI, runtime: Served) -> None:
    caller = Annotated[Principal, Depends(allowed(runtime.access, CASE_ROLES))]

    async def graph_of(principal: Principal, case_id: UUID, purpose: str) -> causation.Graph:
        _, entries = await case_for(runtime, principal, case_id, purpose, what="case_drawn")
        return causation.graph([_happened(entry, document.stamp) for entry, document in read_documents(entries)])

    @app.get(
        "/audit/v1/cases/{case_id}/causes", tags=["cases"], summary="What led to what", response_model=Graph,
        responses=problems(401, 403, 404, 422, 503), openapi_extra=guarded(CASE_ROLES),
    )
    async def causes(principal: caller, case_id: UUID, purpose: Purpose = "not stated") -> Graph:
        """Command → event → event."""
        found = await graph_of(principal, case_id, purpose)
        nodes = [Node(**node._asdict()) for node in found.nodes]
        return Graph(case_id=case_id, nodes=nodes, edges=[Edge(**edge._asdict()) for edge in found.edges])

    @app.get(
        "/audit/v1/cases/{case_id}/causes.svg", tags=["cases"], summary="What led to what, drawn", response_class=Response,
        responses={200: {"content": {"image/svg+xml": {}}}, **problems(401, 403, 404, 422, 503)},
        openapi_extra=guarded(CASE_ROLES),
    )
    async def drawing(principal: caller, case_id: UUID, purpose: Purpose = "not stated") -> Response:
        """Time downwards, a lane for each log, commands on the left."""
        return Response(causation.drawn(case_id, await graph_of(principal, case_id, purpose)), media_type="image/svg+xml")


def _happened(entry: Entry, stamp: Any) -> causation.Happened:
    return causation.Happened(
        stamp.event_id, stamp.causation_id, entry.source, entry.position, entry.type, str(stamp.business_day), stamp.actor.id,
        stamp.actor.role,
    )


def _add_streams(app: FastAPI, runtime: Served) -> None:
    @app.get(
        "/audit/v1/streams/{kind}/{key}", tags=["streams"], summary="A party, a region or a list as of a moment",
        response_model=Stream, responses=problems(401, 403, 404, 422, 503), openapi_extra=guarded(STREAM_ROLES),
    )
    async def stream(
        principal: Annotated[Principal, Depends(allowed(runtime.access, STREAM_ROLES))],
        kind: Kind,
        key: Annotated[str, Path(description="A USCC, a region, a year or year-region, or the id of a notice or another stream")],
        as_of: AsOf = None,
        business_on: BusinessOn = None,
        at: At = None,
        purpose: Purpose = "not stated",
    ) -> Stream:
        """Every event of one stream that existed then, as recorded. The reading is recorded."""
        nothing = NotFound(what=kind, id=key)
        try:
            wanted = streams_of(kind, key)
        except ValueError:
            raise nothing from None
        entries = await run_in_threadpool(_stream_entries, runtime, wanted)
        moment = await run_in_threadpool(moment_of, runtime, as_of, business_on, at)
        found = [
            (entry, stamp)
            for entry, (stamp, _) in read_documents(entries)
            if moment.holds(entry.source, entry.position, stamp.recorded_at, stamp.business_day)
        ]
        await record_access(runtime, principal, "stream_read", f"{kind}/{key}"[:200], purpose, len(found))
        if not found:
            raise nothing
        events = [StreamEvent(source=e.source, position=e.position, event=from_json(e.state)) for e, _ in found[-STREAM_LIMIT:]]
        return Stream(kind=kind, key=key, events=events)


def _stream_entries(runtime: Served, wanted: UUID) -> list[Entry]:
    with runtime.projections.connection() as connection:
        return entries_of(connection, [wanted])
