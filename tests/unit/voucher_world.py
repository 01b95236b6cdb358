"""A region, its centre, a laboratory and companies, as the registry told the voucher service."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid5

from tongdui_events.document import Event
from tongdui_events.policy import PolicyAdopted
from tongdui_events.registry import (
    CataloguePublished,
    CentreEntrusted,
    EnterpriseQualified,
    EnterpriseRegistered,
    ProviderListed,
    RegionJoined,
)
from tongdui_events.streams import catalogue_id, enterprise_id, provider_id, region_id

from services.voucher.commands import FOLDS, HANDLERS
from services.voucher.domain.allocation import ConfirmAllocation
from services.voucher.domain.application import ApplyForVoucher
from services.voucher.domain.contract import AcknowledgeContract, LineStated, SubmitContract
from services.voucher.domain.handover import CollectVoucher, TenderVoucher
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Refusal
from tests.unit.desk import FakeDesk

DAY = date(2025, 3, 3)
REGION = "310118"
ENTERPRISE = "91310118MA0TEXT048"
OTHER = "91330421MA0TEXT04A"
PROVIDER = "91320509MA0TEXT040"
CENTRE = UUID("00000000-0000-4000-8000-0000000000ce")
NAMES = UUID("00000000-0000-4000-8000-00000000aaaa")
CENTRE_OFFICER = Principal(sub="centre-1", role="centre", member_of=CENTRE)


def voucher(number: int) -> UUID:
    return uuid5(NAMES, str(number))


def enterprise(uscc: str = ENTERPRISE) -> Principal:
    return Principal(sub=f"person-{uscc}", role="enterprise", uscc=uscc)


def laboratory() -> Principal:
    return Principal(sub="laboratory-1", role="provider", uscc=PROVIDER)


def terms(**changed: Any) -> dict[str, Any]:
    return {
        "modes": ["tongyong", "tongdui"],
        "ratio_bp": {"testing": 3000},
        "enterprise_year_cap_fen": 30_000_000,
        "region_year_budget_fen": 100_000_000,
        "quota_year_basis": "allocation",
        "budget_year_basis": "allocation",
        "rounding": "fen",
        "amount_basis": "tax_inclusive",
        "partial_allocation": True,
        "use_by_days": 30,
        "redeem_by_days": 90,
        "notice_calendar_days": 7,
        "notice_working_days": 5,
        "mending_days": 10,
        "review_days": 10,
        "appeal_days": 10,
        "answer_days": 5,
        "window": "month",
        "year_end": "carry_over",
        "precheck": False,
        "regional_review": False,
        "centre_allocates": True,
        "channel": {"tongyong": "treasury", "tongdui": "agent"},
        "offset_allowed": False,
        "clawback_restores_quota": False,
        "related_parties": "flag",
        "local_support_counts": False,
        **changed,
    }


def policy(version: int = 1, effective_on: date = DAY, **changed: Any) -> PolicyAdopted:
    basis = dict.fromkeys(("scope", "applicants", "amounts", "payment"), "notice")
    return PolicyAdopted.model_validate(
        {
            "region": REGION,
            "version": version,
            "effective_on": effective_on,
            "basis": basis,
            "terms": terms(**changed),
            "source_document": "细则",
            "text_sha256": "a" * 64,
        }
    )


def registry_facts(**changed: Any) -> list[tuple[UUID, Event]]:
    """A region with terms (``changed``) and a centre, a list, a laboratory, two enterprises."""
    region, items = region_id(REGION), [{"code": "T01", "name": "分析", "category": "testing", "exclusions": []}]
    facts: list[tuple[UUID, Event]] = [
        (region, RegionJoined(region=REGION, name="青浦", province="31", prefixes=(REGION,), joins_on=DAY)),
        (region, policy(**changed)),
        (region, CentreEntrusted(region=REGION, centre_id=CENTRE, name="中心", scope=("review", "allocate"), from_on=DAY)),
        (catalogue_id(2025), CataloguePublished.model_validate({"year": 2025, "version": 1, "items": items})),
        (provider_id(PROVIDER), ProviderListed(
            uscc=PROVIDER, notice_id=CENTRE, province="32", categories=("testing",), on=DAY)),
    ]  # fmt: skip
    for uscc in (ENTERPRISE, OTHER):
        facts += [
            (enterprise_id(uscc), EnterpriseRegistered(
                uscc=uscc, name="示例", region=REGION, division_code=REGION, legal_form="limited_company", registered_on=DAY)),
            (enterprise_id(uscc), EnterpriseQualified(
                uscc=uscc, basis="sme_number", year=2025, valid_from_on=DAY, valid_until=date(2025, 12, 31))),
        ]  # fmt: skip
    return facts


def world(**changed: Any) -> FakeDesk:
    """Everything a voucher needs, on 3 March 2025; ``changed`` terms."""
    desk = FakeDesk(FOLDS, DAY, enterprise(), service="voucher")
    return desk.given(*(("registry", stream, event) for stream, event in registry_facts(**changed)))


def act(desk: FakeDesk, principal: Principal, command: Command) -> list[Event] | Refusal:
    """What the command's handler decides, recorded; or its refusal."""
    desk.principal = principal
    try:
        decided = HANDLERS[type(command)](command, desk)
    except Refusal as refusal:
        return refusal
    return decided if isinstance(decided, Refusal) else desk.record(decided)


def apply(desk: FakeDesk, number: int = 1, uscc: str = ENTERPRISE, mode: str = "tongdui") -> list[Event] | Refusal:
    command = ApplyForVoucher(voucher_id=voucher(number), provider_uscc=PROVIDER, mode=mode, purpose="检测")
    return act(desk, enterprise(uscc), command)


def contract(
    number: int = 1, amount_fen: int = 10_000_000, contract_no: str | None = None, item: str = "T01"
) -> SubmitContract:
    line = LineStated(
        line_no=1, item_code=item, category="testing", description="检测", amount_fen=amount_fen, tax_bp=600
    )
    return SubmitContract(
        voucher_id=voucher(number),
        contract_no=contract_no or f"YX-{number}",
        lines=(line,),
        signed_on=DAY,
        document_sha256="b" * 64,
    )


def allocated(
    desk: FakeDesk, number: int = 1, uscc: str = ENTERPRISE, amount_fen: int = 10_000_000
) -> list[Event] | Refusal:
    """From application to the answer about the allocation."""
    apply(desk, number, uscc)
    act(desk, laboratory(), contract(number, amount_fen))
    act(desk, enterprise(uscc), AcknowledgeContract(voucher_id=voucher(number)))
    return act(desk, CENTRE_OFFICER, ConfirmAllocation(voucher_id=voucher(number)))


def handed_over(desk: FakeDesk, number: int = 1) -> None:
    act(desk, enterprise(), TenderVoucher(voucher_id=voucher(number)))
    act(desk, laboratory(), CollectVoucher(voucher_id=voucher(number)))
