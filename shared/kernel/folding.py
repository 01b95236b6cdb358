"""Folds: how a stream's events become the state decisions are made on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from tongdui_events.document import Event, Stamp

S = TypeVar("S")


@dataclass(frozen=True, eq=False)
class Fold(Generic[S]):
    """The state of one kind of stream.

    ``source`` is the log the stream is in: the service's own, or another's, whose events the
    inbox then keeps. ``types`` are the event types folded. ``initial`` is the state of a stream
    without events. ``evolve`` is total and never refuses; states are immutable. ``version``
    changes whenever the meaning of a stored snapshot would.
    """

    name: str
    source: str
    types: tuple[type[Event], ...]
    initial: S
    evolve: Callable[[S, Event, Stamp], S]
    version: int = 1
    #: a snapshot after so many events of the stream; 0 for none (own streams only)
    snapshot_every: int = 0
