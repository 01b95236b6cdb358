"""A case as far as the caller may see it; who reads beyond its own is recorded before anything is answered."""

from __future__ import annotations

from uuid import UUID, uuid4

from starlette.concurrency import run_in_threadpool

from services.audit.cases import Case, Entry, read_case
from services.audit.domain.moments import ALWAYS, Moment
from services.audit.domain.parties import is_outside, may_read
from shared.kernel.access_record import RecordAccess
from shared.kernel.commands import Principal
from shared.kernel.decisions import NotFound
from shared.runtime.routes import Served


async def case_for(
    runtime: Served, principal: Principal, case_id: UUID, purpose: str, moment: Moment = ALWAYS, what: str = "case_read"
) -> tuple[Case, list[Entry]]:
    """The case, and its entries that existed at a moment. Raises NotFound, also where it is not the caller's."""
    case = await run_in_threadpool(read_case, runtime.projections, case_id)
    nothing = NotFound(what="case", id=case_id)
    if not case.entries:
        raise nothing
    if not may_read(principal, case.parties, case.centres):
        await record_access(runtime, principal, "case_refused", f"case/{case_id}", purpose, 0)
        raise nothing
    entries = case.at(moment)
    if is_outside(principal, case.parties):
        await record_access(runtime, principal, what, f"case/{case_id}", purpose, len(entries))
    if not entries:
        raise nothing
    return case, entries


async def record_access(runtime: Served, principal: Principal, what: str, subject: str, purpose: str, count: int) -> None:
    """What cannot be recorded is not read: this raises before anything is answered."""
    access = RecordAccess(what=what, subject=subject, purpose=purpose, count=count)
    await runtime.execute(access, principal, "/accesses", uuid4())
