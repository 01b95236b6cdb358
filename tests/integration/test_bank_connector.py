"""A real bank process beside the platform: every answer it can give, and none, and the state each leads to. 三(五)"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.integration.bank_world import PAID_FEN, BankWorld, bank_world, case_of

ALL = (1, 2, 3, 4)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def world(database_url: str, tmp_path: Path, stack: AsyncExitStack) -> BankWorld:
    return await stack.enter_async_context(bank_world(database_url, tmp_path))


async def test_accepted_payments_are_settled_when_the_bank_has_booked_them(world: BankWorld) -> None:
    message = await world.release(*ALL)
    assert await world.states() == ["instructed"] * 4
    code, said = await world.connect()
    assert code == 0, said
    assert (world.folder("outgoing"), world.folder("sent")) == ([], [f"{message}.xml"])
    assert await world.states() == ["settled"] * 4
    assert await world.recorded("PayoutSettled") == 4
    await world.next_day()
    code, said = await world.connect()
    assert (code, world.aside()) == (0, {}), said
    assert await world.recorded("PayoutSettled") == 4, "the statement says what the notification said: once"
    assert [await world.redemption(number) for number in ALL] == ["settled"] * 4
    for number in ALL:
        assert len(await world.bank.booked((await world.payout(number))["end_to_end_id"])) == 1


async def test_a_file_that_is_partly_rejected_fails_those_payments_and_the_others_go_on(world: BankWorld) -> None:
    await world.bank.change("AGENT", behaviour="insufficient-funds", balance=PAID_FEN)
    await world.release(1, 2)
    await world.connect()
    assert sorted(await world.states((1, 2))) == ["failed", "settled"]
    failed = 1 if (await world.payout(1))["state"] == "failed" else 2
    assert (await world.payout(failed))["reason_code"] == "AM04"
    await world.bank.change("AGENT", behaviour="accept")
    await world.release(failed, 3)
    await world.connect()
    assert await world.states((1, 2, 3)) == ["settled"] * 3
    assert (await world.payout(failed))["end_to_end_id"].endswith("002"), "a new attempt has a new id"


async def test_payments_from_a_closed_account_fail_with_the_banks_reason(world: BankWorld) -> None:
    await world.bank.change("AGENT", closed=True)
    await world.release(1)
    await world.connect()
    row = await world.payout(1)
    assert (row["state"], row["reason_code"]) == ("failed", "AC04")


async def test_a_file_that_is_rejected_fails_every_payment_in_it(world: BankWorld) -> None:
    await world.bank.behave("AGENT", "reject-file")
    await world.release(1, 2)
    await world.connect()
    assert await world.states((1, 2)) == ["failed", "failed"]
    assert (await world.payout(2))["reason_code"] == "FF01"


async def test_a_silent_bank_leads_to_uncertainty_by_the_deadline_and_a_statement_ends_it(world: BankWorld) -> None:
    await world.bank.behave("AGENT", "silent")
    await world.release(1)
    await world.connect()
    before = await world.states((1,))
    assert before in (["instructed"], ["settled"])
    await world.next_day()
    await world.connect()
    assert await world.states((1,)) == ["settled"], "the statement says what no status said"


async def test_a_duplicate_answer_proves_receipt_and_never_failure(world: BankWorld) -> None:
    message = await world.release(1, 2)
    await world.bank.behave("AGENT", "silent")
    sent = world.spool / "sent" / f"{message}.xml"
    await world.connect("connector.after_send")
    assert not sent.exists(), "killed between sending and noting it"
    await world.connect()
    assert sent.exists()
    assert await world.states((1, 2)) in (["uncertain"] * 2, ["settled"] * 2)
    assert await world.recorded("PayoutFailed") == 0
    await world.next_day()
    await world.connect()
    assert await world.states((1, 2)) == ["settled"] * 2
    for number in (1, 2):
        assert len(await world.bank.booked((await world.payout(number))["end_to_end_id"])) == 1


async def test_a_payment_that_comes_back_is_paid_again_to_the_mended_account_and_the_redemption_settled_once(
    world: BankWorld,
) -> None:
    await world.bank.behave("AGENT", "return-later", days=3)
    await world.release(1)
    await world.connect()
    assert await world.states((1,)) == ["settled"]
    for _ in range(4):
        await world.next_day()
        await world.connect()
    assert await world.states((1,)) == ["returned"]
    await world.bank.behave("AGENT", "accept")
    await world.release(1)
    await world.connect()
    assert await world.states((1,)) == ["settled"]
    assert (await world.recorded("PayoutReturned"), await world.recorded("RedemptionSettled")) == (1, 1)


async def test_a_statement_that_does_not_add_up_is_refused_whole_and_set_aside(world: BankWorld) -> None:
    await world.bank.behave("AGENT", "statement-gap")
    await world.release(*ALL)
    await world.connect()
    await world.next_day()
    code, said = await world.connect()
    assert code == 1, said
    [(name, why)] = world.aside().items()
    assert "camt.053" in name and f"{PAID_FEN}" in why, why
    assert await world.states() == ["settled"] * 4, "the notifications had said it"


@pytest.mark.parametrize("line", [f"connector.after_{step}" for step in ("fetch", "send", "collect", "answer")])
async def test_a_connector_killed_at_any_line_pays_nobody_twice(world: BankWorld, line: str) -> None:
    await world.release(*ALL)
    await world.connect(line)
    await world.connect()
    await world.connect()
    await world.next_day()
    await world.connect()
    assert await world.states() == ["settled"] * 4
    for number in ALL:
        assert len(await world.bank.booked((await world.payout(number))["end_to_end_id"])) == 1
    assert (await world.recorded("PayoutSettled"), await world.recorded("RedemptionSettled")) == (4, 4)
    assert len({case_of(number)[2] for number in ALL}) == 4
