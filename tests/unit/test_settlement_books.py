"""The books follow from the events, balance at every position, and say what decisions hold. 三(五)"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tongdui_events.document import Document
from tongdui_events.payments import FundingReceived
from tongdui_events.policy import Channels

from services.settlement.books_routes import shown
from services.settlement.domain.agents import AppointAgent
from services.settlement.domain.bank_answers import RecordFailure, RecordReturn, RecordSettlement
from services.settlement.domain.batches import OpenBatch, ReleaseBatch
from services.settlement.domain.books import BOOKED, Account, Entry, Line, TrialBalance, trial_balance
from services.settlement.domain.clawbacks import CLAWBACK, CancelClawback, WriteOffClawback
from services.settlement.domain.payouts import PAYOUT
from services.settlement.ledger_rows import entries_of, ledger_key, ledger_row
from tests.unit.settlement_world import (
    AGENT,
    APPROVER,
    CLERK,
    DAY,
    OPERATOR,
    PAYER,
    PLATFORM,
    PROVIDER,
    PUBLISHER,
    REGION,
    World,
    an_id,
)
from tests.unit.test_settlement_clawbacks import CLAWBACK_ID, PAID, SECOND, order, paid_world, proposal, recovery
from tests.unit.test_settlement_offsets import due_again, owing_world, paid, released

FUND, CLEARING = Account("region_fund", REGION), Account("agent_clearing", REGION)
PAYEE, RECOVERY = Account("payee", REGION, PROVIDER), Account("recovery", REGION, PROVIDER)


def entries(documents: list[Document]) -> Iterator[Entry]:
    """Through the view's rows, as they are kept."""
    rows: dict[str, Any] = {}
    for stamp, event in documents:
        if isinstance(event, BOOKED):
            key = ledger_key(event, stamp)
            rows[key] = ledger_row(rows.get(key), event, stamp)
    for row in rows.values():
        yield from entries_of(row)


def books(world: World, on: Any = None) -> TrialBalance:
    return trial_balance(entries(world.documents), on or world.today)


def balances(world: World) -> dict[Account, int]:
    return {line.account: line.balance_fen for line in books(world).lines if line.balance_fen}


def test_a_payment_through_the_treasury_leaves_the_regions_fund() -> None:
    world = paid_world()
    assert balances(world) == {FUND: -PAID, PAYEE: PAID}
    assert books(world, world.today - timedelta(days=1)).lines == ()


def test_a_payment_through_the_agent_leaves_what_it_holds_of_the_region() -> None:
    world = World(channel=Channels(tongyong="treasury", tongdui="agent")).scheduled()
    world.does(OPERATOR, AppointAgent(agent_id=AGENT, name="示例清算有限公司", regions=(REGION,), from_on=DAY))
    world.does(CLERK, OpenBatch(batch_id=an_id("a"), payer=str(AGENT), channel="agent"))
    world.does(CLERK, ReleaseBatch(batch_id=an_id("a"), payout_ids=(world.payout_id,)))
    paid(world)
    assert balances(world) == {CLEARING: -PAID, PAYEE: PAID}
    funding = FundingReceived(
        window_id=an_id("window"), region=REGION, amount_fen=PAID, received_on=world.today, reference="到账1"
    )
    world.given(("settlement", an_id("window"), funding))
    assert balances(world) == {FUND: -PAID, PAYEE: PAID}


def test_a_payment_that_comes_back_turns_its_entry_round() -> None:
    world = paid_world()
    world.does(
        PLATFORM,
        RecordReturn(payout_id=world.payout_id, end_to_end_id=world.end_to_end_id, reason_code="AC04", amount_fen=PAID,
                     returned_on=world.today),
    )  # fmt: skip
    assert balances(world) == {}
    assert {line.account: (line.debit_fen, line.credit_fen) for line in books(world).lines} == {
        FUND: (PAID, PAID), PAYEE: (PAID, PAID),
    }  # fmt: skip


def test_an_order_is_owed_until_it_came_back_or_was_written_off() -> None:
    world = paid_world()
    world.does(PUBLISHER, proposal())
    assert balances(world) == {FUND: -PAID, PAYEE: PAID}
    world.does(APPROVER, order())
    assert balances(world)[RECOVERY] == 1_000_000 and balances(world)[PAYEE] == PAID - 1_000_000
    world.does(APPROVER, order(600_000, "追2号"))
    assert balances(world)[RECOVERY] == 600_000
    world.does(PAYER, recovery(200_000))
    assert balances(world) == {FUND: -PAID + 200_000, PAYEE: PAID - 600_000, RECOVERY: 400_000}
    world.does(APPROVER, WriteOffClawback(clawback_id=CLAWBACK_ID, decision_no="销1号"))
    assert balances(world) == {FUND: -PAID + 200_000, PAYEE: PAID - 200_000}


def test_an_offset_pays_what_is_owed_without_money() -> None:
    world = owing_world(1_000_000)
    due_again(world)
    released(world)
    paid(world)
    assert balances(world) == {FUND: -(2 * PAID - 1_000_000), PAYEE: 2 * PAID - 1_000_000}


def test_books_that_do_not_balance_are_found() -> None:
    half = TrialBalance((Line(FUND, 0, 5), Line(PAYEE, 4, 0)))
    assert half.findings == (f"{REGION}: debits less credits are -1 fen",)
    less = TrialBalance((Line(RECOVERY, 0, 5), Line(FUND, 5, 0)))
    assert less.findings == (f"recovery {REGION} {PROVIDER}: -5 fen",)
    assert shown(less, DAY).findings == list(less.findings)


@pytest.mark.parametrize("days", [0, 1])
def test_the_books_of_a_day_do_not_know_the_next(days: int) -> None:
    world = paid_world()
    world.days_later().does(PUBLISHER, proposal())
    world.does(APPROVER, order())
    on = world.today - timedelta(days=1 - days)
    assert (RECOVERY in {line.account for line in books(world, on).lines}) is bool(days)


class Booking(RuleBasedStateMachine):
    """Payments, returns and recoveries in any order: the books balance after each, and say what the decisions hold."""

    @initialize()
    def begin(self) -> None:
        self.world = World().instructed()
        self.number = 0

    @rule(back=st.booleans())
    def the_bank_answers(self, back: bool) -> None:
        about = {"payout_id": self.world.payout_id, "end_to_end_id": self.world.end_to_end_id}
        if back:
            command: Any = RecordReturn(**about, reason_code="AC04", amount_fen=PAID, returned_on=self.world.today)
        else:
            command = RecordSettlement(**about, amount_fen=PAID, settled_on=self.world.today)
        self.world.asks(PLATFORM, command)

    @rule()
    def it_fails_or_is_tried_again(self) -> None:
        self.number += 1
        about = {"payout_id": self.world.payout_id, "end_to_end_id": self.world.end_to_end_id}
        self.world.asks(PLATFORM, RecordFailure(**about, reason_code="AC04"))
        self.world.release(batch_id=an_id(f"again {self.number}"))

    @rule(which=st.sampled_from([CLAWBACK_ID, SECOND]), fen=st.integers(1, PAID))
    def somebody_orders(self, which: Any, fen: int) -> None:
        self.number += 1
        self.world.asks(PUBLISHER, proposal(fen, clawback_id=which))
        self.world.asks(APPROVER, order(fen, f"追{self.number}号", clawback_id=which))

    @rule(which=st.sampled_from([CLAWBACK_ID, SECOND]), fen=st.integers(1, PAID))
    def money_comes(self, which: Any, fen: int) -> None:
        self.world.asks(PAYER, recovery(fen, clawback_id=which))

    @rule(which=st.sampled_from([CLAWBACK_ID, SECOND]), write_off=st.booleans())
    def somebody_ends_it(self, which: Any, write_off: bool) -> None:
        command = (WriteOffClawback if write_off else CancelClawback)(clawback_id=which, decision_no="终1号")
        self.world.asks(APPROVER, command)

    @invariant()
    def the_books_balance_and_agree(self) -> None:
        if not hasattr(self, "world"):
            return
        found = books(self.world)
        held = balances(self.world)
        clawbacks = [self.world.get(CLAWBACK, which) for which in (CLAWBACK_ID, SECOND)]
        paid_fen = self.world.get(PAYOUT, self.world.payout_id).paid_fen
        recovered = sum(one.recovered_fen for one in clawbacks)
        assert found.findings == () and found.debit_fen == found.credit_fen
        assert held.get(RECOVERY, 0) == sum(one.left_fen for one in clawbacks)
        assert held.get(FUND, 0) == recovered - paid_fen


TestBooking = Booking.TestCase
TestBooking.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
