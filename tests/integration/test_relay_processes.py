"""Relays as processes: killed after an acknowledgement, between batches, and stopped while they led."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from shared.runtime.relay_log import IDLE_SESSION_MS
from tests.conftest import BusUnderTest
from tests.integration.line import Line, on_topic, running, until


@pytest.fixture
def line(kafka_servers: str, database_url: str, tmp_path) -> Iterator[Line]:
    bus = BusUnderTest("kafka", kafka_servers, f"t{uuid4().hex[:12]}")
    line = Line(database_url, bus.settings(state_dir=tmp_path))
    yield line
    line.close()


@pytest.fixture
def relay_process(line: Line, database_url: str) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """``relay_process(failpoint)``: a process that relays the line's log."""
    started: list[subprocess.Popen[bytes]] = []

    def start(failpoint: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": line.settings.kafka_bootstrap_servers,
            "TONGDUI_BUS": "kafka",
            "TONGDUI_DATABASE_URL": database_url,
            "TONGDUI_FAILPOINT": failpoint,
            "TONGDUI_STATE_DIR": str(line.settings.state_dir),
            "TONGDUI_TOPIC_PREFIX": line.settings.topic_prefix,
        }
        command = [sys.executable, "-m", "tests.integration.relay_process"]
        started.append(subprocess.Popen(command, env=environment))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


async def _ended(process: subprocess.Popen[bytes]) -> int:
    return await asyncio.to_thread(process.wait, 30)


def _is_stopped(process: subprocess.Popen[bytes]) -> bool:
    with open(f"/proc/{process.pid}/stat") as status:
        return status.read().rpartition(")")[2].split()[0] == "T"


@pytest.mark.parametrize(
    "failpoint", ["relay.after_ack:kill", "relay.between_batches:kill:2", "relay.after_ack:exit:2"]
)
async def test_a_relay_that_is_killed_leaves_nothing_out_and_sends_nothing_twice(
    line: Line, relay_process: Callable[..., subprocess.Popen[bytes]], failpoint: str
) -> None:
    line.record(2500)
    assert await _ended(relay_process(failpoint)) != 0
    relay = line.relay()
    async with running(relay, line.inbox()):
        await until(lambda: line.writer.applied.get("registry") == 2500)
    assert await on_topic(line.settings) == line.stored()


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="tells by /proc that a process is stopped")
async def test_a_stopped_leader_is_replaced_and_does_no_harm_when_it_wakes(
    line: Line, relay_process: Callable[..., subprocess.Popen[bytes]]
) -> None:
    line.record(2500)
    zombie = relay_process("relay.between_batches:stop:2")
    await until(lambda: _is_stopped(zombie))
    successor = line.relay()
    async with running(successor, line.inbox()):
        await until(lambda: successor.cursor == 2500, within=IDLE_SESSION_MS / 1000 + 10)
        zombie.send_signal(signal.SIGCONT)
        await asyncio.sleep(2)
        line.record(10)
        await until(lambda: line.writer.applied.get("registry") == 2510)
    assert await on_topic(line.settings) == line.stored()
