"""A treasury's list goes out as XLSX and its results come back on the same workbook, through the running service."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader
from tongdui_events.audit import InspectionClosed
from tongdui_events.document import Event
from tongdui_events.payments import PayoutScheduled
from tongdui_events.registry import ProviderReinstated
from tongdui_events.settlement import PublicityPassed
from tongdui_events.streams import provider_id

from services.settlement.domain.redemption import payout_id
from services.settlement.papers.results import XLSX
from shared.runtime.settings import Settings
from tests.integration.people_world import (
    DAY,
    INSPECTION,
    LABORATORY,
    NOTICE,
    REDEMPTION,
    REGION,
    VOUCHER,
    People,
    Record,
    an_id,
    people,
    told,
)

PAYOUT, BATCH, PAID = payout_id(REDEMPTION, NOTICE), an_id(91), 3_000_000
NUMBER = "6222000000000173"


def scheduled() -> list[tuple[UUID, Event]]:
    about = {"redemption_id": REDEMPTION, "voucher_id": VOUCHER, "region": REGION, "payee_uscc": LABORATORY}
    return [
        (REDEMPTION, told(PublicityPassed, redemption_id=REDEMPTION, notice_id=NOTICE)),
        (PAYOUT, told(PayoutScheduled, payout_id=PAYOUT, **about, amount_fen=PAID, offset_fen=0, offset_clawback_id=None,
                      channel="treasury")),
    ]  # fmt: skip


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[People]:
    async with AsyncExitStack() as stack:
        world = await people(database_url, Settings(state_dir=tmp_path, database_url=database_url, clock="simulated"), stack)
        closed = told(InspectionClosed, inspection_id=INSPECTION, recommendation="none")
        reinstated = told(ProviderReinstated, uscc=LABORATORY)
        chapters = {
            "audit": [(INSPECTION, closed)], "registry": [(provider_id(LABORATORY), reinstated)], "settlement": scheduled(),
        }  # fmt: skip
        for service, chapter in chapters.items():
            Record.history[f"{service}_then"] = chapter
            await world.record(service, f"{service}_then")
        yield world


def officer(world: People, sub: str) -> dict[str, str]:
    return world.bearer(sub, "regional_officer", {"region": REGION})


async def posted(world: People, headers: dict[str, str], path: str, body: Any) -> list[str]:
    answer = await world.call("POST", f"/settlement/v1{path}", headers, body)
    assert answer.status_code == 200, answer.text
    return [event["type"] for event in answer.json()["events"]]


async def test_a_released_list_is_read_filled_and_handed_in_by_another_person(world: People) -> None:
    laboratory = world.bearer("laboratory", "provider", {"uscc": LABORATORY})
    await posted(world, laboratory, f"/accounts/{LABORATORY}", {"account_number": NUMBER, "bank_code": "102290002916"})
    await posted(world, officer(world, "clerk"), f"/accounts/{LABORATORY}/confirm", {"region": REGION})
    opened = {"batch_id": str(BATCH), "payer": REGION, "channel": "treasury"}
    await posted(world, officer(world, "clerk"), "/batches", opened)
    release = {"payout_ids": [str(PAYOUT)]}
    assert await posted(world, officer(world, "payer"), f"/batches/{BATCH}/release", release) == [
        "BatchReleased", "PayoutInstructed",
    ]  # fmt: skip
    await world.rest()
    await signed_on_paper(world)
    listed = await world.call("GET", f"/settlement/v1/batches/{BATCH}/list", officer(world, "payer"))
    assert (listed.status_code, listed.headers["content-type"]) == (200, XLSX)
    book = load_workbook(io.BytesIO(listed.content))
    line = [cell.value for cell in book["拨付汇总表"][4]]
    assert line[4:7] == [NUMBER, "30,000.00", "叁万元整"]
    sheet = book["结果回填"]
    for column, value in (("C2", "成功"), ("D2", str(DAY)), ("E2", "国库0001")):
        sheet[column] = value
    filled = io.BytesIO()
    book.save(filled)
    own = await handed_in(world, "payer", filled.getvalue())
    assert own.status_code == 409 and own.json()["code"] == "result_line_wrong"
    done = await handed_in(world, "recorder", filled.getvalue())
    told = [event["type"] for event in done.json()["events"]]
    assert told == ["BatchAnswered", "PayoutSettled", "RedemptionSettled", "BatchReconciled"]
    await world.rest()
    row = (await world.call("GET", f"/settlement/v1/payouts/{PAYOUT}", officer(world, "recorder"))).json()
    assert (row["state"], row["reference"]) == ("settled", "国库0001")


async def handed_in(world: People, sub: str, body: bytes) -> Any:
    headers = {**officer(world, sub), "Content-Type": XLSX}
    return await world.call("POST", f"/settlement/v1/batches/{BATCH}/results", headers, body)


async def signed_on_paper(world: People) -> None:
    """The same list as PDF: full account number, sum in words, a code."""
    paper = await world.call("GET", f"/settlement/v1/batches/{BATCH}/list?format=pdf", officer(world, "payer"))
    assert (paper.status_code, paper.headers["content-type"]) == (200, "application/pdf")
    said = PdfReader(io.BytesIO(paper.content)).pages[0].extract_text()
    assert all(part in said for part in (NUMBER, "30,000.00", "叁万元整", "验证码"))
