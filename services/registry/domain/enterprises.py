"""Enterprises are registered, renamed, moved, merged and dissolved. 二(二)

The paying region follows from the registered address alone, never from the digits of a USCC.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from tongdui_events.document import Code, Hmac, RegionCode, Text, Uscc
from tongdui_events.registry import (
    AffiliationDeclared,
    EnterpriseDissolved,
    EnterpriseMoved,
    EnterpriseRegistered,
    EnterpriseRenamed,
    EnterpriseSucceeded,
)
from tongdui_events.streams import enterprise_id

from services.registry.domain.enterprise_state import Enterprise
from services.registry.domain.fields import Day, each_once
from services.registry.domain.jurisdiction import is_the_party, oversees_region
from services.registry.domain.reach import Assignments, region_on
from services.registry.domain.refusals import (
    DateInTheFuture,
    DateTooEarly,
    OverrideNotAllowed,
    RegionNotInPilot,
    SuccessorIsItself,
    SuccessorNotRegistered,
    UnknownDivision,
)
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal
from shared.kernel.divisions import division_name
from shared.kernel.identifiers import InvalidUscc, uscc_fault

EnterpriseForm = Literal[
    "limited_company", "joint_stock_company", "enterprise_legal_person", "cooperative",
    "partnership", "sole_proprietorship", "branch",
]
LEGAL_PERSONS = frozenset({"limited_company", "joint_stock_company", "enterprise_legal_person", "cooperative"})
"""The forms that are independent legal persons; the others register but do not qualify."""


class RegisterEnterprise(Command):
    """Register an enterprise at its registered address, by itself or by an officer of its region.

    The paying region follows from ``division_code``. ``override_by`` lets a failing check digit in:
    the officer names himself.
    """

    uscc: Code
    name: Text
    division_code: RegionCode
    legal_form: EnterpriseForm
    registered_on: Day
    override_by: Code | None = None


class RenameEnterprise(Command):
    """The enterprise has another registered name from a day on."""

    uscc: Uscc
    name: Text
    from_on: Day


class MoveEnterprise(Command):
    """The registered address is another from a day on; who pays for later vouchers follows from it.

    Outside the pilot nobody pays: the region recorded is then the division's own code.
    """

    uscc: Uscc
    division_code: RegionCode
    from_on: Day


class SucceedEnterprise(Command):
    """Another enterprise takes over by decision; its vouchers pass on, which is no transfer."""

    uscc: Uscc
    successor_uscc: Uscc
    decision_no: Code
    from_on: Day


class DissolveEnterprise(Command):
    """The enterprise no longer exists from a day on."""

    uscc: Uscc
    on: Day


class DeclareAffiliation(Command):
    """Who controls and holds the enterprise, as digests under the platform's key."""

    uscc: Uscc
    controller_hmac: Hmac
    holder_hmac: Annotated[tuple[Hmac, ...], Field(max_length=200), AfterValidator(each_once)] = ()
    address_hmac: Hmac | None = None
    phone_hmac: Hmac | None = None


# -- rules -------------------------------------------------------------------------------------


def uscc_fits_or_an_officer_lets_it_in(principal: Principal, command: RegisterEnterprise) -> Refusal | None:
    """Some real early codes fail the check digit; nothing else of a code may be overridden."""
    fault = uscc_fault(command.uscc)
    if fault is None:
        return None
    if fault != "check_digit" or command.override_by is None:
        return InvalidUscc(command.uscc, fault)
    officer = principal.role in ("regional_officer", "provincial_officer")
    return None if officer and command.override_by == principal.sub else OverrideNotAllowed("override_by")


def division_exists(code: str, day: date) -> Refusal | None:
    return None if division_name(code, day) else UnknownDivision("division_code", code=code, day=day)


def _party_or_officer(principal: Principal, uscc: str, region: str) -> NotYours | None:
    if principal.role == "enterprise":
        return is_the_party(principal, uscc)
    return oversees_region(principal, region)


def _in_being(enterprise: Enterprise, uscc: str, today: date) -> Refusal | None:
    if not enterprise.registered:
        return NotFound("uscc", what="enterprise", id=uscc)
    return OutOfOrder("uscc", state="dissolved or succeeded") if enterprise.is_gone(today) else None


def may_act(enterprise: Enterprise, uscc: str, today: date, principal: Principal) -> Refusal | None:
    """The enterprise itself or an officer over its region, while it exists."""
    refusal = _in_being(enterprise, uscc, today)
    return refusal or _party_or_officer(principal, uscc, enterprise.address_on(today).region)


def may_oversee(enterprise: Enterprise, uscc: str, today: date, principal: Principal) -> Refusal | None:
    """An officer over the enterprise's region, while it exists."""
    if principal.role == "enterprise":
        return NotYours("uscc")
    return may_act(enterprise, uscc, today, principal)


# -- decisions ---------------------------------------------------------------------------------


def register_enterprise(
    enterprise: Enterprise,
    reach: Mapping[str, Assignments],
    today: date,
    principal: Principal,
    command: RegisterEnterprise,
) -> list[Decided] | Refusal:
    """EnterpriseRegistered in the region that reaches its address today."""
    refusal = uscc_fits_or_an_officer_lets_it_in(principal, command) or division_exists(command.division_code, today)
    if refusal is not None:
        return refusal
    if command.registered_on > today:
        return DateInTheFuture("registered_on", date=command.registered_on, today=today)
    region = region_on(command.division_code, reach, today)
    if region is None:
        return RegionNotInPilot("division_code", code=command.division_code, day=today)
    foreign = _party_or_officer(principal, command.uscc, region)
    if foreign is not None:
        return foreign
    if enterprise.registered:
        return OutOfOrder("uscc", state="registered")
    event = EnterpriseRegistered(
        uscc=command.uscc,
        name=command.name,
        region=region,
        division_code=command.division_code,
        legal_form=command.legal_form,
        registered_on=command.registered_on,
        override_by=command.override_by if uscc_fault(command.uscc) else None,
    )
    return [Decided(enterprise_id(command.uscc), event)]


def rename_enterprise(
    enterprise: Enterprise, today: date, principal: Principal, command: RenameEnterprise
) -> list[Decided] | Refusal:
    """EnterpriseRenamed, from today on or later, each later than the one before."""
    refusal = may_act(enterprise, command.uscc, today, principal)
    if refusal is not None:
        return refusal
    earliest = max(today, enterprise.renamed_on or today)
    if command.from_on < earliest:
        return DateTooEarly("from_on", date=command.from_on, earliest=earliest)
    event = EnterpriseRenamed(uscc=command.uscc, name=command.name, from_on=command.from_on)
    return [Decided(enterprise_id(command.uscc), event)]


def move_enterprise(
    enterprise: Enterprise,
    reach: Mapping[str, Assignments],
    today: date,
    principal: Principal,
    command: MoveEnterprise,
) -> list[Decided] | Refusal:
    """EnterpriseMoved to the region that reaches the new address on that day."""
    refusal = may_act(enterprise, command.uscc, today, principal)
    if refusal is not None:
        return refusal
    earliest = max(today, enterprise.addresses[-1].from_on)
    if command.from_on < earliest:
        return DateTooEarly("from_on", date=command.from_on, earliest=earliest)
    refusal = division_exists(command.division_code, command.from_on)
    if refusal is not None:
        return refusal
    # No region has this code when none reaches the address, so nobody decides under its terms.
    region = region_on(command.division_code, reach, command.from_on) or command.division_code
    event = EnterpriseMoved(
        uscc=command.uscc, region=region, division_code=command.division_code, from_on=command.from_on
    )
    return [Decided(enterprise_id(command.uscc), event)]


def succeed_enterprise(
    enterprise: Enterprise, successor: Enterprise, today: date, principal: Principal, command: SucceedEnterprise
) -> list[Decided] | Refusal:
    """EnterpriseSucceeded by another that is registered."""
    refusal = may_oversee(enterprise, command.uscc, today, principal)
    if refusal is not None:
        return refusal
    if enterprise.succession is not None:
        return OutOfOrder("uscc", state="succeeded")
    if command.successor_uscc == command.uscc:
        return SuccessorIsItself("successor_uscc")
    if not successor.registered or successor.is_gone(command.from_on):
        return SuccessorNotRegistered("successor_uscc", uscc=command.successor_uscc)
    if command.from_on < today:
        return DateTooEarly("from_on", date=command.from_on, earliest=today)
    event = EnterpriseSucceeded(
        uscc=command.uscc,
        successor_uscc=command.successor_uscc,
        decision_no=command.decision_no,
        from_on=command.from_on,
    )
    return [Decided(enterprise_id(command.uscc), event)]


def dissolve_enterprise(
    enterprise: Enterprise, today: date, principal: Principal, command: DissolveEnterprise
) -> list[Decided] | Refusal:
    """EnterpriseDissolved, once."""
    refusal = may_oversee(enterprise, command.uscc, today, principal)
    if refusal is not None:
        return refusal
    if enterprise.dissolved_on is not None:
        return OutOfOrder("uscc", state="dissolved")
    if command.on < today:
        return DateTooEarly("on", date=command.on, earliest=today)
    return [Decided(enterprise_id(command.uscc), EnterpriseDissolved(uscc=command.uscc, on=command.on))]


def declare_affiliation(
    enterprise: Enterprise, today: date, principal: Principal, command: DeclareAffiliation
) -> list[Decided] | Refusal:
    """AffiliationDeclared; the latest counts. Of a laboratory, which is no enterprise here, by an officer."""
    officer = principal.role in ("regional_officer", "provincial_officer")
    laboratory = officer and not enterprise.registered
    refusal = None if laboratory else may_act(enterprise, command.uscc, today, principal)
    if refusal is not None:
        return refusal
    return [Decided(enterprise_id(command.uscc), AffiliationDeclared(**command.model_dump()))]
