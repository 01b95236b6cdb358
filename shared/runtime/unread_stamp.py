"""Most folds look at an event alone: its stamp is decoded when somebody asks for one of its fields."""

from __future__ import annotations

from typing import Any

from tongdui_events.codec import decode_stamp
from tongdui_events.document import Stamp


class UnreadStamp:
    """A stamp that is decoded when one of its fields is asked for: most rows need none."""

    __slots__ = ("_stamp", "_state")

    def __init__(self, state: bytes) -> None:
        self._state = state
        self._stamp: Stamp | None = None

    def __getattr__(self, name: str) -> Any:
        if self._stamp is None:
            self._stamp = decode_stamp(self._state)
        return getattr(self._stamp, name)
