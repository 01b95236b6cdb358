"""An orderly end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from services.demo.cast import FIRST_DAY
from services.demo.client import Client
from services.demo.opening import OPERATOR
from services.demo.stage import Stage
from shared.runtime.local_postgres import DatabaseServer
from tests.processes import Platform, running


async def test_sigterm_finishes_what_was_accepted_and_exits_0(bus: Any, database_server: DatabaseServer, tmp_path: Path) -> None:
    platform = Platform(bus.name, database_server, bus.bootstrap_servers, tmp_path)
    with running(platform):
        await platform.wait_ready()
        client = Client(Stage(platform.urls, platform.settings), 1)
        await client.post(OPERATOR, "/registry/v1/days", {"date": str(FIRST_DAY)})
        await client.close()
        assert platform.stop() == [0] * len(platform.processes)
