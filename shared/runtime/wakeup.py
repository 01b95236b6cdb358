"""Hears that a log has moved (NOTIFY), and looks each second all the same."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import psycopg

log = logging.getLogger("tongdui.wakeup")


class Wakeup:
    """LISTENs on one channel of one database; survives the loss of its connection."""

    def __init__(self, url: str, channel: str) -> None:
        self.url = url
        self.channel = channel
        self._moved = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def set(self) -> None:
        self._moved.set()

    async def wait(self, seconds: float = 1.0) -> None:
        """Until the log moved, at most ``seconds``."""
        if self._task is None:
            self._task = asyncio.create_task(self._listen(), name=f"listen {self.channel}")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._moved.wait(), seconds)
        self._moved.clear()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _listen(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self.url, autocommit=True, connect_timeout=2) as listener:
                    await listener.execute(f'LISTEN "{self.channel}"')
                    self._moved.set()
                    async for _ in listener.notifies():
                        self._moved.set()
            except psycopg.OperationalError as error:
                log.warning("not listening on %s: %s", self.channel, error)
                await asyncio.sleep(0.5)
