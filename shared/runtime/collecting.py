"""Where the cycle collector need not look: at what stays, and at a chunk of work while it lives."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: collections of the middle generation before a full one; Python's own number is 10
FULL_AFTER = 1000


def keep_what_is_loaded() -> None:
    """What a process has loaded by the time it serves stays until it ends: modules, models, routes. The collector need not
    look through those some hundred thousand objects again; each time nobody would be served (60 to 140 ms were seen). And what
    it would look through besides is a writer's cache, in which there are no cycles: a full collection comes a hundred times
    less often than Python's own habit."""
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, FULL_AFTER)


@contextmanager
def no_collection() -> Iterator[None]:
    """All of a chunk lives until it is written: looking for cycles among it, again and again, would cost
    more than decoding it. Meanwhile garbage without cycles is freed as ever."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
