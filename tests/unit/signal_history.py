"""A small history of the four logs, for the rules of the signals: days, companies, vouchers, requests."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid5

from stdnum.cn import uscc as cn_uscc
from tongdui_events import (
    AffiliationDeclared,
    AllocationConfirmed,
    ContractLine,
    ContractSubmitted,
    DayOpened,
    DayReached,
    EnterpriseRegistered,
    EvidenceDocument,
    Invoice,
    PayeeAccountConfirmed,
    PolicyAdopted,
    RedemptionApproved,
    RedemptionRequested,
    RedemptionReviewed,
    Step,
    VoucherApplied,
    VoucherIssued,
    VoucherTendered,
    VoucherWithdrawn,
)
from tongdui_events.codec import encode
from tongdui_events.document import Actor, Document, Event, Stamp
from tongdui_events.samples import sample
from tongdui_events.streams import NAMESPACE, account_id, days_id, enterprise_id, region_id

from services.audit.domain.signals import RaiseSignal
from services.audit.domain.supervisor import SOURCES, Arrived, Supervisor

REGION = "310118"
FIRST = date(2025, 3, 3)
CAP_FEN = 100_000_00


def uscc(number: int) -> str:
    stem = f"91310118TEX{number:06d}"
    return stem + cn_uscc.calc_check_digit(stem)


def hmac_of(text: str) -> str:
    return text.encode().hex().ljust(64, "0")[:64]


class SignalHistory:
    """Records by log, each at the next position, on the day that was opened last."""

    def __init__(self, cap_fen: int | None = CAP_FEN) -> None:
        self.records: dict[str, list[Arrived]] = {source: [] for source in SOURCES}
        self.today = FIRST - timedelta(days=1)
        self.count = 0
        self.open(FIRST)
        made = sample(PolicyAdopted)
        terms = made.terms.model_copy(update={"allocation_cap_fen": cap_fen})
        policy = made.model_copy(update={"region": REGION, "version": 1, "effective_on": FIRST, "terms": terms})
        self.add("registry", region_id(REGION), policy)

    def open(self, day: date) -> None:
        self.today = day
        self.add("registry", days_id("registry"), DayOpened(date=day, working=True))
        for source in SOURCES[1:]:
            self.add(source, days_id(source), DayReached(date=day))

    def end(self) -> SignalHistory:
        """The next day begins: this one is over."""
        self.open(self.today + timedelta(days=1))
        return self

    def add(self, source: str, stream: UUID, event: Event, case_id: UUID | None = None, actor: str = "x") -> tuple[str, int]:
        self.count += 1
        position = len(self.records[source]) + 1
        at = datetime.combine(self.today, time(1), UTC) + timedelta(seconds=self.count)
        stamp = Stamp(
            source=source, type=type(event).__name__, event_id=uuid5(NAMESPACE, f"{source}/{position}"),
            originator_id=stream, originator_version=position, business_day=self.today, occurred_at=at, recorded_at=at,
            actor=Actor(id=actor, role="operator"), case_id=case_id, causation_id=uuid5(NAMESPACE, "cause"), seen={},
        )
        self.records[source].append(Arrived(source, position, stamp.type, encode(Document(stamp, event))))
        return source, position

    # -- what happens ------------------------------------------------------------------------------

    def register(self, company: str, registered_on: date) -> tuple[str, int]:
        event = EnterpriseRegistered(
            uscc=company, name="示例", region=REGION, division_code=REGION, legal_form="limited_company",
            registered_on=registered_on,
        )
        return self.add("registry", enterprise_id(company), event)

    def affiliate(self, party: str, **said: Any) -> tuple[str, int]:
        fields = {"controller_hmac": hmac_of(f"c{party}"), "holder_hmac": (), **said}
        return self.add("registry", enterprise_id(party), AffiliationDeclared(uscc=party, **fields))

    def issue(self, number: int, enterprise: str, provider: str, redeem_by: date = date(2025, 12, 1)) -> UUID:
        voucher_id = UUID(int=number)
        who = {"voucher_id": voucher_id, "enterprise_uscc": enterprise, "provider_uscc": provider, "region": REGION}
        self.add("voucher", voucher_id, VoucherApplied(**who, mode="tongdui", purpose="x"), voucher_id)
        issued = VoucherIssued(
            **who, listing_province="32", mode="tongdui", policy_version=1, use_by=redeem_by, redeem_by=redeem_by
        )
        self.add("voucher", voucher_id, issued, voucher_id)
        return voucher_id

    def allocate(self, number: int, enterprise: str, provider: str, asked_fen: int, cap_fen: int = CAP_FEN) -> tuple[str, int]:
        """A voucher with a contract signed today and its allocation; where that stands."""
        voucher_id = self.issue(number, enterprise, provider)
        line = ContractLine(
            line_no=1, item_code="T01", category="testing", description="x", amount_fen=asked_fen, tax_bp=600,
            fingerprint=hmac_of(f"f{number}"),
        )
        contract = ContractSubmitted(
            voucher_id=voucher_id, contract_no=str(number), lines=(line,), amount_fen=asked_fen, signed_on=self.today,
            submitted_by="provider", document_sha256=hmac_of("d"),
        )
        self.add("voucher", voucher_id, contract, voucher_id)
        amount = min(asked_fen, cap_fen)
        confirmed = AllocationConfirmed(
            voucher_id=voucher_id, enterprise_uscc=enterprise, provider_uscc=provider, region=REGION, mode="tongdui",
            redeem_by="2025-12-01", amount_fen=amount, contract_amount_fen=asked_fen, lines=(), holds=(),
            steps=(Step(rule="sum", fen=asked_fen), Step(rule="cap_per_use", fen=amount)), policy_version=1,
            catalogue_version=1, quota_year=2025, budget_year=2025, reduced_because=(),
        )
        return self.add("voucher", voucher_id, confirmed, voucher_id)

    def tender(self, number: int) -> None:
        self.add("voucher", UUID(int=number), VoucherTendered(voucher_id=UUID(int=number)), UUID(int=number))

    def withdraw(self, number: int) -> None:
        self.add("voucher", UUID(int=number), VoucherWithdrawn(voucher_id=UUID(int=number)), UUID(int=number))

    def request(
        self, number: int, seller: str, invoices: Iterable[str] = (), documents: Iterable[tuple[str, str]] = ()
    ) -> tuple[str, int]:
        """A request for the voucher of that number: invoice numbers, (kind, name) of documents."""
        event = RedemptionRequested(
            redemption_id=UUID(int=number + 10_000), voucher_id=UUID(int=number), submitted_by="provider", claimed_fen=1,
            invoices=tuple(
                Invoice(number=one, issued_on=self.today, buyer_uscc=uscc(1), seller_uscc=seller, total_fen=1, allotted_fen=1)
                for one in invoices
            ),
            documents=tuple(EvidenceDocument(kind=kind, size_bytes=1, sha256=hmac_of(name)) for kind, name in documents),
        )
        return self.add("settlement", event.redemption_id, event, event.voucher_id)

    def approve(self, number: int, reviewer: str, approver: str) -> tuple[str, int]:
        redemption_id, voucher_id = UUID(int=number + 10_000), UUID(int=number)
        reviewed = RedemptionReviewed(redemption_id=redemption_id, amount_fen=1, base_fen=1)
        self.add("settlement", redemption_id, reviewed, voucher_id, reviewer)
        approved = RedemptionApproved(
            redemption_id=redemption_id, voucher_id=voucher_id, region=REGION, amount_fen=1, payee_uscc=uscc(1), mode="tongdui",
            policy_version=1,
        )
        return self.add("settlement", redemption_id, approved, voucher_id, approver)

    def account(self, payee: str, account: str) -> tuple[str, int]:
        event = PayeeAccountConfirmed(uscc=payee, account_hmac=hmac_of(account), last4="0001", bank_code="002006673085")
        return self.add("settlement", account_id(payee), event)

    # -- what is found -----------------------------------------------------------------------------

    def arrivals(self, seed: int | None = None) -> list[Arrived]:
        """Log after log; with a seed interleaved at random, each log in its order."""
        if seed is None:
            return [record for source in SOURCES for record in self.records[source]]
        turns = [source for source in SOURCES for _ in self.records[source]]
        random.Random(seed).shuffle(turns)
        logs = {source: iter(records) for source, records in self.records.items()}
        return [next(logs[source]) for source in turns]

    def signals(self, seed: int | None = None) -> list[RaiseSignal]:
        supervisor = Supervisor()
        return [found for arrived in self.arrivals(seed) for found in supervisor.add(arrived)]

    def found(self) -> list[tuple[str, str, list[tuple[str, int]]]]:
        """(rule, subject, evidence) of each."""
        return [
            (one.rule, one.subject.id, [(e.source, e.position) for e in one.evidence]) for one in self.signals()
        ]


def busy_history() -> SignalHistory:
    """Every rule fires at least once over some days."""
    history = SignalHistory()
    lab, other, again = uscc(901), uscc(902), uscc(5)
    history.register(uscc(1), FIRST - timedelta(days=10))
    history.affiliate(uscc(2), phone_hmac=hmac_of("phone"))
    history.affiliate(lab, phone_hmac=hmac_of("phone"))
    for number in range(1, 13):
        history.allocate(number, uscc(number), lab if number % 3 else other, CAP_FEN - number)
        if number % 4 == 0:
            history.end()
    for number in range(13, 18):
        history.allocate(number, again, other, 60_000_00)
    history.end()
    for number in range(1, 6):
        history.request(number, lab, [f"{25 * 10**18 + number}"], [("result", f"r{number // 2}"), ("contract", "frame")])
    history.account(lab, "same")
    history.account(other, "same")
    for number in range(1, 21):
        history.approve(number, "reviewer", "approver")
    for number in range(30, 36):
        history.issue(number, uscc(number), lab, redeem_by=history.today + timedelta(days=1))
        history.request(number, lab)
    return history.end()
