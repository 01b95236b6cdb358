"""The papers of a redemption and a recovery, a public notice's attachment, and what a verification code stands for."""

# Annotations are read by FastAPI where they name what a function made: they are not postponed here.
from datetime import date
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Path
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from tongdui_events.document import Text

from services.settlement.papers.answers import Format, paper_answer, paper_responses
from services.settlement.papers.codes import normalised
from services.settlement.papers.facts import GATHERED
from services.settlement.papers.kinds import KINDS, Facts, OfRedemption
from services.settlement.papers.making import PaperMaker
from services.settlement.papers.reading import Reading
from services.settlement.papers.sheets import notice_attachment
from shared.kernel.commands import Principal
from shared.kernel.decisions import NotFound
from shared.runtime.access import allowed
from shared.runtime.documenting import guarded, problems
from shared.runtime.recorded_access import NOT_STATED, record_hidden_row, record_reading
from shared.runtime.routes import Served, ViewRoute
from shared.runtime.view_endpoint import Purpose, is_in_scope


class PaperSaid(BaseModel):
    """What a code stands for: compare it with the paper. ``number``: the notice's, the decision's, the case's; ``sum_fen``:
    the sum the paper is about. Nobody is named."""

    code: str
    kind: str
    paper: str
    number: str
    sum_fen: int
    given_out_on: date | None
    pdf_sha256: str
    current: bool = Field(description="false: something came since that the paper would say, or took it back; ask for it again")


def add_case_papers(app: FastAPI, runtime: Served, maker: PaperMaker, redemption: ViewRoute, clawback: ViewRoute) -> None:
    """``GET /redemptions/{redemption_id}/papers/{paper}`` and ``GET /clawbacks/{clawback_id}/letter``."""

    async def of_redemption(
        redemption_id: UUID, paper: OfRedemption,
        principal: Annotated[Principal, Depends(allowed(runtime.access, redemption.roles))], purpose: Purpose = NOT_STATED,
    ) -> Response:  # fmt: skip
        """兑付申请表, 承诺书 (to be signed by the applicant) or 审核决定通知书 as PDF, as of what was handed in or decided last;
        with a verification code. For those who may read the redemption."""
        return await answered(redemption, paper, redemption_id, principal, purpose)

    async def letter(
        clawback_id: UUID, principal: Annotated[Principal, Depends(allowed(runtime.access, clawback.roles))],
        purpose: Purpose = NOT_STATED,
    ) -> Response:  # fmt: skip
        """追回通知书 as PDF: the order that stands, why, how much and how it is paid back; with a verification code. For
        those who may read the recovery."""
        return await answered(clawback, "letter", clawback_id, principal, purpose)

    async def answered(route: ViewRoute, kind: str, subject: UUID, principal: Principal, purpose: str) -> Response:
        scope = route.scope(await runtime.reader(principal)) if route.scope else None
        path = f"{runtime.service.name}/{route.view}/{subject}/{kind}"
        row = await run_in_threadpool(runtime.projections.get, route.view, str(subject))
        if row is None or not is_in_scope(row, scope):
            if row is not None:
                await record_hidden_row(runtime, principal, path)
            raise NotFound(what=route.view, id=subject)
        made = await maker.made(partial(_gathered, kind=kind, subject=subject))
        await record_reading(runtime, route, principal, scope, path, purpose, 1)
        return paper_answer(made.pdf, "pdf", f"{kind}-{subject}")

    for path, endpoint, summary, route in (
        ("/redemptions/{redemption_id}/papers/{paper}", of_redemption, "Read a paper of a redemption 下载兑付材料", redemption),
        ("/clawbacks/{clawback_id}/letter", letter, "Read the letter of a recovery 下载追回通知书", clawback),
    ):
        app.add_api_route(
            f"/settlement/v1{path}", endpoint, methods=["GET"], tags=[path.split("/")[1]], summary=summary,
            response_class=Response, responses=paper_responses("pdf"), openapi_extra=guarded(route.roles),
        )  # fmt: skip


def _gathered(reading: Reading, kind: str, subject: UUID) -> Facts:
    return GATHERED[kind](reading, subject)


def add_attachment(app: FastAPI, runtime: Served, maker: PaperMaker) -> None:
    """``GET /notices/{notice_id}/attachment``."""

    async def attachment(notice_id: UUID, format: Format = "pdf") -> Response:
        """公示附件: parties, region, item and sum of everything a notice lists, as PDF or XLSX, with a verification code."""
        made = await maker.made(partial(_gathered, kind="attachment", subject=notice_id))
        content = made.pdf
        if format == "xlsx":
            content = await run_in_threadpool(notice_attachment, made.facts.members, made.code)
        return paper_answer(content, format, f"attachment-{notice_id}")

    app.add_api_route(
        "/settlement/v1/notices/{notice_id}/attachment", attachment, methods=["GET"], tags=["notices"],
        summary="Read a notice's attachment 下载公示附件", response_class=Response,
        responses=paper_responses("pdf", "xlsx", refused=(404, 409, 422, 503)),
    )  # fmt: skip


def add_verification(app: FastAPI, runtime: Served, maker: PaperMaker) -> None:
    """``GET /papers/{code}``."""

    async def verify(code: Annotated[Text, Path()]) -> PaperSaid:
        """What paper this code was given to. 404: none of ours. Hyphens, spaces and small letters do not matter."""
        known = normalised(code)
        issued = await maker.find(known) if known else None
        if known is None or issued is None:
            raise NotFound(what="paper", id=code[:40])
        return PaperSaid(
            code=known, kind=issued.kind, paper=KINDS[issued.kind].zh, number=issued.number, sum_fen=issued.sum_fen,
            given_out_on=issued.day, pdf_sha256=issued.pdf_sha256, current=issued.current,
        )  # fmt: skip

    app.add_api_route(
        "/settlement/v1/papers/{code}", verify, methods=["GET"], tags=["papers"], summary="Verify a paper 核验验证码",
        response_model=PaperSaid, responses=problems(404, 422, 503),
    )  # fmt: skip
