"""Whether a history of one key could have happened one operation at a time (Wing and Gong's search, remembered).

Shares nothing with the services: an operation is what was asked, what was answered, and when both happened.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Operation:
    """Asked at ``begun``, answered at ``ended``: it took effect at some moment between the two."""

    asked: Any
    answered: Any
    begun: float
    ended: float


Model = Callable[[Hashable, Any, Any], Hashable | None]
"""The state after an operation with that answer, None when it could not be answered so: (state, asked, answered)."""


def linearizable(history: Sequence[Operation], model: Model, initial: Hashable) -> bool:
    """True when some order that respects the times gives every answer."""
    operations = sorted(history, key=lambda one: one.begun)
    count = len(operations)
    done = bytearray(count)
    tried: set[tuple[bytes, Hashable]] = set()
    path: list[tuple[int, Hashable]] = []
    state, after = initial, -1
    while len(path) < count:
        step = _next(operations, done, state, after, model)
        if step is not None:
            chosen, reached = step
            done[chosen] = 1
            if (bytes(done), reached) not in tried:
                tried.add((bytes(done), reached))
                path.append((chosen, state))
                state, after = reached, -1
                continue
            done[chosen] = 0
            after = chosen
        elif path:
            after, state = path.pop()
            done[after] = 0
        else:
            return False
    return True


def _next(
    operations: Sequence[Operation], done: bytearray, state: Hashable, after: int, model: Model
) -> tuple[int, Hashable] | None:
    """The first operation behind ``after`` that may come next and whose answer fits; with the state then."""
    first_end = min(one.ended for index, one in enumerate(operations) if not done[index])
    for index, one in enumerate(operations):
        if one.begun > first_end:
            return None
        if index > after and not done[index]:
            reached = model(state, one.asked, one.answered)
            if reached is not None:
                return index, reached
    return None


def ceiling(limit: int) -> Model:
    """A sum that is never above ``limit``: («hold», n) is answered True when it fits, («release», n) always."""

    def step(state: Hashable, asked: Any, answered: Any) -> Hashable | None:
        kind, amount = asked
        if kind == "release":
            return state - amount if state >= amount else None
        fits = state + amount <= limit
        if fits is not answered:
            return None
        return state + amount if fits else state

    return step


def one_owner() -> Model:
    """A thing that one at a time has: («claim», who) is answered True when nobody has it, («give up», who) always."""

    def step(state: Hashable, asked: Any, answered: Any) -> Hashable | None:
        kind, who = asked
        if kind == "give up":
            return "" if state == who else None
        free = state == ""
        if free is not answered:
            return None
        return who if free else state

    return step
