"""Support a region gave outside this platform: an invoice is a strong match, and a late one stops payments. 三"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from tongdui_events.document import Event, Stamp
from tongdui_events.voucher import LocalSupportRecorded

from services.settlement.domain.payment_stops import lift_stops, stop_payments
from services.settlement.domain.payouts import Payout
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
    """The payments of the case wait, once a reference."""
    return stop_payments(voucher_id, f"{_REASON}{reference}", stopped, payouts)


def allow(voucher_id: UUID, stopped: frozenset[str], payouts: Sequence[Payout]) -> list[Decided]:
    """A person decided that the case goes on: what local support stopped is let go."""
    return lift_stops(voucher_id, (reason for reason in stopped if reason.startswith(_REASON)), payouts)
