"""What a decision's glue is handed: who asks, on which day, and the state as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple, TypeVar
from uuid import UUID

from shared.kernel.commands import Principal
from shared.kernel.folding import Fold
from shared.runtime.errors import NoBusinessDay
from shared.runtime.state import State

S = TypeVar("S")


class Desk(NamedTuple):
    """One decision's view of the world. Valid only while the decision runs."""

    principal: Principal
    command_id: UUID
    state: State

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

    def get(self, fold: Fold[S], stream_id: UUID) -> S:
        """The state of one stream, ``fold.initial`` when it has no events."""
        return self.state.get(fold, stream_id)
