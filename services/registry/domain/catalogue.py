"""The service items of one year, for all regions or for one. 二(一), 三(三)"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError
from tongdui_events.document import Event, PositiveFen, RegionCode, Stamp, Year
from tongdui_events.registry import CatalogueItem, CataloguePublished
from tongdui_events.streams import catalogue_id

from services.registry.domain.jurisdiction import acts_for_region
from services.registry.domain.refusals import CatalogueYearOver
from services.registry.domain.region_state import Region
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, Refusal
from shared.kernel.folding import Fold


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The latest version of one list; version 0 before the first."""

    version: int = 0
    items: dict[str, CatalogueItem] = field(default_factory=dict)


def _evolve(catalogue: Catalogue, event: Event, stamp: Stamp) -> Catalogue:
    if isinstance(event, CataloguePublished):
        return Catalogue(event.version, {item.code: item for item in event.items})
    return catalogue


CATALOGUE: Fold[Catalogue] = Fold("catalogue", "registry", (CataloguePublished,), Catalogue(), _evolve)
"""Keyed by ``catalogue_id(year, region)``."""


class ItemStated(CatalogueItem):
    """One service item. ``category``: development 技术研发, transfer 技术转移, testing 检验检测,
    sharing 资源开放, or a region's own code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit_cap_fen: PositiveFen | None = None


def _each_code_once(items: tuple[ItemStated, ...]) -> tuple[ItemStated, ...]:
    if len({item.code for item in items}) != len(items):
        raise PydanticCustomError("repeated", "an item code is named twice", {"zh": "事项代码重复"})
    return items


class PublishCatalogue(Command):
    """Publish the next version of a year's whole list: a province's officer for all regions, a region's
    officer for its own region."""

    year: Year
    region: RegionCode | None = None
    items: Annotated[tuple[ItemStated, ...], Field(min_length=1, max_length=1000), AfterValidator(_each_code_once)]


def publish_catalogue(
    catalogue: Catalogue, region: Region, today: date, principal: Principal, command: PublishCatalogue
) -> list[Decided] | Refusal:
    """CataloguePublished, version = the last + 1. ``region``: the state of the region named, where one is."""
    refusal = _may_publish(region, principal, command)
    if refusal is not None:
        return refusal
    if command.year < today.year:
        return CatalogueYearOver("year", year=command.year)
    published = CataloguePublished(
        year=command.year,
        region=command.region,
        version=catalogue.version + 1,
        items=tuple(CatalogueItem.model_validate(item.model_dump()) for item in command.items),
    )
    return [Decided(catalogue_id(command.year, command.region), published)]


def _may_publish(region: Region, principal: Principal, command: PublishCatalogue) -> Refusal | None:
    if command.region is None:
        return None if principal.role == "provincial_officer" else NotYours("region")
    if region.joins_on is None:
        return NotFound("region", what="region", id=command.region)
    return acts_for_region(principal, command.region)
