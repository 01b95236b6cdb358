"""As-of, why, diff and causes of a case from the archive, over a real PostgreSQL."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from tongdui_events.codec import decode_stamp

from shared.runtime.bus.port import Record
from shared.runtime.tokens import issue
from shared.runtime.web import build_app
from tests.integration.test_audit import Audit
from tests.unit.signal_history import CAP_FEN, FIRST, SignalHistory, uscc

CASE = UUID(int=1)
LAB = uscc(901)


def small_history() -> SignalHistory:
    """One case over three days, another beside it."""
    history = SignalHistory()
    history.register(uscc(1), FIRST - timedelta(days=400))
    history.allocate(1, uscc(1), LAB, CAP_FEN // 2)
    history.allocate(2, uscc(2), LAB, CAP_FEN // 4)
    history.end()
    history.request(1, LAB, ["25310000000000000001"], [("result", "r")])
    history.end()
    history.approve(1, "reviewer", "approver")
    return history


class Reader:
    def __init__(self, audit: Audit) -> None:
        self.audit = audit
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=build_app(audit)), base_url="http://audit")

    async def get(self, path: str, role: str = "auditor", status: int = 200, **query: Any) -> Any:
        claims = {"uscc": query.pop("uscc")} if "uscc" in query else {}
        token = issue(self.audit.settings, "somebody", role, **claims)
        answer = await self.http.get(f"/audit/v1{path}", params=query, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status, answer.text
        return answer.text if answer.headers["content-type"].startswith("image") else answer.json()


@pytest.fixture
async def reader(database_url: str, tmp_path: Path) -> AsyncIterator[Reader]:
    audit = Audit(database_url, tmp_path)
    audit.writer.start()
    reader = Reader(audit)
    yield reader
    await reader.http.aclose()
    audit.writer.stop()
    audit.projections.close()
    audit.store.close()


@pytest.fixture
async def history(reader: Reader) -> SignalHistory:
    history = small_history()
    for source in ("registry", "voucher", "settlement"):
        records = [Record(one.position, b"k", one.state, one.type) for one in history.records[source]]
        await reader.audit.deliver(source, records)
    return history


def of_case(history: SignalHistory) -> list[tuple[str, int, Any]]:
    """(source, position, stamp) of the case's events, from the records themselves."""
    stamped = [
        (one.source, one.position, decode_stamp(one.state)) for records in history.records.values() for one in records
    ]
    return [found for found in stamped if found[2].case_id == CASE]


def places(answer: dict[str, Any]) -> set[tuple[str, int]]:
    return {(event["source"], event["position"]) for event in answer["events"]}


async def test_as_of_100_random_positions_equals_a_reading_from_the_first(reader: Reader, history: SignalHistory) -> None:
    chance = random.Random(1)
    for _ in range(100):
        at = {source: chance.randint(1, len(history.records[source])) for source in ("voucher", "settlement")}
        wanted = {(source, position) for source, position, _ in of_case(history) if position <= at.get(source, 0)}
        text = ",".join(f"{source}:{position}" for source, position in at.items())
        answer = await reader.get(f"/cases/{CASE}", at=text, status=200 if wanted else 404)
        assert not wanted or places(answer) == wanted


async def test_as_of_a_business_day_is_what_counts_for_it(reader: Reader, history: SignalHistory) -> None:
    for days in range(3):
        day = FIRST + timedelta(days=days)
        answer = await reader.get(f"/cases/{CASE}", business_on=str(day))
        assert places(answer) == {(s, p) for s, p, stamp in of_case(history) if stamp.business_day <= day}
    await reader.get(f"/cases/{CASE}", business_on=str(FIRST - timedelta(days=1)), status=404)
    await reader.get(f"/cases/{CASE}", business_on="yesterday", status=422)
    await reader.get(f"/cases/{CASE}", at="nowhere:1", status=422)


async def test_why_gives_the_terms_in_force_and_the_steps(reader: Reader, history: SignalHistory) -> None:
    found = (await reader.get(f"/cases/{CASE}/why"))["decisions"]
    assert [one["decision"]["type"] for one in found] == [
        "VoucherIssued", "AllocationConfirmed", "RedemptionReviewed", "RedemptionApproved"]
    allocation = found[1]
    assert allocation["stated"]["steps"][0] == {"rule": "sum", "fen": CAP_FEN // 2}
    assert allocation["policy"] is None, "these stamps have seen nothing"
    assert {one["type"] for one in allocation["not_seen"]} == {"PolicyAdopted", "EnterpriseRegistered"}


async def test_diff_shows_what_changed_between_two_positions(reader: Reader, history: SignalHistory) -> None:
    last = len(history.records["voucher"])
    answer = await reader.get(f"/cases/{CASE}/diff", before=f"voucher:{last}", after=f"voucher:{last},settlement:1000")
    changed = {one["member"]: (one["before"], one["after"]) for one in answer["changed"]}
    assert changed["approved_fen"] == (None, 1) and changed["redemption_stage"] == (None, "RedemptionApproved")
    assert "allocation_fen" not in changed
    assert [one["type"] for one in answer["events"]] == ["RedemptionRequested", "RedemptionReviewed", "RedemptionApproved"]
    assert answer["gone"] == []


async def test_causes_are_data_and_a_drawing(reader: Reader, history: SignalHistory) -> None:
    answer = await reader.get(f"/cases/{CASE}/causes")
    assert len(answer["edges"]) == len(of_case(history))
    assert "<svg" in await reader.get(f"/cases/{CASE}/causes.svg")


async def test_a_party_a_region_and_any_stream_are_read_as_of_a_moment(reader: Reader, history: SignalHistory) -> None:
    registered = await reader.get(f"/streams/enterprise/{uscc(1)}", business_on=str(FIRST))
    assert [event["event"]["type"] for event in registered["events"]] == ["EnterpriseRegistered"]
    region = await reader.get("/streams/region/310118")
    assert [event["event"]["type"] for event in region["events"]] == ["PolicyAdopted"]
    await reader.get("/streams/region/310118", at="registry:1", status=404)
    assert len((await reader.get(f"/streams/stream/{CASE}"))["events"]) == 4
    for path in (f"/streams/stream/{uuid4()}", "/streams/stream/x", "/streams/catalogue/x"):
        await reader.get(path, status=404)
    await reader.get("/streams/nothing/x", status=422)


async def test_replay_is_for_those_who_may_read_the_case_and_is_recorded(reader: Reader, history: SignalHistory) -> None:
    for part in ("why", "causes", "causes.svg"):
        await reader.get(f"/cases/{CASE}/{part}", "enterprise", uscc=uscc(1))
        await reader.get(f"/cases/{CASE}/{part}", "enterprise", 404, uscc=uscc(2))
    await reader.get(f"/cases/{CASE}/why", purpose="supervision")
    await reader.get("/streams/region/310118", "enterprise", 403, uscc=uscc(1))
    accesses = [bytes(state) for (state,) in reader.audit.rows("SELECT state FROM audit_events WHERE topic = 'AccessRecorded'")]
    assert sum(b'"case_refused"' in one for one in accesses) == 3
    assert any(b'"case_explained"' in one and b'"supervision"' in one for one in accesses)
