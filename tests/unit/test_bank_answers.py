"""What a bank says, read: statuses, bookings, statements, returns; and what is no answer that can be acted on."""

from __future__ import annotations

from datetime import date

import pytest

from services.settlement.bank.answers import Said, Unreadable, read, read_sent
from services.settlement.bank.reconciling import cells, reconcile
from tests.unit.test_bank_pain001 import rendered

FIRST, SECOND = "a" * 32 + "001", "b" * 32 + "001"
DAY = date(2026, 3, 2)


def document(message: str, version: str, body: str) -> bytes:
    namespace = f"urn:iso:std:iso:20022:tech:xsd:{message}.001.{version}"
    return f'<?xml version="1.0"?><Document xmlns="{namespace}"><!-- as banks do -->{body}</Document>'.encode()


def status(group: str = "", lines: str = "", version: str = "10") -> bytes:
    heading = f"<OrgnlMsgId>M1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{group}"
    inside = f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>M1</OrgnlPmtInfId>{lines}</OrgnlPmtInfAndSts>" if lines else ""
    return document("pain.002", version, f"<CstmrPmtStsRpt><GrpHdr><MsgId>B1</MsgId></GrpHdr><OrgnlGrpInfAndSts>{heading}"
                    f"</OrgnlGrpInfAndSts>{inside}</CstmrPmtStsRpt>")  # fmt: skip


def line(end_to_end_id: str, stated: str, reason: str = "") -> str:
    why = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>" if reason else ""
    return f"<TxInfAndSts><OrgnlEndToEndId>{end_to_end_id}</OrgnlEndToEndId><TxSts>{stated}</TxSts>{why}</TxInfAndSts>"


def entry(
    end_to_end_id: str | None, yuan: str, way: str = "DBIT", came_back: str = "", currency: str = "CNY", booked: str = "BOOK"
) -> str:
    name = f"<Refs><EndToEndId>{end_to_end_id}</EndToEndId></Refs>" if end_to_end_id else ""
    back = f"<RtrInf><Rsn><Cd>{came_back}</Cd></Rsn></RtrInf>" if came_back else ""
    amount = f'<Amt Ccy="{currency}">{yuan}</Amt>'
    return (f"<Ntry>{amount}<CdtDbtInd>{way}</CdtDbtInd><Sts><Cd>{booked}</Cd></Sts><BookgDt><Dt>2026-03-02</Dt></BookgDt>"
            f"<AcctSvcrRef>R1</AcctSvcrRef><NtryDtls><TxDtls>{name}{amount}{back}</TxDtls></NtryDtls></Ntry>")  # fmt: skip


def statement(entries: str, opening: str = "100.00", closing: str = "70.00", account: str = "31050166") -> bytes:
    def balance(code: str, yuan: str) -> str:
        return (f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">{yuan}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
                "<Dt><Dt>2026-03-02</Dt></Dt></Bal>")  # fmt: skip

    inside = f"<Id>S1</Id><Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>CNY</Ccy></Acct>"
    balances = balance("OPBD", opening) + balance("CLBD", closing)
    return document("camt.053", "08", f"<BkToCstmrStmt><Stmt>{inside}{balances}{entries}</Stmt></BkToCstmrStmt>")


# -- pain.002 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["03", "10", "12"])
def test_each_payments_own_status_counts_in_whatever_version(version: str) -> None:
    said = read(status("<GrpSts>PART</GrpSts>", line(FIRST, "ACCP") + line(SECOND, "RJCT", "AC04"), version)).said
    assert said == (Said("accepted", FIRST, "M1"), Said("failed", SECOND, "M1", reason="AC04"))


def test_a_rejected_file_is_said_of_every_payment_in_it() -> None:
    group = "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>FF01</Cd></Rsn></StsRsnInf>"
    assert read(status(group)).said == (Said("failed", None, "M1", reason="FF01"),)


@pytest.mark.parametrize("reason", ["DUPL", "AM05"])
def test_received_before_is_uncertain_and_never_failed(reason: str) -> None:
    group = f"<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>"
    assert [one.kind for one in read(status(group)).said] == ["uncertain"]
    assert [one.kind for one in read(status("", line(FIRST, "RJCT", reason))).said] == ["uncertain"]


def test_a_payment_information_that_is_rejected_whole_is_said_of_its_file() -> None:
    whole = "<PmtInfSts>RJCT</PmtInfSts><StsRsnInf><Rsn><Cd>RR04</Cd></Rsn></StsRsnInf>"
    assert read(status("<GrpSts>RJCT</GrpSts>", whole)).said == (Said("failed", None, "M1", reason="RR04"),)


# -- camt and pacs ---------------------------------------------------------------------------------------


def test_a_statement_that_adds_up_gives_its_entries_and_its_balances() -> None:
    answer = read(statement(entry(FIRST, "40.00") + entry(SECOND, "10.00", "CRDT", "AC04"), closing="70.00"))
    assert [(one.kind, one.end_to_end_id, one.fen, one.on) for one in answer.said] == [
        ("settled", FIRST, 4000, DAY), ("returned", SECOND, 1000, DAY)]
    assert answer.statement is not None
    assert (answer.statement.account, answer.statement.opening_fen, answer.statement.closing_fen) == ("31050166", 10_000, 7_000)


def test_an_entry_that_is_only_pending_is_no_entry() -> None:
    answer = read(statement(entry(FIRST, "30.00") + entry(SECOND, "5.00", booked="PDNG")))
    assert [one.end_to_end_id for one in answer.said] == [FIRST]


def test_money_that_comes_in_without_a_payment_of_ours_is_no_return() -> None:
    assert [one.kind for one in read(statement(entry(None, "30.00", "CRDT"), closing="130.00")).said] == ["accepted"]


def test_a_return_names_its_payment_sum_day_and_reason() -> None:
    body = (f"<PmtRtr><GrpHdr><MsgId>P1</MsgId></GrpHdr><TxInf><RtrId>R9</RtrId><OrgnlEndToEndId>{FIRST}</OrgnlEndToEndId>"
            '<OrgnlIntrBkSttlmDt>2026-02-27</OrgnlIntrBkSttlmDt><RtrdIntrBkSttlmAmt Ccy="CNY">30.00</RtrdIntrBkSttlmAmt>'
            "<IntrBkSttlmDt>2026-03-02</IntrBkSttlmDt><RtrRsnInf><Rsn><Cd>AC04</Cd></Rsn></RtrRsnInf></TxInf></PmtRtr>")
    (said,) = read(document("pacs.004", "09", body)).said
    assert (said.kind, said.end_to_end_id, said.fen, said.on, said.reason) == ("returned", FIRST, 3000, DAY, "AC04")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (statement(entry(FIRST, "30.00", currency="EUR")), "EUR"),
        (statement(entry(FIRST, "30.005")), "no whole number of fen"),
        (statement(entry(FIRST, "-30.00")), "no whole number of fen"),
        (b"<Document/>", "no namespace"),
        (b"not xml", "not well-formed"),
        (b"", "not well-formed"),
        (document("pain.001", "09", "<CstmrCdtTrfInitn/>"), "no answer"),
        (document("pain.002", "10", "<CstmrPmtStsRpt/>"), "names the file"),
        (document("camt.053", "08", "<BkToCstmrStmt/>"), "0 statements"),
        (b'<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + statement(entry("&e;", "30.00"))[21:], "document type"),
    ],
)
def test_what_is_no_answer_is_refused_with_the_reason(content: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(content)


def test_a_statement_that_does_not_add_up_says_by_how_much() -> None:
    answer = read(statement(entry(FIRST, "30.00"), closing="70.01"))
    assert answer.statement is not None
    with pytest.raises(Unreadable, match="1 fen are missing"):
        answer.statement.ensure_adds_up()


def test_what_was_sent_is_read_back_with_every_payment() -> None:
    sent = read_sent(rendered(1, 3_000_000))
    assert sorted(sent.fen.values()) == [1, 3_000_000] and len(sent.message_id) == 32


# -- reconciling -----------------------------------------------------------------------------------------


def row(end_to_end_id: str, fen: int, state: str = "settled", settled_on: str | None = None) -> dict[str, object]:
    return {"end_to_end_id": end_to_end_id, "amount_fen": fen, "state": state, "settled_on": settled_on}


def test_every_entry_is_matched_or_named_as_the_break_it_is() -> None:
    third, fourth = "c" * 32 + "001", "d" * 32 + "001"
    entries = "".join([
        entry(FIRST, "10.00"), entry(FIRST, "10.00"), entry(SECOND, "5.00"), entry("unheard-of", "1.00"),
        entry(None, "2.00", "CRDT"), entry(third, "3.00", "CRDT", "AC04"),
    ])  # fmt: skip
    answer = read(statement(entries, closing="79.00"))
    ours = [row(FIRST, 1000), row(SECOND, 501), row(third, 300, "returned"), row(fourth, 700, settled_on="2026-03-02")]
    lines = reconcile(answer, ours)
    assert [line.result for line in lines] == ["matched", "duplicate", "amount", "unknown", "credit", "returned", "missing"]
    assert [line.is_break for line in lines] == [False, True, True, True, False, True, True]
    assert cells(lines[2])[:4] == ("金额不符", SECOND, "5.00", "5.01")


def test_only_a_statement_is_reconciled() -> None:
    with pytest.raises(ValueError, match="no statement"):
        reconcile(read(status("<GrpSts>ACCP</GrpSts>")), [])
