"""The sheets over HTTP: a released treasury list for who pays by it, a region's statement of a window."""

# Annotations are read by FastAPI where they name what a function made: they are not postponed here.
import hashlib
from functools import cache
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from services.settlement.bank.vault import Vault
from services.settlement.domain.accounts import AccountDetails
from services.settlement.domain.batches import Instruction
from services.settlement.domain.payment import PORT
from services.settlement.papers.results import XLSX
from services.settlement.papers.sheets import Signed, payment_list, statement
from shared.kernel.access_record import RecordAccess
from shared.kernel.commands import Principal
from shared.kernel.decisions import NotFound, Refusal
from shared.runtime.access import allowed
from shared.runtime.documenting import guarded, problems
from shared.runtime.recorded_access import ROUTE as ACCESSES
from shared.runtime.routes import Served

_PAYER = frozenset({"regional_officer"})
_STATED = frozenset({"regional_officer", "agent", "auditor"})
_PAGE = 2_000
_vault = cache(Vault)


class ListDiffers(Refusal):
    """What the view holds of a list is not what was released: nothing is sent before it was rebuilt."""

    status = 409
    section = "三(五)"
    zh = "批次{batch_id}的清单与已发出的摘要不符"
    en = "the list of batch {batch_id} has not the digest that was released: rebuild the view batch_lines"


def paper_routes(app: FastAPI, runtime: Served) -> None:
    """``GET /batches/{batch_id}/list`` and ``GET /windows/{window_id}/statements/{region}``."""

    async def listed(batch_id: UUID, principal: Annotated[Principal, Depends(allowed(runtime.access, _PAYER))]) -> Response:
        """拨付汇总表 of a released batch as XLSX, with account numbers in full: nobody but the region that pays reads it. It
        has a sheet for the treasury's results, to be handed in at ``/batches/{batch_id}/results``."""
        row = await run_in_threadpool(runtime.projections.get, "batches", str(batch_id))
        known = row is not None and row["payer"] == principal.region and row["channel"] == "treasury"
        if row is None or not known or "file_sha256" not in row:
            raise NotFound(what="batch", id=batch_id)
        return _sheet(await run_in_threadpool(_list_of, runtime, row), f"{batch_id}.xlsx")

    async def stated(
        window_id: UUID, region: str, principal: Annotated[Principal, Depends(allowed(runtime.access, _STATED))]
    ) -> Response:
        """结算单 of one region in one window as XLSX, with the sums in words."""
        row = await run_in_threadpool(runtime.projections.get, "windows", str(window_id))
        position = next((one for one in row["positions"] if one["region"] == region), None) if row else None
        if row is None or position is None or not _may_read(principal, row, region):
            raise NotFound(what="window", id=window_id)
        if principal.role == "auditor":
            access = RecordAccess(what="papers_exported", subject=f"window/{window_id}", purpose="not_stated", count=1)
            await runtime.execute(access, principal, ACCESSES, uuid4())
        return _sheet(await run_in_threadpool(statement, row, position, region), f"{window_id}-{region}.xlsx")

    for path, endpoint, summary, roles in (
        ("/settlement/v1/batches/{batch_id}/list", listed, "Read a treasury's payment list 下载拨付汇总表", _PAYER),
        ("/settlement/v1/windows/{window_id}/statements/{region}", stated, "Read a region's statement 下载结算单", _STATED),
    ):
        app.add_api_route(
            path, endpoint, methods=["GET"], tags=[path.split("/")[3]], summary=summary, response_class=Response,
            responses={200: {"content": {XLSX: {}}}, **problems(401, 403, 404, 422, 503)}, openapi_extra=guarded(roles),
        )  # fmt: skip


def _may_read(principal: Principal, row: dict[str, Any], region: str) -> bool:
    if principal.role == "agent":
        return bool(row["agent_id"] == str(principal.member_of))
    return principal.role == "auditor" or principal.region == region


def _list_of(runtime: Any, row: dict[str, Any]) -> bytes:
    """Raises ListDiffers where the lines are not those whose digest was released."""
    lines: list[dict[str, Any]] = []
    after: str | None = None
    while page := runtime.projections.find("batch_lines", None, {"batch_id": row["batch_id"]}, after, _PAGE):
        lines += [line for _, line in page]
        after = page[-1][0]
    digest = hashlib.sha256(PORT.payment_list(row["message_id"], [_instruction(line) for line in lines])).hexdigest()
    if digest != row["file_sha256"]:
        raise ListDiffers(batch_id=row["batch_id"])
    numbers = _vault(runtime.settings.database_url).numbers([line["account_hmac"] for line in lines])
    return payment_list(row, lines, numbers, Signed(row["opened_by"], row["released_by"]))


def _instruction(line: dict[str, Any]) -> Instruction:
    account = AccountDetails(line["account_hmac"], line["last4"], line["bank_code"])
    return Instruction(
        UUID(line["payout_id"]), None, line["end_to_end_id"], line["attempt"], line["payee_uscc"], line["amount_fen"], account
    )


def _sheet(content: bytes, name: str) -> Response:
    return Response(content, media_type=XLSX, headers={"Content-Disposition": f'attachment; filename="{name}"'})
