"""What the registry shows: rows folded from its own log."""

from __future__ import annotations

from typing import Any

from tongdui_events.common import NoticePublished
from tongdui_events.document import Event, Stamp
from tongdui_events.policy import PolicyAdopted
from tongdui_events.registry import (
    CataloguePublished,
    CentreEntrusted,
    CentreReleased,
    DayOpened,
    DelegationEnded,
    DelegationGranted,
    ListingTermsSet,
    RegionJoined,
    RegionLeft,
    RegionReachChanged,
)

from services.registry.domain.enterprise_state import ENTERPRISE
from services.registry.domain.provider_state import PROVIDER
from services.registry.party_rows import enterprise_row, provider_row
from shared.kernel import public_notice
from shared.kernel.public_notice import NOTICE_EVENTS, PublicNotice
from shared.runtime.projections import View

Row = dict[str, Any]


# -- regions and their terms -------------------------------------------------------------------


def region_row(row: Row | None, event: Event, stamp: Stamp) -> Row:
    row = row or {"centres": [], "policy_version": 0}
    match event:
        case RegionJoined():
            joined = event.model_dump(mode="json")
            return row | joined | {"leaves_on": None, "run_off_until": None}
        case RegionReachChanged() | RegionLeft():
            return row | event.model_dump(mode="json")
        case PolicyAdopted():
            return row | {"policy_version": event.version}
        case CentreEntrusted():
            entrusted = event.model_dump(mode="json", exclude={"region"}) | {"released_on": None}
            return row | {"centres": [*row["centres"], entrusted]}
        case CentreReleased():
            return row | {"centres": [_released(centre, event) for centre in row["centres"]]}
    return row


def _released(centre: Row, event: CentreReleased) -> Row:
    if centre["centre_id"] != str(event.centre_id) or centre["released_on"] is not None:
        return centre
    return centre | {"released_on": event.on.isoformat()}


def as_published(row: Row | None, event: Event, stamp: Stamp) -> Row:
    """The event's own fields: for things that are never changed once recorded."""
    return event.model_dump(mode="json")


def delegation_row(row: Row | None, event: Event, stamp: Stamp) -> Row | None:
    if isinstance(event, DelegationGranted):
        return event.model_dump(mode="json") | {"ended": False}
    return row | {"ended": True} if row else None


# -- notices -----------------------------------------------------------------------------------


def notice_row(row: Row | None, event: Event, stamp: Stamp) -> Row:
    """The notice as the public sees it, with its folded state beside it under ``folded``."""
    notice = public_notice.evolve(_folded(row), event, stamp)
    period = {}
    if isinstance(event, NoticePublished):
        period = {"opens_on": event.opens_on.isoformat(), "last_day_on": event.last_day_on.isoformat()}
    return (row or {}) | period | {
        "notice_id": str(notice.notice_id),
        "number": notice.number,
        "kind": notice.kind,
        "state": notice.state,
        "province": next((item.item.region for item in notice.items.values()), ""),
        "items": [_item_row(item) for item in notice.items.values()],
        "objections": [
            {"objection_id": str(id_), "item_id": str(objection.item_id), "ruling": objection.ruling}
            for id_, objection in notice.objections.items()
        ],
        "folded": notice.model_dump(mode="json"),
    }


def _folded(row: Row | None) -> PublicNotice:
    return PublicNotice.model_validate(row["folded"]) if row else PublicNotice()


def _item_row(published: public_notice.PublishedItem) -> Row:
    return {
        "item_id": str(published.item.item_id),
        "name": published.item.name,
        "region": published.item.region,
        "opens_on": published.opens_on.isoformat(),
        "last_day_on": published.last_day_on.isoformat(),
        "open_objections": len(published.open_objections),
        "passed": published.passed,
        "upheld": published.upheld,
    }


def _notice_key(event: Event, stamp: Stamp) -> str:
    return str(stamp.originator_id)


def deadline_row(row: Row | None, event: Event, stamp: Stamp) -> Row:
    """A notice that a sweep has to close from ``due_on``, null while there is nothing to close."""
    notice = public_notice.evolve(_folded(row), event, stamp)
    due_on = public_notice.next_close_on(notice)
    return {
        "notice_id": str(notice.notice_id),
        "due_on": due_on.isoformat() if due_on else None,
        "folded": notice.model_dump(mode="json"),
    }


# -- the views ---------------------------------------------------------------------------------


VIEWS: list[View] = [
    View("days", (DayOpened,), lambda event, stamp: event.date.isoformat(), as_published),
    View(
        "regions",
        (RegionJoined, RegionReachChanged, RegionLeft, CentreEntrusted, CentreReleased, PolicyAdopted),
        lambda event, stamp: event.region,
        region_row,
        indexed=("province",),
    ),
    View(
        "policies",
        (PolicyAdopted,),
        lambda event, stamp: f"{event.region}-{event.version:04d}",
        as_published,
        indexed=("region",),
    ),
    View(
        "catalogues",
        (CataloguePublished,),
        lambda event, stamp: f"{event.year}-{event.region or 'all'}-{event.version:04d}",
        as_published,
        indexed=("year", "region"),
    ),
    View(
        "listing_terms",
        (ListingTermsSet,),
        lambda event, stamp: f"{event.province}-{event.effective_on.isoformat()}",
        as_published,
        indexed=("province",),
    ),
    View(
        "delegations",
        (DelegationGranted, DelegationEnded),
        lambda event, stamp: str(event.delegation_id),
        delegation_row,
    ),
    View(
        "enterprises",
        ENTERPRISE.types,
        lambda event, stamp: event.uscc,
        enterprise_row,
        indexed=("region", "province", "state"),
    ),
    View(
        "providers",
        PROVIDER.types,
        lambda event, stamp: event.uscc,
        provider_row,
        indexed=("province", "state"),
    ),
    View("notices", NOTICE_EVENTS, _notice_key, notice_row, indexed=("province", "state")),
    View("notice_deadlines", NOTICE_EVENTS, _notice_key, deadline_row),
]
