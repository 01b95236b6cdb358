"""Payee accounts: named by the payee, confirmed by another person; only a keyed digest is recorded. 三(五)"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from tongdui_events.document import Event, Stamp, Uscc
from tongdui_events.payments import BankCode, PayeeAccountConfirmed, PayeeAccountProposed
from tongdui_events.streams import account_id

from services.settlement.domain.refusals import SamePerson
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal
from shared.kernel.folding import Fold
from shared.kernel.identifiers import refuse_bank_code
from shared.kernel.keyed_digest import keyed_digest


def _digested(number: str) -> str:
    """The number goes no further than this: what is kept is its keyed digest and its last four."""
    return f"{keyed_digest(number)}:{number[-4:]}"


AccountNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{8,32}$"), AfterValidator(_digested)]
"""An account number in a request; ``<hmac>:<last four>`` in the command."""


class ProposePayeeAccount(Command):
    """A payee names the account it is to be paid to."""

    uscc: Uscc
    account_number: AccountNumber
    bank_code: BankCode


class ConfirmPayeeAccount(Command):
    """An officer confirms the account proposed, after comparing it with the registered name."""

    uscc: Uscc


@dataclass(frozen=True, slots=True)
class Account:
    """The last account confirmed, and the one proposed since, if any."""

    account_hmac: str = ""
    last4: str = ""
    proposed: PayeeAccountProposed | None = None
    proposed_by: str = ""

    @property
    def confirmed(self) -> bool:
        return bool(self.account_hmac)


def evolve(account: Account, event: Event, stamp: Stamp) -> Account:
    match event:
        case PayeeAccountProposed():
            return Account(account.account_hmac, account.last4, event, stamp.actor.id)
        case PayeeAccountConfirmed():
            return Account(event.account_hmac, event.last4)
    return account


ACCOUNT = Fold("account", "settlement", (PayeeAccountProposed, PayeeAccountConfirmed), Account(), evolve)
"""Keyed by ``account_id(uscc)``."""


def propose(principal: Principal, command: ProposePayeeAccount) -> list[Decided] | Refusal:
    if principal.uscc != command.uscc:
        return NotYours("uscc")
    refusal = refuse_bank_code(command.bank_code)
    if refusal is not None:
        return refusal
    digest, last4 = command.account_number.split(":")
    event = PayeeAccountProposed(uscc=command.uscc, account_hmac=digest, last4=last4, bank_code=command.bank_code)
    return [Decided(account_id(command.uscc), event)]


def confirm(account: Account, principal: Principal, command: ConfirmPayeeAccount) -> list[Decided] | Refusal:
    if account.proposed is None:
        return NotFound("uscc", what="proposed account of", id=command.uscc) if not account.confirmed else OutOfOrder(
            "uscc", state="confirmed"
        )
    if principal.sub == account.proposed_by:
        return SamePerson("uscc")
    return [Decided(account_id(command.uscc), PayeeAccountConfirmed(**account.proposed.model_dump()))]


