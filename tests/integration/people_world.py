"""All four services with one case in each stage a route asks about, and somebody of every role in and out of its region.

The history is recorded as given, by a command that exists in this test alone; everything after it is the real thing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar, TypeVar
from uuid import UUID, uuid4

import httpx
from tongdui_events.audit import (
    CreditRecordEntered,
    FindingRecorded,
    InspectionOpened,
    SampleDrawn,
    SanctionDecided,
    SanctionProposed,
    SignalRaised,
)
from tongdui_events.common import AppealLodged, NoticeItem, NoticePublished, ObjectionRaised, Subject
from tongdui_events.document import Event
from tongdui_events.payments import (
    AgentAppointed,
    BatchOpened,
    BatchReleased,
    FundingOrdered,
    PayeeAccountProposed,
    PayoutInstructed,
    PayoutScheduled,
    WindowClosed,
)
from tongdui_events.policy import PolicyAdopted
from tongdui_events.registry import (
    CataloguePublished,
    CentreEntrusted,
    DelegationGranted,
    EnterpriseQualified,
    EnterpriseRegistered,
    ProviderApplied,
    ProviderListed,
    ProviderPublished,
    ProviderRecommended,
    ReachAssigned,
    RegionJoined,
    ServiceOffered,
)
from tongdui_events.samples import sample
from tongdui_events.settlement import (
    ClawbackOrdered,
    ClawbackProposed,
    InvoiceClaimed,
    RedemptionApproved,
    RedemptionRequested,
    RedemptionReviewed,
)
from tongdui_events.streams import account_id, catalogue_id, enterprise_id, invoice_id, provider_id, reach_id, region_id
from tongdui_events.voucher import (
    AllocationConfirmed,
    CeilingSet,
    ContractAcknowledged,
    ContractSubmitted,
    VoucherApplied,
    VoucherCollected,
    VoucherIssued,
    VoucherTendered,
    VoucherVoided,
)

from services.platform import service_named
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided
from shared.runtime.bus import bus_of
from shared.runtime.desk import Desk
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import Settings
from shared.runtime.store import SERVICES
from shared.runtime.tokens import issue
from shared.runtime.web import build_platform_app

E = TypeVar("E", bound=Event)
DAY = date(2025, 3, 3)
REGION, ELSEWHERE = "310118", "330421"
COMPANY, STRANGER, LABORATORY, OTHER_LABORATORY = (
    "91310118MA0TEXT048", "91330421MA0TEXT04A", "91320509MA0TEXT040", "1231000000000TEX96",
)  # fmt: skip
APPLICANT = "5234050000000TEX98"
SHA = "ab" * 32
INVOICE = "26312000000000000017"


def an_id(number: int) -> UUID:
    return UUID(f"00000000-0000-4000-8000-{number:012d}")


CENTRE, OTHER_CENTRE, AGENT, OTHER_AGENT = (an_id(number) for number in range(1, 5))
VOUCHER, VOIDED, APPEAL, REDEMPTION, NOTICE, OBJECTION = (an_id(number) for number in range(11, 17))
LISTING, LISTING_OBJECTION = (an_id(number) for number in range(21, 23))
PAYOUT, AGENTS_PAYOUT, BATCH, AGENTS_BATCH, CLAWBACK, COMPANYS_CLAWBACK, WINDOW = (
    an_id(number) for number in range(31, 38)
)
SIGNAL, INSPECTION, SANCTION, DECIDED, RECORD, SAMPLE = (an_id(number) for number in range(41, 47))
COMPANYS_SANCTION, PROVINCES_RECORD = an_id(47), an_id(48)

#: of every role somebody whose business the case is, and somebody whose it is not
INSIDE: Mapping[str, dict[str, Any]] = {
    "enterprise": {"uscc": COMPANY},
    "provider": {"uscc": LABORATORY},
    "centre": {"member_of": str(CENTRE)},
    "regional_officer": {"region": REGION},
    "provincial_officer": {"region": "31"},
    "agent": {"member_of": str(AGENT)},
    "auditor": {},
    "operator": {},
    "public": {},
}
OUTSIDE: Mapping[str, dict[str, Any]] = {
    "enterprise": {"uscc": STRANGER},
    "provider": {"uscc": OTHER_LABORATORY},
    "centre": {"member_of": str(OTHER_CENTRE)},
    "regional_officer": {"region": ELSEWHERE},
    "provincial_officer": {"region": "34"},
    "agent": {"member_of": str(OTHER_AGENT)},
}


def delegation_of(role: str) -> UUID:
    """What the person of that role, inside, has delegated."""
    return an_id(60 + sorted(INSIDE).index(role)) if role in INSIDE else an_id(9)


def told(cls: type[E], **fields: Any) -> E:
    """An event of that type, the fields not named as the catalogue's sample has them."""
    return cls.model_validate(sample(cls).model_dump() | fields)


class Record(Command):
    """What happened before the test."""

    history: ClassVar[dict[str, list[tuple[UUID, Event]]]] = {}
    chapter: str


def record(command: Record, desk: Desk) -> list[Decided]:
    cases = {VOUCHER, VOIDED, REDEMPTION, PAYOUT, AGENTS_PAYOUT}
    return [
        Decided(stream, event, getattr(event, "voucher_id", None) if stream in cases else None)
        for stream, event in Record.history[command.chapter]
    ]


def registry_history() -> list[tuple[UUID, Event]]:
    history: list[tuple[UUID, Event]] = []
    for code, province, centre in ((REGION, "31", CENTRE), (ELSEWHERE, "33", OTHER_CENTRE)):
        region = region_id(code)
        terms = sample(PolicyAdopted).terms.model_copy(
            update={"centre_allocates": True, "quota_year_basis": "allocation", "budget_year_basis": "allocation"}
        )
        history += [
            (region, told(RegionJoined, region=code, name="示例", province=province, prefixes=(code,), joins_on=DAY)),
            (reach_id(code), ReachAssigned(prefix=code, region=code, from_on=DAY)),
            (region, told(PolicyAdopted, region=code, version=1, effective_on=DAY, terms=terms.model_dump())),
            (region, CentreEntrusted(region=code, centre_id=centre, name="中心", scope=("review", "allocate"), from_on=DAY)),
        ]
    history.append((catalogue_id(2025), told(CataloguePublished, year=2025, region=None, version=1)))
    for uscc, code in ((COMPANY, REGION), (STRANGER, ELSEWHERE)):
        registered = told(EnterpriseRegistered, uscc=uscc, region=code, division_code=code, legal_form="limited_company")
        qualified = told(EnterpriseQualified, uscc=uscc, year=2025, valid_from_on=DAY, valid_until=date(2025, 12, 31))
        history += [(enterprise_id(uscc), registered), (enterprise_id(uscc), qualified)]
    for uscc, province, notice in ((LABORATORY, "31", LISTING), (OTHER_LABORATORY, "34", an_id(29))):
        provider = provider_id(uscc)
        history += [
            (provider, told(ProviderApplied, uscc=uscc, province=province, categories=("testing",), branch_uscc=())),
            (provider, told(ServiceOffered, uscc=uscc, item_code="T-01")),
            (provider, told(ProviderListed, uscc=uscc, province=province, categories=("testing",), notice_id=notice, on=DAY)),
        ]
    applicant = provider_id(APPLICANT)
    item = NoticeItem(item_id=applicant, name="申请机构", region="31")
    history += [
        (applicant, told(ProviderApplied, uscc=APPLICANT, province="31", categories=("testing",), branch_uscc=())),
        (applicant, told(ProviderRecommended, uscc=APPLICANT, province="31")),
        (applicant, told(ProviderPublished, uscc=APPLICANT, notice_id=LISTING)),
        (LISTING, told(NoticePublished, notice_id=LISTING, kind="listing", items=(item,), opens_on=DAY,
                       last_day_on="2025-12-31")),
        (LISTING, told(ObjectionRaised, notice_id=LISTING, objection_id=LISTING_OBJECTION, item_id=applicant)),
    ]  # fmt: skip
    for role in INSIDE:
        stream = delegation_of(role)
        delegated = {"delegation_id": stream, "from_actor": f"inside-{role}", "to_actor": "deputy", "until": "2025-12-31",
                     "scope": "settlement", "from_role": role, "from_region": INSIDE[role].get("region"),
                     "from_member_of": INSIDE[role].get("member_of")}  # fmt: skip
        history.append((stream, told(DelegationGranted, **delegated)))
    return history


def voucher_history() -> list[tuple[UUID, Event]]:
    parties = {"enterprise_uscc": COMPANY, "provider_uscc": LABORATORY, "region": REGION, "mode": "tongdui"}
    line = {"line_no": 1, "item_code": "T-01", "category": "testing", "description": "检测", "amount_fen": 10_000_000,
            "tax_bp": 600, "fingerprint": SHA}  # fmt: skip
    days = {"use_by": "2025-12-31", "redeem_by": "2025-12-31"}
    history: list[tuple[UUID, Event]] = [(an_id(99), told(CeilingSet, kind="region-year", key=REGION, year=2025))]
    for voucher in (VOUCHER, VOIDED):
        issued = told(VoucherIssued, voucher_id=voucher, **parties, **days, listing_province="31", policy_version=1)
        history += [(voucher, told(VoucherApplied, voucher_id=voucher, **parties)), (voucher, issued)]
    allocated = [{"line_no": 1, "eligible_fen": 10_000_000, "ratio_bp": 3000, "amount_fen": 3_000_000}]
    return [
        *history,
        (VOIDED, told(VoucherVoided, voucher_id=VOIDED)),
        (VOIDED, told(AppealLodged, appeal_id=APPEAL, subject=Subject(kind="void", id=str(VOIDED)).model_dump())),
        (VOUCHER, told(ContractSubmitted, voucher_id=VOUCHER, contract_no="YX-1", lines=(line,), amount_fen=10_000_000,
                       submitted_by="provider", document_sha256=SHA)),
        (VOUCHER, told(ContractAcknowledged, voucher_id=VOUCHER, by="enterprise")),
        (VOUCHER, told(AllocationConfirmed, voucher_id=VOUCHER, **parties, redeem_by="2025-12-31", amount_fen=3_000_000,
                       contract_amount_fen=10_000_000, lines=allocated, holds=(), policy_version=1)),
        (VOUCHER, VoucherTendered(voucher_id=VOUCHER)),
        (VOUCHER, VoucherCollected(voucher_id=VOUCHER)),
    ]  # fmt: skip


def settlement_history() -> list[tuple[UUID, Event]]:
    requested = told(
        RedemptionRequested, redemption_id=REDEMPTION, voucher_id=VOUCHER, submitted_by="provider", claimed_fen=3_000_000,
        mode="tongdui",
    )
    parties = {name: value for name, value in (("region", REGION), ("enterprise_uscc", COMPANY), ("provider_uscc", LABORATORY))
               if name in RedemptionRequested.model_fields}  # fmt: skip
    return [
        (AGENT, told(AgentAppointed, agent_id=AGENT, regions=(REGION,), from_on=DAY)),
        (OTHER_AGENT, told(AgentAppointed, agent_id=OTHER_AGENT, regions=(ELSEWHERE,), from_on=DAY)),
        (REDEMPTION, requested.model_copy(update=parties)),
        (invoice_id(INVOICE), told(InvoiceClaimed, number=INVOICE, redemption_id=REDEMPTION)),
    ]


def payment_history() -> list[tuple[UUID, Event]]:
    """After the voucher answered that it is presented, and the review was opened."""
    item = NoticeItem(item_id=REDEMPTION, case_id=VOUCHER, name="甲 / 乙", region=REGION, amount_fen=3_000_000)
    about = {"redemption_id": REDEMPTION, "voucher_id": VOUCHER, "region": REGION}
    history: list[tuple[UUID, Event]] = [
        (REDEMPTION, told(RedemptionReviewed, redemption_id=REDEMPTION, amount_fen=3_000_000)),
        (REDEMPTION, told(RedemptionApproved, **about, amount_fen=3_000_000, payee_uscc=LABORATORY)),
        (NOTICE, told(NoticePublished, notice_id=NOTICE, kind="redemption", items=(item,), opens_on=DAY,
                      last_day_on="2025-12-31")),
        (NOTICE, told(ObjectionRaised, notice_id=NOTICE, objection_id=OBJECTION, item_id=REDEMPTION)),
        (account_id(LABORATORY), told(PayeeAccountProposed, uscc=LABORATORY)),
    ]  # fmt: skip
    for payout, batch, payer, channel in (
        (PAYOUT, BATCH, REGION, "treasury"), (AGENTS_PAYOUT, AGENTS_BATCH, str(AGENT), "agent"),
    ):  # fmt: skip
        history += [
            (batch, told(BatchOpened, batch_id=batch, payer=payer, channel=channel)),
            (payout, told(PayoutScheduled, payout_id=payout, **about, payee_uscc=LABORATORY, amount_fen=3_000_000,
                          channel=channel, offset_fen=0, offset_clawback_id=None)),
            (payout, told(PayoutInstructed, payout_id=payout, batch_id=batch, amount_fen=3_000_000)),
            (batch, told(BatchReleased, batch_id=batch)),
        ]  # fmt: skip
    for clawback, debtor in ((CLAWBACK, LABORATORY), (COMPANYS_CLAWBACK, COMPANY)):
        owed = {"clawback_id": clawback, "redemption_id": REDEMPTION, "debtor_uscc": debtor, "region": REGION}
        history.append((clawback, told(ClawbackProposed, **owed)))
    ordered = told(
        ClawbackOrdered, clawback_id=COMPANYS_CLAWBACK, redemption_id=REDEMPTION, debtor_uscc=COMPANY, region=REGION
    )
    history.append((COMPANYS_CLAWBACK, ordered))
    positions = {REGION: {"payable_fen": 2, "recovered_fen": 1}}
    history += [
        (WINDOW, told(WindowClosed, window_id=WINDOW, agent_id=AGENT, positions=positions)),
        (WINDOW, told(FundingOrdered, window_id=WINDOW, region=REGION, amount_fen=2)),
    ]
    return history


def audit_history() -> list[tuple[UUID, Event]]:
    places = {"places": (REGION, "31"), "party_uscc": LABORATORY}
    drawn = [{"voucher_id": VOUCHER, "redemption_id": REDEMPTION, "inspection_id": INSPECTION, "weight": 1}]
    return [
        (SIGNAL, told(SignalRaised, signal_id=SIGNAL, cases=(VOUCHER,), places=places["places"])),
        (INSPECTION, told(InspectionOpened, inspection_id=INSPECTION, voucher_id=VOUCHER, places=places["places"])),
        (INSPECTION, told(FindingRecorded, inspection_id=INSPECTION, party_uscc=LABORATORY)),
        (INSPECTION, told(FindingRecorded, inspection_id=INSPECTION, party_uscc=COMPANY)),
        (SANCTION, told(SanctionProposed, sanction_id=SANCTION, **places, inspection_id=INSPECTION)),
        (COMPANYS_SANCTION, told(SanctionProposed, sanction_id=COMPANYS_SANCTION, **places | {"party_uscc": COMPANY},
                                 inspection_id=INSPECTION)),
        (DECIDED, told(SanctionProposed, sanction_id=DECIDED, **places, inspection_id=INSPECTION)),
        (DECIDED, told(SanctionDecided, sanction_id=DECIDED, **places, from_on="2025-06-01", until="2025-12-31")),
        (RECORD, told(CreditRecordEntered, record_id=RECORD, party_uscc=LABORATORY, place=REGION)),
        (PROVINCES_RECORD, told(CreditRecordEntered, record_id=PROVINCES_RECORD, party_uscc=LABORATORY, place="31")),
        (SAMPLE, told(SampleDrawn, sample_id=SAMPLE, drawn=drawn)),
    ]  # fmt: skip


CHAPTERS = (
    ("registry", registry_history), ("voucher", voucher_history), ("settlement", settlement_history),
    ("settlement", payment_history), ("audit", audit_history),
)  # fmt: skip


class People:
    """The platform with its history, and a token for everybody."""

    def __init__(self, runtimes: Mapping[str, Runtime], settings: Settings) -> None:
        self.runtimes = runtimes
        self.settings = settings
        transport = httpx.ASGITransport(app=build_platform_app(list(runtimes.values())))
        self._http = httpx.AsyncClient(transport=transport, base_url="http://tongdui.test")

    def bearer(self, sub: str, role: str, claims: Mapping[str, Any]) -> dict[str, str]:
        return {"Authorization": f"Bearer {issue(self.settings, sub, role, **claims)}"}

    async def call(self, method: str, path: str, headers: Mapping[str, str], body: Any = None) -> httpx.Response:
        sent = {**headers, "Idempotency-Key": str(uuid4())}
        if isinstance(body, bytes):
            return await self._http.request(method, path, headers=sent, content=body)
        return await self._http.request(method, path, headers=sent, json=body)

    async def record(self, service: str, chapter: str) -> None:
        """Record a chapter of the history, and wait until every service knows it."""
        historian = Principal(sub="history", role="operator")
        await self.runtimes[service].execute(Record(chapter=chapter), historian, "/history", uuid4())
        await self.rest()

    async def rest(self) -> None:
        """Until every inbox is at every head and nothing waits, twice in a row."""
        before: Any = None
        for _ in range(1200):
            said = {name: await runtime.progress() for name, runtime in self.runtimes.items()}
            heads = {name: one["head"] for name, one in said.items()}
            still = all(
                one["waiting"] == 0 and all(heads[source] == at for source, at in one["applied"].items())
                for one in said.values()
            )
            if still and said == before:
                return
            before = said
            await asyncio.sleep(0.02)
        raise AssertionError(f"the services did not come to rest: {before}")


async def people(
    database_url: str, settings: Settings, stack: AsyncExitStack, adapted: Callable[[Service], Service] = lambda service: service
) -> People:
    """The platform on the embedded bus, its history recorded. ``adapted``: what a test changes in a service."""
    bus = bus_of(settings)
    runtimes = {}
    for name in SERVICES:
        service = adapted(service_named(name))
        service = replace(service, handlers={**service.handlers, Record: record})
        runtimes[name] = Runtime(service, database_url, settings, bus)
    for runtime in runtimes.values():
        await runtime.start()
        stack.push_async_callback(runtime.stop)
    world = People(runtimes, settings)
    opened = await world.call(
        "POST", "/registry/v1/days", world.bearer("history", "operator", {}), {"date": DAY.isoformat()}
    )
    assert opened.status_code == 200, opened.text
    await world.rest()
    for service, chapter in CHAPTERS:
        Record.history[chapter.__name__] = chapter()
        await world.record(service, chapter.__name__)
    return world
