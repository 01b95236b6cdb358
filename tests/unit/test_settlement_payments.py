"""Accounts, batches, answers: nobody is paid twice (invariants 3, 4, 7). 三(五)"""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pydantic import ValidationError
from tongdui_events.policy import Channels
from tongdui_events.streams import account_id

from services.settlement.domain.accounts import ACCOUNT, ConfirmPayeeAccount, ProposePayeeAccount
from services.settlement.domain.agents import AppointAgent, ReplaceAgent
from services.settlement.domain.bank_answers import RecordFailure, RecordReturn, RecordSettlement, RecordUncertainty
from services.settlement.domain.batches import Instruction, OpenBatch, ReleaseBatch, end_to_end_id, message_id
from services.settlement.domain.payment import PORT, StandInBank
from services.settlement.domain.payouts import PAYOUT, CancelPayout, FreePayout, HoldPayout
from services.settlement.views import instructed_row, payout_row, unanswered_row
from shared.kernel.decisions import Refusal
from shared.kernel.keyed_digest import keyed_digest
from tests.unit.settlement_world import (
    AGENT,
    APPROVER,
    BATCH,
    CLERK,
    DAY,
    ELSEWHERE,
    LABORATORY,
    LAST_DAY,
    OPERATOR,
    PAYER,
    PLATFORM,
    PROVIDER,
    PUBLISHER,
    REDEMPTION,
    REGION,
    REVIEWER,
    World,
    an_id,
    names,
)

NUMBER = "6222000000000999"
OTHER_ACCOUNT = ProposePayeeAccount(uscc=PROVIDER, account_number=NUMBER, bank_code="102290002916")
CONFIRM = ConfirmPayeeAccount(uscc=PROVIDER, region=REGION)
PASSED = LAST_DAY + timedelta(days=1)


def settled(world: World, **changed: Any) -> RecordSettlement:
    known = {
        "payout_id": world.payout_id, "end_to_end_id": world.end_to_end_id, "amount_fen": 3_000_000, "settled_on": PASSED,
    }  # fmt: skip
    return RecordSettlement.model_validate(known | changed)


def failed(world: World) -> RecordFailure:
    return RecordFailure(payout_id=world.payout_id, end_to_end_id=world.end_to_end_id, reason_code="AC04")


def uncertain(world: World) -> RecordUncertainty:
    return RecordUncertainty(payout_id=world.payout_id, end_to_end_id=world.end_to_end_id)


def returned(world: World) -> RecordReturn:
    return RecordReturn(
        payout_id=world.payout_id, end_to_end_id=world.end_to_end_id, reason_code="AC04", amount_fen=3_000_000,
        returned_on=PASSED,
    )  # fmt: skip


# -- accounts ------------------------------------------------------------------------------------------


def test_an_account_number_never_comes_into_an_event() -> None:
    world = World()
    # made here: whoever imports the service sets the platform's key, and it is the key of this moment that counts
    command = ProposePayeeAccount(uscc=PROVIDER, account_number=NUMBER, bank_code="102290002916")
    (event,) = world.asks(LABORATORY, command)
    assert NUMBER not in event.model_dump_json() and NUMBER not in command.model_dump_json()
    assert (event.account_hmac, event.last4) == (keyed_digest(NUMBER), "0999")
    assert event.account_hmac != hashlib.sha256(NUMBER.encode()).hexdigest()


def test_an_account_is_confirmed_by_another_person_than_proposed_it() -> None:
    world = World()
    world.does(LABORATORY, OTHER_ACCOUNT)
    assert world.refuses(LABORATORY, CONFIRM) == "same_person"
    assert world.does(LABORATORY.model_copy(update={"sub": "laboratory-2"}), CONFIRM) == ["PayeeAccountConfirmed"]
    assert world.refuses(REVIEWER, CONFIRM) == "no_account_proposed"


def test_an_account_proposed_through_a_delegate_is_confirmed_by_neither_person() -> None:
    world = World()
    world.does(LABORATORY.model_copy(update={"sub": "deputy", "on_behalf_of": "chief"}), OTHER_ACCOUNT)
    for sub in ("deputy", "chief"):
        assert world.refuses(LABORATORY.model_copy(update={"sub": sub}), CONFIRM) == "same_person"
    assert world.does(LABORATORY.model_copy(update={"sub": "another"}), CONFIRM) == ["PayeeAccountConfirmed"]


def test_nobody_names_or_confirms_another_payees_account() -> None:
    world = World()
    stranger = LABORATORY.model_copy(update={"uscc": "91330421MA0TEXT04A", "sub": "x"})
    assert world.refuses(stranger, OTHER_ACCOUNT) == "not_yours"
    world.does(LABORATORY, OTHER_ACCOUNT)
    assert world.refuses(stranger, CONFIRM) == "not_yours"


def test_the_account_in_use_is_not_proposed_again() -> None:
    world = World()
    world.does(LABORATORY, OTHER_ACCOUNT)
    world.does(REVIEWER, CONFIRM)
    assert world.refuses(LABORATORY, OTHER_ACCOUNT) == "account_unchanged"


@pytest.mark.parametrize("number", ["1234567", "6222 0000 0000 0999", "IBAN12345678", "1" * 33])
def test_what_is_no_account_number_makes_no_command(number: str) -> None:
    with pytest.raises(ValidationError) as error:
        ProposePayeeAccount(uscc=PROVIDER, account_number=number, bank_code="102290002916")
    assert number not in str(error.value.errors(include_input=False))


def test_a_payee_whose_account_is_changing_is_not_paid_until_a_second_person_confirmed() -> None:
    world = World().scheduled()
    world.does(LABORATORY, OTHER_ACCOUNT)
    assert names(world.release()) == ["account_changing"]
    world.does(REVIEWER, CONFIRM)
    instructed = world.release()
    assert not isinstance(instructed, Refusal)
    assert instructed[1].last4 == "0999" == world.get(ACCOUNT, account_id(PROVIDER)).confirmed.last4


# -- release -------------------------------------------------------------------------------------------


def test_a_release_and_its_instructions_are_one_transaction_over_the_bytes_that_go_out() -> None:
    world = World().scheduled()
    events = world.release()
    assert not isinstance(events, Refusal)
    released, instructed = events
    assert (released.count, released.total_fen, released.message_id) == (1, 3_000_000, message_id(BATCH))
    account = world.get(ACCOUNT, account_id(PROVIDER)).confirmed
    line = Instruction(world.payout_id, None, instructed.end_to_end_id, 1, PROVIDER, 3_000_000, account)
    assert released.file_sha256 == hashlib.sha256(PORT.payment_list(message_id(BATCH), [line])).hexdigest()


@pytest.mark.parametrize("sub", [REVIEWER.sub, APPROVER.sub])
def test_whoever_reviewed_or_approved_something_in_a_batch_does_not_release_it(sub: str) -> None:
    world = World().scheduled()
    assert names(world.release(PAYER.model_copy(update={"sub": sub}))) == ["same_person"]
    assert "BatchReleased" in names(world.release())


def test_a_batch_is_released_once_and_by_its_payer_only() -> None:
    world = World().instructed()
    assert names(world.release()) == ["out_of_order"]
    fresh = World().scheduled()
    fresh.does(PAYER, OpenBatch(batch_id=BATCH, payer=REGION, channel="treasury"))
    command = ReleaseBatch(batch_id=BATCH, payout_ids=(fresh.payout_id,))
    assert fresh.refuses(ELSEWHERE, command) == "not_yours"
    assert fresh.refuses(CLERK, command) == "not_yours"
    assert fresh.refuses(PAYER, command.model_copy(update={"batch_id": an_id("no batch")})) == "not_found"
    assert fresh.refuses(ELSEWHERE, OpenBatch(batch_id=an_id("b"), payer=REGION, channel="treasury")) == "not_yours"


def test_a_batch_goes_out_whole_or_not_at_all() -> None:
    world = World().scheduled()
    world.does(PAYER, OpenBatch(batch_id=BATCH, payer=REGION, channel="treasury"))
    command = ReleaseBatch(batch_id=BATCH, payout_ids=(world.payout_id, an_id("no payout")))
    assert world.refuses(PAYER, command) == "not_found"


def test_a_payout_of_an_agents_channel_is_released_by_that_agent_where_it_is_appointed() -> None:
    world = World(channel=Channels(tongyong="treasury", tongdui="agent")).scheduled()
    assert names(world.release()) == ["other_payer"]
    elsewhere = AppointAgent(agent_id=AGENT, name="示例清算有限公司", regions=("320509",), from_on=DAY)
    world.does(OPERATOR, elsewhere)
    world.does(CLERK, OpenBatch(batch_id=an_id("agents"), payer=str(AGENT), channel="agent"))
    release = ReleaseBatch(batch_id=an_id("agents"), payout_ids=(world.payout_id,))
    assert world.refuses(CLERK, release) == "agent_elsewhere"
    world.does(OPERATOR, elsewhere.model_copy(update={"regions": (REGION, "320509")}))
    assert world.refuses(CLERK.model_copy(update={"member_of": an_id("other")}), release) == "not_yours"
    assert world.does(CLERK, release) == ["BatchReleased", "PayoutInstructed"]


def test_an_agent_that_was_replaced_opens_no_batch() -> None:
    world, successor = World(), an_id("successor")
    appoint = AppointAgent(agent_id=AGENT, name="示例清算有限公司", regions=(REGION,), from_on=DAY)
    world.does(OPERATOR, appoint)
    assert world.refuses(OPERATOR, ReplaceAgent(agent_id=AGENT, by=successor, on=DAY)) == "not_found"
    world.does(OPERATOR, appoint.model_copy(update={"agent_id": successor}))
    world.does(OPERATOR, ReplaceAgent(agent_id=AGENT, by=successor, on=DAY))
    opening = OpenBatch(batch_id=BATCH, payer=str(AGENT), channel="agent")
    assert world.refuses(CLERK, opening) == "not_found"


def test_two_attempts_never_share_an_end_to_end_id_and_each_has_at_most_35_characters() -> None:
    payouts = [an_id(number) for number in range(50)]
    ids = [end_to_end_id(payout, attempt) for payout in payouts for attempt in range(1, 20)]
    assert len(set(ids)) == len(ids)
    assert all(len(one) <= 35 and one.isalnum() and one.isascii() for one in ids)


# -- answers -------------------------------------------------------------------------------------------


def test_the_last_payment_settled_settles_the_redemption_once_in_the_same_transaction() -> None:
    world = World().instructed()
    paid, done = world.asks(PLATFORM, settled(world))
    assert (paid.redemption_id, paid.amount_fen) == (REDEMPTION, 3_000_000)
    assert (done.redemption_id, done.approved_fen, done.paid_fen, done.offset_fen) == (REDEMPTION, 3_000_000, 3_000_000, 0)
    assert world.refuses(PLATFORM, settled(world)) == "already_recorded"


def test_a_payment_that_came_back_is_paid_by_a_new_attempt_and_the_voucher_hears_nothing_twice() -> None:
    world = World().instructed()
    first = world.end_to_end_id
    world.does(PLATFORM, settled(world))
    assert world.does(PLATFORM, returned(world)) == ["PayoutReturned"]
    assert "PayoutInstructed" in names(world.release(batch_id=an_id("second batch")))
    assert world.end_to_end_id != first
    assert world.does(PLATFORM, settled(world)) == ["PayoutSettled"]
    assert world.get(PAYOUT, world.payout_id).paid_fen == 3_000_000


def test_what_is_said_again_of_an_earlier_attempt_changes_nothing() -> None:
    world = World().instructed()
    first = world.end_to_end_id
    world.does(PLATFORM, settled(world))
    assert world.refuses(PLATFORM, uncertain(world)) == "already_recorded"
    world.does(PLATFORM, returned(world))
    world.release(batch_id=an_id("second batch"))
    for said in (settled, returned, uncertain):
        about_the_first = said(world).model_copy(update={"end_to_end_id": first})
        assert world.refuses(PLATFORM, about_the_first) == "already_recorded"
    assert world.get(PAYOUT, world.payout_id).stage == "instructed"


def test_money_that_moved_for_an_attempt_given_up_as_failed_is_no_answer_about_the_next() -> None:
    world = World().instructed()
    first = world.end_to_end_id
    world.does(PLATFORM, failed(world))
    world.release(batch_id=an_id("second batch"))
    assert world.refuses(PLATFORM, settled(world, end_to_end_id=first)) == "unknown_attempt"


def test_a_return_that_overtakes_its_payment_is_told_from_one_that_contradicts() -> None:
    world = World().instructed()
    assert world.refuses(PLATFORM, returned(world)) == "not_paid_yet"
    world.does(PLATFORM, settled(world))
    assert world.refuses(PLATFORM, failed(world)) == "out_of_order"


def test_a_new_attempt_follows_a_failure_and_never_an_uncertainty() -> None:
    world = World().instructed()
    assert world.does(PLATFORM, uncertain(world)) == ["PayoutUncertain"]
    assert names(world.release(batch_id=an_id("second batch"))) == ["out_of_order"]
    assert world.does(PLATFORM, failed(world)) == ["PayoutFailed"]
    events = world.release(batch_id=an_id("second batch"))
    assert not isinstance(events, Refusal) and events[1].attempt == 2


@pytest.mark.parametrize(("channel", "days"), [("agent", 6), ("treasury", 31)])
def test_a_payment_of_which_nothing_was_heard_falls_due_by_its_channels_deadline(channel: str, days: int) -> None:
    world = World().instructed()
    scheduled = next(one for one in world.documents if one.stamp.type == "PayoutScheduled")
    instructed = next(one for one in world.documents if one.stamp.type == "PayoutInstructed")
    row = unanswered_row(None, scheduled.event.model_copy(update={"channel": channel}), scheduled.stamp)
    row = unanswered_row(row, instructed.event, instructed.stamp)
    assert row is not None and row["due_on"] == str(instructed.stamp.business_day + timedelta(days=days))
    world.does(PLATFORM, uncertain(world))
    assert unanswered_row(row, world.documents[-1].event, world.documents[-1].stamp)["due_on"] is None


def test_a_late_success_after_a_failure_is_recorded_and_never_paid_again() -> None:
    world = World().instructed()
    world.does(PLATFORM, failed(world))
    assert world.does(PLATFORM, settled(world)) == ["PayoutSettled", "RedemptionSettled"]
    assert names(world.release(batch_id=an_id("second batch"))) == ["out_of_order"]


def test_an_answer_about_another_attempt_or_another_sum_is_refused() -> None:
    world = World().instructed()
    assert world.refuses(PLATFORM, settled(world, end_to_end_id="T1")) == "unknown_attempt"
    assert world.refuses(PLATFORM, settled(world, amount_fen=2_999_999)) == "amount_differs"
    assert world.refuses(PLATFORM, settled(world, settled_on=PASSED + timedelta(days=1))) == "answered_tomorrow"
    assert world.refuses(PLATFORM, settled(world, payout_id=an_id("none"))) == "not_found"


def test_the_answer_to_a_list_released_through_a_delegate_is_recorded_by_neither_person() -> None:
    world = World().scheduled()
    world.release(PAYER.model_copy(update={"sub": "deputy", "on_behalf_of": "chief"}))
    for sub in ("deputy", "chief"):
        assert world.refuses(PAYER.model_copy(update={"sub": sub}), settled(world)) == "same_person"
    assert world.does(PUBLISHER, settled(world)) == ["PayoutSettled", "RedemptionSettled"]


def test_a_treasurys_answer_is_recorded_by_another_person_of_that_region_than_released_the_list() -> None:
    world = World().instructed()
    assert world.refuses(PAYER, settled(world)) == "same_person"
    assert world.refuses(ELSEWHERE, settled(world)) == "not_yours"
    assert world.refuses(CLERK, settled(world)) == "not_yours"
    assert world.does(PUBLISHER, settled(world)) == ["PayoutSettled", "RedemptionSettled"]


# -- holds and the end ---------------------------------------------------------------------------------


def test_an_officer_holds_and_frees_a_payment_that_is_not_instructed() -> None:
    world = World().scheduled()
    hold = HoldPayout(payout_id=world.payout_id, reason="documents_missing")
    assert world.refuses(ELSEWHERE, hold) == "not_yours"
    assert world.does(APPROVER, hold) == ["PayoutHeld"]
    assert world.refuses(APPROVER, hold) == "out_of_order"
    assert names(world.release()) == ["payout_on_hold"]
    assert world.does(APPROVER, FreePayout(payout_id=world.payout_id, reason="documents_missing")) == ["PayoutFreed"]
    assert "PayoutInstructed" in names(world.release())
    assert world.refuses(APPROVER, hold) == "out_of_order"


def test_a_payment_given_up_is_cancelled_unpaid_and_its_invoices_are_free() -> None:
    world = World().scheduled()
    cancel = CancelPayout(payout_id=world.payout_id, reason="payee_dissolved")
    cancelled, unpaid, released = world.asks(APPROVER, cancel)
    assert (unpaid.unpaid_fen, unpaid.reason, released.redemption_id) == (3_000_000, "payee_dissolved", REDEMPTION)
    assert cancelled.payout_id == world.payout_id
    assert names(world.release()) == ["out_of_order"]
    assert World().instructed().refuses(APPROVER, cancel) == "out_of_order"


def test_a_payment_that_came_back_for_good_is_unpaid_after_it_was_settled() -> None:
    world = World().instructed()
    world.does(PLATFORM, settled(world))
    world.does(PLATFORM, returned(world))
    cancel = CancelPayout(payout_id=world.payout_id, reason="payee_dissolved")
    assert world.asks(APPROVER, cancel)[1].unpaid_fen == 3_000_000


# -- the stand-in bank ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instructed_on", "answers_on"),
    [
        (date(2026, 3, 9), date(2026, 3, 10)),
        (date(2026, 3, 13), date(2026, 3, 16)),
        (date(2026, 9, 30), date(2026, 10, 8)),
        (date(2031, 1, 3), date(2031, 1, 6)),
    ],
)
def test_the_stand_in_bank_settles_on_the_next_working_day(instructed_on: date, answers_on: date) -> None:
    assert StandInBank().answers_on(instructed_on) == answers_on


def test_the_stand_in_bank_answers_by_the_command_a_real_channel_would_use() -> None:
    world = World().instructed()
    row: Any = None
    for document in world.documents:
        if document.stamp.type == "PayoutInstructed":
            row = instructed_row(row, document.event, document.stamp)
    assert row["due_on"] == "2026-03-10"
    world.day = date(2026, 3, 10)
    answer = PORT.answer(row, world.today)
    assert world.does(PLATFORM, answer) == ["PayoutSettled", "RedemptionSettled"]
    last = world.documents[-2]
    assert instructed_row(row, last.event, last.stamp) is None


def test_a_waiting_payment_is_looked_at_each_day_and_one_that_is_out_not() -> None:
    world = World().instructed()
    row: Any = None
    due = []
    for document in world.documents:
        if document.stamp.type.startswith("Payout"):
            row = payout_row(row, document.event, document.stamp)
            due.append(row["due_on"])
    assert due == ["2026-03-10", None]
    assert "account_hmac" not in row


# -- whatever banks and people do ------------------------------------------------------------------------


class Paying(RuleBasedStateMachine):
    """One payment under any order of releases, answers, holds; a model of what the bank has booked."""

    @initialize()
    def begin(self) -> None:
        self.world = World().scheduled()
        self.batches = 0

    @property
    def payout(self) -> Any:
        return self.world.get(PAYOUT, self.world.payout_id)

    @rule(by=st.sampled_from([PAYER, APPROVER, PUBLISHER]))
    def somebody_releases(self, by: Any) -> None:
        before = self.payout
        self.batches += 1
        events = self.world.release(by, an_id(f"batch/{self.batches}"))
        may = before.stage in ("scheduled", "failed", "returned") and not before.holds and by != APPROVER
        assert isinstance(events, Refusal) is not may

    @rule(answer=st.sampled_from([settled, failed, uncertain, returned]))
    def the_bank_answers(self, answer: Any) -> None:
        if self.payout.attempts:
            self.world.asks(PLATFORM, answer(self.world))

    @rule(reason=st.sampled_from(["a", "b"]), free=st.booleans())
    def an_officer_holds_or_frees(self, reason: str, free: bool) -> None:
        command = (FreePayout if free else HoldPayout)(payout_id=self.world.payout_id, reason=reason)
        self.world.asks(APPROVER, command)

    @invariant()
    def never_more_than_approved_and_settled_once(self) -> None:
        if not hasattr(self, "world"):
            return
        types = [document.stamp.type for document in self.world.documents]
        assert 0 <= self.payout.paid_fen <= 3_000_000
        assert types.count("RedemptionSettled") <= 1
        told = [d.event.end_to_end_id for d in self.world.documents if d.stamp.type == "PayoutInstructed"]
        assert len(told) == len(set(told)) == self.payout.attempts


TestPaying = Paying.TestCase
TestPaying.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
