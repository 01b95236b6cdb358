"""The payment port, and the stand-in behind it: a bank that settles on the next working day.

A real channel takes the place of ``stand_in_answer`` and answers by the same command.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from services.settlement.domain.payouts import RecordPayment
from shared.kernel.calendar import Calendar


def settles_on(instructed_on: date) -> date:
    """The next working day, by the built-in calendar. Raises UnknownYear."""
    return Calendar().next_working_day(instructed_on)


def stand_in_answer(row: Mapping[str, Any], day: date) -> RecordPayment:
    """What the stand-in says of a payment instructed before: settled."""
    reference = f"STANDIN{day:%Y%m%d}"
    return RecordPayment(
        payout_id=UUID(row["payout_id"]), end_to_end_id=row["end_to_end_id"], result="settled", reference=reference
    )
