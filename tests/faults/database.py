"""Faults of the database server."""

from __future__ import annotations

import asyncio
from random import Random

import httpx
import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Composed, Identifier

from tests.faults.scene import Scene
from tests.processes import eventually

REFUSED_SECONDS = 10


async def killed(scene: Scene, chance: Random) -> None:
    """SIGKILL to the server and all its sessions, down for up to two seconds."""
    scene.postgres.kill()
    await asyncio.sleep(chance.uniform(0, 2))
    await asyncio.to_thread(scene.postgres.start)


async def terminated(scene: Scene, chance: Random) -> None:
    """The server ends every session, up to five times."""
    for _ in range(chance.randint(1, 5)):
        _on_server(scene, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname <> 'postgres'")
        await asyncio.sleep(chance.uniform(0, 0.5))


async def refused(scene: Scene, chance: Random) -> None:
    """No new session for ten seconds, and the old ones ended; commands meanwhile are answered 503."""
    answered = len(scene.workload.unavailable)
    _allow(scene, False)
    await terminated(scene, chance)
    await asyncio.sleep(REFUSED_SECONDS)
    _allow(scene, True)
    if len(scene.workload.unavailable) == answered:
        raise AssertionError("no command was answered 503 while the database refused connections")


async def restored(scene: Scene, chance: Random) -> None:
    """The voucher service is given its database of a moment ago and, as the operator's page says, started as a worker only:
    its relay must send nothing over what is on the topic. Then the later database is put back."""
    platform, work = scene.platform, scene.workload
    name = conninfo_to_dict(platform.databases["voucher"])["dbname"]
    process = platform.process_of("voucher")
    await process.ask_to_stop()
    _copy(scene, name, f"{name}_earlier")
    process.start()
    await work.more(chance.randint(30, 60))
    await _sent(scene, platform.databases["voucher"])
    await process.ask_to_stop()
    _rename(scene, name, f"{name}_later")
    _rename(scene, f"{name}_earlier", name)
    taking_commands, process.arguments = process.arguments, ["run", "voucher", "--role", "worker"]
    process.start()
    await eventually(lambda: _says_stopped(scene), 60, "the relay stopped")
    await process.ask_to_stop()
    process.arguments = taking_commands
    _on_server(scene, SQL("DROP DATABASE {}").format(Identifier(name)))
    _rename(scene, f"{name}_later", name)
    process.start()


async def _says_stopped(scene: Scene) -> bool:
    async with httpx.AsyncClient(timeout=5) as client:
        try:
            answer = await client.get(f"{scene.platform.urls['voucher']}/readyz")
        except httpx.TransportError:
            return False
        return answer.status_code == 503 and "the relay is stopped" in answer.text


async def _sent(scene: Scene, url: str) -> None:
    """Until the topic has more than the copy has."""
    with psycopg.connect(f"{url}", autocommit=True) as connection:
        head = connection.execute("SELECT position FROM voucher_head").fetchone()[0]

        def sent() -> bool:
            return connection.execute("SELECT cursor FROM voucher_relay").fetchone()[0] >= head

        await scene.workload.until(sent, 60, "the relay sent what was recorded")


def _allow(scene: Scene, allowed: bool) -> None:
    for url in set(scene.platform.databases.values()):
        name = Identifier(conninfo_to_dict(url)["dbname"])
        _on_server(scene, SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(name, SQL("true" if allowed else "false")))


def _copy(scene: Scene, name: str, copy: str) -> None:
    _on_server(scene, _END_SESSIONS.format(name))
    _on_server(scene, SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(copy), Identifier(name)))


def _rename(scene: Scene, name: str, to: str) -> None:
    _on_server(scene, _END_SESSIONS.format(name))
    _on_server(scene, SQL("ALTER DATABASE {} RENAME TO {}").format(Identifier(name), Identifier(to)))


_END_SESSIONS = SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")


def _on_server(scene: Scene, statement: str | Composed) -> None:
    with psycopg.connect(scene.postgres.url, autocommit=True) as connection:
        connection.execute(statement)
