"""What a decision's glue is handed: who asks, on which day, and the state as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from shared.kernel.commands import Principal
from shared.runtime.errors import NoBusinessDay
from shared.runtime.state import State


class Desk:
    """One decision's view of the world. Valid only while the decision runs.

    ``get(fold, stream_id)`` is the state of one stream, ``fold.initial`` when it has no events.
    """

    __slots__ = ("command_id", "get", "principal", "state")

    def __init__(self, principal: Principal, command_id: UUID, state: State) -> None:
        self.principal = principal
        self.command_id = command_id
        self.state = state
        # asked ten times in a decision: not by way of a method of its own
        self.get = state.get

    @property
    def today(self) -> date:
        """The service's business day. Raises NoBusinessDay before the first."""
        if self.state.today is None:
            raise NoBusinessDay
        return self.state.today

    @property
    def day(self) -> date | None:
        """The service's business day, None before the first."""
        return self.state.today

    @property
    def seen(self) -> Mapping[str, int]:
        """How much of each other log has been applied."""
        return self.state.seen
