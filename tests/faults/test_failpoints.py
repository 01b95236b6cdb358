"""A real process dies at a named line, is started again, and nothing acknowledged is lost or doubled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import httpx
import psycopg
import pytest

from shared.runtime.local_postgres import DatabaseServer
from tests.processes import Platform, eventually, running

NAMESPACE = UUID("5b0d6c1e-0b5e-5f0a-8f3d-6f8f3d0a9c11")
FIRST = date(2025, 3, 3)
DAYS = 12
REGIONS = {"310118": ("31", "310118"), "320509": ("32", "320509"), "330421": ("33", "330421"), "340500": ("34", "3405")}
LINES = [
    ("registry", "writer.before_commit:kill:5"),
    ("registry", "writer.unknown_commit:kill:5"),
    ("registry", "writer.after_commit:kill:5"),
    ("registry", "relay.after_ack:kill:1"),
    ("registry", "relay.between_batches:kill:1"),
    ("voucher", "inbox.after_effects:kill:1"),
    ("voucher", "projection.before_commit:kill:1"),
]


@pytest.fixture
def platform(bus: Any, database_server: DatabaseServer, tmp_path: Path) -> Iterator[Platform]:
    yield Platform(bus.name, database_server, bus.bootstrap_servers, tmp_path)


async def acknowledged(platform: Platform, role: str, path: str, body: dict[str, Any], **claims: Any) -> int:
    """The position of a command's last event, asked for under one id until somebody answers."""
    headers = {
        "Authorization": f"Bearer {platform.token(role, **claims)}",
        "Idempotency-Key": str(uuid5(NAMESPACE, f"{path}{body}")),
    }
    async with httpx.AsyncClient(timeout=10) as client:
        while True:
            try:
                answer = await client.post(platform.urls["registry"] + path, json=body, headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code != 503:
                assert answer.status_code == 200, answer.text
                return answer.json()["position"]
            await asyncio.sleep(0.05)


async def work(platform: Platform) -> list[int]:
    """Twelve days and four regions, each acknowledged before the next is asked for."""
    await platform.wait_ready(60)
    positions = []
    for number in range(DAYS):
        day = {"date": str(FIRST + timedelta(days=number))}
        positions.append(await acknowledged(platform, "operator", "/registry/v1/days", day))
        if number < len(REGIONS):
            region, (province, prefix) = list(REGIONS.items())[number]
            joined = {"region": region, "name": "示例区", "prefixes": [prefix], "joins_on": str(FIRST)}
            positions.append(
                await acknowledged(platform, "provincial_officer", "/registry/v1/regions", joined, region=province)
            )
    return positions


async def bring_back(platform: Platform, service: str) -> None:
    """Start the process again, unharmed, once it has died."""
    process = platform.process_of(service)

    async def died() -> bool:
        return process.is_dead

    await eventually(died, 60, f"{service} dead (see {platform.directory})")
    process.start()


def rows(platform: Platform, service: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(platform.databases[service]) as connection:
        return connection.execute(statement).fetchall()


def found_wrong(platform: Platform, positions: list[int]) -> list[str]:
    """What was lost or doubled, in words."""
    wrong = []
    log = rows(platform, "registry", "SELECT notification_id, state FROM registry_events ORDER BY notification_id")
    if [position for position, _ in log] != list(range(1, len(log) + 1)):
        wrong.append("the registry's positions are not dense")
    if sorted(set(positions)) != sorted(positions) or max(positions) > len(log):
        wrong.append("an acknowledged command is lost, or two have one position")
    opened = rows(platform, "registry", "SELECT count(*) FROM registry_events WHERE topic = 'DayOpened'")[0][0]
    if opened != DAYS:
        wrong.append(f"{opened} days were opened")
    for service in ("voucher", "settlement", "audit"):
        reached = rows(platform, service, f"SELECT count(*) FROM {service}_events WHERE topic = 'DayReached'")[0][0]
        if reached != DAYS:
            wrong.append(f"{service} reached {reached} days")
    archived = rows(
        platform, "audit", "SELECT position, state FROM audit_archive WHERE source = 'registry' ORDER BY position"
    )
    if [(p, bytes(s)) for p, s in archived] != [(p, bytes(s)) for p, s in log]:
        wrong.append("the archive is not the log, byte for byte")
    twice = "SELECT source, position FROM voucher_facts GROUP BY source, position HAVING count(*) > 1"
    kept = rows(platform, "voucher", twice)
    if kept:
        wrong.append(f"voucher kept facts twice: {kept}")
    return wrong


@pytest.mark.parametrize(("service", "line"), LINES, ids=[line for _, line in LINES])
async def test_a_process_killed_at_a_named_line_loses_and_doubles_nothing(
    platform: Platform, service: str, line: str
) -> None:
    process = platform.process_of(service)
    for other in platform.processes.values():
        other.start(**({"TONGDUI_FAILPOINT": line} if other is process else {}))
    try:
        positions, _ = await asyncio.gather(work(platform), bring_back(platform, service))
        await platform.wait_quiet()
        assert found_wrong(platform, positions) == []
    finally:
        platform.stop()


async def test_sigterm_finishes_what_was_accepted_and_exits_0(platform: Platform) -> None:
    with running(platform):
        await platform.wait_ready()
        await acknowledged(platform, "operator", "/registry/v1/days", {"date": str(FIRST)})
        assert platform.stop() == [0] * len(platform.processes)
