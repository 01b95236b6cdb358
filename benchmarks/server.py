"""The voucher service's API as a process, with its writer or with a stub in the writer's place: ``stubbed`` as argument."""

from __future__ import annotations

import sys
from typing import Any

from services import platform
from shared.runtime.jobs import Outcome
from shared.runtime.settings import Settings
from shared.runtime.writer import Writer

#: as large as what an allocation answers with
SIZES = (1300, 500, 500)
ANSWER = Outcome(1, [b'{"source":"voucher","pad":"%b"}' % (b"x" * size) for size in SIZES])


async def at_once(self: Writer, command: Any, context: Any) -> Outcome:
    return ANSWER


if __name__ == "__main__":
    if sys.argv[1:] == ["stubbed"]:
        Writer.execute = at_once  # type: ignore[method-assign,assignment]
    sys.exit(platform.run("voucher", "api", Settings()))
