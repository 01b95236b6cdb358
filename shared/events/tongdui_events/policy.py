"""A region's terms as its PolicyAdopted states them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from tongdui_events.common import Channel, Count, Flag, Mode, Number
from tongdui_events.document import BasisPoints, Code, Event, Fen, Frozen, RegionCode, Sha256, Text

MonthDay = Annotated[str, StringConstraints(pattern=r"^(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$")]
"""A day of any year, MM-DD."""
YearBasis = Literal["allocation", "payment"]


class PolicyBasis(Frozen):
    """Where each part of the terms comes from: ``notice``, or a document and its article."""

    scope: Text
    applicants: Text
    amounts: Text
    payment: Text


class Channels(Frozen):
    """Who carries the money, by mode."""

    tongyong: Channel
    tongdui: Channel


class PolicyTerms(Frozen):
    """One region's terms. Sums in fen, ratios in basis points by category or by item code."""

    modes: tuple[Mode, ...]
    ratio_bp: dict[Code, BasisPoints]
    item_ratio_bp: dict[Code, BasisPoints] | None = None
    allocation_cap_fen: Fen | None = None
    enterprise_year_cap_fen: Fen
    region_year_budget_fen: Fen
    provider_year_cap_fen: Fen | None = None
    controller_year_cap_fen: Fen | None = None
    quota_year_basis: YearBasis
    budget_year_basis: YearBasis
    rounding: Literal["fen", "yuan"]
    amount_basis: Literal["tax_inclusive", "tax_exclusive"]
    partial_allocation: Flag
    use_by_days: Count
    redeem_by_days: Count
    notice_calendar_days: Count
    notice_working_days: Count
    mending_days: Count
    review_days: Count
    appeal_days: Count
    answer_days: Count
    window: Literal["day", "week", "month"]
    year_end: Literal["carry_over", "release"]
    sme_grace_until: MonthDay | None = None
    precheck: Flag
    regional_review: Flag
    centre_allocates: Flag
    channel: Channels
    offset_allowed: Flag
    clawback_restores_quota: Flag
    related_parties: Literal["refuse", "flag"]
    local_support_counts: Flag


class PolicyAdopted(Event):
    """A region adopts the next version of its terms, for a date to come (its first excepted)."""

    SOURCES: ClassVar[frozenset[str]] = frozenset({"registry"})
    region: RegionCode
    version: Number
    effective_on: date
    basis: PolicyBasis
    terms: PolicyTerms
    source_document: Text
    text_sha256: Sha256
