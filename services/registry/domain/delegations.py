"""One actor lets another act for it, for a scope and a time; the delegate counts as the person who acted."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple
from uuid import UUID

from tongdui_events.document import Code, Event, Stamp
from tongdui_events.registry import DelegationEnded, DelegationGranted

from services.registry.domain.fields import Day
from services.registry.domain.refusals import DateTooEarly, DelegationToOneself
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal
from shared.kernel.folding import Fold


class Delegation(NamedTuple):
    """``from_actor`` is None before it was granted."""

    from_actor: str | None = None
    to_actor: str = ""
    scope: str = ""
    until: date | None = None
    ended: bool = False


def _evolve(delegation: Delegation, event: Event, stamp: Stamp) -> Delegation:
    match event:
        case DelegationGranted():
            return Delegation(event.from_actor, event.to_actor, event.scope, event.until)
        case DelegationEnded():
            return delegation._replace(ended=True)
    return delegation


DELEGATION: Fold[Delegation] = Fold(
    "delegation", "registry", (DelegationGranted, DelegationEnded), Delegation(), _evolve
)
"""Keyed by ``delegation_id``."""


class GrantDelegation(Command):
    """Let another actor act for you, until the last day included."""

    delegation_id: UUID
    to_actor: Code
    scope: Code
    until: Day


class EndDelegation(Command):
    """End a delegation you granted before its last day."""

    delegation_id: UUID


def grant_delegation(
    delegation: Delegation, today: date, principal: Principal, command: GrantDelegation
) -> list[Decided] | Refusal:
    """DelegationGranted, from the caller."""
    if delegation.from_actor is not None:
        return OutOfOrder("delegation_id", state="ended" if delegation.ended else "granted")
    if command.to_actor == principal.sub:
        return DelegationToOneself("to_actor")
    if command.until < today:
        return DateTooEarly("until", date=command.until, earliest=today)
    granted = DelegationGranted(
        delegation_id=command.delegation_id,
        from_actor=principal.sub,
        to_actor=command.to_actor,
        scope=command.scope,
        until=command.until,
    )
    return [Decided(command.delegation_id, granted)]


def end_delegation(delegation: Delegation, principal: Principal, command: EndDelegation) -> list[Decided] | Refusal:
    """DelegationEnded, by who granted it."""
    if delegation.from_actor is None:
        return NotFound("delegation_id", what="delegation", id=command.delegation_id)
    if delegation.from_actor != principal.sub:
        return NotYours("delegation_id")
    if delegation.ended:
        return OutOfOrder("delegation_id", state="ended")
    return [Decided(command.delegation_id, DelegationEnded(delegation_id=command.delegation_id))]
