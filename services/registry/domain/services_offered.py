"""What a provider offers: items of the year's list, with price and unit. 二(三)3, 三(三)"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from tongdui_events.document import Code, PositiveFen, RegionCode, Text, Uscc
from tongdui_events.registry import CatalogueItem, ServiceOffered, ServiceWithdrawn
from tongdui_events.streams import provider_id

from services.registry.domain.catalogue import Catalogue
from services.registry.domain.jurisdiction import is_the_party
from services.registry.domain.provider_state import Provider
from services.registry.domain.refusals import CategoryNotApplied, ItemNotOnTheList
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, OutOfOrder, Refusal


class OfferService(Command):
    """Offer an item of this year's list at a price per unit, or change the offer.

    ``list_region`` names the region whose own list has the item, where the common one does not.
    """

    uscc: Uscc
    item_code: Code
    name: Text
    price_fen: PositiveFen
    unit: Code
    list_region: RegionCode | None = None


class WithdrawService(Command):
    """Offer an item no longer."""

    uscc: Uscc
    item_code: Code


def offer_service(
    provider: Provider, lists: Sequence[Catalogue], today: date, principal: Principal, command: OfferService
) -> list[Decided] | Refusal:
    """ServiceOffered. ``lists``: this year's lists in which the item may be."""
    refusal = _own(provider, principal, command.uscc)
    if refusal is not None:
        return refusal
    item = _item(lists, command.item_code)
    if item is None:
        return ItemNotOnTheList("item_code", item_code=command.item_code, year=today.year)
    if item.category not in provider.categories:
        return CategoryNotApplied("item_code", category=item.category)
    offered = ServiceOffered(
        uscc=command.uscc,
        item_code=command.item_code,
        name=command.name,
        price_fen=command.price_fen,
        unit=command.unit,
    )
    return [Decided(provider_id(command.uscc), offered)]


def withdraw_service(provider: Provider, principal: Principal, command: WithdrawService) -> list[Decided] | Refusal:
    """ServiceWithdrawn."""
    refusal = _own(provider, principal, command.uscc)
    if refusal is not None:
        return refusal
    if command.item_code not in provider.services:
        return NotFound("item_code", what="service", id=command.item_code)
    withdrawn = ServiceWithdrawn(uscc=command.uscc, item_code=command.item_code)
    return [Decided(provider_id(command.uscc), withdrawn)]


def _own(provider: Provider, principal: Principal, uscc: str) -> Refusal | None:
    if provider.stage == "unknown":
        return NotFound("uscc", what="provider", id=uscc)
    foreign = is_the_party(principal, uscc)
    if foreign is not None:
        return foreign
    return OutOfOrder("uscc", state=provider.stage) if provider.stage in ("refused", "delisted") else None


def _item(lists: Sequence[Catalogue], code: str) -> CatalogueItem | None:
    return next((listed.items[code] for listed in lists if code in listed.items), None)
