"""What a case looks like after some of its events: a flat picture, so that two moments can be laid side by side."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from tongdui_events.audit import FindingRecorded, InspectionClosed, InspectionOpened, SanctionDecided, SanctionLifted
from tongdui_events.document import Document, Event
from tongdui_events.payments import (
    PayoutCancelled,
    PayoutFailed,
    PayoutFreed,
    PayoutHeld,
    PayoutInstructed,
    PayoutReturned,
    PayoutScheduled,
    PayoutSettled,
    PayoutUncertain,
)
from tongdui_events.settlement import (
    ClawbackOrdered,
    ClawbackProposed,
    PaymentStopLifted,
    PaymentStopped,
    RedemptionApproved,
    RedemptionPublished,
    RedemptionRequested,
    RedemptionReviewed,
    RedemptionSettled,
    RedemptionUnpaid,
)
from tongdui_events.voucher import (
    AllocationConfirmed,
    AllocationCorrected,
    ContractAmended,
    ContractSubmitted,
    ProviderChanged,
    VoucherApplied,
    VoucherExtended,
    VoucherIssued,
    VoucherPassedOn,
)

Picture = dict[str, Any]

_PAYOUTS: dict[type[Event], str] = {
    PayoutScheduled: "scheduled", PayoutHeld: "held", PayoutFreed: "freed", PayoutCancelled: "cancelled",
    PayoutInstructed: "instructed", PayoutSettled: "settled", PayoutFailed: "failed", PayoutUncertain: "uncertain",
    PayoutReturned: "returned",
}
#: the fields of an event that stand in the picture under their own names
_TOLD: dict[type[Event], tuple[str, ...]] = {
    VoucherApplied: ("enterprise_uscc", "provider_uscc", "region", "mode"),
    VoucherIssued: ("enterprise_uscc", "provider_uscc", "region", "listing_province", "mode", "policy_version", "use_by",
                    "redeem_by"),
    ProviderChanged: ("provider_uscc",),
    VoucherPassedOn: ("enterprise_uscc",),
    VoucherExtended: ("use_by", "redeem_by"),
    ContractSubmitted: ("contract_no", "signed_on"),
    ContractAmended: ("contract_no", "signed_on"),
    RedemptionRequested: ("redemption_id", "claimed_fen"),
    RedemptionSettled: ("paid_fen", "offset_fen"),
    RedemptionUnpaid: ("unpaid_fen",),
    InspectionClosed: ("recommendation",),
}
#: the sum an event states, and its name in the picture
_SUMS: dict[type[Event], str] = {
    ContractSubmitted: "contract_fen", ContractAmended: "contract_fen", AllocationConfirmed: "allocation_fen",
    AllocationCorrected: "allocation_fen", RedemptionReviewed: "reviewed_fen", RedemptionApproved: "approved_fen",
    ClawbackProposed: "clawback_proposed_fen", ClawbackOrdered: "clawback_ordered_fen",
}
#: events that say where a part of the case stands, by what is before the verb
_STAGES = ("Voucher", "Redemption", "Inspection", "Sanction", "Clawback", "Presentation", "Contract", "Allocation")


def picture(documents: Iterable[Document]) -> Picture:
    """Events in the order of a history. Members appear as they become known; ``…_stage`` is the last event of a kind."""
    found: Picture = {}
    for stamp, event in documents:
        _fold(found, stamp.type, event)
    return found


def _fold(found: Picture, name: str, event: Event) -> None:
    told = event.model_dump(mode="json", include=set(_TOLD.get(type(event), ())))
    found.update(told)
    if type(event) in _SUMS:
        found[_SUMS[type(event)]] = event.amount_fen
    if type(event) in _PAYOUTS:
        found["payouts"] = {**found.get("payouts", {}), str(event.payout_id): _PAYOUTS[type(event)]}
    stage = next((stage for stage in _STAGES if name.startswith(stage)), None)
    if stage:
        found[f"{stage.lower()}_stage"] = name
    match event:
        case PaymentStopped():
            found["stopped_by"] = sorted({*found.get("stopped_by", ()), event.reason})
        case PaymentStopLifted():
            found["stopped_by"] = sorted({*found.get("stopped_by", ())} - {event.reason})
        case RedemptionPublished():
            found["notice_id"] = str(event.notice_id)
        case FindingRecorded():
            found["findings"] = [*found.get("findings", ()), f"{event.party_uscc} {event.grade}"]
        case InspectionOpened():
            found["inspections"] = [*found.get("inspections", ()), str(event.inspection_id)]
        case SanctionDecided() | SanctionLifted():
            found["sanctioned"] = {**found.get("sanctioned", {}), event.party_uscc: isinstance(event, SanctionDecided)}


class Change(NamedTuple):
    """One member that differs; None where a picture has none."""

    member: str
    before: Any
    after: Any


def changes(before: Picture, after: Picture) -> list[Change]:
    """In the order of names."""
    names = sorted({*before, *after})
    return [Change(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]
