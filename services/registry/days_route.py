"""``POST /registry/v1/days``: a simulated clock takes its days from a caller, a real one from nobody."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import FastAPI

from services.registry.domain.days import OpenDay
from services.registry.domain.refusals import ClockIsReal
from shared.kernel.commands import Command, Principal
from shared.runtime.command_endpoint import CommandEndpoint
from shared.runtime.documenting import command_api_route
from shared.runtime.routes import Answered, CommandRoute, Served

DAYS = CommandRoute("/days", OpenDay, roles={"operator"})


class _UnderARealClock:
    """The running service as the route sees it, except that it opens no day."""

    def __init__(self, runtime: Served) -> None:
        self._runtime = runtime
        self.service = runtime.service
        self.access = runtime.access

    overloaded = False

    async def execute(self, command: Command, principal: Principal, route: str, command_id: UUID) -> Answered:
        if isinstance(command, OpenDay):
            raise ClockIsReal
        # what is recorded of a refused caller
        return await self._runtime.execute(command, principal, route, command_id)


def add_days(app: FastAPI, runtime: Served) -> None:
    """The route is there under both clocks, so a caller learns why it may not."""
    asked: Any = runtime if runtime.settings.clock == "simulated" else _UnderARealClock(runtime)
    app.router.routes.append(command_api_route("/registry/v1", DAYS, CommandEndpoint(asked, DAYS)))
