"""Rows of the views of enterprises and providers."""

from __future__ import annotations

from typing import Any

from tongdui_events.document import Event, Stamp
from tongdui_events.registry import (
    EnterpriseBarred,
    EnterpriseDissolved,
    EnterpriseMoved,
    EnterpriseQualificationRevoked,
    EnterpriseQualified,
    EnterpriseRegistered,
    EnterpriseReinstated,
    EnterpriseRenamed,
    EnterpriseSucceeded,
    ProviderApplied,
    ProviderDelisted,
    ProviderListed,
    ProviderPublished,
    ProviderRecommended,
    ProviderRefused,
    ProviderReinstated,
    ProviderRenamed,
    ProviderSuspended,
    QualificationRefused,
    QualificationRequested,
    ServiceOffered,
    ServiceWithdrawn,
)

from shared.kernel.identifiers import province_of

Row = dict[str, Any]

_BLANK_ENTERPRISE: Row = {
    "name": "",
    "region": None,
    "province": None,
    "division_code": None,
    "state": "unregistered",
    "qualifications": [],
    "under_review": None,
    "refused_because": [],
    "bars": [],
    "successor_uscc": None,
    "dissolved_on": None,
}
_BLANK_PROVIDER: Row = {
    "state": "applied",
    "notice_id": None,
    "listed_on": None,
    "refused_because": [],
    "suspended_because": None,
    "delisted_on": None,
    "services": [],
    "items": [],
}


def enterprise_row(row: Row | None, event: Event, stamp: Stamp) -> Row:
    """The latest of what was recorded, also what only takes effect later (with its day)."""
    row = row or _BLANK_ENTERPRISE | {"uscc": event.uscc}
    fields = event.model_dump(mode="json")
    match event:
        case EnterpriseRegistered():
            return row | fields | {"province": province_of(event.region), "state": "registered"}
        case EnterpriseRenamed():
            return row | {"name": event.name, "renamed_on": fields["from_on"]}
        case EnterpriseMoved():
            moved = {"region": event.region, "division_code": event.division_code, "moved_on": fields["from_on"]}
            return row | moved | {"province": province_of(event.region)}
        case EnterpriseSucceeded():
            return row | {"state": "succeeded", "successor_uscc": event.successor_uscc}
        case EnterpriseDissolved():
            return row | {"state": "dissolved", "dissolved_on": fields["on"]}
        case EnterpriseBarred():
            return row | {"bars": [*row["bars"], fields]}
        case EnterpriseReinstated():
            return row | {"bars": []}
    return _qualification(row, event, fields)


def _qualification(row: Row, event: Event, fields: Row) -> Row:
    match event:
        case QualificationRequested():
            return row | {"under_review": {"basis": event.basis, "year": event.year}, "refused_because": []}
        case QualificationRefused():
            return row | {"under_review": None, "refused_because": fields["reasons"]}
        case EnterpriseQualified():
            held = {name: fields[name] for name in ("basis", "year", "score", "valid_from_on", "valid_until")}
            return row | {
                "under_review": None,
                "refused_because": [],
                "qualifications": [*row["qualifications"], held | {"revoked_on": None}],
            }
        case EnterpriseQualificationRevoked():
            revoked = [
                held if held["revoked_on"] else held | {"revoked_on": fields["on"]} for held in row["qualifications"]
            ]
            return row | {"qualifications": revoked}
    return row


def provider_row(row: Row | None, event: Event, stamp: Stamp) -> Row:
    """``item_id`` is what an objection to its listing names; ``items`` are the codes it offers."""
    row = row or _BLANK_PROVIDER | {"item_id": str(stamp.originator_id)}
    fields = event.model_dump(mode="json")
    match event:
        case ProviderApplied():
            kept = {name: row[name] for name in ("services", "items", "item_id")}
            return _BLANK_PROVIDER | kept | fields
        case ProviderRecommended():
            return row | {"state": "recommended"}
        case ProviderPublished():
            return row | {"state": "published", "notice_id": fields["notice_id"]}
        case ProviderRefused():
            return row | {"state": "refused", "refused_because": fields["reasons"]}
        case ProviderListed():
            return row | {"state": "listed", "listed_on": fields["on"], "categories": fields["categories"]}
        case ProviderRenamed():
            return row | {"name": event.name, "renamed_on": fields["from_on"]}
        case ServiceOffered():
            offered = {name: fields[name] for name in ("item_code", "name", "price_fen", "unit")}
            return _with_services(row, [*_others(row, event.item_code), offered])
        case ServiceWithdrawn():
            return _with_services(row, _others(row, event.item_code))
    return _standing(row, event, fields)


def _standing(row: Row, event: Event, fields: Row) -> Row:
    match event:
        case ProviderSuspended():
            return row | {"state": "suspended", "suspended_because": event.reason}
        case ProviderReinstated():
            return row | {"state": "listed", "suspended_because": None, "delisted_on": None}
        case ProviderDelisted():
            return row | {"state": "delisted", "delisted_on": fields["on"]}
    return row


def _others(row: Row, item_code: str) -> list[Row]:
    return [service for service in row["services"] if service["item_code"] != item_code]


def _with_services(row: Row, services: list[Row]) -> Row:
    return row | {"services": services, "items": [service["item_code"] for service in services]}
