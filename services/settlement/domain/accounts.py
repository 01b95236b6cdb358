"""Where a payee is paid: proposed by one person, confirmed by another. 三(五)

Events hold a keyed digest and the last four characters; the number itself never comes here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, StringConstraints
from tongdui_events.document import Event, RegionCode, Stamp, Uscc
from tongdui_events.payments import BankCode, PayeeAccountConfirmed, PayeeAccountProposed
from tongdui_events.streams import account_id

from services.settlement.domain.people import acts_for_region, reviews_for_region
from services.settlement.domain.refusals import AccountUnchanged, NoAccountProposed, SamePerson
from services.settlement.domain.registry_facts import Region
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotYours, Refusal
from shared.kernel.folding import Fold
from shared.kernel.keyed_digest import keyed_digest


class AccountDetails(NamedTuple):
    """One account: keyed digest, last four characters, 行号."""

    account_hmac: str
    last4: str
    bank_code: str


@dataclass(frozen=True, slots=True)
class Account:
    """A payee's account in use, and the one that waits for a second person with the persons who proposed it."""

    confirmed: AccountDetails | None = None
    proposed: AccountDetails | None = None
    proposed_by: frozenset[str] = frozenset()


def _details(event: PayeeAccountProposed | PayeeAccountConfirmed) -> AccountDetails:
    return AccountDetails(event.account_hmac, event.last4, event.bank_code)


def evolve(account: Account, event: Event, stamp: Stamp) -> Account:
    match event:
        case PayeeAccountProposed():
            return replace(account, proposed=_details(event), proposed_by=stamp.actor.persons)
        case PayeeAccountConfirmed():
            return Account(confirmed=_details(event))
    return account


ACCOUNT = Fold("account", "settlement", (PayeeAccountProposed, PayeeAccountConfirmed), Account(), evolve)
"""Keyed by ``account_id(uscc)``."""


def _digested(number: str) -> str:
    """The number goes no further than this: what is kept is its keyed digest and its last four."""
    return f"{keyed_digest(number)}:{number[-4:]}"


AccountNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{8,32}$"), AfterValidator(_digested)]
"""An account number in a request; ``<keyed digest>:<last four>`` in the command."""


class ProposePayeeAccount(Command):
    """A payee names the account it wants to be paid to. While a change waits for a second person nothing is
    paid to this payee."""

    uscc: Uscc
    account_number: AccountNumber
    bank_code: BankCode


class ConfirmPayeeAccount(Command):
    """A second person confirms the proposed account, after comparing its holder with the registered name:
    another of the payee; or, for the ``region`` it names, of its department or of a centre it entrusts with review."""

    uscc: Uscc
    region: RegionCode | None = None


def propose(account: Account, principal: Principal, command: ProposePayeeAccount) -> list[Decided] | Refusal:
    """PayeeAccountProposed; a later proposal replaces the earlier one."""
    if principal.uscc != command.uscc:
        return NotYours("uscc")
    account_hmac, last4 = command.account_number.split(":")
    details = AccountDetails(account_hmac, last4, command.bank_code)
    if details == account.confirmed and account.proposed is None:
        return AccountUnchanged("account_number")
    event = PayeeAccountProposed(uscc=command.uscc, **details._asdict())
    return [Decided(account_id(command.uscc), event)]


def confirm(
    account: Account, region: Region, today: date, principal: Principal, command: ConfirmPayeeAccount
) -> list[Decided] | Refusal:
    """PayeeAccountConfirmed of what was proposed, by another person than proposed it."""
    refusal = _may_confirm(region, today, principal, command)
    if refusal is not None:
        return refusal
    if account.proposed is None:
        return NoAccountProposed("uscc")
    if account.proposed_by & principal.persons:
        return SamePerson("uscc", step="the proposal")
    event = PayeeAccountConfirmed(uscc=command.uscc, **account.proposed._asdict())
    return [Decided(account_id(command.uscc), event)]


def _may_confirm(region: Region, today: date, principal: Principal, command: ConfirmPayeeAccount) -> Refusal | None:
    if principal.uscc is not None:
        return None if principal.uscc == command.uscc else NotYours("uscc")
    if command.region is None:
        return NotYours("region")
    if principal.role == "regional_officer":
        return acts_for_region(principal, command.region)
    return reviews_for_region(principal, region, today)
