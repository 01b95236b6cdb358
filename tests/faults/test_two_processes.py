"""Two processes of one service race for one budget."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from services.demo.casebook import Case, casebook
from services.demo.cast import FIRST_DAY, REGIONS, digest
from services.demo.client import Client, Refused
from services.demo.opening import OPERATOR, list_laboratories, register_companies, set_up_regions, together
from services.demo.stage import Stage
from shared.runtime.local_postgres import DatabaseServer
from shared.runtime.local_program import free_port
from tests.processes import Platform, Process, answers, eventually, running

CASES = 24
BUDGET_OF = 9


def rivals() -> list[Case]:
    """Cases of one region and one price, more than its budget carries."""
    maanshan = REGIONS[3]
    chosen = [case for case in casebook(400, 5) if case.region is maanshan and case.kind == "ordinary"][:CASES]
    for case in chosen:
        case.mode, case.item, case.category, case.amount_fen = "tongyong", "T01", "testing", 5_000_000
    return chosen


async def acknowledged_contract(client: Client, case: Case) -> None:
    case.voucher_id = client.id("voucher", case.number)
    path = f"/voucher/v1/vouchers/{case.voucher_id}"
    provider = case.provider.uscc
    application = {"voucher_id": str(case.voucher_id), "provider_uscc": provider, "mode": case.mode, "purpose": "检测"}
    await client.post(case.enterprise.enterprise, "/voucher/v1/vouchers", application)
    line = {"line_no": 1, "item_code": case.item, "category": case.category, "description": "检测",
            "amount_fen": case.amount_fen, "tax_bp": 600}  # fmt: skip
    body = {"contract_no": case.contract_no, "signed_on": str(FIRST_DAY), "document_sha256": digest("x"), "lines": [line]}
    await client.post(case.provider.provider, f"{path}/contract", body)
    await client.post(case.enterprise.enterprise, f"{path}/contract/acknowledge", {})


async def allocate(client: Client, case: Case) -> str:
    try:
        path = f"/voucher/v1/vouchers/{case.voucher_id}/allocation"
        events = await client.post(case.region.centre("allocation"), path, {})
    except Refused as refused:
        return refused.code
    return next(event["type"] for event in events if event["type"].startswith("Allocation"))


async def test_two_processes_race_for_one_budget_and_neither_exceeds_it_nor_leaves_any(
    database_server: DatabaseServer, tmp_path: Path
) -> None:
    platform = Platform("embedded", database_server, None, tmp_path)
    port = free_port()
    environment = {**platform.process_of("voucher").environment, "TONGDUI_PORT": str(port)}
    arguments = ["run", "voucher", "--role", "api", "--bus", "embedded"]
    second = Process(arguments, environment, tmp_path / "second.log", "services.cli")
    with running(platform):
        await platform.wait_ready()
        second.start()
        try:
            await eventually(lambda: answers(f"http://127.0.0.1:{port}/readyz"), 30, "the second process ready")
            await _race(platform, f"http://127.0.0.1:{port}")
        finally:
            second.stop()


async def _race(platform: Platform, second_url: str) -> None:
    cases = rivals()
    one = Client(Stage(platform.urls, platform.settings), 1)
    two = Client(Stage({**platform.urls, "voucher": second_url}, platform.settings), 1)
    await one.post(OPERATOR, "/registry/v1/days", {"date": str(FIRST_DAY)})
    await set_up_regions(one, cases[:BUDGET_OF])
    await list_laboratories(one)
    await register_companies(one, cases)
    for day in range(1, 8):
        await one.quiet()
        await one.post(OPERATOR, "/registry/v1/days", {"date": str(FIRST_DAY + timedelta(days=day))})
    await one.quiet()
    await together([acknowledged_contract(one, case) for case in cases])
    answers = await asyncio.gather(*(allocate((one, two)[n % 2], case) for n, case in enumerate(cases)))
    assert answers.count("AllocationConfirmed") == BUDGET_OF
    assert answers.count("AllocationRefused") == CASES - BUDGET_OF
    await one.close()
    await two.close()
