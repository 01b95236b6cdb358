"""Proofs over HTTP: the keys, the checkpoints, that an event is in a log, that a log continues another, countersignatures of
witnesses, and the bundle of a case."""

# Annotations are read by FastAPI where they name what a function made: they are not postponed here.
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, FastAPI, Path, Query
from psycopg import Connection
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response
from tongdui_events.document import Source

from services.audit.bundle import Asked, bundle
from services.audit.case_access import case_for, record_access
from services.audit.cases import Case
from services.audit.context import entries_of, streams_of
from services.audit.cosignatures import WitnessKey, countersigned_at
from services.audit.domain.parties import Parties, is_outside
from services.audit.key_files import key_document
from services.audit.proofs import consistency_text, covering, inclusion_text, signed_checkpoint, witnesses
from services.audit.replay_api import Kind
from services.audit.request_fields import Purpose
from services.audit.trees import Tree
from shared.kernel.commands import Principal
from shared.kernel.decisions import NotFound, Refusal
from shared.runtime.access import allowed
from shared.runtime.checkpoints import BadCheckpoint, NoSigningKey
from shared.runtime.documenting import guarded, problems
from shared.runtime.routes import Served

T = TypeVar("T")
WITNESSES = frozenset({"auditor", "regional_officer", "provincial_officer"})
BUNDLERS = frozenset({"auditor", "regional_officer", "provincial_officer"})
QUERIERS = frozenset({"auditor"})
ZIP = "application/zip"
Position = Annotated[int, Query(ge=1, le=2**63 - 1)]
Size = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Of an earlier checkpoint; the newest without it")]
SourceName = Annotated[Source, Path()]


class NotACountersignature(Refusal):
    zh = "不是对该检查点的有效见证签名:{reason}"
    en = "not a countersignature of this checkpoint: {reason}"


class NoKeys(Refusal):
    """This process was given no keys to name: see docs/operating.md."""

    status = 503
    zh = "本进程未配置检查点密钥:{reason}"
    en = "this process has no checkpoint keys: {reason}"


class Keys(BaseModel):
    """Public keys as notes exchange them. Take them on another way than what you check with them."""

    logs: dict[str, str]
    bundles: list[str]
    witnesses: list[str]
    checkpoints: dict[str, str]


class Countersignature(BaseModel):
    """A witness's line under the checkpoint of ``size`` events, and its key, both as C2SP writes them."""

    size: int = Field(ge=1, le=2**63 - 1)
    key: str = Field(max_length=300)
    line: str = Field(max_length=500)


def add_proofs(app: FastAPI, runtime: Served) -> None:
    """The routes of this module."""
    _add_keys(app, runtime)
    _add_checkpoint(app, runtime)
    _add_proofs(app, runtime)
    _add_countersigning(app, runtime)
    _add_bundle(app, runtime)
    _add_query_bundle(app, runtime)


def _read(runtime: Served, ask: Callable[[Connection[Any]], T]) -> T:
    with runtime.projections.connection() as connection:
        try:
            return ask(connection)
        except NoSigningKey as error:
            raise NoKeys(reason=str(error)) from error


def _add_keys(app: FastAPI, runtime: Served) -> None:
    @app.get("/audit/v1/keys", tags=["proofs"], summary="The public keys of logs and witnesses", response_model=Keys,
             responses=problems(503))  # fmt: skip
    async def keys() -> Keys:
        """As this platform states them, with the newest checkpoint of every log."""
        return Keys(**await run_in_threadpool(_read, runtime, lambda connection: _keys(runtime, connection)))


def _keys(runtime: Served, connection: Connection[Any]) -> dict[str, Any]:
    rows = connection.execute(
        "SELECT DISTINCT ON (source) note FROM audit_seen_checkpoints WHERE holds ORDER BY source, size DESC"
    ).fetchall()
    checkpoints = {note.split("\n", 1)[0]: note for (note,) in rows}
    return key_document(runtime.settings, witnesses(connection), checkpoints)


def _add_checkpoint(app: FastAPI, runtime: Served) -> None:
    @app.get(
        "/audit/v1/logs/{source}/checkpoint", tags=["proofs"], summary="A signed checkpoint", response_class=PlainTextResponse,
        responses=problems(404, 409, 422, 503),
    )  # fmt: skip
    async def checkpoint(source: SourceName, size: Size = None) -> PlainTextResponse:
        """A log's size and root, signed by its service, found to hold by the archive, countersigned by witnesses (C2SP
        tlog-checkpoint)."""
        signed = await run_in_threadpool(_read, runtime, lambda connection: signed_checkpoint(connection, source, size))
        return PlainTextResponse(signed.note)


def _add_proofs(app: FastAPI, runtime: Served) -> None:
    @app.get(
        "/audit/v1/logs/{source}/proofs/inclusion", tags=["proofs"], summary="That an event is in a log",
        response_class=PlainTextResponse, responses=problems(404, 409, 422, 503),
    )  # fmt: skip
    async def inclusion(source: SourceName, position: Position, size: Size = None) -> PlainTextResponse:
        """A C2SP tlog-proof of the event at a position. The leaf is SHA-256 of a zero byte and the stored bytes, its index the
        position less one."""

        def ask(connection: Connection[Any]) -> str:
            signed = covering(connection, source, position, size)
            return inclusion_text(Tree(connection, source), position, signed)

        return PlainTextResponse(await run_in_threadpool(_read, runtime, ask))

    @app.get(
        "/audit/v1/logs/{source}/proofs/consistency", tags=["proofs"], summary="That a log continues what was seen before",
        response_class=PlainTextResponse, responses=problems(404, 409, 422, 503),
    )  # fmt: skip
    async def consistency(source: SourceName, first: Position, second: Size = None) -> PlainTextResponse:
        """``old FIRST``, the hashes of RFC 6962 §2.1.2, an empty line, the checkpoint of ``second`` events."""

        def ask(connection: Connection[Any]) -> str:
            signed = covering(connection, source, first, second)
            return consistency_text(Tree(connection, source), first, signed)

        return PlainTextResponse(await run_in_threadpool(_read, runtime, ask))


def _add_countersigning(app: FastAPI, runtime: Served) -> None:
    caller = Annotated[Principal, Depends(allowed(runtime.access, WITNESSES))]

    async def countersign(principal: caller, source: SourceName, body: Countersignature) -> Countersignature:
        """Keep a witness's countersignature (C2SP tlog-cosignature) with the checkpoint it is under. It is handed on with the
        checkpoint and with bundles; whom to trust is for who reads it."""
        await run_in_threadpool(_read, runtime, lambda connection: _keep(connection, source, body, principal.sub))
        return body

    app.add_api_route(
        "/audit/v1/logs/{source}/cosignatures", countersign, methods=["POST"], tags=["proofs"],
        summary="Countersign a checkpoint", operation_id="Countersign", response_model=Countersignature,
        responses=problems(401, 403, 404, 409, 422, 503), openapi_extra=guarded(WITNESSES),
    )  # fmt: skip


def _keep(connection: Connection[Any], source: str, given: Countersignature, by: str) -> None:
    signed = signed_checkpoint(connection, source, given.size)
    try:
        key = WitnessKey.parse(given.key)
        at = countersigned_at(signed.checkpoint.text, given.line, key)
    except BadCheckpoint as error:
        raise NotACountersignature("line", reason=str(error)) from error
    line = given.line.rstrip("\n") + "\n"
    connection.execute(
        "INSERT INTO audit_cosignatures VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (source, size, witness) DO NOTHING",
        (source, given.size, key.name, key.text, line, at, by),
    )
    connection.commit()


def _add_bundle(app: FastAPI, runtime: Served) -> None:
    @app.get(
        "/audit/v1/cases/{case_id}/bundle", tags=["cases"], summary="A case as a file that proves itself",
        response_class=Response, responses={200: {"content": {ZIP: {}}}, **problems(401, 403, 404, 409, 422, 503)},
        openapi_extra=guarded(BUNDLERS),
    )  # fmt: skip
    async def case_bundle(
        principal: Annotated[Principal, Depends(allowed(runtime.access, BUNDLERS))],
        case_id: UUID,
        purpose: Purpose = "not stated",
    ) -> Response:
        """Events with proofs, checkpoints, terms and lists in force, documents' digests, report, ledger, signed manifest.
        `verify_bundle.py` checks it anywhere. Answered 409 while no checkpoint covers the case's last event. The export is
        itself recorded."""
        case, entries = await case_for(runtime, principal, case_id, purpose, what="case_bundled")
        if not is_outside(principal, case.parties):
            await record_access(runtime, principal, "case_bundled", f"case/{case_id}", purpose, len(entries))
        asked = Asked(case_id, principal.sub, purpose, datetime.now(UTC).replace(microsecond=0))
        content = await run_in_threadpool(_read, runtime, lambda connection: bundle(connection, runtime.settings, case, asked))
        return Response(content, media_type=ZIP, headers={"Content-Disposition": f'attachment; filename="{case_id}.zip"'})


def _add_query_bundle(app: FastAPI, runtime: Served) -> None:
    @app.get(
        "/audit/v1/streams/{kind}/{key}/bundle", tags=["streams"],
        summary="A party, a region or a list as a file that proves itself",
        response_class=Response, responses={200: {"content": {ZIP: {}}}, **problems(401, 403, 404, 409, 422, 503)},
        openapi_extra=guarded(QUERIERS),
    )  # fmt: skip
    async def stream_bundle(
        principal: Annotated[Principal, Depends(allowed(runtime.access, QUERIERS))],
        kind: Kind,
        key: str,
        purpose: Purpose = "not stated",
    ) -> Response:
        """Every event of that party, region, account or list, or of any one stream, as the bundle of a case has its events.
        The export is itself recorded."""
        query = f"{kind}/{key}"
        try:
            wanted = streams_of(kind, key)
        except ValueError as error:
            raise NotFound(what=kind, id=key) from error
        entries = await run_in_threadpool(_read, runtime, lambda connection: entries_of(connection, [wanted]))
        if not entries:
            raise NotFound(what=kind, id=key)
        await record_access(runtime, principal, "stream_bundled", query[:200], purpose, len(entries))
        found = Case(entries, Parties(), frozenset())
        asked = Asked(None, principal.sub, purpose, datetime.now(UTC).replace(microsecond=0), query)
        content = await run_in_threadpool(_read, runtime, lambda connection: bundle(connection, runtime.settings, found, asked))
        return Response(content, media_type=ZIP, headers={"Content-Disposition": f'attachment; filename="{kind}.zip"'})
