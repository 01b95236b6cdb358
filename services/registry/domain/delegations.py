"""One official lets another act for it, for a scope and a time; what that means is in ``shared.kernel.delegation``."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from tongdui_events.document import Code
from tongdui_events.registry import DelegationEnded, DelegationGranted

from services.registry.domain.fields import Day
from services.registry.domain.refusals import DateTooEarly, DelegationToOneself
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal
from shared.kernel.delegation import DELEGATION, Delegation


class GrantDelegation(Command):
    """Let another official act for you, until the last day included.

    ``scope``: ``all``, a service (``settlement``), or one command (``ApproveRedemption``). The delegate names the
    delegation in the header ``On-Behalf-Of``; both count as the persons who acted.
    """

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
    if principal.on_behalf_of is not None:
        return NotYours("delegation_id")
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
        from_role=principal.role,
        from_region=principal.region,
        from_member_of=principal.member_of,
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


__all__ = ["DELEGATION", "Delegation", "EndDelegation", "GrantDelegation", "end_delegation", "grant_delegation"]
