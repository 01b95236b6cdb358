"""One run of the demo a bus, for all tests that look at what it leaves."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

VOUCHERS = 30
DemoOf = Callable[[Any], Awaitable[Path]]
"""The directory a run on a bus left."""


@pytest.fixture(scope="session")
def demo_of(tmp_path_factory: pytest.TempPathFactory) -> DemoOf:
    left: dict[str, Path] = {}

    async def of(bus: Any) -> Path:
        if bus.name not in left:
            out = tmp_path_factory.mktemp("demo") / "out"
            await _play(bus, out)
            left[bus.name] = out
        return left[bus.name]

    return of


async def _play(bus: Any, out: Path) -> None:
    """In a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.cli", "demo", "--vouchers", str(VOUCHERS), "--bus", bus.name, "--out", str(out),
        env={**os.environ, **({"KAFKA_BOOTSTRAP_SERVERS": bus.bootstrap_servers} if bus.bootstrap_servers else {})},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()[-4000:]
    assert "一张创新券的始末" in output.decode()
