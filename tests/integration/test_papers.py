"""Papers through the running service: who reads them, what they say, and what becomes of their codes."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook
from pypdf import PdfReader
from tongdui_events.common import NoticeItemDropped
from tongdui_events.settlement import ClawbackCancelled, RedemptionResubmitted

from services.settlement.papers.facts import GATHERED, statement_facts
from services.settlement.papers.reading import Reading
from services.settlement.papers.samples import SAMPLES
from shared.runtime.settings import Settings
from tests.integration.people_world import (
    CLAWBACK,
    COMPANYS_CLAWBACK,
    INSIDE,
    NOTICE,
    OUTSIDE,
    REDEMPTION,
    REGION,
    VOUCHER,
    WINDOW,
    People,
    Record,
    an_id,
    people,
    told,
)

REQUEST = f"/redemptions/{REDEMPTION}/papers/request"
LETTER = f"/clawbacks/{COMPANYS_CLAWBACK}/letter"
ATTACHMENT = f"/notices/{NOTICE}/attachment"
STATEMENT = f"/windows/{WINDOW}/statements/{REGION}?format=pdf"


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[People]:
    async with AsyncExitStack() as stack:
        yield await people(database_url, Settings(state_dir=tmp_path, database_url=database_url, clock="simulated"), stack)


async def get(world: People, path: str, role: str | None = "regional_officer", side: Any = INSIDE) -> httpx.Response:
    headers = world.bearer(f"reader-{role}", role, side[role]) if role else {}
    return await world.call("GET", f"/settlement/v1{path}", headers)


def text_of(answer: httpx.Response) -> str:
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf"), answer.text
    said = "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
    return re.sub(r"\s", "", said)


def code_in(text: str) -> str:
    return re.findall(r"验证码:((?:[A-Z2-7]{4}-){4}[A-Z2-7]{4})", text)[0]


async def test_a_paper_says_what_the_log_says_and_its_code_is_verified_until_the_case_changes(world: People) -> None:
    request = await get(world, REQUEST)
    text = text_of(request)
    for sentence in ("科技创新券兑付申请表", str(VOUCHER), "通兑模式", "30,000.00元(大写:叁万元整)"):
        assert sentence in text
    assert (await get(world, REQUEST, "provider")).content == request.content
    code = code_in(text)
    said = (await get(world, f"/papers/{code.lower().replace('-', ' ')}", None)).json()
    digest = hashlib.sha256(request.content).hexdigest()
    assert (said["code"], said["kind"], said["number"]) == (code, "request", str(REDEMPTION))
    assert (said["sum_fen"], said["pdf_sha256"], said["current"]) == (3_000_000, digest, True)
    mended_to = {"submitted_by": "provider", "claimed_fen": 2_000_000}
    again = told(RedemptionResubmitted, redemption_id=REDEMPTION, voucher_id=VOUCHER, **mended_to)
    Record.history["again"] = [(REDEMPTION, again)]
    await world.record("settlement", "again")
    assert (await get(world, f"/papers/{code}", None)).json()["current"] is False
    mended = text_of(await get(world, REQUEST))
    assert "贰万元整" in mended and code_in(mended) != code


async def test_the_papers_of_a_case_are_for_those_who_may_read_it(world: People) -> None:
    for path, role in ((REQUEST, "enterprise"), (REQUEST, "centre"), (REQUEST, "auditor"), (LETTER, "enterprise"),
                       (STATEMENT, "agent"), (STATEMENT, "auditor")):  # fmt: skip
        assert text_of(await get(world, path, role))
        if role in OUTSIDE:
            assert (await get(world, path, role, OUTSIDE)).status_code == 404
    with world.runtimes["settlement"].store.connect() as connection:
        rows = connection.execute("SELECT state FROM settlement_events WHERE topic = 'AccessRecorded'").fetchall()
    recorded = "".join(bytes(state).decode() for (state,) in rows)
    assert f"settlement/redemptions/{REDEMPTION}/request" in recorded and f"window/{WINDOW}" in recorded
    assert (await get(world, LETTER, "provider")).status_code == 404
    assert (await get(world, REQUEST, "agent")).status_code == 403
    assert (await get(world, REQUEST, None)).status_code == 401


async def test_decision_undertaking_letter_and_statement_say_grounds_sums_and_who_signs(world: People) -> None:
    decision = text_of(await get(world, f"/redemptions/{REDEMPTION}/papers/decision"))
    assert "同意兑付" in decision and "叁万元整" in decision
    undertaking = text_of(await get(world, f"/redemptions/{REDEMPTION}/papers/undertaking"))
    assert "现郑重承诺" in undertaking and "承诺单位(盖章)" in undertaking
    assert code_in(decision) != code_in(undertaking)
    letter = text_of(await get(world, LETTER))
    assert "追回通知书" in letter and "大写" in letter and "追回事由" in letter
    proposed = await get(world, f"/clawbacks/{CLAWBACK}/letter")
    assert (proposed.status_code, proposed.json()["code"]) == (409, "paper_not_yet")
    assert "尚未决定追回" in proposed.json()["zh"]
    statement = text_of(await get(world, STATEMENT))
    assert "本期应付0.02贰分" in statement and "尚缺资金0.02贰分" in statement
    Record.history["cancelled"] = [(COMPANYS_CLAWBACK, told(ClawbackCancelled, clawback_id=COMPANYS_CLAWBACK))]
    await world.record("settlement", "cancelled")
    assert (await get(world, f"/papers/{code_in(letter)}", None)).json()["current"] is False
    assert "追回已撤销" in (await get(world, LETTER)).json()["zh"]
    assert (await get(world, f"/papers/{code_in(statement)}", None)).json()["current"] is True


async def test_what_a_template_is_tried_with_is_what_papers_are_made_of(world: People) -> None:
    subjects = {"request": REDEMPTION, "undertaking": REDEMPTION, "decision": REDEMPTION, "letter": COMPANYS_CLAWBACK,
                "attachment": NOTICE}  # fmt: skip
    with world.runtimes["settlement"].projections.connection() as connection:
        reading = Reading(connection)
        made = {kind: GATHERED[kind](reading, subject) for kind, subject in subjects.items()}
        made["statement"] = statement_facts(reading, WINDOW, REGION)
    for kind, facts in made.items():
        assert facts.members.keys() == SAMPLES[kind].keys(), kind
        for name, value in facts.members.items():
            if isinstance(value, list) and value and isinstance(value[0], dict):
                assert value[0].keys() == SAMPLES[kind][name][0].keys(), (kind, name)


async def test_anybody_reads_a_notices_attachment_as_pdf_and_xlsx_under_one_code(world: People) -> None:
    pdf = text_of(await get(world, ATTACHMENT, None))
    assert "甲/乙" in pdf and "30,000.00" in pdf and str(REDEMPTION) in pdf
    sheet = load_workbook(io.BytesIO((await get(world, f"{ATTACHMENT}?format=xlsx", None)).content)).active
    cells = [cell for row in sheet.iter_rows(values_only=True) for cell in row]
    assert "甲 / 乙" in cells and "叁万元整" in cells and code_in(pdf) in cells
    Record.history["dropped"] = [(NOTICE, told(NoticeItemDropped, notice_id=NOTICE, item_id=REDEMPTION))]
    await world.record("settlement", "dropped")
    assert "已撤下" in text_of(await get(world, ATTACHMENT, None))
    assert (await get(world, f"/papers/{code_in(pdf)}", None)).json()["current"] is False
    assert (await get(world, f"/notices/{an_id(77)}/attachment", None)).status_code == 404


async def test_an_unknown_code_is_not_there_and_an_unknown_paper_or_format_is_told_which_there_are(world: People) -> None:
    for code in ("AAAA-AAAA-AAAA-AAAA-AAAA", "x", "' OR 1=1", "AAAA" * 100):
        answer = await get(world, f"/papers/{code}", None)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    unknown = await get(world, f"/redemptions/{REDEMPTION}/papers/poem")
    assert unknown.status_code == 422 and "undertaking" in unknown.text
    other = await get(world, f"{ATTACHMENT}?format=docx", None)
    assert other.status_code == 422 and "'pdf' or 'xlsx'" in other.json()["errors"][0]["detail"]
