"""The small port both buses implement."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol


class Record(NamedTuple):
    """One event on the bus. ``position`` 0: a record that is not ours."""

    position: int
    key: bytes
    state: bytes
    type: str


class PublishFailed(RuntimeError):
    """Some of the records may not be on the topic: discard the publisher, compare, send again."""


class Taken(NamedTuple):
    """How far a source is applied now. ``whole`` is False when what lies beyond must be read again from the bus."""

    applied: int
    whole: bool


class Lag(NamedTuple):
    """What is still to be done: how many events, and the age of the oldest in seconds, as far as known."""

    events: int
    seconds: float


Deliver = Callable[[str, Sequence[Record]], Awaitable[Taken]]
"""Takes the records of one source in order; returns once they are applied, or once an operator has let a stopped
source go on. Different sources may be delivered at the same time."""
Applied = Callable[[str], Awaitable[int]]
"""The position of a source's last applied event, from the store; 0 when there is none."""


class Publisher(Protocol):
    """Appends one service's log to its topic. Used by one task at a time."""

    async def start(self) -> None:
        """Connect and make the topic where it is missing. PublishFailed when there is no bus."""

    async def last(self) -> tuple[int, bytes] | None:
        """Position and bytes of the last of our records on the topic; None when it has none. PublishFailed."""

    async def publish(self, records: Sequence[Record]) -> None:
        """Return when all are acknowledged, in order. PublishFailed otherwise, though some may be there."""

    async def announce(self, note: str) -> None:
        """Publish a signed checkpoint of the log beside it; it may be announced again. PublishFailed."""

    async def discard(self) -> None:
        """Drop every connection; nothing handed over before is sent later. ``start`` begins anew."""


class Consumer(Protocol):
    """Follows the logs a service listens to."""

    async def run(self, deliver: Deliver, stop: asyncio.Event) -> None:
        """Until ``stop``. Begins after what is applied; delivers each source at least once, in order."""

    def lags(self) -> Mapping[str, Lag]:
        """By source."""


__all__ = ["Applied", "Consumer", "Deliver", "Lag", "PublishFailed", "Publisher", "Record", "Taken"]
