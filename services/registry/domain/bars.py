"""An enterprise is barred from applying until a date, and reinstated. 二(六)

A bar is about applying: what is confirmed, and the other party's money, is for people to decide case
by case. A bar is kept for a USCC nobody registered yet, and counts when a provider of that USCC is
to be recommended.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from tongdui_events.audit import SanctionDecided, SanctionLifted
from tongdui_events.document import Code, Uscc
from tongdui_events.registry import EnterpriseBarred, EnterpriseReinstated
from tongdui_events.streams import enterprise_id

from services.registry.domain.enterprise_state import Bar, Enterprise
from services.registry.domain.enterprises import may_oversee
from services.registry.domain.fields import Day
from services.registry.domain.refusals import DateTooEarly
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, OutOfOrder, Refusal


class BarEnterprise(Command):
    """Bar an enterprise from applying by decision, from a day on and until a last day where one is set."""

    uscc: Uscc
    from_on: Day
    until: Day | None = None
    decision_no: Code
    sanction_id: UUID


class ReinstateEnterprise(Command):
    """Lift one bar by decision."""

    uscc: Uscc
    decision_no: Code
    sanction_id: UUID


def bar_enterprise(
    enterprise: Enterprise, today: date, principal: Principal, command: BarEnterprise
) -> list[Decided] | Refusal:
    """EnterpriseBarred, once per sanction."""
    refusal = may_oversee(enterprise, command.uscc, today, principal)
    if refusal is not None:
        return refusal
    if command.from_on < today:
        return DateTooEarly("from_on", date=command.from_on, earliest=today)
    if command.until is not None and command.until < command.from_on:
        return DateTooEarly("until", date=command.until, earliest=command.from_on)
    if _barred_by(enterprise, command.sanction_id):
        return OutOfOrder("sanction_id", state="barred")
    return [Decided(enterprise_id(command.uscc), EnterpriseBarred(**command.model_dump()))]


def reinstate_enterprise(
    enterprise: Enterprise, today: date, principal: Principal, command: ReinstateEnterprise
) -> list[Decided] | Refusal:
    """EnterpriseReinstated; other bars that still stand are recorded anew."""
    refusal = may_oversee(enterprise, command.uscc, today, principal)
    if refusal is not None:
        return refusal
    if not _barred_by(enterprise, command.sanction_id):
        return OutOfOrder("sanction_id", state="not barred by this sanction")
    return _reinstated(enterprise, command.uscc, command.decision_no, command.sanction_id, today)


def bar_by_sanction(enterprise: Enterprise, sanction: SanctionDecided) -> list[Decided]:
    """What SanctionDecided means for its party as an applicant."""
    if _barred_by(enterprise, sanction.sanction_id):
        return []
    event = EnterpriseBarred(
        uscc=sanction.party_uscc,
        from_on=sanction.from_on,
        until=sanction.until,
        decision_no=sanction.decision_no,
        sanction_id=sanction.sanction_id,
    )
    return [Decided(enterprise_id(sanction.party_uscc), event)]


def reinstate_by_lifting(enterprise: Enterprise, lifted: SanctionLifted, today: date) -> list[Decided]:
    """What SanctionLifted means for its party as an applicant."""
    if not _barred_by(enterprise, lifted.sanction_id):
        return []
    return _reinstated(enterprise, lifted.party_uscc, lifted.decision_no, lifted.sanction_id, today)


def _barred_by(enterprise: Enterprise, sanction_id: UUID) -> bool:
    return any(bar.sanction_id == sanction_id for bar in enterprise.bars)


def _reinstated(
    enterprise: Enterprise, uscc: str, decision_no: str, sanction_id: UUID, today: date
) -> list[Decided]:
    """A reinstatement lifts every bar, so those that still stand follow it in the same transaction."""
    lifted = EnterpriseReinstated(uscc=uscc, decision_no=decision_no, sanction_id=sanction_id)
    standing = [bar for bar in enterprise.bars if bar.sanction_id != sanction_id and not bar.is_over(today)]
    return [
        Decided(enterprise_id(uscc), lifted),
        *(Decided(enterprise_id(uscc), _barred_again(uscc, bar)) for bar in standing),
    ]


def _barred_again(uscc: str, bar: Bar) -> EnterpriseBarred:
    return EnterpriseBarred(
        uscc=uscc,
        from_on=bar.from_on,
        until=bar.until,
        decision_no=bar.decision_no,
        sanction_id=bar.sanction_id,
    )
