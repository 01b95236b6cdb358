"""``POST`` and ``GET`` of documents: handed in as a stream of bytes, read through a case the caller may see."""

# Annotations are read by FastAPI where they name what a function made: they are not postponed here.
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Scope as ASGIScope

from shared.kernel.commands import Principal
from shared.kernel.decisions import NotFound
from shared.runtime.access import allowed
from shared.runtime.documenting import guarded, problems
from shared.runtime.documents import Documents, KeptDocument
from shared.runtime.recorded_access import NOT_STATED, record_hidden_row, record_reading
from shared.runtime.routes import Served, ViewRoute
from shared.runtime.view_endpoint import Purpose, is_in_scope


@dataclass(frozen=True)
class DocumentRoutes:
    """A service's documents. The view ``documents`` says which cases a digest stands in; who may read the row of
    one of those cases, by ``case``'s roles and scope, may read the document."""

    case: ViewRoute
    writers: frozenset[str]

    def __call__(self, app: FastAPI, runtime: Served) -> None:
        documents = Documents(runtime.settings)
        prefix = f"/{runtime.service.name}/v1/documents"
        _add_keeping(app, prefix, runtime, documents, self.writers)
        _add_reading(app, prefix, runtime, documents, self.case)


def _add_keeping(app: FastAPI, path: str, runtime: Served, documents: Documents, writers: frozenset[str]) -> None:
    async def keep(
        request: Request, principal: Annotated[Principal, Depends(allowed(runtime.access, writers))]
    ) -> KeptDocument:
        """The body is the document itself, at most 50 MB: PDF, OFD, XML, JPEG or PNG, by its content. The answer has
        the digest and the size that a command states. The same bytes again are the same document."""
        return await documents.keep(_without_empty(request.stream()))

    app.add_api_route(
        path, keep, methods=["POST"], tags=["documents"], summary="Hand in a document 上传材料", operation_id="HandInDocument",
        responses=problems(401, 403, 413, 415, 422, 503),
        openapi_extra={**(guarded(writers) or {}), "requestBody": {"content": {"application/octet-stream": {}}}},
    )  # fmt: skip


def _add_reading(app: FastAPI, path: str, runtime: Served, documents: Documents, case: ViewRoute) -> None:
    async def read(
        sha256: str,
        principal: Annotated[Principal, Depends(allowed(runtime.access, case.roles))],
        purpose: Purpose = NOT_STATED,
    ) -> StreamingResponse:
        """The bytes, after their digest was found to be the one asked for. For those who may read a case the
        document stands in; for others it is not there."""
        scope = case.scope(await runtime.reader(principal)) if case.scope else None
        subject = f"{runtime.service.name}/documents/{sha256}"
        rows = await run_in_threadpool(_cases, runtime, case.view, sha256)
        if not any(is_in_scope(row, scope) for row in rows):
            if rows:
                await record_hidden_row(runtime, principal, subject)
            raise NotFound(what="document", id=sha256)
        content = await documents.read(sha256)
        await record_reading(runtime, case, principal, scope, subject, purpose, 1)
        return StreamingResponse(content, media_type="application/octet-stream", headers=_HEADERS)

    app.add_api_route(
        path + "/{sha256}", read, methods=["GET"], tags=["documents"], summary="Read a document 查阅材料",
        response_class=StreamingResponse, responses=problems(401, 403, 404, 500, 503), openapi_extra=guarded(case.roles),
    )  # fmt: skip


#: somebody else's file is saved, never shown as a page of ours
_HEADERS = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}


def _cases(runtime: Served, view: str, sha256: str) -> list[dict[str, Any]]:
    found = runtime.projections.get("documents", sha256)
    rows = [runtime.projections.get(view, key) for key in found["cases"]] if found else []
    return [row for row in rows if row is not None]


async def _without_empty(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        if chunk:
            yield chunk


def is_document_upload(scope: ASGIScope) -> bool:
    """Whether a request's body may have a document's size."""
    return scope["method"] == "POST" and scope["path"].endswith("/v1/documents")
