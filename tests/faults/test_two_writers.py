"""Two processes of one service, killed again and again, are as one: every history could have happened one at a time."""

from __future__ import annotations

import os
from pathlib import Path

from shared.runtime.local_postgres import DatabaseServer
from tests.faults.two_writers import COMPANIES, raced
from tests.faults.verdict import verdict
from tests.faults.workload import Acknowledged

SECONDS = float(os.environ.get("TONGDUI_FAULTS_RACE_SECONDS", "15"))


async def test_64_callers_over_two_killed_writers_see_one_order_and_every_limit_can_be_used_to_the_fen(
    database_server: DatabaseServer, tmp_path: Path
) -> None:
    async with raced(SECONDS, 1, database_server, tmp_path) as result:
        race = result.race
        assert race.kills >= 2 and len(race.years) == COMPANIES
        assert any(not one.answered for history in race.years.values() for one in history), "nothing was short"
        assert any(not one.answered for history in race.lines.values() for one in history), "no line was wanted twice"
        assert race.judge() == []
        assert result.unusable == []
        acknowledged = [Acknowledged("voucher", key, position, ids, 0, 0) for key, position, ids in race.acknowledged]
        found = verdict(result.databases, acknowledged)
        assert found.clean, found
        print(f"{len(acknowledged)} acknowledged, {race.kills} kills, {sum(map(len, race.years.values()))} holds and releases")
