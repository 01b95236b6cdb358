"""``tongdui audit`` as an auditor and a witness run it, against a running platform: what it says and its exit codes."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from shared.runtime.checkpoints import Checkpoint, signer_of
from shared.runtime.local_postgres import DatabaseServer
from shared.runtime.settings import Settings
from tests.processes import Platform, eventually, running

SOUND, FOUND, UNCHECKED = 0, 1, 2
FIRST = date(2025, 3, 3)


class Auditor:
    """Runs the command against one platform, with its own folder."""

    def __init__(self, platform: Platform, folder: Path) -> None:
        self.platform = platform
        self.folder = folder
        self.database = platform.databases["audit"]
        self.url = platform.urls["audit"]
        self.environment = platform.process_of("audit").environment
        self._days = 0

    async def run(self, *arguments: str) -> tuple[int, str]:
        """(exit code, what was said)."""
        environment = {**self.environment, "TONGDUI_TOKEN": self.platform.token("auditor")}
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-m", "services.cli", "audit", *arguments], cwd=self.folder, env=environment,
            capture_output=True, text=True, timeout=120, check=False,
        )
        return done.returncode, done.stdout + done.stderr

    async def day(self) -> None:
        """Another business day: an event in every log."""
        opened = {"date": str(FIRST + timedelta(days=self._days))}
        self._days += 1
        headers = {"Authorization": f"Bearer {self.platform.token('operator')}", "Idempotency-Key": str(uuid4())}
        async with httpx.AsyncClient(timeout=20) as client:
            answer = await client.post(f"{self.platform.urls['registry']}/registry/v1/days", json=opened, headers=headers)
        assert answer.status_code == 200, answer.text
        await self.platform.wait_quiet()

    async def covered(self, source: str, size: int) -> None:
        """A checkpoint of at least that size is known."""

        async def known() -> bool:
            async with httpx.AsyncClient(timeout=5) as client:
                answer = await client.get(f"{self.url}/audit/v1/logs/{source}/checkpoint")
            return answer.status_code == 200 and int(answer.text.split("\n")[1]) >= size

        await eventually(known, 30, f"a checkpoint of {source} over {size}")

    def as_superuser(self, statement: str, *values: Any) -> None:
        with psycopg.connect(self.database) as connection:
            connection.execute("SET session_replication_role = replica")
            assert connection.execute(statement, values).rowcount == 1


@pytest.fixture
async def auditor(database_server: DatabaseServer, tmp_path: Path) -> AsyncIterator[Auditor]:
    settings = {"TONGDUI_ENVIRONMENT": "development", "TONGDUI_CHECKPOINT_EVERY_SECONDS": "0.2"}
    platform = Platform("embedded", database_server, None, tmp_path, settings=settings)
    folder = tmp_path / "auditor"
    folder.mkdir()
    with running(platform):
        await platform.wait_ready(60)
        one = Auditor(platform, folder)
        for _ in range(5):
            await one.day()
        await one.covered("registry", 5)
        await one.covered("voucher", 5)
        yield one


async def test_a_sound_archive_is_verified_and_its_proofs_are_given(auditor: Auditor) -> None:
    code, said = await auditor.run("verify")
    assert (code, "sound" in said) == (SOUND, True), said
    assert "NOT checked" in said, "what is not checked is said"
    code, said = await auditor.run("proof", "registry", "--position", "3", "--url", auditor.url)
    assert code == SOUND and said.startswith("c2sp.org/tlog-proof@v1\nindex 2\n"), said
    code, said = await auditor.run("proof", "registry", "--first", "2", "--url", auditor.url)
    assert code == SOUND and said.startswith("old 2\n"), said
    assert await auditor.run("keys", "--out", "keys.json", "--url", auditor.url) == (SOUND, "keys.json\n")
    keys = json.loads((auditor.folder / "keys.json").read_text())
    assert set(keys["logs"]) == {"registry", "voucher", "settlement", "audit"} and len(keys["checkpoints"]) == 4
    assert (await auditor.run("verify", "--keys", "keys.json"))[0] == SOUND


async def test_what_cannot_be_checked_exits_2(auditor: Auditor) -> None:
    code, said = await auditor.run("proof", "registry", "--position", "999999", "--url", auditor.url)
    assert (code, said.count("WAITING")) == (UNCHECKED, 1), said
    assert (await auditor.run("proof", "registry", "--position", "1", "--url", "http://127.0.0.1:9"))[0] == UNCHECKED
    nowhere = auditor.database.rsplit("/", 1)[0] + "/no_such_database"
    code, said = await auditor.run("verify", "--database", nowhere)
    assert code == UNCHECKED and "could not check" in said, said
    nobodys = ("bundle", str(uuid4()), "--out", "none.zip", "--purpose", "test", "--url", auditor.url)
    assert (await auditor.run(*nobodys))[0] == UNCHECKED


async def test_an_event_changed_by_the_superuser_is_found_and_its_logs_proofs_are_given_no_more(auditor: Auditor) -> None:
    auditor.as_superuser(
        "UPDATE audit_archive SET state = convert_to(replace(convert_from(state, 'UTF8'), '2025', '2024'), 'UTF8')"
        " WHERE source = 'voucher' AND position = 3"
    )
    code, said = await auditor.run("verify")
    assert code == FOUND and "voucher 3" in said, said
    assert (await auditor.run("proof", "voucher", "--position", "1", "--url", auditor.url))[0] == UNCHECKED
    assert (await auditor.run("proof", "registry", "--position", "1", "--url", auditor.url))[0] == SOUND


async def test_keys_of_another_installation_are_doubted_and_freeze_nothing(auditor: Auditor) -> None:
    await auditor.run("keys", "--out", "keys.json", "--url", auditor.url)
    path = auditor.folder / "keys.json"
    keys = json.loads(path.read_text())
    elsewhere = Settings(state_dir=auditor.folder, topic_prefix=auditor.environment["TONGDUI_TOPIC_PREFIX"])
    keys["logs"] = {service: signer_of(elsewhere, service).verifier.text for service in keys["logs"]}
    path.write_text(json.dumps(keys))
    code, said = await auditor.run("verify", "--keys", "keys.json")
    assert code == FOUND and said.count("is it this installation's?") == 4, said
    assert (await auditor.run("proof", "registry", "--position", "1", "--url", auditor.url))[0] == SOUND


async def test_a_witness_countersigns_what_continues_and_keeps_two_histories(auditor: Auditor) -> None:
    await auditor.run("keys", "--out", "keys.json", "--url", auditor.url)
    look = ("witness", "--log", f"{auditor.url}/audit/v1/logs/voucher", "--key", "region.pem", "--keys", "keys.json")
    code, said = await auditor.run(*look)
    assert code == SOUND and "(before: 0)" in said, said
    await auditor.day()
    await auditor.covered("voucher", 6)
    code, said = await auditor.run(*look)
    assert code == SOUND and "(before: 0)" not in said, said
    async with httpx.AsyncClient(timeout=5) as client:
        shown = (await client.get(f"{auditor.url}/audit/v1/logs/voucher/checkpoint")).text
    assert "— region " in shown, "the countersignature is handed on with the checkpoint"
    [seen] = (auditor.folder / "region.seen").glob("*.txt")
    assert (await auditor.run("verify", "--witnessed", str(seen)))[0] == SOUND

    other = await _another_history(auditor, seen)
    code, said = await auditor.run(*look)
    assert code == FOUND and "FOUND" in said, said
    assert seen.read_text() == other, "what was seen before stays as evidence"
    code, said = await auditor.run("verify", "--witnessed", str(seen))
    assert code == FOUND, said


async def _another_history(auditor: Auditor, seen: Path) -> str:
    """The witness was shown another history before: signed by the same key, of the same size, with another root."""
    prefix = auditor.environment["TONGDUI_TOPIC_PREFIX"]
    signer = signer_of(Settings(state_dir=auditor.platform.directory, topic_prefix=prefix), "voucher")
    origin, size, *_ = seen.read_text().split("\n")
    note = signer.sign(Checkpoint(origin, int(size), b"\x07" * 32))
    seen.write_text(note)
    return note
