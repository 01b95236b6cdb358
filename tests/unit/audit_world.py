"""One paid case and the people around it, for tests of supervision."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from tongdui_events.document import Event
from tongdui_events.policy import PolicyAdopted
from tongdui_events.samples import sample
from tongdui_events.settlement import RedemptionSettled
from tongdui_events.streams import region_id
from tongdui_events.voucher import VoucherIssued

from services.audit.commands import FOLDS, HANDLERS
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Refusal
from tests.unit.desk import FakeDesk

ENTERPRISE, PROVIDER, OTHER = "91310118MA0TEXT048", "91320509MA0TEXT040", "91330421MA0TEXT04A"
REGION, PROVINCE = "310118", "32"
VOUCHER, REDEMPTION = UUID(int=1), UUID(int=2)
INSPECTION, SANCTION = UUID(int=3), UUID(int=4)
TODAY = date(2025, 6, 2)
PAID_FEN, ANSWER_DAYS = 30_000_00, 5
DIGEST = "ab" * 32

AUDITOR = Principal(sub="auditor-1", role="auditor")
OFFICER = Principal(sub="officer-1", role="regional_officer", region=REGION)
SECOND_OFFICER = Principal(sub="officer-2", role="regional_officer", region=REGION)
PROVINCIAL = Principal(sub="province-1", role="provincial_officer", region=PROVINCE)
STRANGER = Principal(sub="officer-9", role="regional_officer", region="330421")
PARTY = Principal(sub="provider-1", role="provider", uscc=PROVIDER)
COMPANY = Principal(sub="enterprise-1", role="enterprise", uscc=ENTERPRISE)

ISSUED = VoucherIssued(
    voucher_id=VOUCHER, enterprise_uscc=ENTERPRISE, provider_uscc=PROVIDER, region=REGION, listing_province=PROVINCE,
    mode="tongdui", policy_version=1, use_by="2025-06-01", redeem_by="2025-12-01",
)
SETTLED = RedemptionSettled(
    redemption_id=REDEMPTION, voucher_id=VOUCHER, region=REGION, enterprise_uscc=ENTERPRISE, provider_uscc=PROVIDER,
    approved_fen=PAID_FEN, paid_fen=PAID_FEN, offset_fen=0,
)


def policy(answer_days: int = ANSWER_DAYS, effective_on: date = date(2025, 1, 1), version: int = 1) -> PolicyAdopted:
    made = sample(PolicyAdopted)
    terms = made.terms.model_copy(update={"answer_days": answer_days})
    return made.model_copy(update={"region": REGION, "effective_on": effective_on, "version": version, "terms": terms})


def world() -> FakeDesk:
    """A paid case; nobody has looked at it yet."""
    desk = FakeDesk(FOLDS, TODAY, AUDITOR, service="audit")
    return desk.given(
        ("registry", region_id(REGION), policy()), ("voucher", VOUCHER, ISSUED), ("settlement", REDEMPTION, SETTLED)
    )


def act(desk: FakeDesk, principal: Principal, command: Command) -> list[Event] | Refusal:
    desk.principal = principal
    return desk.handle(HANDLERS, command)


def done(desk: FakeDesk, principal: Principal, command: Command) -> list[Any]:
    """The events; a refusal fails the test."""
    answer = act(desk, principal, command)
    assert not isinstance(answer, Refusal), answer
    return answer


def code(answer: Any) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


def later(desk: FakeDesk, days: int) -> None:
    assert desk.day is not None
    desk.day += timedelta(days=days)
