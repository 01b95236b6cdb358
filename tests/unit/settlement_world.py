"""A case ready to be redeemed, and the people around it: what the tests of settlement are given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid5

from tongdui_events.document import Event
from tongdui_events.policy import Channels, PolicyAdopted, PolicyBasis, PolicyTerms
from tongdui_events.registry import CentreEntrusted, EnterpriseRegistered, ProviderApplied, RegionJoined
from tongdui_events.streams import NAMESPACE, enterprise_id, provider_id, region_id
from tongdui_events.voucher import (
    AllocationConfirmed,
    AllocationLine,
    ContractLine,
    ContractSubmitted,
    VoucherCollected,
    VoucherIssued,
    VoucherPresented,
    VoucherTendered,
)

from services.settlement.commands import FOLDS, HANDLERS
from services.settlement.domain.accounts import ConfirmPayeeAccount, ProposePayeeAccount
from services.settlement.domain.approval import ApproveRedemption
from services.settlement.domain.batches import OpenBatch, ReleaseBatch
from services.settlement.domain.notices import CloseNotice, PublishNotice
from services.settlement.domain.request import RequestRedemption
from services.settlement.domain.review import ReviewRedemption
from services.settlement.reactions import REACTIONS
from shared.kernel import keyed_digest
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Refusal
from tests.unit.desk import FakeDesk

keyed_digest.configure(b"a key for tests")

REGION, PROVINCE = "310118", "32"
ENTERPRISE, PROVIDER, BRANCH = "91310118MA0TEXT048", "91320509MA0TEXT040", "1231000000000TEX96"
STRANGER = "91330421MA0TEXT04A"
DAY = date(2026, 3, 2)
LAST_DAY = date(2026, 3, 8)
"""Of a notice that opens on DAY for 7 calendar and 5 working days."""
REDEEM_BY = date(2026, 6, 30)
SHA = "ab" * 32


def an_id(name: object) -> UUID:
    return uuid5(NAMESPACE, f"test/{name}")


VOUCHER, REDEMPTION, NOTICE, BATCH = (an_id(name) for name in ("voucher", "redemption", "notice", "batch"))
CENTRE, AGENT = an_id("centre"), an_id("agent")

COMPANY = Principal(sub="company-1", role="enterprise", uscc=ENTERPRISE)
LABORATORY = Principal(sub="laboratory-1", role="provider", uscc=PROVIDER)
REVIEWER = Principal(sub="centre-1", role="centre", member_of=CENTRE)
APPROVER, PUBLISHER, PAYER = (
    Principal(sub=sub, role="regional_officer", region=REGION) for sub in ("approver", "publisher", "payer")
)
ELSEWHERE = Principal(sub="officer-9", role="regional_officer", region="320509")
CLERK = Principal(sub="agent-1", role="agent", member_of=AGENT)
PLATFORM = Principal(sub="settlement", role="service")
PUBLIC = Principal(sub="public", role="public")
OPERATOR = Principal(sub="operator-1", role="operator")


def terms(**changed: Any) -> PolicyTerms:
    """Thirty per cent, tax included, to the fen; 7 calendar and 5 working days of notice; treasury for both."""
    known: dict[str, Any] = {
        "modes": ("tongyong", "tongdui"), "ratio_bp": {"testing": 3000}, "enterprise_year_cap_fen": 30_000_000,
        "region_year_budget_fen": 10**9, "quota_year_basis": "allocation", "budget_year_basis": "allocation",
        "rounding": "fen", "amount_basis": "tax_inclusive", "partial_allocation": True, "use_by_days": 30,
        "redeem_by_days": 90, "notice_calendar_days": 7, "notice_working_days": 5, "mending_days": 10, "review_days": 10,
        "appeal_days": 10, "answer_days": 5, "window": "month", "year_end": "carry_over", "precheck": False,
        "regional_review": False, "centre_allocates": True, "channel": Channels(tongyong="treasury", tongdui="treasury"),
        "offset_allowed": False, "clawback_restores_quota": False, "related_parties": "flag",
        "local_support_counts": False,
    }  # fmt: skip
    return PolicyTerms(**(known | changed))


def policy(version: int = 1, effective_on: date = DAY, **changed: Any) -> PolicyAdopted:
    basis = PolicyBasis(scope="notice", applicants="notice", amounts="notice", payment="notice")
    return PolicyAdopted(
        region=REGION, version=version, effective_on=effective_on, basis=basis, terms=terms(**changed),
        source_document="示例细则", text_sha256=SHA,
    )  # fmt: skip


def registry_facts(**changed: Any) -> list[tuple[str, UUID, Event]]:
    region = region_id(REGION)
    joined = RegionJoined(region=REGION, name="青浦区", province="31", prefixes=(REGION,), joins_on=DAY)
    entrusted = CentreEntrusted(
        region=REGION, centre_id=CENTRE, name="青浦管理中心", scope=("review", "allocate"), from_on=DAY
    )
    enterprise = EnterpriseRegistered(
        uscc=ENTERPRISE, name="青浦示例科技有限公司", region=REGION, division_code=REGION, legal_form="limited_company",
        registered_on=DAY,
    )  # fmt: skip
    provider = ProviderApplied(
        uscc=PROVIDER, name="吴江示例实验室", province=PROVINCE, legal_form="public_institution", established_on=DAY,
        categories=("testing",), branch_uscc=(BRANCH,),
    )  # fmt: skip
    return [
        ("registry", region, joined),
        ("registry", region, policy(**changed)),
        ("registry", region, entrusted),
        ("registry", enterprise_id(ENTERPRISE), enterprise),
        ("registry", provider_id(PROVIDER), provider),
    ]


def case_facts(
    mode: str = "tongdui",
    amount_fen: int = 10_000_000,
    allocation_fen: int = 3_000_000,
    tax_bp: int = 600,
    eligible_fen: int | None = None,
    voucher_id: UUID = VOUCHER,
) -> list[tuple[str, UUID, Event]]:
    """Issued, contracted for one line, allocated, handed over."""
    line = ContractLine(
        line_no=1, item_code="T01", category="testing", description="检测", amount_fen=amount_fen, tax_bp=tax_bp,
        fingerprint=SHA,
    )  # fmt: skip
    parties: dict[str, Any] = {"enterprise_uscc": ENTERPRISE, "provider_uscc": PROVIDER, "region": REGION, "mode": mode}
    allocated = AllocationLine(
        line_no=1, eligible_fen=amount_fen if eligible_fen is None else eligible_fen, ratio_bp=3000, amount_fen=allocation_fen
    )
    events: list[Event] = [
        VoucherIssued(
            voucher_id=voucher_id, **parties, listing_province=PROVINCE, policy_version=1, use_by=DAY, redeem_by=REDEEM_BY
        ),
        ContractSubmitted(
            voucher_id=voucher_id, contract_no="YX-1", lines=(line,), amount_fen=amount_fen, signed_on=DAY,
            submitted_by="provider", document_sha256=SHA,
        ),
        AllocationConfirmed(
            voucher_id=voucher_id, **parties, redeem_by=REDEEM_BY, amount_fen=allocation_fen,
            contract_amount_fen=amount_fen, lines=(allocated,), policy_version=1, catalogue_version=1, quota_year=2026,
            budget_year=2026,
        ),
        VoucherTendered(voucher_id=voucher_id),
        *([VoucherCollected(voucher_id=voucher_id)] if mode == "tongdui" else []),
    ]  # fmt: skip
    return [("voucher", voucher_id, event) for event in events]


def invoice(number: str = "26312000000000000017", fen: int = 10_000_000, **changed: Any) -> dict[str, Any]:
    known = {
        "number": number, "issued_on": "2026-03-02", "buyer_uscc": ENTERPRISE, "seller_uscc": PROVIDER, "total_fen": fen,
        "allotted_fen": fen,
    }  # fmt: skip
    return known | changed


def receipt(fen: int = 7_000_000, **changed: Any) -> dict[str, Any]:
    known = {"payer_uscc": ENTERPRISE, "payee_uscc": PROVIDER, "amount_fen": fen, "paid_on": "2026-03-02", "reference": "R-1"}
    return known | changed


def evidence(**changed: Any) -> dict[str, Any]:
    """100,000 yuan performed and invoiced; the company has paid 70,000; 30,000 are claimed."""
    known = {
        "redemption_id": REDEMPTION,
        "invoices": [invoice()],
        "receipts": [receipt()],
        "documents": [
            {"kind": kind, "size_bytes": 10, "sha256": SHA} for kind in ("contract", "receipt", "invoice", "result")
        ],
        "lines": [{"line_no": 1, "performed_fen": 10_000_000, "invoiced_fen": 10_000_000}],
        "claimed_fen": 3_000_000,
    }
    return known | changed


def the_request(**changed: Any) -> RequestRedemption:
    return RequestRedemption.model_validate(evidence(voucher_id=VOUCHER) | changed)


class World(FakeDesk):
    """A desk on DAY with the region, the parties and a case ready to be redeemed."""

    def __init__(self, mode: str = "tongdui", **changed: Any) -> None:
        super().__init__(FOLDS, DAY, COMPANY, service="settlement")
        self.given(*registry_facts(**changed), *case_facts(mode))

    @classmethod
    def without_case(cls, **changed: Any) -> World:
        """The region and the parties alone."""
        world = cls.__new__(cls)
        FakeDesk.__init__(world, FOLDS, DAY, COMPANY, service="settlement")
        world.given(*registry_facts(**changed))
        return world

    def asks(self, principal: Principal, command: Command) -> list[Event] | Refusal:
        """The events a person's command leads to, or its refusal."""
        self.principal = principal
        return self.handle(HANDLERS, command)

    def does(self, principal: Principal, command: Command) -> list[str]:
        """The names of the events a person's command leads to. Raises its refusal."""
        answer = self.asks(principal, command)
        if isinstance(answer, Refusal):
            raise answer
        return names(answer)

    def refuses(self, principal: Principal, command: Command) -> str:
        """The code of the refusal; nothing was recorded."""
        before = len(self.documents)
        answer = self.asks(principal, command)
        assert isinstance(answer, Refusal), names(answer)
        assert len(self.documents) == before
        return answer.code

    def hears(self, source: str, stream_id: UUID, event: Event) -> list[Event]:
        """An event of another service arrives: it is kept, and reacted to."""
        stamp = self.fold(source, stream_id, event, None)
        self.principal = PLATFORM
        reaction = REACTIONS.get((source, type(event).__name__))
        return self.record(reaction(event, stamp, self)) if reaction else []

    def days_later(self, days: int = 1) -> World:
        assert self.day is not None
        self.day += timedelta(days=days)
        return self

    # -- a case's way, as far as a test needs it ---------------------------------------------------

    def requested(self, principal: Principal = LABORATORY, **changed: Any) -> World:
        self.does(principal, the_request(**changed))
        return self

    def presented(self, redemption_id: UUID = REDEMPTION, voucher_id: UUID = VOUCHER, **changed: Any) -> World:
        if redemption_id == REDEMPTION:
            self.requested(**changed)
        event = VoucherPresented(voucher_id=voucher_id, redemption_id=redemption_id, allocation_fen=3_000_000)
        self.hears("voucher", voucher_id, event)
        return self

    def reviewed(self, **changed: Any) -> World:
        self.presented(**changed).does(REVIEWER, ReviewRedemption(redemption_id=REDEMPTION))
        return self

    def with_account(self, payee: Principal = LABORATORY) -> World:
        uscc = payee.uscc or ""
        proposed = ProposePayeeAccount(uscc=uscc, account_number="6222000000000173", bank_code="102290002916")
        self.does(payee, proposed)
        self.does(REVIEWER, ConfirmPayeeAccount(uscc=uscc, region=REGION))
        return self

    def approved(self, **changed: Any) -> World:
        self.with_account().reviewed(**changed).does(APPROVER, ApproveRedemption(redemption_id=REDEMPTION))
        return self

    def published(self, **changed: Any) -> World:
        self.approved(**changed).publish()
        return self

    def publish(self, notice_id: UUID = NOTICE, redemption_ids: Sequence[UUID] = (REDEMPTION,)) -> list[str]:
        command = PublishNotice(notice_id=notice_id, region=REGION, redemption_ids=tuple(redemption_ids))
        return self.does(PUBLISHER, command)

    def close(self, notice_id: UUID = NOTICE) -> list[Event] | Refusal:
        return self.asks(PLATFORM, CloseNotice(notice_id=notice_id, due_on=self.today))

    def scheduled(self, **changed: Any) -> World:
        """Published and passed; the payment is due."""
        self.published(**changed).day = LAST_DAY + timedelta(days=1)
        closed = self.close()
        assert not isinstance(closed, Refusal), closed
        return self

    @property
    def payout_id(self) -> UUID:
        return next(one.event.payout_id for one in reversed(self.documents) if one.stamp.type == "PayoutScheduled")

    def release(self, principal: Principal = PAYER, batch_id: UUID = BATCH) -> list[Event] | Refusal:
        self.asks(PAYER, OpenBatch(batch_id=batch_id, payer=REGION, channel="treasury"))
        return self.asks(principal, ReleaseBatch(batch_id=batch_id, payout_ids=(self.payout_id,)))

    def instructed(self, **changed: Any) -> World:
        released = self.scheduled(**changed).release()
        assert not isinstance(released, Refusal), released
        return self

    @property
    def end_to_end_id(self) -> str:
        return next(
            one.event.end_to_end_id for one in reversed(self.documents) if one.stamp.type == "PayoutInstructed"
        )


def names(events: Sequence[Event] | Refusal) -> list[str]:
    if isinstance(events, Refusal):
        return [events.code]
    return [type(event).__name__ for event in events]
