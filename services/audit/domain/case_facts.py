"""What supervision knows of a case from the other logs: its parties, what was paid, how long a party may answer."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple
from uuid import UUID

from tongdui_events.document import Event, Stamp
from tongdui_events.policy import PolicyAdopted
from tongdui_events.settlement import RedemptionSettled
from tongdui_events.voucher import ProviderChanged, VoucherIssued, VoucherPassedOn

from services.audit.domain.parties import Parties, parties_of
from shared.kernel.folding import Fold


def _parties(parties: Parties, event: Event, stamp: Stamp) -> Parties:
    return parties_of((event,), parties)


PARTIES: Fold[Parties] = Fold("parties", "voucher", (VoucherIssued, ProviderChanged, VoucherPassedOn), Parties(), _parties)
"""Keyed by the voucher's id."""


class Paid(NamedTuple):
    """What a redemption came to: fen that left the treasury and fen set off. ``voucher_id`` None: not settled."""

    voucher_id: UUID | None = None
    amount_fen: int = 0


def _paid(paid: Paid, event: Event, stamp: Stamp) -> Paid:
    return Paid(event.voucher_id, event.paid_fen + event.offset_fen) if isinstance(event, RedemptionSettled) else paid


PAID: Fold[Paid] = Fold("paid", "settlement", (RedemptionSettled,), Paid(), _paid)
"""Keyed by ``redemption_id``."""

AnswerDays = tuple[tuple[date, int], ...]


def _answer_days(known: AnswerDays, event: Event, stamp: Stamp) -> AnswerDays:
    return (*known, (event.effective_on, event.terms.answer_days)) if isinstance(event, PolicyAdopted) else known


ANSWER_DAYS: Fold[AnswerDays] = Fold("answer_days", "registry", (PolicyAdopted,), (), _answer_days)
"""(effective_on, days) of each version of a region's terms; keyed by ``region_id``."""


def answer_days_on(known: AnswerDays, day: date) -> int:
    """The days a party has to state its case under the terms in force; 0 where a region has none."""
    return max(((effective_on, days) for effective_on, days in known if effective_on <= day), default=(day, 0))[1]
