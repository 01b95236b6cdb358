"""A runtime without a store, and a client of the application built over it."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from tongdui_events.document import Code, Frozen, PositiveFen

from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Refusal
from shared.runtime.access import Access
from shared.runtime.settings import Settings
from shared.runtime.tokens import issue
from shared.runtime.web import CommandRoute, ViewRoute, build_app, build_platform_app

ENTERPRISE = "91310000MA1FL0000X"
VOUCHER = UUID("00000000-0000-4000-8000-000000000001")
STORED = b'{"source":"voucher","type":"ContractSubmitted","note":"\xe5\x88\xb8"}'


class Line(Frozen):
    line_no: int
    amount_fen: PositiveFen


class ApplyForVoucher(Command):
    """Apply for a voucher.

    One voucher binds one enterprise and one provider.
    """

    voucher_id: UUID
    purpose: Code


class SubmitContract(Command):
    """Hand in the intended contract."""

    voucher_id: UUID
    contract_no: Code
    lines: Annotated[list[Line], Field(min_length=1)]
    note: Code | None = None

    @field_validator("contract_no")
    @classmethod
    def _plain(cls, number: str) -> str:
        if number == "?":
            raise PydanticCustomError("odd_number", "odd", {"zh": "合同号有误", "section": "三(一)"})
        return number


class TenderVoucher(Command):
    """Accept the result and hand the voucher over."""

    voucher_id: UUID


class RaiseObjection(Command):
    """Object to one item of a public notice."""

    reason: Code


class QuotaExhausted(Refusal):
    section = "二(二)"
    zh = "年度额度已用完,剩余{left_fen}分"
    en = "nothing is left of the year: {left_fen} fen"


class Recorded(NamedTuple):
    position: int
    documents: list[bytes]


class FakeService:
    def __init__(self, name: str, routes: list[Any], extra: list[Any]) -> None:
        self.name = name
        self.routes = routes
        self.extra = extra


class FakeRows:
    """Rows of the view ``vouchers`` by key; ``shown`` is how far they are."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.shown = 0
        self.asked: list[Any] = []

    def get(self, name: str, key: str) -> dict[str, Any] | None:
        return self.rows.get(key)

    def find(self, name: str, scope: Any, where: dict[str, Any], after: str | None, limit: int) -> list[Any]:
        self.asked.append((name, scope, where, after, limit))
        rows = sorted(item for item in self.rows.items() if after is None or item[0] > after)
        return rows[:limit]

    def position(self) -> int:
        return self.shown


class FakeRuntime:
    """Answers as it is told and remembers what it was asked."""

    def __init__(self, settings: Settings, name: str = "voucher", extra: list[Any] | None = None) -> None:
        self.settings = settings
        self.service = FakeService(name, routes(), extra or [])
        self.access = Access(settings)
        self.projections = FakeRows()
        self.executed: list[tuple[Command, Principal, str, UUID]] = []
        self.parked: list[tuple[str, int, str]] = []
        self.retried: list[str] = []
        self.complaints: list[str] = []
        self.stopped: list[dict[str, Any]] = []
        self.raises: Exception | None = None
        self.overloaded = False
        self.entrusting: tuple[str, ...] = ()

    async def execute(self, command: Command, principal: Principal, route: str, command_id: UUID) -> Recorded:
        if self.raises is not None:
            raise self.raises
        self.executed.append((command, principal, route, command_id))
        return Recorded(7, [STORED, STORED])

    async def reader(self, principal: Principal) -> Principal:
        return principal.model_copy(update={"regions": self.entrusting}) if principal.role == "centre" else principal

    async def progress(self) -> dict[str, Any]:
        return {"head": 7, "applied": {"registry": 3}, "waiting": 0}

    async def ready(self) -> list[str]:
        return self.complaints

    def stops(self) -> list[dict[str, Any]]:
        return self.stopped

    async def park(self, source: str, position: int, principal: Principal) -> None:
        self.parked.append((source, position, principal.sub))

    async def retry(self, source: str) -> None:
        self.retried.append(source)


def own_cases(principal: Principal) -> dict[str, Any] | None:
    return None if principal.role == "auditor" else {"enterprise_uscc": principal.uscc}


def routes() -> list[Any]:
    return [
        CommandRoute("/vouchers", ApplyForVoucher, roles={"enterprise"}),
        CommandRoute("/vouchers/{voucher_id}/contract", SubmitContract, roles={"enterprise", "provider"}),
        CommandRoute("/vouchers/{voucher_id}/tender", TenderVoucher, roles={"enterprise"}),
        CommandRoute("/objections", RaiseObjection, roles={"public"}),
        ViewRoute("/vouchers", view="vouchers", roles={"enterprise", "auditor"}, scope=own_cases, filters=("region",)),
        ViewRoute("/vouchers/{key}", view="vouchers", roles={"enterprise", "auditor"}, scope=own_cases),
        ViewRoute("/notices", view="notices", roles={"public"}),
    ]


class Caller:
    """An HTTP client of one application, with tokens of the development key."""

    def __init__(self, *runtimes: FakeRuntime) -> None:
        self.settings = runtimes[0].settings
        self.app = build_app(runtimes[0]) if len(runtimes) == 1 else build_platform_app(runtimes)
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app, raise_app_exceptions=False), base_url="http://tongdui.test"
        )

    def bearer(self, role: str = "enterprise", **claims: Any) -> dict[str, str]:
        if role in ("enterprise", "provider"):
            claims.setdefault("uscc", ENTERPRISE)
        return {"Authorization": f"Bearer {issue(self.settings, 'person-1', role, **claims)}"}

    async def post(self, path: str, body: Any = None, *, role: str | None = "enterprise", **options: Any) -> httpx.Response:
        headers = {**(self.bearer(role) if role else {}), "Idempotency-Key": str(uuid4()), **options.pop("headers", {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        if body is not None:
            options["json"] = body
        return await self._http.post(path, headers=headers, **options)

    async def get(self, path: str, *, role: str | None = "enterprise", **options: Any) -> httpx.Response:
        return await self._http.get(path, headers=self.bearer(role) if role else {}, **options)


def is_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The document of an answer that is a whole problem document."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document: dict[str, Any] = answer.json()
    assert (answer.status_code, document["code"]) == (status, code), document
    assert document["status"] == status
    assert document["type"] == f"urn:tongdui:problem:{code}"
    assert document["instance"] == quote(answer.request.url.path)
    assert document["title"] and document["detail"] and document["zh"]
    return document
