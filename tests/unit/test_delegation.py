"""A delegate acts with another's authority and stays a person: both count where two persons are needed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from tongdui_events.document import Actor

from services.registry.domain.delegations import GrantDelegation
from services.settlement.domain.approval import ApproveRedemption
from services.settlement.domain.review import ReviewRedemption
from shared.kernel.commands import Principal
from shared.kernel.decisions import Refusal
from shared.kernel.delegation import Delegation, acting_for
from tests.unit import registry_world
from tests.unit.settlement_world import APPROVER, REDEMPTION, REGION, REVIEWER, World

DAY = date(2025, 3, 3)
GRANTED = Delegation("chief", "deputy", "settlement", DAY, role="regional_officer", region=REGION)
DEPUTY = Principal(sub="deputy", role="regional_officer", region="330421")
APPROVE, REVIEW = ApproveRedemption(redemption_id=REDEMPTION), ReviewRedemption(redemption_id=REDEMPTION)


def acts(delegation: Delegation = GRANTED, delegate: Principal = DEPUTY, act: str | None = "HoldPayout", day: date = DAY) -> Any:
    return acting_for(delegation, delegate, "settlement", act, day)


def test_a_delegate_has_the_authority_of_who_delegated_and_stays_itself() -> None:
    acting = acts()
    assert (acting.sub, acting.role, acting.region) == ("deputy", "regional_officer", REGION)
    assert acting.actor == Actor(id="deputy", role="regional_officer", region=REGION, on_behalf_of="chief")
    assert acting.persons == {"deputy", "chief"}


@pytest.mark.parametrize(
    "changed",
    [
        {"delegation": Delegation()},
        {"delegation": GRANTED._replace(ended=True)},
        {"delegation": GRANTED._replace(role=None)},
        {"delegation": GRANTED._replace(scope="ApproveRedemption")},
        {"delegation": GRANTED._replace(scope="voucher")},
        {"delegate": DEPUTY.model_copy(update={"sub": "somebody else"})},
        {"delegate": Principal(sub="deputy", role="provider", uscc="91320509MA0TEXT040")},
        {"delegate": Principal(sub="deputy", role="auditor")},
        {"day": DAY + timedelta(days=1)},
    ],
)
def test_a_delegation_not_in_force_for_this_person_and_act_opens_nothing(changed: dict[str, Any]) -> None:
    refused = acts(**changed)
    assert isinstance(refused, Refusal) and refused.code == "delegation_not_in_force"


@pytest.mark.parametrize("scope", ["all", "settlement", "HoldPayout"])
def test_a_delegation_covers_everything_a_service_or_one_command_and_always_reading(scope: str) -> None:
    assert isinstance(acts(GRANTED._replace(scope=scope)), Principal)
    assert isinstance(acts(GRANTED._replace(scope="ApproveRedemption"), act=None), Principal)


def test_a_delegation_records_the_authority_it_passes_on_and_is_not_passed_on_again() -> None:
    desk = registry_world.a_desk()
    grant = GrantDelegation(delegation_id=uuid4(), to_actor="deputy", scope="all", until=registry_world.MONDAY)
    (granted,) = registry_world.done(desk, registry_world.QINGPU_OFFICER, grant)
    assert (granted.from_role, granted.from_region) == ("regional_officer", registry_world.QINGPU)
    again = grant.model_copy(update={"delegation_id": uuid4(), "to_actor": "a third"})
    deputy = registry_world.QINGPU_OFFICER.model_copy(update={"sub": "deputy", "on_behalf_of": "r-310118"})
    assert registry_world.code_of(registry_world.ask(desk, deputy, again)) == "not_yours"


def test_who_reviewed_does_not_approve_through_a_delegate() -> None:
    world = World().reviewed().with_account()
    through = APPROVER.model_copy(update={"sub": "deputy", "on_behalf_of": REVIEWER.sub})
    assert world.refuses(through, APPROVE) == "same_person"


def test_a_delegate_who_reviewed_does_not_approve_for_another() -> None:
    world = World().reviewed().with_account()
    through = APPROVER.model_copy(update={"sub": REVIEWER.sub, "on_behalf_of": "chief"})
    assert world.refuses(through, APPROVE) == "same_person"


def test_who_let_a_delegate_review_does_not_approve() -> None:
    world = World().presented().with_account()
    world.does(REVIEWER.model_copy(update={"sub": "deputy", "on_behalf_of": APPROVER.sub}), REVIEW)
    assert world.refuses(APPROVER, APPROVE) == "same_person"
    assert world.does(APPROVER.model_copy(update={"sub": "another"}), APPROVE) == ["RedemptionApproved"]
