"""What a provider's stream says: its application, listing and services."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal, NamedTuple
from uuid import UUID

from tongdui_events.document import Event, Stamp
from tongdui_events.registry import (
    ProviderApplied,
    ProviderDelisted,
    ProviderListed,
    ProviderPublished,
    ProviderRecommended,
    ProviderRefused,
    ProviderReinstated,
    ProviderRenamed,
    ProviderSuspended,
    ServiceOffered,
    ServiceWithdrawn,
)

from shared.kernel.folding import Fold

Stage = Literal["unknown", "applied", "recommended", "published", "refused", "listed", "suspended", "delisted"]
#: a provider in one of these stages may apply (again)
MAY_APPLY: frozenset[Stage] = frozenset({"unknown", "refused", "delisted"})


class Service(NamedTuple):
    """A service item offered at a price per unit."""

    name: str
    price_fen: int
    unit: str


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider. ``notice_id`` is the notice it stands in or was listed by."""

    stage: Stage = "unknown"
    uscc: str = ""
    name: str = ""
    renamed_on: date | None = None
    province: str = ""
    legal_form: str = ""
    established_on: date = date.max
    categories: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    services: dict[str, Service] = field(default_factory=dict)
    notice_id: UUID | None = None
    suspended_because: str | None = None


def _evolve(provider: Provider, event: Event, stamp: Stamp) -> Provider:
    match event:
        case ProviderApplied():
            return replace(
                provider, stage="applied", uscc=event.uscc, name=event.name, province=event.province,
                legal_form=event.legal_form, established_on=event.established_on, categories=event.categories,
                branches=event.branch_uscc, notice_id=None, suspended_because=None,
            )
        case ProviderRecommended():
            return replace(provider, stage="recommended")
        case ProviderPublished():
            return replace(provider, stage="published", notice_id=event.notice_id)
        case ProviderRefused():
            return replace(provider, stage="refused")
        case ProviderRenamed():
            return replace(provider, name=event.name, renamed_on=event.from_on)
    return _listing(_service(provider, event), event)


def _listing(provider: Provider, event: Event) -> Provider:
    match event:
        case ProviderListed():
            return replace(provider, stage="listed", categories=event.categories, suspended_because=None)
        case ProviderSuspended():
            return replace(provider, stage="suspended", suspended_because=event.reason)
        case ProviderReinstated():
            return replace(provider, stage="listed", suspended_because=None)
        case ProviderDelisted():
            return replace(provider, stage="delisted", suspended_because=None)
    return provider


def _service(provider: Provider, event: Event) -> Provider:
    match event:
        case ServiceOffered():
            service = Service(event.name, event.price_fen, event.unit)
            return replace(provider, services=provider.services | {event.item_code: service})
        case ServiceWithdrawn():
            kept = {code: service for code, service in provider.services.items() if code != event.item_code}
            return replace(provider, services=kept)
    return provider


PROVIDER: Fold[Provider] = Fold(
    "provider",
    "registry",
    (
        ProviderApplied,
        ProviderRecommended,
        ProviderPublished,
        ProviderRefused,
        ProviderListed,
        ProviderSuspended,
        ProviderReinstated,
        ProviderDelisted,
        ProviderRenamed,
        ServiceOffered,
        ServiceWithdrawn,
    ),
    Provider(),
    _evolve,
)
"""Keyed by ``provider_id(uscc)``."""
