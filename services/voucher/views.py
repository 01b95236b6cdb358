"""What can be read of vouchers and ceilings."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from tongdui_events.common import AppealDecided, AppealLodged
from tongdui_events.document import Event, Stamp
from tongdui_events.voucher import (
    AllocationConfirmed,
    AllocationCorrected,
    AllocationRefused,
    ApplicationRefused,
    CeilingSet,
    ContractAcknowledged,
    ContractAmended,
    ContractDisputed,
    ContractFiled,
    ContractSubmitted,
    HoldsCarriedOver,
    LocalSupportMatched,
    PresentationEnded,
    ProviderChanged,
    SuccessionNoted,
    VoucherApplied,
    VoucherCollected,
    VoucherExpired,
    VoucherExtended,
    VoucherIssued,
    VoucherPassedOn,
    VoucherPresented,
    VoucherRedeemed,
    VoucherReinstated,
    VoucherTendered,
    VoucherVoided,
    VoucherWithdrawn,
)

from services.voucher.domain import ceilings
from services.voucher.domain.ceilings import CEILING
from shared.runtime.document_view import Use, document_row
from shared.runtime.projections import View

STATES: dict[type[Event], str] = {
    VoucherApplied: "applied", ApplicationRefused: "refused", VoucherIssued: "issued", ContractSubmitted: "contracted",
    ContractAmended: "contracted", ContractAcknowledged: "acknowledged", ContractDisputed: "issued",
    AllocationConfirmed: "allocated", AllocationRefused: "allocation_refused", VoucherTendered: "tendered",
    VoucherCollected: "collected", VoucherPresented: "presented", VoucherWithdrawn: "withdrawn",
    VoucherExpired: "expired", VoucherVoided: "voided", VoucherRedeemed: "redeemed",
}
ENDS = (VoucherWithdrawn, VoucherExpired, VoucherVoided, VoucherRedeemed, ApplicationRefused)
Row = dict[str, Any] | None


def voucher_row(row: Row, event: Event, stamp: Stamp) -> Row:
    """Parties, region, mode, state, last days, allocation; what a reviewer should look at."""
    fields = event.model_dump(mode="json", exclude={"lines", "steps", "holds", "document_sha256", "reason_sha256"})
    if isinstance(event, PresentationEnded):
        fields["state"] = "collected" if row and row.get("mode") == "tongdui" else "tendered"
    if isinstance(event, ContractFiled):
        return {**(row or {}), "flags": list(event.flags), "flagged": "true" if event.flags else "false"}
    if isinstance(event, LocalSupportMatched):
        return {**(row or {}), "local_reference": event.local_reference, "flagged": "true"}
    if isinstance(event, AllocationConfirmed | AllocationCorrected):
        fields["allocation_fen"] = fields.pop("amount_fen")
    if isinstance(event, VoucherReinstated):
        fields["state"] = (row or {}).get("before_ended", "issued")
    if isinstance(event, ENDS) and row:
        fields["before_ended"] = row.get("state")
    if isinstance(event, AppealLodged | AppealDecided):
        fields = {"appeal": fields["outcome"] or "open", "appeal_id": fields["appeal_id"]}
    if type(event) in STATES:
        fields["state"] = STATES[type(event)]
    return {**(row or {}), **fields}


def ceiling_row(row: Row, event: Event, stamp: Stamp) -> Row:
    """kind, key, year; limit, held, consumed in fen; whether more is committed than wanted; whose it is."""
    row = row or {"kind": "", "key": "", "year": 0, "wanted_fen": None, "limit_fen": 0, "held_fen": 0, "consumed_fen": 0}
    numbers = ("wanted_fen", "limit_fen", "held_fen", "consumed_fen")
    folded = ceilings.evolve(ceilings.Ceiling(*(row[name] for name in numbers)), event, stamp)
    named = {"kind": event.kind, "key": event.key, "year": event.year, **_owner(event)} if isinstance(event, CeilingSet) else {}
    over = folded.wanted_fen is not None and folded.committed_fen > folded.wanted_fen
    return {**row, **named, **{name: getattr(folded, name) for name in numbers}, "overcommitted": over}


def _owner(event: CeilingSet) -> dict[str, str]:
    """An enterprise's year is its own; the keys of the others begin with the paying region's code."""
    return {"uscc": event.key} if event.kind == "enterprise-year" else {"region": event.key.split("-")[0]}


def deadline_row(row: Row, event: Event, stamp: Stamp) -> Row:
    """When a voucher nobody presented falls due: the day after its last day."""
    row = row or {"voucher_id": str(event.voucher_id)}
    match event:
        case VoucherIssued() | VoucherExtended():
            row = {**row, "use_by": event.use_by.isoformat(), "redeem_by": event.redeem_by.isoformat()}
            last = event.redeem_by if row.get("contracted") else event.use_by
            return {**row, "due_on": (last + timedelta(days=1)).isoformat()}
        case ContractSubmitted() | PresentationEnded():
            return {**row, "contracted": True, "due_on": _after(row["redeem_by"])}
        case ContractDisputed():
            return {**row, "contracted": False, "due_on": _after(row["use_by"])}
        case VoucherReinstated():
            return {**row, "due_on": _after(row["redeem_by" if row.get("contracted") else "use_by"])}
        case VoucherPresented() | VoucherVoided() | VoucherExpired():
            return {**row, "due_on": None}
    return None if isinstance(event, ENDS) else row


def year_end_row(row: Row, event: Event, stamp: Stamp) -> Row:
    """When a voucher's holds are looked at for the next year: in the order of their allocation."""
    match event:
        case AllocationConfirmed():
            year = stamp.business_day.year + 1
            return {"voucher_id": str(event.voucher_id), "year": year, "due_on": f"{year}-01-01", "order": str(stamp.recorded_at)}
        case VoucherReinstated():
            tomorrow = stamp.business_day + timedelta(days=1)
            return {"voucher_id": str(event.voucher_id), "year": tomorrow.year, "due_on": str(tomorrow), "order": ""}
        case HoldsCarriedOver():
            if event.waiting:
                return {**(row or {}), "due_on": str(stamp.business_day + timedelta(days=1))}
            return {**(row or {}), "year": event.year + 1, "due_on": f"{event.year + 1}-01-01"}
    return None


def succession_row(row: Row, event: SuccessionNoted, stamp: Stamp) -> Row:
    """From which day the vouchers of a predecessor are another's."""
    return {**event.model_dump(mode="json"), "due_on": event.from_on.isoformat()}


def _after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def _by_voucher(event: Event, stamp: Stamp) -> str:
    return str(stamp.case_id if isinstance(event, AppealLodged | AppealDecided) else event.voucher_id)


def _documents(event: ContractSubmitted | ContractAmended, stamp: Stamp) -> list[tuple[str, Use]]:
    voucher = str(event.voucher_id)
    return [(event.document_sha256, Use(event.document_sha256, "contract", voucher, voucher))]


VIEWS: list[View] = [
    View("documents", (ContractSubmitted, ContractAmended), _by_voucher, document_row, ("shared",), _documents),
    View(
        "vouchers",
        (
            *STATES, ProviderChanged, VoucherPassedOn, VoucherExtended, PresentationEnded, AllocationCorrected, ContractFiled,
            LocalSupportMatched, VoucherReinstated, AppealLodged, AppealDecided,
        ),
        _by_voucher,
        voucher_row,
        indexed=("region", "state", "enterprise_uscc", "provider_uscc", "flagged"),
    ),
    View("ceilings", CEILING.types, lambda event, stamp: str(stamp.originator_id), ceiling_row, indexed=("kind", "key")),
    View(
        "deadlines",
        (
            VoucherIssued, VoucherExtended, ContractSubmitted, PresentationEnded, ContractDisputed, VoucherPresented,
            VoucherReinstated, *ENDS,
        ),
        _by_voucher,
        deadline_row,
    ),
    View("successions", (SuccessionNoted,), lambda event, stamp: event.uscc, succession_row),
    View("year_ends", (AllocationConfirmed, VoucherReinstated, HoldsCarriedOver, *ENDS), _by_voucher, year_end_row),
]
