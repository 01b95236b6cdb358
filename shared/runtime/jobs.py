"""What waits for the writer, and what it answers."""

from __future__ import annotations

import hashlib
from asyncio import AbstractEventLoop, Future
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from shared.kernel.commands import Command, Principal
from shared.runtime.bus.port import Record


class Context(NamedTuple):
    """Who asks, over which route, under which id, when (aware UTC; None: now)."""

    principal: Principal
    route: str
    command_id: UUID
    occurred_at: datetime | None = None


class Outcome(NamedTuple):
    """An accepted command: the position of its last event and its stored documents."""

    position: int
    documents: list[bytes]


class Delivered(NamedTuple):
    """How far a source is applied now; what it waits for; why it is stopped."""

    applied: int
    waits_for: tuple[str, int] | None = None
    stopped: str | None = None


@dataclass(slots=True, eq=False)
class Job:
    """One waiting caller. ``result`` is a value or the exception to raise."""

    loop: AbstractEventLoop
    future: Future[Any]
    result: Any = field(default=None, init=False)
    is_answered: bool = field(default=False, init=False)


@dataclass(slots=True, eq=False)
class CommandJob(Job):
    command: Command
    context: Context
    key: bytes
    digest: bytes

    size = 1


@dataclass(slots=True, eq=False)
class DeliveryJob(Job):
    source: str
    records: Sequence[Record]

    @property
    def size(self) -> int:
        return len(self.records)


def outcome_key(context: Context) -> bytes:
    """32 bytes that stand for (organisation, route, id)."""
    text = f"{context.principal.organisation}\0{context.route}\0{context.command_id}"
    return hashlib.sha256(text.encode()).digest()


def payload_digest(command: Command) -> bytes:
    """32 bytes that stand for what was asked."""
    payload = command.__pydantic_serializer__.to_json(command)
    return hashlib.sha256(type(command).__name__.encode() + b"\0" + payload).digest()
