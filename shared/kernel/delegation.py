"""One official lets another act for it, for a scope and a time; every service obeys what the registry recorded.

The delegate acts with the authority of who delegated, and stays the person who acted: both count wherever two
persons are needed.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple
from uuid import UUID

from tongdui_events.document import Event, Stamp
from tongdui_events.registry import DelegationEnded, DelegationGranted

from shared.kernel.commands import Principal
from shared.kernel.decisions import Refusal
from shared.kernel.folding import Fold

OFFICIALS = frozenset({"centre", "regional_officer", "provincial_officer", "agent"})
"""Who may delegate, and who may act for another."""
EVERYTHING = "all"
"""The scope that covers every command."""


class DelegationNotInForce(Refusal):
    """No such delegation holds today for this person and this act."""

    status = 403
    zh = "该委托不存在、已到期或已终止,或不涵盖此项操作"
    en = "there is no such delegation to you in force today that covers this act"


class Delegation(NamedTuple):
    """``from_actor`` is None before it was granted; ``until`` is the last day. The authority passed on is that of
    ``role``, for ``region`` or as ``member_of``; one recorded without a role passes nothing on."""

    from_actor: str | None = None
    to_actor: str = ""
    scope: str = ""
    until: date | None = None
    ended: bool = False
    role: str | None = None
    region: str | None = None
    member_of: UUID | None = None

    def holds_on(self, day: date) -> bool:
        return self.from_actor is not None and not self.ended and self.until is not None and day <= self.until

    def covers(self, service: str, act: str | None) -> bool:
        """``act``: a command's name; None: reading, which any delegation covers."""
        return act is None or self.scope in (EVERYTHING, service, act)


def evolve(delegation: Delegation, event: Event, stamp: Stamp) -> Delegation:
    match event:
        case DelegationGranted():
            return Delegation(
                event.from_actor, event.to_actor, event.scope, event.until,
                role=event.from_role, region=event.from_region, member_of=event.from_member_of,
            )  # fmt: skip
        case DelegationEnded():
            return delegation._replace(ended=True)
    return delegation


DELEGATION: Fold[Delegation] = Fold(
    "delegation", "registry", (DelegationGranted, DelegationEnded), Delegation(), evolve
)
"""Keyed by ``delegation_id``."""


def acting_for(
    delegation: Delegation, delegate: Principal, service: str, act: str | None, day: date
) -> Principal | Refusal:
    """The delegate with the authority of who delegated; or why not."""
    mine = delegation.to_actor == delegate.sub and delegate.role in OFFICIALS
    if not mine or delegation.role is None or not delegation.holds_on(day) or not delegation.covers(service, act):
        return DelegationNotInForce("On-Behalf-Of")
    return Principal(
        sub=delegate.sub,
        role=delegation.role,
        region=delegation.region,
        member_of=delegation.member_of,
        on_behalf_of=delegation.from_actor,
    )
