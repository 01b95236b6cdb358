"""A whole pilot in which everybody else tries every act first: nobody of another role, region or organisation gets in."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from services.demo.bank import ENVIRONMENT, bank_of_the_agent
from services.demo.cast import generated_uscc
from services.demo.client import Client, Person, Refused
from services.demo.pilot import Pilot
from services.demo.stage import OwnStage
from services.demo.supervision import Supervision
from services.people import ROLES, entries
from shared.runtime.local_postgres import DatabaseServer
from tests.processes import Platform, running

ELSEWHERE = "330421"
PATHS = [(entry, re.compile(re.sub(r"\{[a-z0-9_]+\}", "[^/]+", entry.path) + "$")) for entry in entries()]


#: where anybody of the role may: an application is the applicant's own, the year's list is one for all provinces
ANYBODY_OF_THE_ROLE = {"POST /voucher/v1/vouchers", "POST /registry/v1/catalogues"}


class Prying(Client):
    """Before every act of the pilot everybody else tries the same act; all must be turned away."""

    def __init__(self, stage: OwnStage, seed: int) -> None:
        super().__init__(stage, seed)
        self.tried: Counter[str] = Counter()
        self.let_in: list[str] = []

    async def post(self, person: Person | None, path: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        entry = next((entry for entry, pattern in PATHS if entry.method == "POST" and pattern.match(path)), None)
        if entry is not None and person is not None and "public" not in entry.scopes:
            for intruder in self._intruders(person, entry.scopes, f"POST {entry.path}"):
                await self._try(intruder, path, body)
        return await super().post(person, path, body)

    async def _try(self, intruder: Person, path: str, body: Mapping[str, Any]) -> None:
        self.tried[intruder.role] += 1
        try:
            await super().post(intruder, path, body)
        except Refused as refused:
            if refused.problem.get("status") in (403, 404):
                return
            self.let_in.append(f"{intruder.role} at {path}: {refused.problem.get('status')} {refused.code}")
        else:
            self.let_in.append(f"{intruder.role} at {path}: done")

    @staticmethod
    def _intruders(person: Person, roles: Mapping[str, str], route: str) -> list[Person]:
        """Everybody of a role that is not named; and of the same role, somebody of elsewhere."""
        strangers = [
            Person("intruder", "enterprise", uscc=generated_uscc("330421", 888_001)),
            Person("intruder", "provider", uscc=generated_uscc("330421", 888_002)),
            Person("intruder", "centre", member_of=uuid4()),
            Person("intruder", "regional_officer", region=ELSEWHERE if person.region != ELSEWHERE else "310118"),
            Person("intruder", "provincial_officer", region="33" if person.region != "33" else "31"),
            Person("intruder", "agent", member_of=uuid4()),
            Person("intruder", "auditor"),
            Person("intruder", "operator"),
        ]
        return [
            one for one in strangers
            if one.role not in roles or (one.role == person.role and one.role != "operator" and route not in ANYBODY_OF_THE_ROLE)
        ]  # fmt: skip


async def test_in_a_whole_pilot_nobody_of_elsewhere_can_do_what_another_does(
    database_server: DatabaseServer, tmp_path: Path
) -> None:
    settings = {"TONGDUI_ENVIRONMENT": "development", **ENVIRONMENT}
    platform = Platform("embedded", database_server, None, tmp_path, settings=settings)
    with running(platform):
        await platform.wait_ready(60)
        place = OwnStage(platform.urls, platform.settings, {**os.environ, "TONGDUI_STATE_DIR": str(tmp_path)}, tmp_path)
        client = Prying(place, 7)
        with bank_of_the_agent(place) as bank:
            await bank.open()
            pilot = Pilot(place, bank, 20, 7, client)
            auditors = Client(place, 7)
            pilot.supervision = Supervision(auditors, pilot.cases, lambda: pilot.date)
            await pilot.play()
            await auditors.close()
            await bank.close()
        assert client.let_in == []
        assert set(client.tried) == set(ROLES) - {"public"} and min(client.tried.values()) > 50
        await client.close()
        with psycopg.connect(platform.databases["voucher"]) as connection:
            recorded = connection.execute("SELECT count(*) FROM voucher_events WHERE topic = 'AccessRecorded'").fetchone()
        assert recorded[0] > 100, "who is turned away is on record"
