"""A relay of the registry alone, to be stopped or killed: ``python -m tests.integration.relay_process``.

The settings and the failpoint come from the environment.
"""

from __future__ import annotations

import asyncio

from shared.runtime.bus import bus_of
from shared.runtime.relay import Relay
from shared.runtime.settings import Settings
from shared.runtime.store import Store
from tests.integration.line import Member, Party


async def _relay() -> None:
    settings = Settings()
    member = Member(Party("registry"), Store(settings.database_url, "registry"))
    await Relay(member.store, "registry", bus_of(settings).publisher(member), settings).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(_relay())
