"""What leaves for a bank when a batch is released: which payers have one, and the file itself.

A payer without a bank of its own here is paid for by a list (``domain/payment.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from tongdui_events.payments import BankCode

from services.settlement.bank import pain001
from services.settlement.domain.batches import Batch, Instruction, message_id
from services.settlement.domain.refusals import AccountNumberMissing
from shared.kernel.decisions import Refusal


class BankAccount(BaseModel):
    """The account an agent pays from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=140)
    account: str = Field(pattern=r"^[0-9]{8,32}$")
    bank_code: BankCode


class BankSettings(BaseSettings):
    """``TONGDUI_BANK_PAYERS``: a JSON object of agents' ids and their accounts."""

    model_config = SettingsConfigDict(env_prefix="TONGDUI_BANK_", frozen=True)

    payers: dict[str, BankAccount] = Field(default_factory=dict)


class Private(Protocol):
    """What of the ``Vault`` a release needs."""

    def numbers(self, account_hmacs: Sequence[str]) -> dict[str, str]: ...

    def keep_file(self, message_id: str, content: bytes) -> str: ...


class BankDesk:
    """One per process. It writes files once it was given its private tables."""

    def __init__(self, payers: Mapping[str, BankAccount]) -> None:
        self.payers = dict(payers)
        self.vault: Private | None = None

    def serves(self, batch: Batch) -> bool:
        return batch.channel == "agent" and batch.payer in self.payers

    def write(
        self, batch: Batch, told: Sequence[Instruction], names: Mapping[str, str], today: date
    ) -> str | Refusal:
        """The SHA-256 of the file, whose bytes are durable by now. ``names``: registered names by USCC."""
        if self.vault is None or batch.batch_id is None:
            raise RuntimeError("no private tables were given for the files of a bank")
        numbers = self.vault.numbers([line.account.account_hmac for line in told])
        missing = [line.payee_uscc for line in told if line.account.account_hmac not in numbers]
        if missing:
            return AccountNumberMissing("payout_ids", uscc=", ".join(sorted(set(missing))[:10]))
        payees = {
            line.payee_uscc: pain001.Payee(names[line.payee_uscc], numbers[line.account.account_hmac]) for line in told
        }
        account = self.payers[batch.payer]
        payer = pain001.Payer(account.name, account.account, account.bank_code)
        identity = message_id(batch.batch_id)
        return self.vault.keep_file(identity, pain001.render(identity, today, payer, told, payees))


BANK = BankDesk(BankSettings().payers)
