"""The file a bank is sent: valid, whole, the same bytes for the same batch. 三(五)"""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from lxml import etree
from tongdui_events.policy import Channels

from services.settlement.bank import pain001
from services.settlement.bank.desk import BANK, BankAccount
from services.settlement.domain.accounts import AccountDetails
from services.settlement.domain.agents import AppointAgent
from services.settlement.domain.batches import Instruction, OpenBatch, ReleaseBatch, end_to_end_id, message_id
from services.settlement.domain.payment import BANKS
from shared.kernel.commands import Principal
from shared.kernel.decisions import Refusal
from tests.unit.settlement_world import AGENT, BATCH, DAY, OPERATOR, REGION, World, an_id

PAYER = pain001.Payer("示例清算有限公司", "31050166360000000123", "105290068016")
PAYEES = {"5234050000000TEX98": pain001.Payee("马鞍山市材料检测所(示例)·𫖯", "6222000000000173")}
DETAILS = AccountDetails("0" * 64, "0173", "102290002916")
NS = {"p": pain001.NAMESPACE}
CLEARER = Principal(sub="clearer-1", role="agent", member_of=AGENT)


def lines(*fen: int) -> list[Instruction]:
    told = []
    for number, amount in enumerate(fen, 1):
        payout = UUID(int=number)
        told.append(Instruction(payout, None, end_to_end_id(payout, 1), 1, "5234050000000TEX98", amount, DETAILS))
    return told


def rendered(*fen: int) -> bytes:
    return pain001.render(message_id(BATCH), date(2026, 3, 2), PAYER, lines(*fen), PAYEES)


def test_count_and_sum_stand_in_group_header_and_payment_information() -> None:
    tree = etree.fromstring(rendered(1, 3_000_000, 99))
    for place in ("p:CstmrCdtTrfInitn/p:GrpHdr", "p:CstmrCdtTrfInitn/p:PmtInf"):
        assert tree.findtext(f"{place}/p:NbOfTxs", namespaces=NS) == "3"
        assert Decimal(tree.findtext(f"{place}/p:CtrlSum", namespaces=NS)) == Decimal("30001.00")
    amounts = tree.findall(".//p:InstdAmt", NS)
    assert [one.text for one in amounts] == ["0.01", "30000.00", "0.99"]
    assert {one.get("Ccy") for one in amounts} == {"CNY"}


def test_chinese_names_and_cnaps_members_are_intact() -> None:
    tree = etree.fromstring(rendered(100))
    assert tree.findtext(".//p:Cdtr/p:Nm", namespaces=NS) == PAYEES["5234050000000TEX98"].name
    assert tree.findtext(".//p:Dbtr/p:Nm", namespaces=NS) == PAYER.name
    assert [one.text for one in tree.findall(".//p:MmbId", NS)] == ["105290068016", "102290002916"]
    assert {one.text for one in tree.findall(".//p:ClrSysId/p:Prtry", NS)} == {"CNAPS"}


def test_the_same_batch_is_the_same_bytes() -> None:
    assert rendered(5, 6) == rendered(5, 6) != rendered(6, 5)


def test_what_the_schema_or_the_alphabet_of_ids_refuses_does_not_go_out() -> None:
    with pytest.raises(pain001.FileInvalid):
        pain001.render("a-b", date(2026, 3, 2), PAYER, lines(1), PAYEES)
    with pytest.raises(pain001.FileInvalid):
        pain001.render("a", date(2026, 3, 2), PAYER._replace(account="9" * 35), lines(1), PAYEES)
    with pytest.raises(pain001.FileInvalid):
        pain001.render("a", date(2026, 3, 2), PAYER, [], PAYEES)


class FakeVault:
    """Private tables in memory."""

    def __init__(self, numbers: dict[str, str]) -> None:
        self.known, self.files = numbers, {}

    def numbers(self, account_hmacs: list[str]) -> dict[str, str]:
        return {one: self.known[one] for one in account_hmacs if one in self.known}

    def keep_file(self, message_id: str, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self.files[digest] = content
        return digest


@pytest.fixture
def agents_world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(channel=Channels(tongyong="treasury", tongdui="agent")).scheduled()
    world.does(OPERATOR, AppointAgent(agent_id=AGENT, name=PAYER.name, regions=(REGION,), from_on=DAY))
    world.does(CLEARER, OpenBatch(batch_id=an_id("file"), payer=str(AGENT), channel="agent"))
    account = BankAccount(name=PAYER.name, account=PAYER.account, bank_code=PAYER.bank_code)
    monkeypatch.setattr(BANKS, "files", BANK)
    monkeypatch.setattr(BANK, "payers", {str(AGENT): account})
    return world


def test_a_release_states_the_digest_of_bytes_that_are_kept(agents_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from shared.kernel.keyed_digest import keyed_digest

    number = "6222000000000173"
    vault = FakeVault({keyed_digest(number): number})
    monkeypatch.setattr(BANK, "vault", vault)
    command = ReleaseBatch(batch_id=an_id("file"), payout_ids=(agents_world.payout_id,))
    released, instructed = agents_world.asks(CLEARER, command)
    tree = etree.fromstring(vault.files[released.file_sha256])
    assert tree.findtext(".//p:MsgId", namespaces=NS) == released.message_id
    assert tree.findtext(".//p:EndToEndId", namespaces=NS) == instructed.end_to_end_id
    assert tree.findtext(".//p:CdtrAcct//p:Othr/p:Id", namespaces=NS) == number
    assert number not in released.model_dump_json() + instructed.model_dump_json()


def test_a_payee_whose_number_is_not_known_is_not_instructed(agents_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BANK, "vault", FakeVault({}))
    command = ReleaseBatch(batch_id=an_id("file"), payout_ids=(agents_world.payout_id,))
    refused = agents_world.asks(CLEARER, command)
    assert isinstance(refused, Refusal) and refused.code == "account_number_missing"
