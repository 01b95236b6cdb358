"""A relay's signed checkpoints reach who compares them, on each bus."""

from __future__ import annotations

from typing import Any

from shared.runtime.checkpoints import verifier_of, verify
from tests.integration.line import Line, Member, Party, running, until


async def test_what_a_relay_signs_is_read_from_the_bus(bus: Any, database_url: str, tmp_path: Any) -> None:
    settings = bus.settings(state_dir=tmp_path, checkpoint_every_events=50, checkpoint_every_seconds=0.2)
    line = Line(database_url, settings)
    notes = line.bus.notes(Member(Party("voucher", ("registry",)), line.voucher_store))
    line.record(120)
    heard: list[int] = []

    async def heard_of_all() -> bool:
        for source, note in await notes.read():
            if source == "registry":
                heard.append(verify(note, verifier_of(settings, "registry")).size)
        return 120 in heard

    async with running(line.relay()):
        await until(heard_of_all, within=40)
    await notes.close()
    line.close()
