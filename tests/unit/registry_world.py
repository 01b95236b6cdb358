"""A small pilot for the registry's tests: people, a desk, commands that do, and steps that lead to a state."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from tongdui_events.document import Event

from services.registry.commands import FOLDS, HANDLERS
from services.registry.domain.catalogue import PublishCatalogue
from services.registry.domain.enterprises import RegisterEnterprise
from services.registry.domain.listing_notice import PublishListing
from services.registry.domain.policies import AdoptPolicy
from services.registry.domain.providers import ATTESTED, ApplyAsProvider, RecommendProvider
from services.registry.domain.regions import JoinRegion
from services.registry.domain.services_offered import OfferService
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Refusal
from tests.unit.desk import FakeDesk

MONDAY = date(2025, 3, 3)
QINGPU, JIASHAN = "310118", "330421"
COMPANY = "91310118MA0TEXT048"
SUCCESSOR = "91330421MA0TEXT04A"
LABORATORY = "1231000000000TEX96"
INSTITUTE = "5234050000000TEX98"
EARLY_CODE = "91310118MA0TEXT04X"
"""Its check digit does not fit."""
NOTICE_ID = UUID("00000000-0000-4000-8000-00000000a001")
OBJECTION_ID = UUID("00000000-0000-4000-8000-00000000b001")
SANCTION_ID = UUID("00000000-0000-4000-8000-00000000c001")
CENTRE_ID = UUID("00000000-0000-4000-8000-00000000d001")
DIGEST = "ab" * 32

SERVICE = Principal(sub="registry", role="service")
OPERATOR = Principal(sub="op-1", role="operator")
PUBLIC = Principal(sub="public", role="public")
SHANGHAI = Principal(sub="p-31", role="provincial_officer", region="31")
ZHEJIANG = Principal(sub="p-33", role="provincial_officer", region="33")
QINGPU_OFFICER = Principal(sub="r-310118", role="regional_officer", region=QINGPU)
JIASHAN_OFFICER = Principal(sub="r-330421", role="regional_officer", region=JIASHAN)
OF_COMPANY = Principal(sub="e-1", role="enterprise", uscc=COMPANY)
OF_SUCCESSOR = Principal(sub="e-2", role="enterprise", uscc=SUCCESSOR)
OF_LABORATORY = Principal(sub="l-1", role="provider", uscc=LABORATORY)

TERMS: dict[str, Any] = {
    "modes": ["tongyong", "tongdui"],
    "ratio_bp": {"testing": 3000, "development": 5000},
    "allocation_cap_fen": None,
    "enterprise_year_cap_fen": 30_000_000,
    "region_year_budget_fen": 500_000_000,
    "quota_year_basis": "allocation",
    "budget_year_basis": "allocation",
    "rounding": "fen",
    "amount_basis": "tax_inclusive",
    "partial_allocation": True,
    "use_by_days": 60,
    "redeem_by_days": 180,
    "notice_calendar_days": 7,
    "notice_working_days": 5,
    "mending_days": 10,
    "review_days": 20,
    "appeal_days": 30,
    "answer_days": 5,
    "window": "month",
    "year_end": "carry_over",
    "sme_grace_until": None,
    "precheck": False,
    "regional_review": False,
    "centre_allocates": True,
    "channel": {"tongyong": "treasury", "tongdui": "agent"},
    "offset_allowed": True,
    "clawback_restores_quota": False,
    "related_parties": "refuse",
    "local_support_counts": True,
}
BASIS = {"scope": "notice", "applicants": "notice", "amounts": "notice", "payment": "notice"}
ITEMS = [
    {"code": "T-01", "name": "材料力学性能检测", "category": "testing"},
    {"code": "D-01", "name": "新产品开发", "category": "development", "unit_cap_fen": 5_000_000},
]
FIGURES: dict[str, Any] = {
    "staff": 100,
    "technical_staff": 30,
    "sales_fen": 1_000_000_000,
    "cost_fen": 800_000_000,
    "rd_fen": 60_000_000,
    "assets_fen": 900_000_000,
    "class_one_ip": 0,
    "class_two_ip": 0,
    "incidents": [],
    "listed_abnormal": False,
    "prohibited_trade": False,
    "shortcuts": [],
}


def a_desk(principal: Principal = OPERATOR, today: date | None = MONDAY) -> FakeDesk:
    return FakeDesk(FOLDS, today, principal, "registry")


def ask(desk: FakeDesk, principal: Principal, command: Command) -> list[Event] | Refusal:
    """What the command leads to, asked by that person."""
    desk.principal = principal
    return desk.handle(HANDLERS, command)


def done(desk: FakeDesk, principal: Principal, command: Command) -> list[Event]:
    """The same where it must be accepted."""
    answer = ask(desk, principal, command)
    assert not isinstance(answer, Refusal), answer
    return answer


def code_of(answer: list[Event] | Refusal) -> str:
    """The code of a refusal; «accepted» where there is none."""
    return answer.code if isinstance(answer, Refusal) else "accepted"


def names(answer: list[Event] | Refusal) -> list[str]:
    assert not isinstance(answer, Refusal), answer
    return [type(event).__name__ for event in answer]


# -- commands ----------------------------------------------------------------------------------


def joining(region: str = QINGPU, **changed: Any) -> JoinRegion:
    fields = {"region": region, "name": "青浦区", "prefixes": [region], "joins_on": MONDAY} | changed
    return JoinRegion.model_validate(fields)


def policy(region: str = QINGPU, terms: dict[str, Any] | None = None, **changed: Any) -> AdoptPolicy:
    fields = {
        "region": region,
        "effective_on": MONDAY,
        "basis": BASIS,
        "terms": TERMS | (terms or {}),
        "source_document": "青科发〔2025〕1号",
        "text_sha256": DIGEST,
    }
    return AdoptPolicy.model_validate(fields | changed)


def registration(**changed: Any) -> RegisterEnterprise:
    fields = {
        "uscc": COMPANY,
        "name": "样例新材料有限公司",
        "division_code": QINGPU,
        "legal_form": "limited_company",
        "registered_on": date(2020, 5, 6),
    }
    return RegisterEnterprise.model_validate(fields | changed)


def application(**changed: Any) -> ApplyAsProvider:
    fields = {
        "uscc": LABORATORY,
        "name": "样例检测研究院",
        "province": "31",
        "legal_form": "public_institution",
        "established_on": date(2015, 1, 1),
        "categories": ["testing"],
    }
    return ApplyAsProvider.model_validate(fields | changed)


def offer(**changed: Any) -> OfferService:
    fields = {"uscc": LABORATORY, "item_code": "T-01", "name": "拉伸试验", "price_fen": 50_000, "unit": "样"}
    return OfferService.model_validate(fields | changed)


def listing(**changed: Any) -> PublishListing:
    fields = {"notice_id": NOTICE_ID, "province": "31", "usccs": [LABORATORY]}
    return PublishListing.model_validate(fields | changed)


def recommendation(**changed: Any) -> RecommendProvider:
    return RecommendProvider.model_validate({"uscc": LABORATORY, "attested": ATTESTED} | changed)


# -- states ------------------------------------------------------------------------------------


def a_pilot() -> FakeDesk:
    """青浦 and 嘉善 joined, each with a policy, and a common list of this year."""
    desk = a_desk()
    done(desk, SHANGHAI, joining())
    done(desk, ZHEJIANG, joining(JIASHAN))
    done(desk, QINGPU_OFFICER, policy())
    done(desk, JIASHAN_OFFICER, policy(JIASHAN))
    done(desk, SHANGHAI, PublishCatalogue.model_validate({"year": 2025, "items": ITEMS}))
    return desk


def a_registered_company() -> FakeDesk:
    desk = a_pilot()
    done(desk, OF_COMPANY, registration())
    return desk


def an_applicant() -> FakeDesk:
    """The laboratory has applied and states a service with its price."""
    desk = a_pilot()
    done(desk, OF_LABORATORY, application())
    done(desk, OF_LABORATORY, offer())
    return desk


def a_recommended_provider() -> FakeDesk:
    desk = an_applicant()
    done(desk, SHANGHAI, recommendation())
    return desk


def a_published_provider() -> FakeDesk:
    """In a notice from Monday 3 March; its last day is Sunday 9 March."""
    desk = a_recommended_provider()
    done(desk, SHANGHAI, listing())
    return desk
