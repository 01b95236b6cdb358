"""What an enterprise's stream says: names, addresses, status, bars."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple
from uuid import UUID

from tongdui_events.document import Event, Stamp
from tongdui_events.registry import (
    AffiliationDeclared,
    EnterpriseBarred,
    EnterpriseDissolved,
    EnterpriseMoved,
    EnterpriseQualificationRevoked,
    EnterpriseQualified,
    EnterpriseRegistered,
    EnterpriseReinstated,
    EnterpriseRenamed,
    EnterpriseSucceeded,
    QualificationRefused,
    QualificationRequested,
)

from shared.kernel.folding import Fold


class Address(NamedTuple):
    """Where it is registered, and who pays for it, from a day on."""

    from_on: date
    region: str
    division_code: str


class Qualification(NamedTuple):
    """A technology-based SME between two days included; from ``revoked_on`` it is none."""

    year: int
    valid_from_on: date
    valid_until: date
    revoked_on: date | None = None

    def holds_on(self, day: date) -> bool:
        revoked = self.revoked_on is not None and day >= self.revoked_on
        return self.valid_from_on <= day <= self.valid_until and not revoked


class Bar(NamedTuple):
    """A sanction: it may not apply, nor be recommended, between two days included."""

    sanction_id: UUID
    decision_no: str
    from_on: date
    until: date | None

    def holds_on(self, day: date) -> bool:
        return self.from_on <= day and (self.until is None or day <= self.until)

    def is_over(self, day: date) -> bool:
        return self.until is not None and self.until < day


class Succession(NamedTuple):
    successor_uscc: str
    from_on: date


@dataclass(frozen=True, slots=True)
class Enterprise:
    """One enterprise. ``name`` is "" until it registered; bars may come before that.

    ``asked`` is the basis and year of a request nobody has answered yet.
    """

    name: str = ""
    renamed_on: date | None = None
    legal_form: str = ""
    addresses: tuple[Address, ...] = ()
    qualifications: tuple[Qualification, ...] = ()
    asked: tuple[str, int] | None = None
    bars: tuple[Bar, ...] = ()
    succession: Succession | None = None
    dissolved_on: date | None = None

    @property
    def registered(self) -> bool:
        return self.name != ""

    def address_on(self, day: date) -> Address:
        """Where it is registered on a day; the first address before any began. Only of a registered one."""
        begun = [address for address in self.addresses if address.from_on <= day]
        return begun[-1] if begun else self.addresses[0]

    def bar_on(self, day: date) -> Bar | None:
        """A bar that holds on a day, or None."""
        return next((bar for bar in self.bars if bar.holds_on(day)), None)

    def is_gone(self, day: date) -> bool:
        """Dissolved, or succeeded by another."""
        dissolved = self.dissolved_on is not None and self.dissolved_on <= day
        return dissolved or (self.succession is not None and self.succession.from_on <= day)


def _evolve(enterprise: Enterprise, event: Event, stamp: Stamp) -> Enterprise:
    match event:
        case EnterpriseRegistered():
            address = Address(stamp.business_day, event.region, event.division_code)
            return replace(enterprise, name=event.name, legal_form=event.legal_form, addresses=(address,))
        case EnterpriseRenamed():
            return replace(enterprise, name=event.name, renamed_on=event.from_on)
        case EnterpriseMoved():
            address = Address(event.from_on, event.region, event.division_code)
            return replace(enterprise, addresses=(*enterprise.addresses, address))
        case EnterpriseSucceeded():
            return replace(enterprise, succession=Succession(event.successor_uscc, event.from_on))
        case EnterpriseDissolved():
            return replace(enterprise, dissolved_on=event.on)
        case EnterpriseBarred():
            bar = Bar(event.sanction_id, event.decision_no, event.from_on, event.until)
            return replace(enterprise, bars=(*enterprise.bars, bar))
        case EnterpriseReinstated():
            return replace(enterprise, bars=())
    return _qualification(enterprise, event)


def _qualification(enterprise: Enterprise, event: Event) -> Enterprise:
    match event:
        case QualificationRequested():
            return replace(enterprise, asked=(event.basis, event.year))
        case QualificationRefused():
            return replace(enterprise, asked=None)
        case EnterpriseQualified():
            qualified = Qualification(event.year, event.valid_from_on, event.valid_until)
            return replace(enterprise, asked=None, qualifications=(*enterprise.qualifications, qualified))
        case EnterpriseQualificationRevoked():
            revoked = tuple(
                held._replace(revoked_on=event.on) if held.revoked_on is None else held
                for held in enterprise.qualifications
            )
            return replace(enterprise, qualifications=revoked)
    return enterprise


ENTERPRISE: Fold[Enterprise] = Fold(
    "enterprise",
    "registry",
    (
        EnterpriseRegistered,
        EnterpriseRenamed,
        EnterpriseMoved,
        EnterpriseSucceeded,
        EnterpriseDissolved,
        AffiliationDeclared,
        QualificationRequested,
        EnterpriseQualified,
        QualificationRefused,
        EnterpriseQualificationRevoked,
        EnterpriseBarred,
        EnterpriseReinstated,
    ),
    Enterprise(),
    _evolve,
)
"""Keyed by ``enterprise_id(uscc)``."""
