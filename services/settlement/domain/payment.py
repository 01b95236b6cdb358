"""The payment port, and the stand-in behind it: a bank that settles on the next working day.

A channel renders what goes out and turns what comes back into the commands of ``bank_answers``. The
decisions know neither: a real channel takes the stand-in's place here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Protocol
from uuid import UUID

from services.settlement.domain.bank_answers import Answer, RecordSettlement
from services.settlement.domain.batches import Batch, Instruction
from shared.kernel.calendar import BUILT_IN_YEARS, Calendar
from shared.kernel.decisions import Refusal


class PaymentPort(Protocol):
    """What the service asks of a payment channel."""

    def payment_list(self, message_id: str, told: Sequence[Instruction]) -> bytes:
        """What goes out: the same bytes for the same payments, however often it is asked."""

    def answers_on(self, instructed_on: date) -> date:
        """The business day on which the channel is asked what became of a payment."""

    def answer(self, row: Mapping[str, Any], day: date) -> Answer:
        """What became of a payment instructed before: a row of the view ``instructed``."""


class StandInBank:
    """Takes a list as lines of text and settles every payment on the next working day."""

    def payment_list(self, message_id: str, told: Sequence[Instruction]) -> bytes:
        lines = [
            f"{line.end_to_end_id},{line.payee_uscc},{line.account.bank_code},{line.account.account_hmac},"
            f"{line.account.last4},{line.amount_fen}"
            for line in told
        ]
        heading = f"{message_id},{len(told)},{sum(line.amount_fen for line in told)}"
        return ("\n".join([heading, *lines]) + "\n").encode()

    def answers_on(self, instructed_on: date) -> date:
        """The next working day; in a year the built-in calendar does not know, the next of Monday to Friday:
        no deadline of anybody's hangs on it."""
        day = instructed_on + timedelta(days=1)
        while not _is_working(day):
            day += timedelta(days=1)
        return day

    def answer(self, row: Mapping[str, Any], day: date) -> RecordSettlement:
        return RecordSettlement(
            payout_id=UUID(row["payout_id"]),
            end_to_end_id=row["end_to_end_id"],
            amount_fen=row["amount_fen"],
            settled_on=day,
            reference=f"STANDIN{day:%Y%m%d}",
        )


def _is_working(day: date) -> bool:
    return Calendar().is_working(day) if day.year in BUILT_IN_YEARS else day.weekday() < 5


PORT: PaymentPort = StandInBank()


class BankFiles(Protocol):
    """Files for the payers that have a bank: what goes out is durable before it is instructed."""

    def serves(self, batch: Batch) -> bool: ...

    def write(self, batch: Batch, told: Sequence[Instruction], names: Mapping[str, str], today: date) -> str | Refusal:
        """The SHA-256 of the file. ``names``: registered names by USCC."""


class NoBankFiles:
    """Nobody has a bank: every payer is paid for by a list."""

    def serves(self, batch: Batch) -> bool:
        return False

    def write(self, batch: Batch, told: Sequence[Instruction], names: Mapping[str, str], today: date) -> str | Refusal:
        raise ValueError(f"{batch.payer} has no bank")


class Banks:
    """Where the process that decides finds the files of banks; set when it starts."""

    files: BankFiles = NoBankFiles()


BANKS = Banks()
