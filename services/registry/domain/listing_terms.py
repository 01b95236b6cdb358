"""How long a province's listings are public. 二(三)"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from tongdui_events.common import Province
from tongdui_events.document import Event, Stamp
from tongdui_events.registry import ListingTermsSet
from tongdui_events.streams import province_id

from services.registry.domain.fields import Day, NoticeDays
from services.registry.domain.jurisdiction import DELTA, acts_for_province
from services.registry.domain.refusals import DateTooEarly, DayAlreadyGoverned, OutsideTheDelta
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, Refusal
from shared.kernel.folding import Fold


class ListingTerms(NamedTuple):
    """Both counts must pass; the first day is day 1."""

    calendar_days: int
    working_days: int
    effective_on: date


DEFAULT_TERMS = ListingTerms(7, 5, date.min)
"""Where a province has set none."""
AllTerms = tuple[ListingTerms, ...]


def terms_on(all_terms: AllTerms, day: date) -> ListingTerms:
    """The terms in force on a day: of those begun, the one that began last."""
    begun = [terms for terms in all_terms if terms.effective_on <= day]
    return max(begun, key=lambda terms: terms.effective_on, default=DEFAULT_TERMS)


def _evolve(all_terms: AllTerms, event: Event, stamp: Stamp) -> AllTerms:
    if isinstance(event, ListingTermsSet):
        terms = ListingTerms(event.notice_calendar_days, event.notice_working_days, event.effective_on)
        return (*all_terms, terms)
    return all_terms


LISTING_TERMS: Fold[AllTerms] = Fold("listing_terms", "registry", (ListingTermsSet,), (), _evolve)
"""Keyed by ``province_id(province)``."""


class SetListingTerms(Command):
    """Say how long the province's listings are public, from a day after the business day (the first excepted)."""

    province: Province
    notice_calendar_days: NoticeDays
    notice_working_days: NoticeDays
    effective_on: Day


def set_listing_terms(
    all_terms: AllTerms, today: date, principal: Principal, command: SetListingTerms
) -> list[Decided] | Refusal:
    """ListingTermsSet."""
    if command.province not in DELTA:
        return OutsideTheDelta("province", code=command.province)
    foreign = acts_for_province(principal, command.province)
    if foreign is not None:
        return foreign
    if all_terms and command.effective_on <= today:
        return DateTooEarly("effective_on", date=command.effective_on, earliest=today + timedelta(days=1))
    if any(terms.effective_on == command.effective_on for terms in all_terms):
        return DayAlreadyGoverned("effective_on", day=command.effective_on)
    event = ListingTermsSet(
        province=command.province,
        notice_calendar_days=command.notice_calendar_days,
        notice_working_days=command.notice_working_days,
        effective_on=command.effective_on,
    )
    return [Decided(province_id(command.province), event)]
