"""Regions join the pilot, change their reach and leave. 一(一), 一(二)"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field
from tongdui_events.common import DivisionPrefix
from tongdui_events.document import RegionCode, Text
from tongdui_events.registry import RegionJoined, RegionLeft, RegionReachChanged
from tongdui_events.streams import region_id

from services.registry.domain import reach as reaching
from services.registry.domain.fields import Day, each_once
from services.registry.domain.jurisdiction import DELTA, acts_for_province
from services.registry.domain.reach import Assignments
from services.registry.domain.refusals import (
    DateTooEarly,
    OutsideTheDelta,
    PrefixOutsideProvince,
    PrefixTaken,
    WholeProvinceNotYet,
)
from services.registry.domain.region_state import Region
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, OutOfOrder, Refusal, first_refusal
from shared.kernel.identifiers import province_of

WHOLE_PROVINCES = frozenset({"31", "33"})
WHOLE_FROM = date(2021, 7, 9)
"""Six months after the notice of 9 January 2021. 一(二)"""

Prefixes = Annotated[tuple[DivisionPrefix, ...], Field(min_length=1, max_length=200), AfterValidator(each_once)]


class JoinRegion(Command):
    """A region joins the pilot through its province, with the division prefixes it pays for."""

    region: RegionCode
    name: Text
    prefixes: Prefixes
    joins_on: Day


class ChangeRegionReach(Command):
    """A region pays for other division prefixes from a later day on. ``prefixes`` are all it then has."""

    region: RegionCode
    prefixes: Prefixes
    from_on: Day


class LeaveRegion(Command):
    """A region leaves: nothing new from ``leaves_on``; confirmed vouchers are honoured until the last
    day of the run-off."""

    region: RegionCode
    leaves_on: Day
    run_off_until: Day


class _Change(NamedTuple):
    """What the rules on reach look at."""

    region: str
    prefixes: tuple[str, ...]
    from_on: date
    reach: Mapping[str, Assignments]


# -- rules -------------------------------------------------------------------------------------


def region_lies_in_the_delta(change: _Change) -> Refusal | None:
    if province_of(change.region) in DELTA:
        return None
    return OutsideTheDelta("region", code=change.region)


def prefixes_lie_in_the_regions_province(change: _Change) -> Refusal | None:
    province = province_of(change.region)
    stray = next((prefix for prefix in change.prefixes if not prefix.startswith(province)), None)
    return PrefixOutsideProvince("prefixes", prefix=stray) if stray else None


def only_shanghai_and_zhejiang_take_part_whole_six_months_after_the_notice(change: _Change) -> Refusal | None:
    whole = next((prefix for prefix in change.prefixes if len(prefix) == 2), None)
    if whole is None or (whole in WHOLE_PROVINCES and change.from_on >= WHOLE_FROM):
        return None
    return WholeProvinceNotYet("prefixes", prefix=whole, earliest=WHOLE_FROM)


def no_other_region_holds_these_prefixes(change: _Change) -> Refusal | None:
    for prefix in change.prefixes:
        holder = reaching.taken_by(change.reach.get(prefix, ()), change.region, change.from_on)
        if holder is not None:
            return PrefixTaken("prefixes", prefix=prefix, region=holder)
    return None


REACH_RULES = (
    region_lies_in_the_delta,
    prefixes_lie_in_the_regions_province,
    only_shanghai_and_zhejiang_take_part_whole_six_months_after_the_notice,
    no_other_region_holds_these_prefixes,
)


# -- decisions ---------------------------------------------------------------------------------


def join_region(
    region: Region, reach: Mapping[str, Assignments], principal: Principal, command: JoinRegion
) -> list[Decided] | Refusal:
    """RegionJoined and the reach of its prefixes; one that has left may join again."""
    foreign = acts_for_province(principal, province_of(command.region))
    if foreign is not None:
        return foreign
    if region.joins_on is not None and (region.leaves_on is None or command.joins_on < region.leaves_on):
        return OutOfOrder("region", state=region.state)
    refusal = first_refusal(REACH_RULES, _Change(command.region, command.prefixes, command.joins_on, reach))
    if refusal is not None:
        return refusal
    joined = RegionJoined(
        region=command.region,
        name=command.name,
        province=province_of(command.region),
        prefixes=command.prefixes,
        joins_on=command.joins_on,
    )
    return [
        Decided(region_id(command.region), joined),
        *reaching.assign(command.prefixes, command.region, command.joins_on),
    ]


def change_region_reach(
    region: Region, reach: Mapping[str, Assignments], today: date, principal: Principal, command: ChangeRegionReach
) -> list[Decided] | Refusal:
    """RegionReachChanged, and what is gained and given up, from a day after the business day."""
    refusal = _still_taking_part(region, principal, command.region)
    if refusal is not None:
        return refusal
    earliest = max(today, region.reaches[-1].from_on) + timedelta(days=1)
    if command.from_on < earliest:
        return DateTooEarly("from_on", date=command.from_on, earliest=earliest)
    refusal = first_refusal(REACH_RULES, _Change(command.region, command.prefixes, command.from_on, reach))
    if refusal is not None:
        return refusal
    before, after = set(region.reaches[-1].prefixes), set(command.prefixes)
    changed = RegionReachChanged(region=command.region, prefixes=command.prefixes, from_on=command.from_on)
    return [
        Decided(region_id(command.region), changed),
        *reaching.assign(before - after, None, command.from_on),
        *reaching.assign(after - before, command.region, command.from_on),
    ]


def leave_region(region: Region, today: date, principal: Principal, command: LeaveRegion) -> list[Decided] | Refusal:
    """RegionLeft, and its prefixes are nobody's from that day."""
    refusal = _still_taking_part(region, principal, command.region)
    if refusal is not None:
        return refusal
    earliest = max(today, region.reaches[-1].from_on) + timedelta(days=1)
    if command.leaves_on < earliest:
        return DateTooEarly("leaves_on", date=command.leaves_on, earliest=earliest)
    if command.run_off_until < command.leaves_on:
        return DateTooEarly("run_off_until", date=command.run_off_until, earliest=command.leaves_on)
    left = RegionLeft(region=command.region, leaves_on=command.leaves_on, run_off_until=command.run_off_until)
    return [
        Decided(region_id(command.region), left),
        *reaching.assign(region.reaches[-1].prefixes, None, command.leaves_on),
    ]


def _still_taking_part(region: Region, principal: Principal, code: str) -> Refusal | None:
    if region.joins_on is None:
        return NotFound("region", what="region", id=code)
    foreign = acts_for_province(principal, province_of(code))
    if foreign is not None:
        return foreign
    return OutOfOrder("region", state=region.state) if region.leaves_on is not None else None
