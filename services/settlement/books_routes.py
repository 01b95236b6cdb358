"""``GET /settlement/v1/books``: the trial balance of a day (试算平衡表)."""

# Annotations are read by FastAPI where they name what a function made: they are not postponed here.
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any
from uuid import uuid4

from fastapi import Depends, FastAPI, Query
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from services.settlement.domain.books import Entry, TrialBalance, trial_balance
from services.settlement.ledger_rows import entries_of
from shared.kernel.access_record import RecordAccess
from shared.kernel.commands import Principal
from shared.runtime.access import allowed
from shared.runtime.documenting import guarded, problems
from shared.runtime.recorded_access import ROUTE as ACCESSES
from shared.runtime.routes import Scope, Served

_ROLES = frozenset({"regional_officer", "agent", "auditor"})
_PAGE = 2_000


class BookLine(BaseModel):
    """One account: what was debited and credited by that day, in fen; ``balance_fen`` is the difference."""

    kind: str
    region: str
    party: str
    debit_fen: int
    credit_fen: int
    balance_fen: int


class Books(BaseModel):
    """Every account that moved by that day. ``findings`` is empty where the books are right."""

    on: date | None
    items: list[BookLine]
    debit_fen: int
    credit_fen: int
    findings: list[str]


def books_routes(app: FastAPI, runtime: Served) -> None:
    """A department sees its region's books, an agent those of its regions, an auditor all."""

    async def read(
        principal: Annotated[Principal, Depends(allowed(runtime.access, _ROLES))],
        on: Annotated[date | None, Query(description="The business day, included; every day without it")] = None,
    ) -> Books:
        """The trial balance at the end of a business day: what left each region's fund, what its agent holds of it, what
        payees were granted and keep, what debtors still owe."""
        scope = _scope(await runtime.reader(principal))
        balance = await run_in_threadpool(lambda: trial_balance(_entries(runtime, scope), on or date.max))
        if principal.role == "auditor":
            count = len(balance.lines)
            access = RecordAccess(what="view_read", subject="settlement/books", purpose="not_stated", count=count)
            await runtime.execute(access, principal, ACCESSES, uuid4())
        return shown(balance, on)

    app.add_api_route(
        "/settlement/v1/books", read, methods=["GET"], tags=["books"], summary="Trial balance 试算平衡表",
        response_model=Books, responses=problems(401, 403, 422, 503), openapi_extra=guarded(_ROLES),
    )  # fmt: skip


def shown(balance: TrialBalance, on: date | None) -> Books:
    items = [
        BookLine(**line.account._asdict(), debit_fen=line.debit_fen, credit_fen=line.credit_fen, balance_fen=line.balance_fen)
        for line in balance.lines
    ]
    return Books(
        on=on, items=items, debit_fen=balance.debit_fen, credit_fen=balance.credit_fen, findings=list(balance.findings)
    )


def _scope(principal: Principal) -> Scope:
    if principal.role == "agent":
        return [{"region": region} for region in principal.regions]
    return {"region": principal.region} if principal.role == "regional_officer" else None


def _entries(runtime: Any, scope: Scope) -> Iterator[Entry]:
    after: str | None = None
    while rows := runtime.projections.find("ledgers", scope, {}, after, _PAGE):
        for _, row in rows:
            yield from entries_of(row)
        after = rows[-1][0]
