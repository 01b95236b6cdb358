"""What the audit service shows of supervision: inspections, sanctions, credit records."""

from __future__ import annotations

from datetime import timedelta

from tongdui_events.audit import (
    CreditRecordEntered,
    CreditRecordRepaired,
    FindingRecorded,
    InspectionClosed,
    InspectionOpened,
    InspectionStatementReceived,
    PartyNotified,
    SampleDrawn,
    SanctionDecided,
    SanctionLifted,
    SanctionReviewed,
    SanctionWithdrawn,
    SignalDismissed,
    SignalRaised,
    StatementReceived,
)
from tongdui_events.document import Event, Stamp

from services.audit.domain.inspections import INSPECTION
from services.audit.domain.sampling import SAMPLE
from services.audit.domain.sanctions import CREDIT_RECORD, SANCTION
from services.audit.domain.signals import RAISED
from shared.runtime.projections import Row, View


def inspection_row(row: Row | None, event: Event, stamp: Stamp) -> Row:
    """``parties`` are those found against; they see the row."""
    known = row or {"findings": [], "parties": [], "heard": [], "state": "open"}
    match event:
        case InspectionOpened():
            return {**known, **event.model_dump(mode="json"), "opened_on": str(stamp.business_day)}
        case FindingRecorded():
            finding = {**event.model_dump(mode="json", exclude={"inspection_id"}), "found_on": str(stamp.business_day)}
            parties = sorted({*known["parties"], event.party_uscc})
            return {**known, "findings": [*known["findings"], finding], "parties": parties}
        case InspectionStatementReceived():
            return {**known, "heard": sorted({*known["heard"], event.party_uscc})}
        case InspectionClosed():
            return {**known, **event.model_dump(mode="json"), "state": "closed"}
    return known


_SANCTION_STATES: dict[type[Event], str] = {
    PartyNotified: "notified",
    StatementReceived: "heard",
    SanctionWithdrawn: "withdrawn",
    SanctionDecided: "decided",
    SanctionLifted: "lifted",
}


def sanction_row(row: Row | None, event: Event, stamp: Stamp) -> Row:
    """``due_on``: the day after the last day of a sanction in force."""
    known = row or {"state": "proposed"}
    told = event.model_dump(mode="json", exclude={"document_sha256"})
    state = _SANCTION_STATES.get(type(event), known["state"])
    due_on = known.get("due_on")
    if isinstance(event, SanctionDecided):
        due_on = str(event.until + timedelta(days=1)) if event.until else None
    if isinstance(event, SanctionLifted):
        due_on = None
        told = {"lifted_by": event.decision_no}
    if isinstance(event, SanctionReviewed):
        told = {"reviewed": event.outcome}
    return {**known, **told, "state": state, "due_on": due_on}


def credit_row(row: Row | None, event: Event, stamp: Stamp) -> Row:
    """An entry stays when it is repaired, and says so."""
    if isinstance(event, CreditRecordRepaired):
        return {**(row or {}), "state": "repaired", "repaired_on": str(stamp.business_day), "repaired_by": event.decision_no}
    return {**event.model_dump(mode="json"), "state": "entered", "entered_on": str(stamp.business_day)}


def signal_row(row: Row | None, event: Event, stamp: Stamp) -> Row:
    """A dismissed signal stays, with its reason."""
    if isinstance(event, SignalDismissed):
        told = {"state": "dismissed", "reason": event.reason, "dismissed_on": str(stamp.business_day)}
        return {**(row or {}), **told}
    return {**event.model_dump(mode="json"), "state": "raised", "raised_on": str(stamp.business_day)}


def _signal(event: SignalRaised, stamp: Stamp) -> str:
    return str(event.signal_id)


def _inspection(event: InspectionOpened, stamp: Stamp) -> str:
    return str(event.inspection_id)


def _sanction(event: SanctionDecided, stamp: Stamp) -> str:
    return str(event.sanction_id)


def _record(event: CreditRecordEntered, stamp: Stamp) -> str:
    return str(event.record_id)


def sample_row(row: Row | None, event: SampleDrawn, stamp: Stamp) -> Row:
    return {**event.model_dump(mode="json"), "drawn_on": str(stamp.business_day), "drawn_by": stamp.actor.id}


SUPERVISION_VIEWS: list[View] = [
    View("samples", SAMPLE.types, lambda event, _: str(event.sample_id), sample_row),
    View("signals", RAISED.types, _signal, signal_row, indexed=("state", "rule")),
    View("inspections", INSPECTION.types, _inspection, inspection_row, indexed=("state", "voucher_id")),
    View("sanctions", SANCTION.types, _sanction, sanction_row, indexed=("state", "party_uscc")),
    View("credit_records", CREDIT_RECORD.types, _record, credit_row, indexed=("party_uscc", "place")),
]
