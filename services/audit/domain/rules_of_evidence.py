"""Rules about what is handed in: invoice numbers, accounts, documents, and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

from tongdui_events.audit import SignalTerms
from tongdui_events.payments import PayeeAccountConfirmed
from tongdui_events.settlement import RedemptionRequested, RedemptionResubmitted

from services.audit.domain.known_facts import Known
from services.audit.domain.signals import Seen, Signal, signal

At = tuple[str, int]
_SERIAL_DIGITS = 8


class ConsecutiveInvoices:
    """连号发票: one seller's invoice numbers in a row behind several cases."""

    name = "consecutive_invoices"
    types: tuple[Any, ...] = (RedemptionRequested, RedemptionResubmitted)

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], dict[int, tuple[At, UUID]]] = defaultdict(dict)
        self._told: set[tuple[str, str, int]] = set()

    def see(self, seen: Seen, known: Known, terms: SignalTerms) -> Iterator[Signal]:
        for invoice in seen.event.invoices:
            digits = "".join(character for character in invoice.number if character.isdigit())
            if digits:
                series = invoice.seller_uscc, digits[:-_SERIAL_DIGITS]
                yield from self._number(series, int(digits[-_SERIAL_DIGITS:]), seen, terms)

    def _number(self, series: tuple[str, str], serial: int, seen: Seen, terms: SignalTerms) -> Iterator[Signal]:
        numbers = self._numbers[series]
        numbers.setdefault(serial, (seen.at, seen.event.voucher_id))
        first = last = serial
        while first - 1 in numbers:
            first -= 1
        while last + 1 in numbers:
            last += 1
        run = [(*series, number) for number in range(first, last + 1)]
        evidence, cases = zip(*(numbers[number] for *_, number in run), strict=True)
        told = self._told.intersection(run)
        if len(run) >= terms.consecutive_invoices and len(set(cases)) > 1:
            self._told.update(run)
            if not told:
                yield signal(self.name, "seller", series[0], (*series, first), evidence, cases)


class AccountOfSeveral:
    """共用账户: one bank account behind several payees."""

    name = "account_of_several"
    types: tuple[Any, ...] = (PayeeAccountConfirmed,)

    def __init__(self) -> None:
        self._payees: dict[str, dict[str, At]] = defaultdict(dict)

    def see(self, seen: Seen, known: Known, terms: SignalTerms) -> Iterator[Signal]:
        event: PayeeAccountConfirmed = seen.event
        payees = self._payees[event.account_hmac]
        payees.setdefault(event.uscc, seen.at)
        if len(payees) > 1:
            yield signal(self.name, "account", event.account_hmac, (event.account_hmac,), payees.values())


class DocumentOfSeveral:
    """一件多用: one document behind several cases, kinds that may serve several excepted."""

    name = "document_of_several"
    types: tuple[Any, ...] = (RedemptionRequested, RedemptionResubmitted)

    def __init__(self) -> None:
        #: the first case of each document and the position of its request, None once it was told
        self._first: dict[bytes, tuple[UUID, int] | None] = {}

    def see(self, seen: Seen, known: Known, terms: SignalTerms) -> Iterator[Signal]:
        voucher_id = seen.event.voucher_id
        for document in seen.event.documents:
            if document.kind in terms.shareable_documents:
                continue
            digest, sha256 = bytes.fromhex(document.sha256), document.sha256
            first = self._first.setdefault(digest, (voucher_id, seen.position))
            if first is not None and first[0] != voucher_id:
                self._first[digest] = None
                evidence = [(seen.source, first[1]), seen.at]
                yield signal(self.name, "document", sha256, (sha256,), evidence, [first[0], voucher_id])


class BurstBeforeADeadline:
    """临期扎堆: many requests for one provider's work in the last days before their deadlines or the year's end."""

    name = "burst_before_a_deadline"
    types: tuple[Any, ...] = (RedemptionRequested,)

    def __init__(self) -> None:
        self._late: dict[str, list[tuple[date, At, UUID]]] = defaultdict(list)
        self._told_until: dict[str, date] = {}

    def see(self, seen: Seen, known: Known, terms: SignalTerms) -> Iterator[Signal]:
        case = known.cases.get(seen.event.voucher_id)
        if case is None:
            return
        deadline = min(case.redeem_by, date(seen.day.year, 12, 31))
        if not 0 <= (deadline - seen.day).days < terms.deadline_days:
            return
        provider = case.provider_uscc
        if seen.day <= self._told_until.get(provider, date.min):
            return
        self._late[provider].append((seen.day, seen.at, seen.event.voucher_id))
        since = date.fromordinal(seen.day.toordinal() - terms.deadline_days)
        recent = [late for late in self._late[provider] if late[0] > since]
        if len(recent) >= terms.deadline_requests:
            self._told_until[provider] = seen.day
            del self._late[provider]
            cause = (provider, seen.day)
            yield signal(self.name, "provider", provider, cause, [at for _, at, _ in recent], [v for *_, v in recent])
