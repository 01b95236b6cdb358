"""No room left under the database: a small file system of memory, filled by a file of ours."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from shared.runtime.local_postgres import LocalPostgres
from tests.faults.scene import Scene

SIZE_MB = 768
BALLAST = "ballast"
#: a log that does not grow far ahead of what is written, so that a small disk is enough
SMALL_LOG = {"min_wal_size": "32MB", "max_wal_size": "64MB", "wal_recycle": "off", "wal_init_zero": "on"}


class NoSmallDisk(RuntimeError):
    """This machine does not let us mount one; the text says why."""


@contextmanager
def small_disk() -> Iterator[Path]:
    """A tmpfs of ``SIZE_MB``, where every account can reach it. Raises NoSmallDisk."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        raise NoSmallDisk("mounting a tmpfs needs root and mount(8)")
    directory = Path(tempfile.mkdtemp(prefix="tongdui-disk-"))
    directory.chmod(0o755)
    told = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=755", "tmpfs", str(directory)]
    mounted = subprocess.run(told, capture_output=True, text=True)
    if mounted.returncode:
        directory.rmdir()
        raise NoSmallDisk(mounted.stderr.strip())
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)
        directory.rmdir()


@contextmanager
def server_on_small_disk() -> Iterator[LocalPostgres]:
    with small_disk() as disk, LocalPostgres(disk / "postgres", SMALL_LOG) as server:
        yield server


async def full(scene: Scene, chance: Random) -> None:
    """Until commands are answered 503 for want of room, and for up to three seconds more; then there is room again."""
    disk = scene.postgres.directory.parent
    if not disk.is_mount():
        raise NoSmallDisk(f"{disk} is no file system of its own: it is not filled")
    ballast = disk / BALLAST
    answered = len(scene.workload.unavailable)
    try:
        for _ in range(200):
            await asyncio.to_thread(_fill, ballast)
            await asyncio.sleep(0.05)
            if len(scene.workload.unavailable) > answered:
                break
        await asyncio.sleep(chance.uniform(0, 3))
    finally:
        ballast.unlink()
    if not scene.postgres._answers():
        await asyncio.to_thread(scene.postgres.restart)
    if len(scene.workload.unavailable) == answered:
        raise AssertionError("no command was answered 503 while the disk was full")


def _fill(ballast: Path) -> None:
    """Everything that is free now."""
    with ballast.open("ab", buffering=0) as file:
        try:
            while file.write(b"\0" * 65_536):
                pass
        except OSError:
            return
