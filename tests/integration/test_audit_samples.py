"""A sample drawn, proved and written up, over a real PostgreSQL."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from openpyxl import load_workbook
from tongdui_events import RedemptionSettled

from shared.runtime.bus.port import Record
from shared.runtime.tokens import issue
from shared.runtime.web import build_app
from tests.integration.test_audit import Audit
from tests.unit.signal_history import FIRST, REGION, SignalHistory, uscc


def paid_history(cases: int) -> SignalHistory:
    """So many cases paid on the first day, one of them for much more."""
    history = SignalHistory()
    for number in range(1, cases + 1):
        history.issue(number, uscc(number), uscc(901))
        settled = RedemptionSettled(
            redemption_id=UUID(int=number + 10_000), voucher_id=UUID(int=number), region=REGION, enterprise_uscc=uscc(number),
            provider_uscc=uscc(901), approved_fen=number, paid_fen=50_000_000 if number == 1 else number, offset_fen=0,
        )
        history.add("settlement", settled.redemption_id, settled, settled.voucher_id)
    return history


class Web:
    def __init__(self, audit: Audit) -> None:
        transport = httpx.ASGITransport(app=build_app(audit))
        self.audit = audit
        self.http = httpx.AsyncClient(transport=transport, base_url="http://audit")
        self._token = {"Authorization": f"Bearer {issue(audit.settings, 'auditor-1', 'auditor')}"}

    async def draw(self, key: UUID, **changed: Any) -> httpx.Response:
        asked = {"sample_id": str(UUID(int=7)), "seed": "s", "size": 4, "from_on": str(FIRST), "until": str(FIRST)}
        headers = {**self._token, "Idempotency-Key": str(key)}
        return await self.http.post("/audit/v1/samples", json={**asked, **changed}, headers=headers)

    async def get(self, path: str) -> httpx.Response:
        self.audit.project()
        return await self.http.get(f"/audit/v1{path}", headers=self._token)


@pytest.fixture
async def web(database_url: str, tmp_path: Path) -> AsyncIterator[Web]:
    audit = Audit(database_url, tmp_path)
    audit.writer.start()
    web = Web(audit)
    yield web
    await web.http.aclose()
    audit.writer.stop()
    audit.projections.close()
    audit.store.close()


async def archive(audit: Audit, history: SignalHistory) -> None:
    for source in ("registry", "voucher", "settlement"):
        await audit.deliver(source, [Record(one.position, b"k", one.state, one.type) for one in history.records[source]])


async def test_a_sample_waits_until_its_days_are_over(web: Web) -> None:
    history = paid_history(10)
    await archive(web.audit, history)
    assert (await web.draw(uuid4())).json()["code"] == "period_not_over"
    history.end()
    await archive(web.audit, history)
    assert (await web.draw(uuid4())).status_code == 200


async def test_a_sample_is_drawn_once_proved_and_written_up(web: Web) -> None:
    await archive(web.audit, paid_history(10).end())
    key = uuid4()
    drawn = await web.draw(key)
    assert (await web.draw(key)).json() == drawn.json(), "asked again under its id, the first outcome"
    assert (await web.draw(uuid4())).status_code == 409
    sample, *opened = drawn.json()["events"]
    assert (sample["population"], len(sample["drawn"]), len(opened)) == (10, 4, 4)
    assert str(UUID(int=1)) in {one["voucher_id"] for one in sample["drawn"]}, "51 of 60 points"

    proof = (await web.get(f"/samples/{UUID(int=7)}/proof")).json()
    assert (proof["reproduced"], proof["population_sha256"]) == (True, sample["population_sha256"])
    book = load_workbook(io.BytesIO((await web.get(f"/samples/{UUID(int=7)}/papers")).content))
    assert [sheet.max_row for sheet in (book["样本"], book["总体"])] == [5, 11]
    accesses = web.audit.rows("SELECT state FROM audit_events WHERE topic = 'AccessRecorded'")
    assert any(b"papers_exported" in bytes(state) for (state,) in accesses)


async def test_a_population_that_was_tampered_with_is_not_reproduced(web: Web) -> None:
    await archive(web.audit, paid_history(10).end())
    await web.draw(uuid4())
    with web.audit.store.connect() as connection:
        connection.execute("DELETE FROM audit_archive WHERE source = 'settlement' AND position = 3")
    assert (await web.get(f"/samples/{UUID(int=7)}/proof")).json()["reproduced"] is False
    assert (await web.get(f"/samples/{uuid4()}/proof")).status_code == 404


async def test_another_region_has_another_population(web: Web) -> None:
    await archive(web.audit, paid_history(3).end())
    assert (await web.draw(uuid4(), region="31")).json()["events"][0]["population"] == 3
    assert (await web.draw(uuid4(), region="330421", sample_id=str(uuid4()))).json()["events"][0]["population"] == 0
