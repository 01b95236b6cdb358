"""What is recorded of access: every refusal, and readings by auditors, operators and officers who see beyond
their own region. What cannot be recorded is not answered."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4, uuid5

from tongdui_events.document import Text

from shared.kernel.access_record import RecordAccess, record_access
from shared.kernel.commands import Principal
from shared.kernel.decisions import Decided, Refusal
from shared.runtime.desk import Desk
from shared.runtime.errors import NoBusinessDay
from shared.runtime.routes import Scope, Served, ViewRoute

ROUTE = "/accesses"
NAMESPACE = UUID("5e3a1f0c-0a5a-5c0f-9d3a-64c1f3a4b7e2")
NOT_STATED: Text = "not stated"

_SEES_ALL = frozenset({"auditor", "operator"})
_OFFICERS = frozenset({"centre", "regional_officer", "provincial_officer", "agent"})


def record(command: RecordAccess, desk: Desk) -> list[Decided]:
    """The handler every service has."""
    return record_access(command, desk.command_id)


async def record_refusal(runtime: Served, refusal: Refusal, path: str) -> Refusal:
    """Record a 403 once for a person, a path and a code: who knocks a thousand times fills no log.

    Gives what is answered: the refusal, or why it could not be recorded. Without a person (no token, or one
    that does not hold) there is nobody to record.
    """
    caller = refusal.caller
    if refusal.status != 403 or caller is None or caller.role == "public":
        return refusal
    access = RecordAccess(what="refused", subject=path[:200], purpose=refusal.code, count=0)
    try:
        await runtime.execute(access, caller, ROUTE, uuid5(NAMESPACE, f"{caller.sub} {path} {refusal.code}"))
    except NoBusinessDay:
        # before the first day there is no log to record it in, and nothing to protect
        return refusal
    except Refusal as unrecorded:
        return unrecorded
    return refusal


async def record_reading(
    runtime: Served, route: ViewRoute, caller: Principal, scope: Scope, subject: str, purpose: str, count: int
) -> None:
    """Record a reading of what is not public by somebody who sees beyond its own cases."""
    beyond = caller.role in _SEES_ALL or (caller.role in _OFFICERS and scope is None)
    if "public" in route.roles or not beyond:
        return
    access = RecordAccess(what="view_read", subject=subject[:200], purpose=purpose, count=count)
    await runtime.execute(access, caller, ROUTE, uuid4())


async def record_hidden_row(runtime: Served, caller: Principal, path: str) -> None:
    """Record that somebody asked for a row that exists and is not theirs; they are told it is not there."""
    access = RecordAccess(what="refused", subject=path[:200], purpose="not_in_scope", count=0)
    await runtime.execute(access, caller, ROUTE, uuid5(NAMESPACE, f"{caller.sub} {path} not_in_scope"))


HANDLERS: dict[type[RecordAccess], Any] = {RecordAccess: record}
