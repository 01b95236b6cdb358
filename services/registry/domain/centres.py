"""A region entrusts management centres, for a scope and a time. 三(三)"""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field
from tongdui_events.document import RegionCode, Text
from tongdui_events.registry import CentreEntrusted, CentreReleased, CentreScope
from tongdui_events.streams import region_id

from services.registry.domain.fields import Day, each_once
from services.registry.domain.jurisdiction import acts_for_region
from services.registry.domain.refusals import DateTooEarly
from services.registry.domain.region_state import Region
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, OutOfOrder, Refusal


class EntrustCentre(Command):
    """Entrust a centre with reviewing redemptions, with allocating, or with both, from a day on."""

    region: RegionCode
    centre_id: UUID
    name: Text
    scope: Annotated[tuple[CentreScope, ...], Field(min_length=1), AfterValidator(each_once)]
    from_on: Day
    until: Day | None = None


class ReleaseCentre(Command):
    """The centre acts no more for the region from ``on``."""

    region: RegionCode
    centre_id: UUID
    on: Day


def entrust_centre(
    region: Region, today: date, principal: Principal, command: EntrustCentre
) -> list[Decided] | Refusal:
    """CentreEntrusted; one centre has one entrustment of a region at a time."""
    refusal = _governed(region, principal, command.region)
    if refusal is not None:
        return refusal
    if region.leaves_on is not None:
        return OutOfOrder("region", state=region.state)
    if command.from_on < today:
        return DateTooEarly("from_on", date=command.from_on, earliest=today)
    if command.until is not None and command.until < command.from_on:
        return DateTooEarly("until", date=command.until, earliest=command.from_on)
    same = (centre for centre in region.centres if centre.centre_id == command.centre_id)
    if any(not centre.ends_before(command.from_on) for centre in same):
        return OutOfOrder("centre_id", state="entrusted")
    entrusted = CentreEntrusted(
        region=command.region,
        centre_id=command.centre_id,
        name=command.name,
        scope=command.scope,
        from_on=command.from_on,
        until=command.until,
    )
    return [Decided(region_id(command.region), entrusted)]


def release_centre(
    region: Region, today: date, principal: Principal, command: ReleaseCentre
) -> list[Decided] | Refusal:
    """CentreReleased, from today on or later."""
    refusal = _governed(region, principal, command.region)
    if refusal is not None:
        return refusal
    if command.on < today:
        return DateTooEarly("on", date=command.on, earliest=today)
    same = [centre for centre in region.centres if centre.centre_id == command.centre_id]
    if not same:
        return NotFound("centre_id", what="centre", id=command.centre_id)
    if all(centre.released_on is not None or centre.ends_before(command.on) for centre in same):
        return OutOfOrder("centre_id", state="released")
    released = CentreReleased(region=command.region, centre_id=command.centre_id, on=command.on)
    return [Decided(region_id(command.region), released)]


def _governed(region: Region, principal: Principal, code: str) -> Refusal | None:
    if region.joins_on is None:
        return NotFound("region", what="region", id=code)
    return acts_for_region(principal, code)
