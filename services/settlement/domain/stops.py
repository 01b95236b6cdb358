"""Why the payments of a case wait: a party's standing, or a finding about the case. 二(六)

Facts that decisions obey at once; the payments themselves are held by a command each.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from tongdui_events.audit import FindingRecorded, InspectionOpened
from tongdui_events.document import Event, Stamp
from tongdui_events.settlement import PaymentStopLifted, PaymentStopped

from services.settlement.domain.case_facts import Case
from services.settlement.domain.registry_facts import Enterprise, Provider
from shared.kernel.decisions import Decided
from shared.kernel.folding import Fold


def _stopped(reasons: frozenset[str], event: Event, stamp: Stamp) -> frozenset[str]:
    match event:
        case PaymentStopped():
            return reasons | {event.reason}
        case PaymentStopLifted():
            return reasons - {event.reason}
    return reasons


CASE_STOPS: Fold[frozenset[str]] = Fold(
    "case_stops", "settlement", (PaymentStopped, PaymentStopLifted), frozenset(), _stopped
)
"""What findings stop; keyed by the voucher's id."""


def _inspected(voucher_id: UUID | None, event: Event, stamp: Stamp) -> UUID | None:
    return event.voucher_id if isinstance(event, InspectionOpened) else voucher_id


INSPECTION: Fold[UUID | None] = Fold("inspection", "audit", (InspectionOpened,), None, _inspected)
"""Which voucher an inspection is about; keyed by ``inspection_id``."""


def finding(inspection_id: UUID) -> str:
    """The reason by which an inspection's findings hold payments."""
    return f"finding:{inspection_id}"


def stops_of(
    case: Case, case_stops: frozenset[str], enterprise: Enterprise, provider: Provider, today: date, payee_uscc: str = ""
) -> frozenset[str]:
    """Every reason for which a payment of a case to that payee waits on a day. What was approved for an enterprise that has
    been succeeded since is approved anew, for the successor."""
    succeeded = {"payee_succeeded"} if payee_uscc in case.predecessors else set()
    parties = {
        "enterprise_gone": enterprise.gone_on(today),
        "enterprise_barred": enterprise.barred_on(today),
        "provider_suspended": provider.suspended_on,
        "provider_delisted": provider.delisted_on,
    }
    standing = {reason for reason, known_on in parties.items() if known_on is not None and _counts(case, known_on)}
    return case_stops | standing | succeeded


def _counts(case: Case, known_on: date) -> bool:
    """Not where it was decided afterwards that the case goes on all the same."""
    return case.performance_allowed_on is None or known_on > case.performance_allowed_on


def stop(voucher_id: UUID, event: FindingRecorded, case_stops: frozenset[str]) -> list[Decided]:
    """PaymentStopped, once an inspection."""
    reason = finding(event.inspection_id)
    if not event.stop_payment or reason in case_stops:
        return []
    return [Decided(voucher_id, PaymentStopped(voucher_id=voucher_id, reason=reason), voucher_id)]


def lift(voucher_id: UUID, inspection_id: UUID, case_stops: frozenset[str]) -> list[Decided]:
    """PaymentStopLifted, where the inspection's findings stopped anything."""
    reason = finding(inspection_id)
    if reason not in case_stops:
        return []
    return [Decided(voucher_id, PaymentStopLifted(voucher_id=voucher_id, reason=reason), voucher_id)]
