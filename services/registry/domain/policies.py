"""A region's dated, numbered terms. 二, 二(四), 二(五), 三(五)

Only service scope, applicants, amounts and payment may follow a document of the region's own; a
basis has no other topic, so provider conditions, publicity, duplicates and bans stay the notice's.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError
from tongdui_events.common import Mode
from tongdui_events.document import BasisPoints, Code, PositiveFen, RegionCode, Sha256, Text
from tongdui_events.policy import Channels, MonthDay, PolicyAdopted, PolicyBasis, PolicyTerms
from tongdui_events.streams import region_id

from services.registry.domain.fields import Day, DayCount, NoticeDays, each_once
from services.registry.domain.jurisdiction import acts_for_region
from services.registry.domain.refusals import (
    AgentOnlyForTongdui,
    DateTooEarly,
    DayAlreadyGoverned,
    YearCapNeedsOwnDocument,
)
from services.registry.domain.region_state import Region
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, OutOfOrder, Refusal, first_refusal

NOTICE = "notice"
"""A basis that says: as the notice has it."""
NOTICE_YEAR_CAP_FEN = 30_000_000
"""300,000 yuan per enterprise and year, in principle. 二(四)"""

Ratios = Annotated[dict[Code, BasisPoints], Field(min_length=1, max_length=200)]


def _in_every_year(month_day: str) -> str:
    try:
        date.fromisoformat(f"2001-{month_day}")
    except ValueError as error:
        context = {"zh": "应为每年都有的日期(MM-DD)"}
        raise PydanticCustomError("month_day", "a day every year has, MM-DD", context) from error
    return month_day


EveryYearsDay = Annotated[MonthDay, AfterValidator(_in_every_year)]
"""A day every year has, MM-DD."""


class BasisStated(PolicyBasis):
    """Topic by topic: ``notice``, or the region's own document and article."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ChannelsStated(Channels):
    """Who carries the money, by mode; an agent only in tongdui."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TermsStated(PolicyTerms):
    """All terms of one version. Sums in fen, ratios in basis points, days as counts of at least one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    modes: Annotated[tuple[Mode, ...], Field(min_length=1, max_length=2), AfterValidator(each_once)]
    ratio_bp: Ratios
    item_ratio_bp: Ratios | None = None
    allocation_cap_fen: PositiveFen | None = None
    enterprise_year_cap_fen: PositiveFen
    provider_year_cap_fen: PositiveFen | None = None
    controller_year_cap_fen: PositiveFen | None = None
    use_by_days: DayCount
    redeem_by_days: DayCount
    notice_calendar_days: NoticeDays
    notice_working_days: NoticeDays
    mending_days: DayCount
    review_days: DayCount
    appeal_days: DayCount
    answer_days: DayCount
    sme_grace_until: EveryYearsDay | None = None
    channel: ChannelsStated


class AdoptPolicy(Command):
    """Adopt the next version of a region's terms, for a day after the business day (the first excepted).

    Versions are never edited; ``text_sha256`` is the digest of ``source_document``.
    """

    region: RegionCode
    effective_on: Day
    basis: BasisStated
    terms: TermsStated
    source_document: Text
    text_sha256: Sha256


# -- rules -------------------------------------------------------------------------------------


def terms_begin_after_the_business_day(region: Region, today: date, command: AdoptPolicy) -> Refusal | None:
    if not region.policies or command.effective_on > today:
        return None
    return DateTooEarly("effective_on", date=command.effective_on, earliest=today + timedelta(days=1))


def no_two_versions_begin_on_one_day(region: Region, today: date, command: AdoptPolicy) -> Refusal | None:
    if all(policy.effective_on != command.effective_on for policy in region.policies):
        return None
    return DayAlreadyGoverned("effective_on", day=command.effective_on)


def a_year_cap_above_the_notices_needs_an_own_document(
    region: Region, today: date, command: AdoptPolicy
) -> Refusal | None:
    if command.terms.enterprise_year_cap_fen <= NOTICE_YEAR_CAP_FEN or command.basis.amounts.strip() != NOTICE:
        return None
    return YearCapNeedsOwnDocument("terms.enterprise_year_cap_fen")


def only_tongdui_is_paid_through_an_agent(region: Region, today: date, command: AdoptPolicy) -> Refusal | None:
    return AgentOnlyForTongdui("terms.channel.tongyong") if command.terms.channel.tongyong == "agent" else None


RULES = (
    terms_begin_after_the_business_day,
    no_two_versions_begin_on_one_day,
    a_year_cap_above_the_notices_needs_an_own_document,
    only_tongdui_is_paid_through_an_agent,
)


# -- decision ----------------------------------------------------------------------------------


def adopt_policy(region: Region, today: date, principal: Principal, command: AdoptPolicy) -> list[Decided] | Refusal:
    """PolicyAdopted, version = the last + 1."""
    if region.joins_on is None:
        return NotFound("region", what="region", id=command.region)
    foreign = acts_for_region(principal, command.region)
    if foreign is not None:
        return foreign
    if region.leaves_on is not None and command.effective_on >= region.leaves_on:
        return OutOfOrder("region", state=region.state)
    refusal = first_refusal(RULES, region, today, command)
    if refusal is not None:
        return refusal
    adopted = PolicyAdopted(
        region=command.region,
        version=len(region.policies) + 1,
        effective_on=command.effective_on,
        basis=PolicyBasis.model_validate(command.basis.model_dump()),
        terms=PolicyTerms.model_validate(command.terms.model_dump()),
        source_document=command.source_document,
        text_sha256=command.text_sha256,
    )
    return [Decided(region_id(command.region), adopted)]
