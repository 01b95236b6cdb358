"""A released treasury list for who pays by it, and a region's statement of a window: PDF to sign, XLSX to work with."""

# Annotations are read by FastAPI where they name what a function made: they are not postponed here.
import hashlib
from functools import cache, partial
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from services.settlement.bank.vault import Vault
from services.settlement.domain.accounts import AccountDetails
from services.settlement.domain.batches import Instruction
from services.settlement.domain.payment import PORT
from services.settlement.papers.answers import Format, paper_answer, paper_responses
from services.settlement.papers.facts import list_facts, statement_facts
from services.settlement.papers.making import PaperMaker
from services.settlement.papers.refusals import ListDiffers
from services.settlement.papers.sheets import Signed, payment_list, statement
from shared.kernel.access_record import RecordAccess
from shared.kernel.commands import Principal
from shared.kernel.decisions import NotFound
from shared.runtime.access import allowed
from shared.runtime.documenting import guarded
from shared.runtime.recorded_access import ROUTE as ACCESSES
from shared.runtime.routes import Served

_PAYER = frozenset({"regional_officer"})
_STATED = frozenset({"regional_officer", "agent", "auditor"})
_PAGE = 2_000
_vault = cache(Vault)


def add_list(app: FastAPI, runtime: Served, maker: PaperMaker) -> None:
    """``GET /batches/{batch_id}/list``."""

    async def listed(
        batch_id: UUID, principal: Annotated[Principal, Depends(allowed(runtime.access, _PAYER))], format: Format = "xlsx"
    ) -> Response:
        """拨付汇总表 of a released batch, with account numbers in full: nobody but the region that pays reads it. As XLSX it
        has a sheet for the treasury's results, to be handed in at ``/batches/{batch_id}/results``; as PDF a verification
        code."""
        row = await run_in_threadpool(runtime.projections.get, "batches", str(batch_id))
        known = row is not None and row["payer"] == principal.region and row["channel"] == "treasury"
        if row is None or not known or "file_sha256" not in row:
            raise NotFound(what="batch", id=batch_id)
        lines, numbers = await run_in_threadpool(_lines_of, runtime, row)
        if format == "pdf":
            content = (await maker.made(partial(list_facts, batch=row, lines=lines, numbers=numbers))).pdf
        else:
            signed = Signed(row["opened_by"], row["released_by"])
            content = await run_in_threadpool(payment_list, row, lines, numbers, signed)
        return paper_answer(content, format, str(batch_id))

    app.add_api_route(
        "/settlement/v1/batches/{batch_id}/list", listed, methods=["GET"], tags=["batches"],
        summary="Read a treasury's payment list 下载拨付汇总表", response_class=Response,
        responses=paper_responses("xlsx", "pdf"), openapi_extra=guarded(_PAYER),
    )  # fmt: skip


def add_statement(app: FastAPI, runtime: Served, maker: PaperMaker) -> None:
    """``GET /windows/{window_id}/statements/{region}``."""

    async def stated(
        window_id: UUID, region: str, principal: Annotated[Principal, Depends(allowed(runtime.access, _STATED))],
        format: Format = "xlsx",
    ) -> Response:  # fmt: skip
        """结算单 of one region in one window, with the sums in words; as PDF with a verification code."""
        row = await run_in_threadpool(runtime.projections.get, "windows", str(window_id))
        position = next((one for one in row["positions"] if one["region"] == region), None) if row else None
        if row is None or position is None or not _may_read(principal, row, region):
            raise NotFound(what="window", id=window_id)
        if principal.role == "auditor":
            access = RecordAccess(what="papers_exported", subject=f"window/{window_id}", purpose="not_stated", count=1)
            await runtime.execute(access, principal, ACCESSES, uuid4())
        if format == "pdf":
            content = (await maker.made(partial(statement_facts, window_id=window_id, region=region))).pdf
        else:
            content = await run_in_threadpool(statement, row, position, region)
        return paper_answer(content, format, f"{window_id}-{region}")

    app.add_api_route(
        "/settlement/v1/windows/{window_id}/statements/{region}", stated, methods=["GET"], tags=["windows"],
        summary="Read a region's statement 下载结算单", response_class=Response, responses=paper_responses("xlsx", "pdf"),
        openapi_extra=guarded(_STATED),
    )  # fmt: skip


def _may_read(principal: Principal, row: dict[str, Any], region: str) -> bool:
    if principal.role == "agent":
        return bool(row["agent_id"] == str(principal.member_of))
    return principal.role == "auditor" or principal.region == region


def _lines_of(runtime: Any, row: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The lines of a released batch, and account numbers by their digest. Raises ListDiffers where the lines are not
    those whose digest was released."""
    lines: list[dict[str, Any]] = []
    after: str | None = None
    while page := runtime.projections.find("batch_lines", None, {"batch_id": row["batch_id"]}, after, _PAGE):
        lines += [line for _, line in page]
        after = page[-1][0]
    digest = hashlib.sha256(PORT.payment_list(row["message_id"], [_instruction(line) for line in lines])).hexdigest()
    if digest != row["file_sha256"]:
        raise ListDiffers(batch_id=row["batch_id"])
    return lines, _vault(runtime.settings.database_url).numbers([line["account_hmac"] for line in lines])


def _instruction(line: dict[str, Any]) -> Instruction:
    account = AccountDetails(line["account_hmac"], line["last4"], line["bank_code"])
    return Instruction(
        UUID(line["payout_id"]), None, line["end_to_end_id"], line["attempt"], line["payee_uscc"], line["amount_fen"], account
    )
