"""Money is taken back by two persons, within what was paid, and by instalments within what was ordered (invariant 5). 二(六)"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.settlement.clawback_rows import clawback_row
from services.settlement.domain.bank_answers import RecordReturn, RecordSettlement
from services.settlement.domain.clawbacks import (
    CLAWBACK,
    CancelClawback,
    Clawback,
    OrderClawback,
    ProposeClawback,
    RecordRecovery,
    WriteOffClawback,
)
from services.settlement.domain.recusal import RecordRecusal
from shared.kernel.commands import Principal
from shared.kernel.decisions import Refusal
from tests.unit.settlement_world import (
    APPROVER,
    ELSEWHERE,
    ENTERPRISE,
    LAST_DAY,
    PAYER,
    PLATFORM,
    PROVIDER,
    PUBLISHER,
    REDEMPTION,
    REGION,
    REVIEWER,
    SHA,
    STRANGER,
    World,
    an_id,
    names,
)

CLAWBACK_ID, SECOND = an_id("clawback"), an_id("second clawback")
PASSED = LAST_DAY + timedelta(days=1)
PAID = 3_000_000


def paid_world(**changed: Any) -> World:
    """30,000 yuan were paid."""
    world = World().instructed(**changed)
    settled = RecordSettlement(
        payout_id=world.payout_id, end_to_end_id=world.end_to_end_id, amount_fen=PAID, settled_on=PASSED
    )
    world.does(PLATFORM, settled)
    return world


def proposal(fen: int = 1_000_000, **changed: Any) -> ProposeClawback:
    known = {
        "clawback_id": CLAWBACK_ID, "redemption_id": REDEMPTION, "debtor_uscc": PROVIDER, "amount_fen": fen,
        "ground": "no_fault", "evidence_sha256": (SHA,),
    }  # fmt: skip
    return ProposeClawback.model_validate(known | changed)


def order(fen: int = 1_000_000, no: str = "追1号", **changed: Any) -> OrderClawback:
    return OrderClawback.model_validate({"clawback_id": CLAWBACK_ID, "decision_no": no, "amount_fen": fen} | changed)


def recovery(fen: int, **changed: Any) -> RecordRecovery:
    known = {
        "clawback_id": CLAWBACK_ID, "amount_fen": fen, "method": "repaid", "fiscal_year": 2026, "reference": "流水1",
        "received_on": PASSED,
    }  # fmt: skip
    return RecordRecovery.model_validate(known | changed)


def ordered_world(fen: int = 1_000_000) -> World:
    world = paid_world()
    world.does(PUBLISHER, proposal(fen))
    world.does(APPROVER, order(fen))
    return world


def state(world: World) -> Clawback:
    return world.get(CLAWBACK, CLAWBACK_ID)


# -- proposing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("person", [PUBLISHER, REVIEWER], ids=["department", "centre"])
def test_the_department_or_a_centre_it_entrusts_proposes_with_evidence(person: Principal) -> None:
    world = paid_world()
    proposed, linked = world.asks(person, proposal())
    assert (proposed.region, proposed.ground, proposed.evidence_sha256) == (REGION, "no_fault", (SHA,))
    assert (linked.redemption_id, linked.clawback_id) == (REDEMPTION, CLAWBACK_ID)
    assert world.refuses(person, proposal()) == "out_of_order"


def test_nobody_else_proposes_and_nobody_else_owes() -> None:
    world = paid_world()
    assert world.refuses(ELSEWHERE, proposal()) == "not_yours"
    assert world.refuses(REVIEWER.model_copy(update={"member_of": an_id("elsewhere")}), proposal()) == "not_entrusted"
    assert world.refuses(PUBLISHER, proposal(debtor_uscc=STRANGER)) == "debtor_elsewhere"
    assert world.refuses(PUBLISHER, proposal(redemption_id=an_id("none"))) == "not_found"
    assert world.does(PUBLISHER, proposal(debtor_uscc=ENTERPRISE)) == ["ClawbackProposed", "RecoverySought"]


def test_before_payment_nothing_is_taken_back_a_finding_holds_the_payout_instead() -> None:
    assert World().scheduled().refuses(PUBLISHER, proposal()) == "nothing_paid"
    assert World().instructed().refuses(PUBLISHER, proposal()) == "nothing_paid"


# -- ordering ----------------------------------------------------------------------------------


def test_a_recovery_is_ordered_by_another_person_than_proposed_it() -> None:
    world = paid_world()
    world.does(PUBLISHER, proposal())
    assert world.refuses(PUBLISHER, order()) == "same_person"
    assert world.refuses(PUBLISHER.model_copy(update={"sub": "x", "on_behalf_of": PUBLISHER.sub}), order()) == "same_person"
    assert world.refuses(ELSEWHERE, order()) == "not_yours"
    ordered, booked = world.asks(APPROVER, order())
    assert (booked.debtor_uscc, booked.region, booked.clawback_id) == (PROVIDER, REGION, CLAWBACK_ID)
    assert (ordered.amount_fen, ordered.debtor_uscc, ordered.region, ordered.listing_province) == (
        1_000_000, PROVIDER, REGION, "32",
    )  # fmt: skip
    assert (ordered.enterprise_uscc, ordered.provider_uscc, ordered.decision_no) == (ENTERPRISE, PROVIDER, "追1号")


def test_a_new_order_raises_or_lowers_the_total_under_a_number_of_its_own() -> None:
    world = ordered_world()
    assert world.refuses(APPROVER, order(2_000_000)) == "decision_used"
    assert world.does(APPROVER, order(2_000_000, "追2号")) == ["ClawbackOrdered"]
    assert world.does(APPROVER, order(500_000, "追3号")) == ["ClawbackOrdered"]
    assert (state(world).ordered_fen, state(world).left_fen) == (500_000, 500_000)


def test_all_orders_of_a_redemption_stay_within_what_was_paid_of_it() -> None:
    world = ordered_world(2_000_000)
    assert world.refuses(APPROVER, order(PAID + 1, "追2号")) == "more_than_paid"
    assert world.refuses(PUBLISHER, proposal(1_000_001, clawback_id=SECOND)) == "more_than_paid"
    world.does(PUBLISHER, proposal(1_000_000, clawback_id=SECOND))
    world.does(APPROVER, order(1_000_000, "追2号", clawback_id=SECOND))
    assert world.refuses(APPROVER, order(2_000_001, "追3号")) == "more_than_paid"


def test_instalments_add_up_to_the_order() -> None:
    world = paid_world()
    world.does(PUBLISHER, proposal())
    parts = [{"until": "2026-04-01", "amount_fen": 400_000}, {"until": "2026-05-01", "amount_fen": 600_000}]
    assert world.refuses(APPROVER, order(instalments=parts[:1])) == "instalments_differ"
    ordered, _ = world.asks(APPROVER, order(instalments=parts))
    assert [one.amount_fen for one in ordered.instalments] == [400_000, 600_000]


def test_who_stays_out_of_a_case_takes_nothing_back_in_it() -> None:
    world = paid_world()
    world.does(PUBLISHER, proposal())
    world.does(APPROVER, RecordRecusal(redemption_id=REDEMPTION, reason="relative"))
    assert world.refuses(APPROVER, order()) == "recused"
    assert world.refuses(APPROVER, proposal(clawback_id=SECOND)) == "recused"


# -- recovering --------------------------------------------------------------------------------


def test_money_comes_back_by_instalments_and_the_last_one_closes_it() -> None:
    world = ordered_world()
    assert world.does(PAYER, recovery(400_000)) == ["RecoveryRecorded", "RecoveryBooked"]
    assert world.refuses(PAYER, recovery(600_001)) == "more_than_owed"
    closing = world.asks(PAYER, recovery(600_000, method="treasury", reference="缴款书0001"))
    assert names(closing) == ["RecoveryRecorded", "RecoveryBooked", "ClawbackClosed"]
    assert (closing[2].recovered_fen, closing[2].written_off_fen) == (1_000_000, 0)
    assert world.refuses(PAYER, recovery(1)) == "out_of_order"


def test_nothing_comes_back_before_an_order_or_to_another_region() -> None:
    world = paid_world()
    assert world.refuses(PAYER, recovery(1)) == "not_found"
    world.does(PUBLISHER, proposal())
    assert world.refuses(PAYER, recovery(1)) == "out_of_order"
    world.does(APPROVER, order())
    assert world.refuses(ELSEWHERE, recovery(1)) == "not_yours"


def test_a_recovery_is_of_a_fiscal_year_from_that_of_the_payment_to_the_current_one() -> None:
    world = ordered_world()
    assert world.refuses(PAYER, recovery(1, fiscal_year=2025)) == "fiscal_year_outside"
    assert world.refuses(PAYER, recovery(1, fiscal_year=2027)) == "fiscal_year_outside"
    assert world.refuses(PAYER, recovery(1, received_on=PASSED + timedelta(days=1))) == "received_tomorrow"
    world.day = date(2027, 2, 1)
    assert world.does(PAYER, recovery(1, fiscal_year=2026)) == ["RecoveryRecorded", "RecoveryBooked"]
    assert world.does(PAYER, recovery(1, fiscal_year=2027)) == ["RecoveryRecorded", "RecoveryBooked"]


def test_an_order_is_not_lowered_below_what_came_back_and_closes_where_it_meets_it() -> None:
    world = ordered_world()
    world.does(PAYER, recovery(400_000))
    assert world.refuses(APPROVER, order(399_999, "追2号")) == "less_than_recovered"
    assert world.does(APPROVER, order(400_000, "追2号")) == ["ClawbackOrdered", "ClawbackClosed"]


def test_a_recovery_is_cancelled_by_decision_while_nothing_came_back() -> None:
    world = ordered_world()
    cancel = CancelClawback(clawback_id=CLAWBACK_ID, decision_no="撤1号")
    assert world.refuses(PUBLISHER, cancel) == "same_person"
    assert world.does(APPROVER, cancel) == ["ClawbackCancelled"]
    assert world.refuses(PAYER, recovery(1)) == "out_of_order"
    assert world.does(PUBLISHER, proposal(PAID, clawback_id=SECOND)) == ["ClawbackProposed", "RecoverySought"]
    begun = ordered_world()
    begun.does(PAYER, recovery(1))
    assert begun.refuses(APPROVER, cancel) == "already_recovered"


def test_what_is_still_owed_is_written_off_by_decision() -> None:
    world = ordered_world()
    world.does(PAYER, recovery(400_000))
    write_off = WriteOffClawback(clawback_id=CLAWBACK_ID, decision_no="销1号")
    assert world.refuses(PUBLISHER, write_off) == "same_person"
    (closed,) = world.asks(APPROVER, write_off)
    assert (closed.recovered_fen, closed.written_off_fen, closed.decision_no) == (400_000, 600_000, "销1号")
    assert world.refuses(APPROVER, write_off) == "out_of_order"


# -- a payment that comes back -----------------------------------------------------------------


def returned(world: World) -> list[str]:
    command = RecordReturn(
        payout_id=world.payout_id, end_to_end_id=world.end_to_end_id, reason_code="AC04", amount_fen=PAID, returned_on=PASSED
    )
    return world.does(PLATFORM, command)


def test_a_payment_that_comes_back_takes_its_orders_with_it() -> None:
    world = ordered_world()
    assert returned(world) == ["PayoutReturned", "ClawbackCancelled"]
    repaid = ordered_world()
    repaid.does(PAYER, recovery(400_000))
    assert returned(repaid) == ["PayoutReturned", "ClawbackOrdered", "ClawbackClosed"]
    assert state(repaid).ordered_fen == 400_000


# -- what is read ------------------------------------------------------------------------------


def test_a_recoverys_row_shows_what_is_owed_and_how_it_came_back() -> None:
    world = ordered_world()
    world.does(PAYER, recovery(400_000))
    row: Any = None
    for stamp, event in world.documents:
        if stamp.originator_id == CLAWBACK_ID:
            row = clawback_row(row, event, stamp)
    assert (row["state"], row["amount_fen"], row["ordered_fen"], row["recovered_fen"], row["left_fen"]) == (
        "ordered", 1_000_000, 1_000_000, 400_000, 600_000,
    )  # fmt: skip
    assert [one["reference"] for one in row["recoveries"]] == ["流水1"]
    world.does(APPROVER, WriteOffClawback(clawback_id=CLAWBACK_ID, decision_no="销1号"))
    row = clawback_row(row, world.documents[-1].event, world.documents[-1].stamp)
    assert (row["state"], row["left_fen"], row["written_off_fen"]) == ("closed", 0, 600_000)


# -- whatever people do ------------------------------------------------------------------------


class TakingBack(RuleBasedStateMachine):
    """Two recoveries of one payment under any order of decisions, recoveries and returns."""

    @initialize()
    def begin(self) -> None:
        self.world = paid_world()
        self.number = 0

    @rule(which=st.sampled_from([CLAWBACK_ID, SECOND]), fen=st.integers(1, PAID))
    def somebody_proposes(self, which: Any, fen: int) -> None:
        self.world.asks(PUBLISHER, proposal(fen, clawback_id=which))

    @rule(which=st.sampled_from([CLAWBACK_ID, SECOND]), fen=st.integers(1, PAID), by=st.sampled_from([APPROVER, PUBLISHER]))
    def somebody_orders(self, which: Any, fen: int, by: Any) -> None:
        self.number += 1
        answer = self.world.asks(by, order(fen, f"追{self.number}号", clawback_id=which))
        assert by != PUBLISHER or isinstance(answer, Refusal)

    @rule(which=st.sampled_from([CLAWBACK_ID, SECOND]), fen=st.integers(1, PAID))
    def money_comes(self, which: Any, fen: int) -> None:
        self.world.asks(PAYER, recovery(fen, clawback_id=which))

    @rule(which=st.sampled_from([CLAWBACK_ID, SECOND]), write_off=st.booleans())
    def somebody_ends_it(self, which: Any, write_off: bool) -> None:
        command = (WriteOffClawback if write_off else CancelClawback)(clawback_id=which, decision_no="终1号")
        self.world.asks(APPROVER, command)

    @invariant()
    def within_what_was_paid_and_ordered(self) -> None:
        if not hasattr(self, "world"):
            return
        both = [self.world.get(CLAWBACK, which) for which in (CLAWBACK_ID, SECOND)]
        assert sum(one.ordered_fen for one in both) <= PAID
        assert all(0 <= one.recovered_fen <= one.ordered_fen or one.stage == "cancelled" for one in both)


TestTakingBack = TakingBack.TestCase
TestTakingBack.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


