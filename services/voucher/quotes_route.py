"""``POST /voucher/v1/quotes``: the trial calculation (试算) for anyone; it records nothing."""

from __future__ import annotations

from fastapi import FastAPI

from services.voucher.domain.quotes import Quote, QuoteAnswer, quote
from shared.runtime.documenting import problems
from shared.runtime.routes import Served


def add_quotes(app: FastAPI, runtime: Served) -> None:
    """The same sum as an allocation's, over terms and figures the caller gives."""

    @app.post(
        "/voucher/v1/quotes",
        tags=["quotes"],
        summary="Trial calculation 试算",
        operation_id="Quote",
        responses=problems(400, 413, 415, 422),
    )
    def answer(asked: Quote) -> QuoteAnswer:
        return quote(asked)
