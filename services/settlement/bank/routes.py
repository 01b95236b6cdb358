"""The private tables behind the API: account numbers go in with their proposal, a released file comes out."""

# Annotations are read by FastAPI where they name what a function made: they are not postponed here.
from functools import cache
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from services.settlement.bank.desk import BANK
from services.settlement.bank.vault import Vault
from services.settlement.domain.payment import BANKS
from shared.kernel.commands import Principal
from shared.kernel.decisions import NotFound
from shared.kernel.keyed_digest import keyed_digest
from shared.runtime.access import allowed
from shared.runtime.documenting import guarded, problems
from shared.runtime.routes import Served

_AGENT = frozenset({"agent"})
_vault = cache(Vault)


class LazyVault:
    """The private tables of a database that need not be there yet."""

    def __init__(self, settings: Any) -> None:
        self._settings = settings

    def numbers(self, account_hmacs: list[str]) -> dict[str, str]:
        return _vault(self._settings.database_url).numbers(account_hmacs)

    def keep_file(self, message_id: str, content: bytes) -> str:
        return _vault(self._settings.database_url).keep_file(message_id, content)


def keep_number(settings: Any, fields: dict[str, Any]) -> None:
    """An account number into the private table, under the digest its events carry."""
    if settings.database_url:
        number = fields["account_number"]
        _vault(settings.database_url).keep_number(keyed_digest(number), number)


def bank_file_routes(app: FastAPI, runtime: Served) -> None:
    """``GET /settlement/v1/batches/{batch_id}/file``, for the agent that pays it."""
    BANK.vault, BANKS.files = LazyVault(runtime.settings), BANK

    async def read(batch_id: UUID, principal: Annotated[Principal, Depends(allowed(runtime.access, _AGENT))]) -> Response:
        """The bytes that were released, the same however often they are asked for. It names accounts in full: nobody
        but the agent that pays reads it."""
        row = await run_in_threadpool(runtime.projections.get, "batches", str(batch_id))
        if row is None or row["payer"] != str(principal.member_of) or "file_sha256" not in row:
            raise NotFound(what="batch", id=batch_id)
        content = await run_in_threadpool(_vault(runtime.settings.database_url).file, row["file_sha256"])
        if content is None:
            raise NotFound(what="file", id=row["file_sha256"])
        return Response(content, media_type="application/xml", headers={"Content-Disposition": "attachment"})

    app.add_api_route(
        "/settlement/v1/batches/{batch_id}/file", read, methods=["GET"], tags=["batches"],
        summary="Read a released file 下载支付文件", response_class=Response,
        responses=problems(401, 403, 404, 503), openapi_extra=guarded(_AGENT),
    )  # fmt: skip
