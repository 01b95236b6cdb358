"""What the registry publishes besides policies and notices: days, regions, catalogues, parties."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from tongdui_events.common import Count, DivisionPrefix, Flag, Number, Place, Province
from tongdui_events.document import Code, Event, Fen, Frozen, Hmac, RegionCode, Sha256, Text, Uscc, Year

QualificationBasis = Literal["sme_number", "self_evaluation", "regional_review"]
CentreScope = Literal["review", "allocate"]


class CatalogueItem(Frozen):
    """One service item of a year's list. ``category``: development 技术研发, transfer 技术转移,
    testing 检验检测, sharing 资源开放, or a region's own code."""

    code: Code
    name: Text
    category: Code
    unit_cap_fen: Fen | None = None
    exclusions: tuple[Text, ...] = ()


class RegistryEvent(Event):
    """An event only the registry publishes."""

    SOURCES: ClassVar[frozenset[str]] = frozenset({"registry"})


class DayOpened(RegistryEvent):
    """The platform's business day begins."""

    date: date
    working: Flag


class CalendarSet(RegistryEvent):
    """All working days of a year that the built-in calendar does not know."""

    year: Year
    working_days: tuple[date, ...]


class ListingTermsSet(RegistryEvent):
    """How long a province's listings are public, from a day on."""

    province: Province
    notice_calendar_days: Count
    notice_working_days: Count
    effective_on: date


class DelegationGranted(RegistryEvent):
    """One actor may act for another, until the last day included, with the authority the other has by role, region
    and membership. ``scope``: ``all``, a service, or a command's name."""

    delegation_id: UUID
    from_actor: Code
    to_actor: Code
    scope: Code
    until: date
    from_role: Code | None = None
    from_region: Place | None = None
    from_member_of: UUID | None = None


class DelegationEnded(RegistryEvent):
    """A delegation ended before its last day."""

    delegation_id: UUID


class RegionJoined(RegistryEvent):
    """A region joins the pilot, with the division prefixes it pays for."""

    region: RegionCode
    name: Text
    province: Province
    prefixes: tuple[DivisionPrefix, ...]
    joins_on: date


class RegionReachChanged(RegistryEvent):
    """A region pays for other division prefixes from a day on."""

    region: RegionCode
    prefixes: tuple[DivisionPrefix, ...]
    from_on: date


class RegionLeft(RegistryEvent):
    """A region leaves; what is under way runs off until the last day included."""

    region: RegionCode
    leaves_on: date
    run_off_until: date


class ReachAssigned(RegistryEvent):
    """From a day on a region pays for the divisions under a prefix, or nobody does (null).

    In the prefix's own stream, beside RegionJoined, RegionReachChanged or RegionLeft.
    """

    prefix: DivisionPrefix
    region: RegionCode | None = None
    from_on: date


class CentreEntrusted(RegistryEvent):
    """A region entrusts a centre, for a scope and a time."""

    region: RegionCode
    centre_id: UUID
    name: Text
    scope: tuple[CentreScope, ...]
    from_on: date
    until: date | None = None


class CentreReleased(RegistryEvent):
    """A centre no longer acts for a region from a day on."""

    region: RegionCode
    centre_id: UUID
    on: date


class CataloguePublished(RegistryEvent):
    """A version of the service items of one year, for all regions or for one."""

    year: Year
    region: RegionCode | None = None
    version: Number
    items: tuple[CatalogueItem, ...]


class EnterpriseRegistered(RegistryEvent):
    """An enterprise is known; ``override_by`` is the officer who let a failing USCC in."""

    uscc: Uscc
    name: Text
    region: RegionCode
    division_code: RegionCode
    legal_form: Code
    registered_on: date
    override_by: Code | None = None


class EnterpriseRenamed(RegistryEvent):
    """An enterprise has another registered name from a day on."""

    uscc: Uscc
    name: Text
    from_on: date


class EnterpriseMoved(RegistryEvent):
    """Another region pays for the enterprise's later vouchers."""

    uscc: Uscc
    region: RegionCode
    division_code: RegionCode
    from_on: date


class EnterpriseSucceeded(RegistryEvent):
    """Another enterprise takes over by decision; that is no transfer of vouchers."""

    uscc: Uscc
    successor_uscc: Uscc
    decision_no: Code
    from_on: date


class EnterpriseDissolved(RegistryEvent):
    """An enterprise no longer exists."""

    uscc: Uscc
    on: date


class AffiliationDeclared(RegistryEvent):
    """Who controls and holds an enterprise, as keyed digests."""

    uscc: Uscc
    controller_hmac: Hmac
    holder_hmac: tuple[Hmac, ...] = ()
    address_hmac: Hmac | None = None
    phone_hmac: Hmac | None = None


class QualificationRequested(RegistryEvent):
    """An enterprise asks to be held a technology-based SME for a year."""

    uscc: Uscc
    basis: QualificationBasis
    year: Year
    sme_number: Code | None = None


class EnterpriseQualified(RegistryEvent):
    """An enterprise is a technology-based SME for a year, between two days included."""

    uscc: Uscc
    basis: QualificationBasis
    year: Year
    score: Count | None = None
    valid_from_on: date
    valid_until: date
    evidence_sha256: tuple[Sha256, ...] = ()


class QualificationRefused(RegistryEvent):
    """The request for a qualification was refused."""

    uscc: Uscc
    reasons: tuple[Code, ...] = ()


class EnterpriseQualificationRevoked(RegistryEvent):
    """A qualification no longer holds from a day on."""

    uscc: Uscc
    on: date
    reason: Code


class EnterpriseBarred(RegistryEvent):
    """An enterprise may not apply from a day on."""

    uscc: Uscc
    from_on: date
    until: date | None = None
    decision_no: Code
    sanction_id: UUID


class EnterpriseReinstated(RegistryEvent):
    """Every bar on the enterprise was lifted by decision; one that still stands is recorded anew after it."""

    uscc: Uscc
    decision_no: Code
    sanction_id: UUID | None = None


class ProviderApplied(RegistryEvent):
    """A service organisation asks to be listed, in its province."""

    uscc: Uscc
    name: Text
    province: Province
    legal_form: Code
    established_on: date
    categories: tuple[Code, ...]
    branch_uscc: tuple[Uscc, ...] = ()


class ProviderRecommended(RegistryEvent):
    """The provider's province recommends it; ``attested`` are the conditions it checked by hand."""

    uscc: Uscc
    province: Province
    attested: tuple[Code, ...] = ()


class ProviderPublished(RegistryEvent):
    """The provider stands in a public notice."""

    uscc: Uscc
    notice_id: UUID


class ProviderRefused(RegistryEvent):
    """The provider's province does not recommend it."""

    uscc: Uscc
    province: Province
    reasons: tuple[Code, ...] = ()


class ProviderListed(RegistryEvent):
    """A provider is on the list from a day on, after its public notice."""

    uscc: Uscc
    notice_id: UUID
    province: Province
    categories: tuple[Code, ...]
    on: date


class ProviderSuspended(RegistryEvent):
    """A provider takes no new vouchers for now."""

    uscc: Uscc
    reason: Code


class ProviderReinstated(RegistryEvent):
    """A suspended or delisted provider is listed again by decision."""

    uscc: Uscc
    decision_no: Code


class ProviderDelisted(RegistryEvent):
    """A provider is off the list from a day on, by decision or by its own wish."""

    uscc: Uscc
    decision_no: Code | None = None
    voluntary: Flag
    on: date


class ProviderRenamed(RegistryEvent):
    """A provider has another registered name from a day on."""

    uscc: Uscc
    name: Text
    from_on: date


class ServiceOffered(RegistryEvent):
    """A provider offers a service item at a price per unit."""

    uscc: Uscc
    item_code: Code
    name: Text
    price_fen: Fen
    unit: Code


class ServiceWithdrawn(RegistryEvent):
    """A provider no longer offers a service item."""

    uscc: Uscc
    item_code: Code
