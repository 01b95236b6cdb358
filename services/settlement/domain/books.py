"""Double entry, derived from events: every movement of money is one debit and one credit of the same sum.

| Event | Debit | Credit |
|---|---|---|
| FundingReceived | agent clearing | region fund |
| FundingReturned | region fund | agent clearing |
| PayoutSettled | payee | region fund (treasury) or agent clearing (agent) |
| PayoutReturned | the same, turned round | |
| ClawbackOrdered, by what it adds | recovery | payee |
| … by what it takes off, ClawbackCancelled | payee | recovery |
| RecoveryRecorded, repaid or treasury | region fund | recovery |
| RecoveryRecorded, offset | payee | recovery |
| ClawbackClosed, what is written off | payee | recovery |

All within one paying region, so each region's books balance by themselves. The balance of ``recovery`` is what a debtor
still owes, that of ``payee`` what it was granted and keeps (below zero where it pays
back what another was paid), that of ``region_fund`` the money that left the region's
treasury, that of ``agent_clearing`` what the agent holds of the region's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, NamedTuple

from tongdui_events.document import Event, Stamp
from tongdui_events.payments import FundingReceived, FundingReturned, PayoutReturned, PayoutScheduled, PayoutSettled
from tongdui_events.settlement import (
    ClawbackCancelled,
    ClawbackClosed,
    ClawbackOrdered,
    ClawbackProposed,
    RecoveryRecorded,
)

Kind = Literal["region_fund", "agent_clearing", "payee", "recovery"]

BOOKED: tuple[type[Event], ...] = (
    PayoutScheduled,
    PayoutSettled,
    PayoutReturned,
    ClawbackProposed,
    ClawbackOrdered,
    ClawbackCancelled,
    RecoveryRecorded,
    ClawbackClosed,
    FundingReceived,
    FundingReturned,
)
"""What a ledger is made of; the first of a stream says whose money it is and moves none."""


class Account(NamedTuple):
    """One account: ``party`` is the payee's or debtor's USCC, "" for a region's fund and its money at the agent."""

    kind: Kind
    region: str
    party: str = ""


class Entry(NamedTuple):
    """One movement, on a business day, of ``fen`` > 0."""

    on: date
    debit: Account
    credit: Account
    fen: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """The entries of one stream (a payout, a clawback, a window), and what is needed to write the next."""

    region: str = ""
    party: str = ""
    through_agent: bool = False
    ordered_fen: int = 0
    entries: tuple[Entry, ...] = ()


def evolve(ledger: Ledger, event: Event, stamp: Stamp) -> Ledger:
    """Total: an event that moves no money adds no entry."""
    on = stamp.business_day
    match event:
        case PayoutScheduled():
            return Ledger(event.region, event.payee_uscc, event.channel == "agent")
        case PayoutSettled():
            return _moved(ledger, on, _payee(ledger), _source(ledger), event.amount_fen)
        case PayoutReturned():
            return _moved(ledger, on, _source(ledger), _payee(ledger), event.amount_fen)
        case FundingReceived():
            fund, clearing = Account("region_fund", event.region), Account("agent_clearing", event.region)
            return _moved(ledger, on, clearing, fund, event.amount_fen)
        case FundingReturned(amount_fen=fen) if fen:
            fund, clearing = Account("region_fund", event.region), Account("agent_clearing", event.region)
            return _moved(ledger, on, fund, clearing, fen)
    return _taken_back(ledger, event, on)


def _taken_back(ledger: Ledger, event: Event, on: date) -> Ledger:
    payee, recovery = _payee(ledger), Account("recovery", ledger.region, ledger.party)
    match event:
        case ClawbackProposed():
            return replace(ledger, region=event.region or "", party=event.debtor_uscc)
        case ClawbackOrdered():
            ledger = replace(ledger, region=event.region, party=event.debtor_uscc)
            return _ordered(ledger, on, event.amount_fen)
        case ClawbackCancelled():
            return _ordered(ledger, on, 0)
        case RecoveryRecorded(method="offset"):
            return _moved(ledger, on, payee, recovery, event.amount_fen)
        case RecoveryRecorded():
            return _moved(ledger, on, Account("region_fund", ledger.region), recovery, event.amount_fen)
        case ClawbackClosed():
            return _moved(ledger, on, payee, recovery, event.written_off_fen)
    return ledger


def _ordered(ledger: Ledger, on: date, total_fen: int) -> Ledger:
    """The order's total changes: by what it adds the debtor owes more, by what it takes off less."""
    payee, recovery = _payee(ledger), Account("recovery", ledger.region, ledger.party)
    added = total_fen - ledger.ordered_fen
    ledger = replace(ledger, ordered_fen=total_fen)
    return _moved(ledger, on, recovery, payee, added) if added > 0 else _moved(ledger, on, payee, recovery, -added)


def _payee(ledger: Ledger) -> Account:
    return Account("payee", ledger.region, ledger.party)


def _source(ledger: Ledger) -> Account:
    """Whose money a payment is paid from."""
    return Account("agent_clearing" if ledger.through_agent else "region_fund", ledger.region)


def _moved(ledger: Ledger, on: date, debit: Account, credit: Account, fen: int) -> Ledger:
    if not fen:
        return ledger
    return replace(ledger, entries=(*ledger.entries, Entry(on, debit, credit, fen)))


# -- the trial balance -------------------------------------------------------------------------


class Line(NamedTuple):
    """One account's turnover. ``balance_fen``: debits less credits."""

    account: Account
    debit_fen: int
    credit_fen: int

    @property
    def balance_fen(self) -> int:
        return self.debit_fen - self.credit_fen


class TrialBalance(NamedTuple):
    """Every account that moved by a day, sorted."""

    lines: tuple[Line, ...]

    @property
    def debit_fen(self) -> int:
        return sum(line.debit_fen for line in self.lines)

    @property
    def credit_fen(self) -> int:
        return sum(line.credit_fen for line in self.lines)

    @property
    def findings(self) -> tuple[str, ...]:
        """What cannot be: in a region debits differ from credits, or an account stands on the wrong side."""
        totals: defaultdict[str, int] = defaultdict(int)
        for line in self.lines:
            totals[line.account.region] += line.balance_fen
        uneven = [f"{region}: debits less credits are {fen} fen" for region, fen in sorted(totals.items()) if fen]
        wrong = [f"{' '.join(line.account)}: {line.balance_fen} fen" for line in self.lines if _is_wrong(line)]
        return (*uneven, *wrong)


def _is_wrong(line: Line) -> bool:
    """Nobody owes less than nothing."""
    return line.account.kind == "recovery" and line.balance_fen < 0


def trial_balance(entries: Iterable[Entry], on: date) -> TrialBalance:
    """The turnover of every account up to the end of a business day."""
    debits: defaultdict[Account, int] = defaultdict(int)
    credits_: defaultdict[Account, int] = defaultdict(int)
    for entry in entries:
        if entry.on <= on:
            debits[entry.debit] += entry.fen
            credits_[entry.credit] += entry.fen
    return TrialBalance(tuple(Line(one, debits[one], credits_[one]) for one in sorted({*debits, *credits_})))
