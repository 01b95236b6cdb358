"""Support a region gave outside this platform: an invoice is a strong match, and a late one stops payments. 三"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from tongdui_events.document import Event, Stamp
from tongdui_events.settlement import PaymentStopLifted, PaymentStopped
from tongdui_events.voucher import LocalSupportRecorded

from services.settlement.domain.payouts import Payout, freed, held
from shared.kernel.decisions import Decided
from shared.kernel.folding import Fold

_REASON = "local_support:"


def _supported(by_invoice: Mapping[str, str], event: Event, stamp: Stamp) -> Mapping[str, str]:
    if not isinstance(event, LocalSupportRecorded):
        return by_invoice
    return {**by_invoice, **dict.fromkeys(event.invoices, event.local_reference)}


LOCAL_SUPPORT: Fold[Mapping[str, str]] = Fold("local_support", "voucher", (LocalSupportRecorded,), {}, _supported)
"""The local reference by normalised invoice number; keyed by ``enterprise_file_id(uscc)``."""


def stop(voucher_id: UUID, reference: str, stopped: frozenset[str], payouts: Iterable[Payout]) -> list[Decided]:
    """PaymentStopped, once a reference, and the open payments held."""
    reason = f"{_REASON}{reference}"
    if reason in stopped:
        return []
    event = PaymentStopped(voucher_id=voucher_id, reason=reason)
    waiting = [decided for payout in payouts for decided in held(payout, reason)]
    return [Decided(voucher_id, event, voucher_id), *waiting]


def allow(voucher_id: UUID, stopped: frozenset[str], payouts: Iterable[Payout]) -> list[Decided]:
    """A person decided that the case goes on: what local support stopped is let go."""
    reasons = sorted(reason for reason in stopped if reason.startswith(_REASON))
    lifted = [
        Decided(voucher_id, PaymentStopLifted(voucher_id=voucher_id, reason=reason), voucher_id) for reason in reasons
    ]
    return lifted + [decided for payout in payouts for reason in reasons for decided in freed(payout, reason)]
