"""The numbered public notice by which recommended providers are listed. 二(三)

Published by the province for its own providers; closed the day after an item's last day, when
whoever nobody objected to is listed in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Annotated, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, Field
from tongdui_events.common import Flag, NoticeItem, NoticeNumbered, Province
from tongdui_events.document import Code, Event, Sha256, Stamp, Uscc
from tongdui_events.registry import ProviderListed, ProviderPublished, ProviderRefused
from tongdui_events.streams import notice_numbers_id, provider_id

from services.registry.domain.enterprise_state import Enterprise
from services.registry.domain.fields import Day, each_once
from services.registry.domain.jurisdiction import acts_for_province
from services.registry.domain.listing_terms import AllTerms, terms_on
from services.registry.domain.provider_state import Provider
from services.registry.domain.refusals import AlreadyPublished
from shared.kernel import public_notice
from shared.kernel.calendar import Calendar
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal
from shared.kernel.folding import Fold
from shared.kernel.public_notice import NOTICE_EVENTS, PublicNotice

NOTICE: Fold[PublicNotice] = Fold("notice", "registry", NOTICE_EVENTS, PublicNotice(), public_notice.evolve)
"""Keyed by ``notice_id``."""


def _numbered(ordinal: int, event: Event, stamp: Stamp) -> int:
    return event.ordinal if isinstance(event, NoticeNumbered) else ordinal


NUMBERS: Fold[int] = Fold("notice_numbers", "registry", (NoticeNumbered,), 0, _numbered)
"""The last ordinal of a year; keyed by ``notice_numbers_id("registry", year)``."""


class PublishListing(Command):
    """Publish a numbered notice of the province's recommended providers.

    It opens today, or on ``opens_on``; its length is the province's (7 calendar and 5 working days
    where none was set).
    """

    notice_id: UUID
    province: Province
    usccs: Annotated[tuple[Uscc, ...], Field(min_length=1, max_length=500), AfterValidator(each_once)]
    opens_on: Day | None = None


class CorrectListing(Command):
    """Publish some items anew under the providers' present names; theirs is a whole period again."""

    notice_id: UUID
    usccs: Annotated[tuple[Uscc, ...], Field(min_length=1, max_length=500), AfterValidator(each_once)]
    opens_on: Day | None = None


class WithdrawListing(Command):
    """Take the whole notice back; its providers may be published again."""

    notice_id: UUID
    reason: Code


class RaiseObjection(Command):
    """Object to one item while it is public. The contact and the text stay outside; their digest is recorded."""

    notice_id: UUID
    objection_id: UUID
    item_id: UUID
    reason_sha256: Sha256


class RuleOnObjection(Command):
    """The province rules on an objection; upheld, the provider is refused."""

    notice_id: UUID
    objection_id: UUID
    upheld: Flag
    grounds_sha256: Sha256


class CloseNotice(Command):
    """List whom the notice passed. Asked by the platform itself, the day after a last day."""

    notice_id: UUID


class Candidate(NamedTuple):
    """One provider to be published. ``standing`` is the notice it stood in last."""

    uscc: str
    provider: Provider
    standing: PublicNotice


class Party(NamedTuple):
    """One provider in a notice. ``known`` is the stream that keeps the bars on the same USCC."""

    provider: Provider
    known: Enterprise


# -- publishing --------------------------------------------------------------------------------


def publish_listing(
    notice: PublicNotice,
    last_number: int,
    candidates: Sequence[Candidate],
    terms: AllTerms,
    calendar: Calendar,
    today: date,
    principal: Principal,
    command: PublishListing,
) -> list[Decided] | Refusal:
    """NoticeNumbered, NoticePublished, and ProviderPublished for each. Raises UnknownYear."""
    refusal = acts_for_province(principal, command.province) or _all_known(candidates)
    refusal = refusal or _publishable(candidates, command.province)
    if refusal is not None:
        return refusal
    opens_on = command.opens_on or today
    published = public_notice.publish(
        notice,
        notice_id=command.notice_id,
        number=public_notice.notice_number(today.year, last_number + 1),
        kind="listing",
        items=[_item(candidate) for candidate in candidates],
        opens_on=opens_on,
        last_day_on=_last_day(opens_on, terms, calendar, today),
        today=today,
    )
    if isinstance(published, Refusal):
        return published
    numbered = NoticeNumbered(year=today.year, ordinal=last_number + 1, notice_id=command.notice_id)
    return [
        Decided(notice_numbers_id("registry", today.year), numbered),
        Decided(command.notice_id, published),
        *(_published(candidate.uscc, command.notice_id) for candidate in candidates),
    ]


def correct_listing(
    notice: PublicNotice,
    candidates: Sequence[Candidate],
    terms: AllTerms,
    calendar: Calendar,
    today: date,
    principal: Principal,
    command: CorrectListing,
) -> list[Decided] | Refusal:
    """NoticeCorrected for the items named. Raises UnknownYear."""
    refusal = _of_province(notice, principal, command.notice_id) or _all_known(candidates)
    if refusal is not None:
        return refusal
    opens_on = command.opens_on or today
    corrected = public_notice.correct(
        notice,
        items=[_item(candidate) for candidate in candidates],
        opens_on=opens_on,
        last_day_on=_last_day(opens_on, terms, calendar, today),
        today=today,
    )
    return corrected if isinstance(corrected, Refusal) else [Decided(command.notice_id, corrected)]


def withdraw_listing(notice: PublicNotice, principal: Principal, command: WithdrawListing) -> list[Decided] | Refusal:
    """NoticeWithdrawn."""
    refusal = _of_province(notice, principal, command.notice_id)
    if refusal is not None:
        return refusal
    withdrawn = public_notice.withdraw(notice, reason=command.reason)
    return withdrawn if isinstance(withdrawn, Refusal) else [Decided(command.notice_id, withdrawn)]


def _published(uscc: str, notice_id: UUID) -> Decided:
    return Decided(provider_id(uscc), ProviderPublished(uscc=uscc, notice_id=notice_id))


# -- objections --------------------------------------------------------------------------------


def raise_objection(notice: PublicNotice, today: date, command: RaiseObjection) -> list[Decided] | Refusal:
    """ObjectionRaised, by anyone; it holds its item, not the list."""
    raised = public_notice.raise_objection(
        notice,
        objection_id=command.objection_id,
        item_id=command.item_id,
        reason_sha256=command.reason_sha256,
        today=today,
    )
    return raised if isinstance(raised, Refusal) else [Decided(command.notice_id, raised)]


def rule_on_objection(
    notice: PublicNotice, parties: Mapping[UUID, Party], principal: Principal, command: RuleOnObjection
) -> list[Decided] | Refusal:
    """ObjectionDismissed, or ObjectionUpheld with ProviderRefused. ``parties``: by item."""
    refusal = _of_province(notice, principal, command.notice_id)
    if refusal is not None:
        return refusal
    ruled = public_notice.rule_on_objection(
        notice, objection_id=command.objection_id, upheld=command.upheld, grounds_sha256=command.grounds_sha256
    )
    if isinstance(ruled, Refusal):
        return ruled
    decided = [Decided(command.notice_id, ruled)]
    if command.upheld and notice.items[ruled.item_id].undecided:
        decided += _refused(parties[ruled.item_id].provider, "objection_upheld")
    return decided


# -- closing -----------------------------------------------------------------------------------


def close_notice(
    notice: PublicNotice, parties: Mapping[UUID, Party], today: date, command: CloseNotice
) -> list[Decided] | Refusal:
    """NoticeClosed, and each that passed is listed; one barred meanwhile is refused. ``parties``: by item."""
    closed = public_notice.close(notice, today=today)
    if isinstance(closed, Refusal):
        return closed
    decided = [Decided(command.notice_id, closed)]
    for item_id in closed.passed:
        decided += _listed(parties[item_id], command.notice_id, today)
    return decided


def _listed(party: Party, notice_id: UUID, today: date) -> list[Decided]:
    provider = party.provider
    if party.known.bar_on(today) is not None:
        return _refused(provider, "bad_credit")
    event = ProviderListed(
        uscc=provider.uscc, notice_id=notice_id, province=provider.province, categories=provider.categories, on=today
    )
    return [Decided(provider_id(provider.uscc), event)]


def _refused(provider: Provider, reason: str) -> list[Decided]:
    event = ProviderRefused(uscc=provider.uscc, province=provider.province, reasons=(reason,))
    return [Decided(provider_id(provider.uscc), event)]


# -- shared by the decisions above --------------------------------------------------------------


def _all_known(candidates: Iterable[Candidate]) -> Refusal | None:
    unknown = next((candidate for candidate in candidates if candidate.provider.stage == "unknown"), None)
    return NotFound("usccs", what="provider", id=unknown.uscc) if unknown else None


def _publishable(candidates: Iterable[Candidate], province: str) -> Refusal | None:
    """Recommended by this province, and in no notice that still stands."""
    for uscc, provider, standing in candidates:
        if provider.province != province:
            return NotYours("usccs")
        if provider.stage == "published" and not standing.withdrawn:
            return AlreadyPublished("usccs", uscc=uscc)
        if provider.stage not in ("recommended", "published"):
            return OutOfOrder("usccs", state=provider.stage)
    return None


def province_of(notice: PublicNotice) -> str:
    """Whose listing it is; "" before it is published."""
    return next((item.item.region for item in notice.items.values()), "")


def _of_province(notice: PublicNotice, principal: Principal, notice_id: UUID) -> Refusal | None:
    """The notice exists and is the caller's province's."""
    if notice.number is None:
        return NotFound("notice_id", what="notice", id=notice_id)
    return acts_for_province(principal, province_of(notice))


def _item(candidate: Candidate) -> NoticeItem:
    provider = candidate.provider
    item_id = provider_id(candidate.uscc)
    return NoticeItem(item_id=item_id, name=provider.name, region=provider.province)


def _last_day(opens_on: date, terms: AllTerms, calendar: Calendar, today: date) -> date:
    """By the terms in force on the day of publishing."""
    length = terms_on(terms, today)
    return public_notice.last_day(opens_on, length.calendar_days, length.working_days, calendar)
