"""An account statement that is refused whole, and two persons of the agent who accept it all the same. 三(五)"""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from tongdui_events.document import Code, Event, Sha256, Stamp
from tongdui_events.payments import StatementOverridden, StatementOverrideAsked
from tongdui_events.streams import statement_id

from services.settlement.domain.refusals import SamePerson
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotYours, OutOfOrder, Refusal
from shared.kernel.folding import Fold


@dataclass(frozen=True, slots=True)
class Override:
    """``asked_by``: the first person's ids, ``asked_as`` the one it acted under."""

    asked_by: frozenset[str] = frozenset()
    asked_as: str = ""
    overridden: bool = False


def evolve(override: Override, event: Event, stamp: Stamp) -> Override:
    match event:
        case StatementOverrideAsked():
            return Override(stamp.actor.persons, stamp.actor.id)
        case StatementOverridden():
            return replace(override, overridden=True)
    return override


OVERRIDE = Fold("override", "settlement", (StatementOverrideAsked, StatementOverridden), Override(), evolve)
"""Keyed by ``statement_id(agent_id, statement_sha256)``."""


class OverrideStatement(Command):
    """Accept a statement that does not add up, or does not follow the one before: two persons of the agent say so."""

    agent_id: UUID
    statement_sha256: Sha256
    reason: Code


def override(override: Override, principal: Principal, command: OverrideStatement) -> list[Decided] | Refusal:
    """StatementOverrideAsked by the first person, StatementOverridden by another."""
    if principal.role != "agent" or principal.member_of != command.agent_id:
        return NotYours("agent_id")
    if override.overridden:
        return OutOfOrder("statement_sha256", state="overridden")
    stream = statement_id(command.agent_id, command.statement_sha256)
    if not override.asked_by:
        return [Decided(stream, StatementOverrideAsked(**command.model_dump()))]
    if override.asked_by & principal.persons:
        return SamePerson(step="override")
    by = (override.asked_as, principal.sub)
    done = StatementOverridden(by=by, statement_sha256=command.statement_sha256, reason=command.reason)
    return [Decided(stream, done)]
