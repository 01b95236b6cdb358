"""The cycle collector looks away while a chunk of work lives."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
