"""The registry over HTTP and a real PostgreSQL: what a client of the pilot does before the first voucher."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.registry.main import SERVICE
from shared.runtime.bus import bus_of
from shared.runtime.service import Runtime
from shared.runtime.settings import Settings
from shared.runtime.store import Store
from shared.runtime.tokens import issue
from shared.runtime.web import build_app
from tests.unit.registry_world import ATTESTED, BASIS, COMPANY, DIGEST, ITEMS, LABORATORY, QINGPU, TERMS

MONDAY = date(2025, 3, 3)


class Pilot:
    """A client with a token for everybody."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app=build_app(runtime)), base_url="http://registry")

    async def post(self, path: str, body: dict[str, Any], role: str | None, **claims: Any) -> httpx.Response:
        headers = {"Idempotency-Key": str(uuid4())}
        if role is not None:
            headers["Authorization"] = f"Bearer {issue(self.runtime.settings, f'{role}-1', role, **claims)}"
        return await self._http.post(f"/registry/v1{path}", json=body, headers=headers)

    async def done(self, path: str, body: dict[str, Any], role: str, **claims: Any) -> dict[str, Any]:
        answer = await self.post(path, body, role, **claims)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self._http.get(f"/registry/v1{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def open_day(self, day: date) -> None:
        await self.done("/days", {"date": day.isoformat()}, "operator")
        for _ in range(200):
            if (await self.runtime.progress())["waiting"] == 0:
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the sweeps did not come to rest")


@pytest.fixture
async def pilot(database_url: str, tmp_path: Path) -> AsyncIterator[Pilot]:
    settings = Settings(state_dir=tmp_path, database_url=database_url, clock="simulated")
    Store(database_url, "audit").create_tables()
    runtime = Runtime(SERVICE, database_url, settings, bus_of(settings))
    await runtime.start()
    try:
        yield Pilot(runtime)
    finally:
        await runtime.stop()


async def test_a_pilot_is_set_up_and_a_provider_is_listed_the_day_after_its_notice(pilot: Pilot) -> None:
    shanghai = {"role": "provincial_officer", "region": "31"}
    qingpu = {"role": "regional_officer", "region": QINGPU}
    laboratory = {"role": "provider", "uscc": LABORATORY}
    company = {"role": "enterprise", "uscc": COMPANY}
    await pilot.open_day(MONDAY)
    joining = {"region": QINGPU, "name": "青浦区", "prefixes": [QINGPU], "joins_on": "2025-03-03"}
    await pilot.done("/regions", joining, **shanghai)
    adopting = {"effective_on": "2025-03-03", "basis": BASIS, "terms": TERMS, "source_document": "青科发〔2025〕1号"}
    await pilot.done(f"/regions/{QINGPU}/policies", adopting | {"text_sha256": DIGEST}, **qingpu)
    await pilot.done("/catalogues", {"year": 2025, "items": ITEMS}, **shanghai)

    registering = {"uscc": COMPANY, "name": "样例新材料有限公司", "division_code": QINGPU}
    registering |= {"legal_form": "limited_company", "registered_on": "2020-05-06"}
    await pilot.done("/enterprises", registering, **company)
    by_number = {"basis": "sme_number", "year": 2025, "sme_number": "202531011800012345"}
    qualified = await pilot.done(f"/enterprises/{COMPANY}/qualification", by_number, **company)
    assert [event["type"] for event in qualified["events"]] == ["QualificationRequested", "EnterpriseQualified"]

    applying = {"uscc": LABORATORY, "name": "样例检测研究院", "province": "31", "legal_form": "public_institution"}
    await pilot.done("/providers", applying | {"established_on": "2015-01-01", "categories": ["testing"]}, **laboratory)
    offering = {"item_code": "T-01", "name": "拉伸试验", "price_fen": 50_000, "unit": "样"}
    await pilot.done(f"/providers/{LABORATORY}/services", offering, **laboratory)
    await pilot.done(f"/providers/{LABORATORY}/recommendation", {"attested": list(ATTESTED)}, **shanghai)
    notice = {"notice_id": str(uuid4()), "province": "31", "usccs": [LABORATORY]}
    published = await pilot.done("/notices", notice, **shanghai)
    assert (await pilot.get("/providers", at_least=published["position"]))["items"] == []

    for offset in range(1, 8):
        await pilot.open_day(MONDAY + timedelta(days=offset))
    found = await pilot.get("/providers", name="检测", item="T-01", category="testing", province="31")
    assert [(row["uscc"], row["listed_on"]) for row in found["items"]] == [(LABORATORY, "2025-03-10")]
    assert (await pilot.get("/providers", name="没有"))["items"] == []
    closed = (await pilot.get("/notices", state="closed"))["items"]
    assert [row["number"] for row in closed] == ["公示〔2025〕第1号"]


async def test_a_refusal_is_a_problem_with_the_notices_section_and_leaves_no_trace(pilot: Pilot) -> None:
    await pilot.open_day(MONDAY)
    before = (await pilot.runtime.progress())["head"]
    joining = {"region": "310000", "name": "上海市", "prefixes": ["31"], "joins_on": "2021-01-09"}
    answer = await pilot.post("/regions", joining, "provincial_officer", region="31")
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["field"]) == (422, "whole_province_not_yet", "prefixes")
    assert problem["section"] == "一(二)" and "全域参与" in problem["zh"] and "whole" in problem["detail"]
    assert (await pilot.runtime.progress())["head"] == before


@pytest.mark.parametrize(("role", "claims", "status"), [(None, {}, 401), ("enterprise", {"uscc": COMPANY}, 403)])
async def test_a_day_is_the_operators_to_open(
    pilot: Pilot, role: str | None, claims: dict[str, str], status: int
) -> None:
    assert (await pilot.post("/days", {"date": "2025-03-03"}, role, **claims)).status_code == status


async def test_under_a_real_clock_no_caller_opens_a_day(database_url: str, tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, database_url=database_url)
    runtime = Runtime(SERVICE, database_url, settings, bus_of(settings))
    await runtime.start("api")
    try:
        answer = await Pilot(runtime).post("/days", {"date": "2025-03-03"}, "operator")
        assert (answer.status_code, answer.json()["code"]) == (409, "clock_is_real")
    finally:
        await runtime.stop()
