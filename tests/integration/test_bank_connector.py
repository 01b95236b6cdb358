"""A real bank process beside the platform: every answer it can give, and none, and the state each leads to. 三(五)"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.settlement.bank.connector import Connector
from services.settlement.bank.lines import Folders
from services.settlement.bank.platform_client import Settlement
from services.settlement.bank.spool import Spool
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
    await world.connect_process("connector.after_send")
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


async def test_a_refused_statement_counts_once_two_persons_of_the_agent_have_said_so(world: BankWorld) -> None:
    await world.bank.behave("AGENT", "statement-gap")
    await world.release(1)
    await world.connect()
    await world.next_day()
    await world.connect()
    [name] = world.aside()
    first = await world.override(name, "clearer-1")
    again = await world.override(name, "clearer-1")
    assert (first[0], again[0]) == (0, 2) and "another person" in first[1] + again[1], (first, again)
    assert world.folder("aside") == [name, f"{name}.why.txt"]
    second = await world.override(name, "clearer-2")
    assert second[0] == 0 and "overridden" in second[1]
    await world.world.rest()
    code, said = await world.connect()
    assert (code, world.folder("incoming")) == (0, []), said
    assert await world.recorded("StatementOverridden") == 1


async def test_the_bank_answers_a_batch_and_it_is_reconciled_when_its_last_payment_has_its_last_word(world: BankWorld) -> None:
    await world.bank.change("AGENT", behaviour="insufficient-funds", balance=PAID_FEN)
    message = await world.release(1, 2)
    await world.connect()
    assert sorted(await world.states((1, 2))) == ["failed", "settled"]
    batch = await world.batch(message)
    assert [(one["status"], one["accepted"], one["rejected"]) for one in batch["answers"]] == [("partly_rejected", 1, 1)]
    assert (batch["state"], batch["settled_fen"], batch["failed_fen"]) == ("reconciled", PAID_FEN, PAID_FEN)
    await world.bank.change("AGENT", behaviour="silent", balance=10 * PAID_FEN)
    waiting = await world.release(3)
    await world.connect()
    assert (await world.batch(waiting))["state"] in ("released", "reconciled")
    await world.next_day()
    await world.connect()
    assert ((await world.batch(waiting))["state"], await world.recorded("BatchReconciled")) == ("reconciled", 2)


@pytest.mark.parametrize("line", [f"connector.after_{step}" for step in ("fetch", "send", "collect", "answer")])
async def test_a_connector_killed_at_any_line_pays_nobody_twice(world: BankWorld, line: str) -> None:
    await world.release(*ALL)
    await world.connect_process(line)
    await world.connect_process()
    await world.connect()
    await world.next_day()
    await world.connect()
    assert await world.states() == ["settled"] * 4
    for number in ALL:
        assert len(await world.bank.booked((await world.payout(number))["end_to_end_id"])) == 1
    assert (await world.recorded("PayoutSettled"), await world.recorded("RedemptionSettled")) == (4, 4)
    assert len({case_of(number)[2] for number in ALL}) == 4


# -- answers out of order, twice, late, of another day or account ----------------------------------------


def booked(end_to_end_id: str, on: str, name: str = "camt.054") -> bytes:
    """A notification of one booked payment."""
    amount = f'<Amt Ccy="CNY">{PAID_FEN // 100}.00</Amt>'
    entry = (f"<Ntry>{amount}<CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{on}</Dt></BookgDt>"
             f"<NtryDtls><TxDtls><Refs><EndToEndId>{end_to_end_id}</EndToEndId></Refs>{amount}</TxDtls></NtryDtls></Ntry>")
    namespace = f"urn:iso:std:iso:20022:tech:xsd:{name}.001.08"
    inside = f"<BkToCstmrDbtCdtNtfctn><Ntfctn>{entry}</Ntfctn></BkToCstmrDbtCdtNtfctn>"
    return f'<Document xmlns="{namespace}">{inside}</Document>'.encode()


def came_back(end_to_end_id: str, on: str) -> bytes:
    amount = f'<RtrdIntrBkSttlmAmt Ccy="CNY">{PAID_FEN // 100}.00</RtrdIntrBkSttlmAmt>'
    return ('<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.004.001.09"><PmtRtr><TxInf>'
            f"<OrgnlEndToEndId>{end_to_end_id}</OrgnlEndToEndId>{amount}<IntrBkSttlmDt>{on}</IntrBkSttlmDt><RtrRsnInf><Rsn>"
            "<Cd>AC04</Cd></Rsn></RtrRsnInf></TxInf></PmtRtr></Document>").encode()  # fmt: skip


async def test_a_return_that_comes_before_its_payment_waits_for_it(world: BankWorld) -> None:
    await world.release(1)
    world.arrive("00-return.xml", came_back((await world.payout(1))["end_to_end_id"], str(world.day)))
    await world.connect()
    assert (await world.states((1,)), world.folder("incoming")) == (["settled"], ["00-return.xml"])
    await world.connect()
    assert (await world.states((1,)), world.folder("incoming")) == (["returned"], [])


async def test_an_answer_that_comes_twice_counts_once(world: BankWorld) -> None:
    await world.release(1)
    content = booked((await world.payout(1))["end_to_end_id"], str(world.day))
    world.arrive("00-first.xml", content)
    world.arrive("01-again.xml", content)
    for _ in range(2):
        code, said = await world.connect()
        assert code == 0, said
    assert (await world.recorded("PayoutSettled"), world.folder("incoming"), world.aside()) == (1, [], {})


async def test_an_answer_of_tomorrow_waits_for_the_day(world: BankWorld) -> None:
    await world.bank.behave("AGENT", "reject-file")
    await world.release(1)
    name = (await world.payout(1))["end_to_end_id"]
    world.arrive("00-early.xml", booked(name, str(world.day + timedelta(days=1))))
    await world.connect()
    assert world.folder("incoming") == ["00-early.xml"]
    await world.next_day()
    code, said = await world.connect()
    assert code == 0, said
    assert await world.states((1,)) == ["settled"], "a late success after a failure is recorded"


async def test_money_that_moved_for_an_attempt_that_was_given_up_is_shown_to_a_person(world: BankWorld) -> None:
    await world.bank.behave("AGENT", "reject-file")
    await world.release(1)
    first = (await world.payout(1))["end_to_end_id"]
    await world.connect()
    assert await world.states((1,)) == ["failed"]
    await world.release(1)
    world.arrive("00-late.xml", booked(first, str(world.day)))
    code, said = await world.connect()
    assert code == 1, said
    assert "unknown_attempt" in world.aside()["00-late.xml"] and first in world.aside()["00-late.xml"]


async def test_what_cannot_be_acted_on_is_set_aside_with_the_reason_and_stops_nothing(world: BankWorld) -> None:
    await world.release(1)
    world.arrive("00-noise.xml", b"<html>service unavailable</html>")
    world.arrive("01-unknown.xml", booked("E" * 35, str(world.day)))
    code, said = await world.connect()
    assert code == 1, said
    assert sorted(world.aside()) == ["00-noise.xml", "01-unknown.xml"]
    assert await world.states((1,)) == ["settled"]


async def test_a_payment_that_hears_nothing_is_uncertain_by_the_deadline_and_not_instructed_again(world: BankWorld) -> None:
    await world.release(1)
    for number in range(1, 7):
        await world.open_day(world.day + timedelta(days=number))
        expected = "instructed" if number <= 5 else "uncertain"
        assert await world.states((1,)) == [expected]
    await world.release(1, status=409)
    await world.connect()
    assert await world.states((1,)) == ["settled"], "the enquiry found it paid"


async def test_a_statement_is_reconciled_by_a_command_with_its_exit_codes(world: BankWorld) -> None:
    await world.release(1, 2)
    await world.connect()
    await world.next_day()
    await world.connect()
    [statement] = [path for path in (world.spool / "done").iterdir() if b"camt.053" in path.read_bytes()]
    code, said = await world.reconcile(statement)
    assert code == 0 and "2 matched" in said, said
    strange = statement.with_name("strange.xml")
    known = (await world.payout(1))["end_to_end_id"].encode()
    strange.write_bytes(statement.read_bytes().replace(known, b"Z" * 35))
    code, said = await world.reconcile(strange, "--xlsx", str(world.spool / "breaks.xlsx"))
    assert code == 1 and "未知付款" in said and "应付未见" in said, said
    assert (world.spool / "breaks.xlsx").stat().st_size > 1000
    assert (await world.reconcile(world.spool / "none.xml"))[0] == 2


async def test_a_statement_that_waits_holds_back_those_after_it_and_none_is_refused(world: BankWorld) -> None:
    """The bank's clock runs two days ahead of the platform's: its statements are of days that have not come."""
    await world.release(1)
    await world.connect()
    await world.release(2)
    for _ in range(2):
        await world.bank.advance()
    await world.connect()
    assert world.aside() == {}
    for days in (1, 2):
        await world.open_day(world.day + timedelta(days=days))
        await world.connect()
    await world.connect()
    assert (world.aside(), world.folder("incoming")) == ({}, [])


def test_folders_carry_files_both_ways_and_a_name_used_again_loses_nothing(tmp_path: Path) -> None:
    out, back, spool = tmp_path / "out", tmp_path / "back", Spool(tmp_path / "spool")
    out.mkdir()
    back.mkdir()
    line = Folders(out, back)
    connector = Connector(NobodyKnows(), line, spool, UUID(int=1), "CN1")
    spool.put("outgoing", "M1.xml", b"the released bytes")
    early = came_back("a" * 32 + "001", "2026-03-02"), came_back("b" * 32 + "001", "2026-03-02")
    for content in early:
        (back / "answer.xml").write_bytes(content)
        done = connector.run_once()
    assert (out / "M1.xml").read_bytes() == b"the released bytes" and (spool.root / "sent" / "M1.xml").exists()
    assert list(back.iterdir()) == [] and len(done.waiting) == 2
    assert {content for _, content in spool.files("incoming")} == set(early)


class NobodyKnows(Settlement):
    """A platform on which every payment is still out."""

    def __init__(self) -> None:
        pass

    def released(self, agent_id: UUID) -> Iterator[dict[str, Any]]:
        return iter(())

    def record(self, payout_id: UUID, step: str, body: dict[str, Any], key: UUID) -> dict[str, Any]:
        return {"code": "not_paid_yet", "detail": "not yet"}
