"""One plausible value per field, from which the golden documents are made.

Values are chosen by field name (a code nobody chose a value for is its own name); a nested model is
filled from its own fields. A value that does not fit its field fails validation.
"""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import UUID, uuid5

from pydantic import BaseModel

from tongdui_events.document import Document, Event, Stamp
from tongdui_events.streams import NAMESPACE

_ENTERPRISE = "91310118MA0TEXT048"
_PROVIDER = "91320509MA0TEXT040"
_BRANCH = "91330421MA0TEXT04A"

_NUMBERS = {
    "accepted": 2,
    "attempt": 1,
    "catalogue_version": 1,
    "count": 3,
    "from_position": 118,
    "line_no": 1,
    "policy_version": 2,
    "position": 41,
    "rejected": 1,
    "rule_version": 1,
    "near_cap_bp": 200,
    "provider_share_bp": 4000,
    "score": 82,
    "size_bytes": 48_211,
    "tax_bp": 600,
    "ratio_bp": 3000,
    "version": 2,
    "notice_calendar_days": 7,
    "notice_working_days": 5,
    "use_by_days": 90,
    "redeem_by_days": 270,
    "mending_days": 10,
    "review_days": 15,
    "appeal_days": 15,
    "answer_days": 5,
    "fen": 2_400_000,
    "by_fen": 600_000,
}

_TEXTS = {
    "account_hmac": "a0" * 32,
    "address_hmac": "a1" * 32,
    "amounts": "notice",
    "applicants": "notice",
    "amount_basis": "tax_inclusive",
    "bank_code": "002006673085",
    "budget_year_basis": "allocation",
    "buyer_uscc": _ENTERPRISE,
    "category": "testing",
    "cause": "signal",
    "cause_key": "same-report/91320509MA0TEXT040",
    "channel": "treasury",
    "code": "T-001",
    "contract_no": "HT-2026-017",
    "controller_hmac": "a2" * 32,
    "deadline": "redeem_by",
    "debtor_uscc": _PROVIDER,
    "decision_no": "青科决〔2026〕3号",
    "description": "材料疲劳试验",
    "division_code": "310118",
    "end_to_end_id": "TD20260105000001A1",
    "enterprise_uscc": _ENTERPRISE,
    "file_sha256": "f0" * 32,
    "document_sha256": "f1" * 32,
    "fingerprint": "f2" * 32,
    "from_actor": "officer-07",
    "from_region": "310118",
    "from_role": "regional_officer",
    "from_source": "settlement",
    "grade": "serious",
    "severity": "notice",
    "ground": "breach",
    "grounds_sha256": "f3" * 32,
    "id": "subject-001",
    "item_code": "T-001",
    "key": "310118",
    "last4": "0173",
    "legal_form": "limited_company",
    "listing_province": "32",
    "local_reference": "QP-2026-0009",
    "message_id": "TD20260105B1",
    "method": "repaid",
    "mode": "tongdui",
    "name": "青浦示例科技有限公司",
    "number": "26312000000000000017",
    "outcome": "upheld",
    "override_by": "officer-02",
    "party_uscc": _PROVIDER,
    "payee_uscc": _PROVIDER,
    "payer": "310118",
    "payer_uscc": _ENTERPRISE,
    "payment": "notice",
    "phone_hmac": "a3" * 32,
    "place": "32",
    "prefix": "310118",
    "provider_uscc": _PROVIDER,
    "province": "32",
    "purpose": "新材料疲劳性能检测",
    "quota_year_basis": "allocation",
    "reason": "officer_mistake",
    "reason_code": "AC04",
    "reason_sha256": "f4" * 32,
    "recommendation": "clawback",
    "recused_actor": "officer-03",
    "reference": "2026-0000017",
    "reference_hmac": "a4" * 32,
    "region": "310118",
    "related_parties": "flag",
    "replaced_by": "26312000000000000018",
    "rounding": "yuan",
    "rule": "ratio_of_eligible",
    "population_sha256": "f9" * 32,
    "seed": "20260105",
    "seller_uscc": _PROVIDER,
    "sha256": "f5" * 32,
    "sme_grace_until": "06-30",
    "source": "settlement",
    "source_document": "青科〔2026〕1号",
    "statement_sha256": "f6" * 32,
    "status": "PART",
    "submitted_by": "provider",
    "predecessor_uscc": _BRANCH,
    "successor_uscc": _BRANCH,
    "text_sha256": "f7" * 32,
    "to_actor": "officer-08",
    "tongdui": "agent",
    "tongyong": "treasury",
    "unit": "次",
    "uscc": _ENTERPRISE,
    "what": "case",
    "window": "week",
    "year_end": "carry_over",
    "exclusions": "批量生产检验",
}

_LISTS: dict[str, list[Any]] = {
    "branch_uscc": [_BRANCH],
    "categories": ["testing", "development"],
    "document_sha256": ["f1" * 32],
    "evidence_sha256": ["f8" * 32],
    "exclusions": ["批量生产检验"],
    "holder_hmac": ["a5" * 32, "a6" * 32],
    "invoices": ["26312000000000000017"],
    "modes": ["tongyong", "tongdui"],
    "places": ["310118", "320509"],
    "prefixes": ["310118"],
    "attested": ["staff_qualified"],
    "reasons": ["receipts_too_small"],
    "reduced_because": ["enterprise_year"],
    "regions": ["310118", "320509"],
    "working_days": ["2026-01-05", "2026-01-06"],
}

_SPECIAL: dict[tuple[str, str], Any] = {
    ("AgentReplaced", "by"): str(uuid5(NAMESPACE, "sample/agent-2")),
    ("CeilingSet", "kind"): "enterprise-year",
    ("CeilingSet", "key"): _ENTERPRISE,
    ("CentreEntrusted", "scope"): ["review", "allocate"],
    ("ContractAcknowledged", "by"): "enterprise",
    ("ContractDisputed", "by"): "enterprise",
    ("CreditRecordEntered", "basis"): "二(六)",
    ("DelegationGranted", "scope"): "regional_review",
    ("EnterpriseQualified", "basis"): "self_evaluation",
    ("EvidenceDocument", "kind"): "receipt",
    ("HoldPlaced", "kind"): "region-year",
    ("HoldTaken", "kind"): "region-year",
    ("NoticePublished", "kind"): "redemption",
    ("NoticePublished", "number"): "公示〔2026〕第12号",
    ("PolicyBasis", "scope"): "青科〔2026〕1号 第三条",
    ("PolicyTerms", "item_ratio_bp"): {"T-001": 5000},
    ("PolicyTerms", "ratio_bp"): {"testing": 3000, "development": 3000},
    ("QualificationRequested", "basis"): "sme_number",
    ("QualificationRequested", "sme_number"): "202631011800000001",
    ("SanctionDecided", "basis"): "二(六)",
    ("SanctionProposed", "basis"): "二(六)",
    ("SignalRaised", "rule"): "same_report",
    ("StatementOverridden", "by"): ["officer-04", "officer-05"],
    ("Subject", "kind"): "redemption",
    ("AccessRecorded", "subject"): "case/310118",
    ("WindowClosed", "positions"): {"310118": {"payable_fen": 2_400_000, "recovered_fen": 0}},
}

_OF_A_CEILING = frozenset({"HoldReduced", "HoldReleased", "HoldConsumed", "ConsumptionReversed"})
"""Events that name a voucher and stand in a ceiling's stream."""


def sample(cls: type[Event]) -> Event:
    """The event of that type with every field filled."""
    return cls.model_validate(_fields(cls))


def sample_document(source: str, cls: type[Event]) -> Document:
    """The golden document of that type as that service publishes it."""
    event = sample(cls)
    names = list(cls.model_fields)
    own = names[0] if names[0].endswith("_id") and cls.__name__ not in _OF_A_CEILING else "originator"
    other = "registry" if source != "registry" else "audit"
    stamp = Stamp.model_validate(
        {
            "source": source,
            "type": cls.__name__,
            "schema": cls.SCHEMA,
            "event_id": _id(f"{source}/{cls.__name__}"),
            "originator_id": _id(own),
            "originator_version": 3,
            "business_day": "2026-01-05",
            "occurred_at": "2026-01-05T01:30:00.250000Z",
            "recorded_at": "2026-01-05T01:30:00.500000Z",
            "actor": {"id": "officer-01", "role": "regional_officer", "region": "310118"},
            "case_id": _id("voucher_id") if {"voucher_id", "redemption_id"} & set(names) else None,
            "causation_id": _id("causation"),
            "seen": {other: 40},
        }
    )
    return Document(stamp, event)


def _fields(cls: type[BaseModel]) -> dict[str, Any]:
    return {name: _value(cls, name, field.annotation) for name, field in cls.model_fields.items()}


def _value(cls: type[BaseModel], name: str, annotation: Any) -> Any:
    if (cls.__name__, name) in _SPECIAL:
        return _SPECIAL[cls.__name__, name]
    inner = _without_none(annotation)
    if get_origin(inner) is tuple:
        item = get_args(inner)[0]
        if isinstance(item, type) and issubclass(item, BaseModel):
            return [_fields(item)]
        return [_id(name)] if item is UUID else _LISTS.get(name, [name])
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return _fields(inner)
    return _plain(name, inner)


def _plain(name: str, inner: Any) -> Any:
    if inner is bool:
        return True
    if inner is UUID:
        return _id(name)
    if inner is int:
        return _NUMBERS.get(name, 2026 if name.endswith("year") else 2_400_000)
    if name in ("date", "on") or (name.endswith(("_on", "until", "_by")) and name not in _TEXTS):
        return "2026-03-16"
    return _TEXTS.get(name, name)


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, UnionType):
        annotation = next(part for part in get_args(annotation) if part is not type(None))
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _id(name: str) -> str:
    return str(uuid5(NAMESPACE, f"sample/{name}"))
