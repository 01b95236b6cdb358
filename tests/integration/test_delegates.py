"""A delegate over HTTP: what the registry recorded is obeyed by another service, for its scope and its time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.runtime.settings import Settings
from tests.integration import people_world as pilot
from tests.integration.people_world import People, people

HOLD = f"/settlement/v1/payouts/{pilot.PAYOUT}/cancel"
DELEGATION = str(pilot.delegation_of("regional_officer"))


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[People]:
    async with AsyncExitStack() as stack:
        settings = Settings(state_dir=tmp_path, database_url=database_url, clock="simulated")
        yield await people(database_url, settings, stack)


async def asked(world: People, sub: str, delegation: str | None, method: str = "POST", path: str = HOLD) -> httpx.Response:
    headers = world.bearer(sub, "regional_officer", {"region": pilot.ELSEWHERE})
    if delegation is not None:
        headers["On-Behalf-Of"] = delegation
    return await world.call(method, path, headers, {"reason": "look"} if method == "POST" else None)


def outcome(answer: httpx.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json().get("code")


async def test_a_delegation_is_obeyed_in_its_scope_until_it_is_ended(world: People) -> None:
    assert outcome(await asked(world, "deputy", None)) == (403, "not_yours")
    assert outcome(await asked(world, "somebody", DELEGATION)) == (403, "delegation_not_in_force")
    assert outcome(await asked(world, "deputy", "no id")) == (403, "delegation_not_in_force")
    elsewhere = f"/voucher/v1/vouchers/{pilot.VOUCHER}/void"
    assert outcome(await asked(world, "deputy", DELEGATION, path=elsewhere)) == (403, "delegation_not_in_force")
    admitted = await asked(world, "deputy", DELEGATION)
    assert admitted.status_code not in (401, 403), admitted.text
    read = await asked(world, "deputy", DELEGATION, "GET", f"/settlement/v1/redemptions/{pilot.REDEMPTION}")
    assert read.status_code == 200, read.text

    chief = world.bearer("inside-regional_officer", "regional_officer", {"region": pilot.REGION})
    ended = await world.call("POST", f"/registry/v1/delegations/{DELEGATION}/end", chief, {})
    assert ended.status_code == 200, ended.text
    await world.rest()
    assert outcome(await asked(world, "deputy", DELEGATION)) == (403, "delegation_not_in_force")


async def test_what_a_delegate_did_names_both_persons(world: People) -> None:
    headers = world.bearer("deputy", "regional_officer", {"region": pilot.ELSEWHERE}) | {"On-Behalf-Of": DELEGATION}
    answer = await world.call("POST", f"/settlement/v1/redemptions/{pilot.REDEMPTION}/recusals", headers, {"reason": "relative"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["events"][0]["actor"] == {
        "id": "deputy", "role": "regional_officer", "region": pilot.REGION, "on_behalf_of": "inside-regional_officer",
    }  # fmt: skip
