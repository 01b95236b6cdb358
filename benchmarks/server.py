"""The voucher service's API as a process, with its writer or with a stub in the writer's place: ``stubbed`` as argument.

The stub's process has beside its commands a route as FastAPI writes one, for what the commands' own endpoint leaves out.
"""

# Annotations are read by FastAPI where they name what a function made: they are not postponed here.
import sys
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI, Header, Response
from pydantic import BaseModel

from services import platform
from services.voucher.api import EXTRA
from shared.kernel.commands import Principal
from shared.runtime.access import allowed
from shared.runtime.jobs import Outcome
from shared.runtime.settings import Settings
from shared.runtime.writer import Writer

#: as large as what an allocation answers with
SIZES = (1300, 500, 500)
ANSWER = Outcome(1, [b'{"source":"voucher","pad":"%b"}' % (b"x" * size) for size in SIZES])


async def at_once(self: Writer, command: Any, context: Any) -> Outcome:
    return ANSWER


class Nothing(BaseModel, extra="forbid"):
    """The body of a command that its path says all of."""


def add_plain_route(app: FastAPI, runtime: Any) -> None:
    """The same request checked in the same way, taken through FastAPI's dependencies, and the same answer."""

    caller = Annotated[Principal, Depends(allowed(runtime.access, ["centre"]))]

    async def plain(
        principal: caller, voucher_id: UUID, body: Nothing, idempotency_key: Annotated[UUID, Header()]
    ) -> Response:
        documents = b",".join(ANSWER.documents)
        return Response(b'{"position":%d,"events":[%b]}' % (ANSWER.position, documents), media_type="application/json")

    app.add_api_route("/voucher/v1/vouchers/{voucher_id}/allocation/plain", plain, methods=["POST"])


if __name__ == "__main__":
    if sys.argv[1:] == ["stubbed"]:
        EXTRA.append(add_plain_route)
        Writer.execute = at_once  # type: ignore[method-assign,assignment]
    sys.exit(platform.run("voucher", "api", Settings()))
