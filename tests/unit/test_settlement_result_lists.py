"""The treasury's list goes out as it was released and its results come back whole or not at all. 三(五)"""

from __future__ import annotations

import csv
import hashlib
import io
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from services.settlement.domain.bank_answers import RecordFailure
from services.settlement.domain.batches import OpenBatch, ReleaseBatch
from services.settlement.domain.clawbacks import CancelClawback
from services.settlement.domain.payouts import PAYOUT
from services.settlement.domain.result_lists import RecordResults
from services.settlement.domain.result_refusals import ResultListUnreadable
from services.settlement.papers.results import XLSX, read_results
from services.settlement.papers.sheets import Signed, payment_list, statement
from shared.kernel.decisions import Refusal
from shared.runtime.problems import UnsupportedContentType
from tests.unit.settlement_world import (
    APPROVER,
    BATCH,
    CLERK,
    DAY,
    ELSEWHERE,
    LAST_DAY,
    PAYER,
    PLATFORM,
    PUBLISHER,
    REGION,
    SHA,
    World,
    an_id,
    names,
)
from tests.unit.test_settlement_clawbacks import CLAWBACK_ID, PAID
from tests.unit.test_settlement_offsets import due_again, owing_world

HEADING = ["业务编号", "金额(元)", "结果", "日期", "凭证号", "失败原因"]
END_TO_END = an_id("payout").hex + "001"


def line(world: World, **changed: Any) -> dict[str, Any]:
    known = {
        "end_to_end_id": world.end_to_end_id, "amount_fen": PAID, "outcome": "paid", "on": str(world.today),
        "reference": "国库0001",
    }  # fmt: skip
    return known | changed


def results(*lines: dict[str, Any], batch: Any = BATCH) -> RecordResults:
    return RecordResults.model_validate({"batch_id": batch, "list_sha256": SHA, "lines": lines})


# -- recording ---------------------------------------------------------------------------------


def test_each_line_is_the_answer_it_would_be_by_itself() -> None:
    world = World().instructed()
    answered, paid, settled, reconciled = world.asks(PUBLISHER, results(line(world)))
    assert (reconciled.settled_fen, reconciled.failed_fen) == (paid.amount_fen, 0)
    assert (answered.status, answered.accepted, answered.rejected, answered.file_sha256) == ("settled", 1, 0, SHA)
    assert (paid.amount_fen, paid.reference, settled.paid_fen) == (PAID, "国库0001", PAID)
    failed = World().instructed()
    told = failed.asks(PUBLISHER, results(line(failed, outcome="failed", reference=None, reason_code="AC04")))
    assert names(told) == ["BatchAnswered", "PayoutFailed", "BatchReconciled"] and told[0].status == "failed"


def test_the_list_is_handed_in_by_another_person_of_the_region_than_released_it() -> None:
    world = World().instructed()
    assert world.refuses(PAYER, results(line(world))) == "result_line_wrong"
    assert world.refuses(ELSEWHERE, results(line(world))) == "not_yours"
    assert world.refuses(CLERK, results(line(world))) == "not_yours"
    assert world.refuses(PUBLISHER, results(line(world), batch=an_id("none"))) == "not_found"


def test_one_bad_line_refuses_the_list_and_every_bad_line_is_named() -> None:
    world = World().instructed()
    stranger = line(world, end_to_end_id=END_TO_END)
    world.principal = PUBLISHER
    answer = world.asks(PUBLISHER, results(line(world), stranger, line(world, end_to_end_id=an_id("p2").hex + "001")))
    assert isinstance(answer, Refusal) and answer.code == "results_defective"
    assert answer.details["count"] == 2 and "line 2" in answer.text_en and "line 3" in answer.text_en
    assert world.get(PAYOUT, world.payout_id).stage == "instructed"


@pytest.mark.parametrize(
    "changed",
    [{"amount_fen": PAID - 1}, {"reference": None}, {"outcome": "failed", "reason_code": None}, {"on": "2026-12-31"}],
    ids=["another sum", "no number", "no reason", "a day to come"],
)
def test_a_line_that_does_not_do_is_refused(changed: dict[str, Any]) -> None:
    world = World().instructed()
    assert world.refuses(PUBLISHER, results(line(world, **changed))) == "result_line_wrong"


def test_a_payment_of_another_batch_is_not_answered_by_this_one() -> None:
    world = World().instructed()
    world.does(PAYER, OpenBatch(batch_id=an_id("other"), payer=REGION, channel="treasury"))
    world.does(PLATFORM, RecordFailure(payout_id=world.payout_id, end_to_end_id=world.end_to_end_id, reason_code="AC04"))
    world.does(PAYER, ReleaseBatch(batch_id=an_id("other"), payout_ids=(world.payout_id,)))
    assert world.refuses(PUBLISHER, results(line(world))) == "result_line_wrong"
    assert world.does(PUBLISHER, results(line(world), batch=an_id("other")))[0] == "BatchAnswered"


def test_a_list_answered_before_is_refused() -> None:
    world = World().instructed()
    world.does(PUBLISHER, results(line(world)))
    assert world.refuses(PUBLISHER, results(line(world))) == "result_line_wrong"


def test_two_payments_of_one_redemption_on_one_list_settle_it_once() -> None:
    world = owing_world(1_000_000)
    due_again(world)
    first = world.payout_id
    world.does(APPROVER, CancelClawback(clawback_id=CLAWBACK_ID, decision_no="撤1号"))
    batch = an_id("both")
    world.does(PAYER, OpenBatch(batch_id=batch, payer=REGION, channel="treasury"))
    world.does(PAYER, ReleaseBatch(batch_id=batch, payout_ids=(first, world.payout_id)))
    both = [world.get(PAYOUT, one) for one in (first, world.payout_id)]
    lines = [line(world, end_to_end_id=one.end_to_end_id, amount_fen=one.amount_fen) for one in both]
    told = world.does(PUBLISHER, results(*lines, batch=batch))
    assert told == ["BatchAnswered", "PayoutSettled", "PayoutSettled", "RedemptionSettled", "BatchReconciled"]


# -- reading -----------------------------------------------------------------------------------


def as_csv(*rows: list[str], encoding: str = "utf-8-sig") -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([HEADING, *rows])
    return text.getvalue().encode(encoding)


def as_xlsx(*rows: list[Any]) -> bytes:
    book, stream = Workbook(), io.BytesIO()
    for row in (HEADING, *rows):
        book.active.append(row)
    book.save(stream)
    return stream.getvalue()


GOOD = [END_TO_END, "30,000.00", "成功", "2026-03-10", "国库0001", ""]
BAD = [END_TO_END, "30000", "失败", "2026-03-10", "", "账户不存在"]


@pytest.mark.parametrize(
    ("media_type", "body"),
    [("text/csv", as_csv(GOOD, BAD)), ("text/csv; charset=gb18030", as_csv(GOOD, BAD, encoding="gb18030")),
     (XLSX, as_xlsx(GOOD, BAD)), (XLSX, as_xlsx([END_TO_END, 30000, "成功", DAY, "国库0001", None], BAD))],
    ids=["utf-8", "gb18030", "xlsx", "xlsx with numbers"],
)  # fmt: skip
def test_a_list_is_read_as_csv_and_xlsx(media_type: str, body: bytes) -> None:
    read = read_results({b"content-type": media_type.encode()}, body)
    assert read["list_sha256"] == hashlib.sha256(body).hexdigest()
    assert [(one["amount_fen"], one["outcome"]) for one in read["lines"]] == [(3_000_000, "paid"), (3_000_000, "failed")]
    assert (read["lines"][0]["reference"], read["lines"][1]["reason_code"]) == ("国库0001", "账户不存在")


def test_everything_that_cannot_be_read_is_named_at_once() -> None:
    body = as_csv(["1", "三万", "成功", "2026-03-10", "x", ""], GOOD, [END_TO_END, "1.005", "也许", "3月10日", "", ""])
    with pytest.raises(ResultListUnreadable) as refused:
        read_results({b"content-type": b"text/csv"}, body)
    wrong = ("第2行 业务编号", "第2行 金额", "第4行 金额", "第4行 结果", "第4行 日期")
    assert all(part in refused.value.text_zh for part in wrong)
    for body in (b"", as_csv(), "业务编号\n1\n".encode(), b"\x00\xff\xfe"):
        with pytest.raises(ResultListUnreadable):
            read_results({b"content-type": b"text/csv"}, body)
    with pytest.raises(UnsupportedContentType):
        read_results({b"content-type": b"image/png"}, b"x")


# -- the sheets --------------------------------------------------------------------------------


def cells(content: bytes, sheet: str) -> list[list[Any]]:
    return [list(row) for row in load_workbook(io.BytesIO(content))[sheet].iter_rows(values_only=True)]


def test_the_payment_list_has_its_sums_in_words_a_total_and_the_persons() -> None:
    world = World().instructed()
    instructed = next(one.event for one in world.documents if one.stamp.type == "PayoutInstructed")
    released = next(one.event for one in world.documents if one.stamp.type == "BatchReleased")
    assert (instructed.line_no, instructed.payee_name, instructed.bank_code) == (1, "吴江示例实验室", "102290002916")
    batch = {**released.model_dump(mode="json"), "payer": REGION}
    number = {instructed.account_hmac: "6222000000000173"}
    content = payment_list(batch, [instructed.model_dump(mode="json")], number, Signed("opener", "releaser"))
    rows = cells(content, "拨付汇总表")
    assert rows[3][1:8] == [
        "吴江示例实验室", instructed.payee_uscc, "102290002916", "6222000000000173", "30,000.00", "叁万元整",
        instructed.end_to_end_id,
    ]  # fmt: skip
    assert rows[4][0] == "合计 1 笔" and rows[4][5:7] == ["30,000.00", "叁万元整"]
    assert rows[6][:6] == ["经办", "opener", "复核", None, "审批", "releaser"]
    filled = cells(content, "结果回填")
    assert filled[0] == HEADING and filled[1][:2] == [instructed.end_to_end_id, "30,000.00"]


def test_a_statement_has_each_sum_in_words() -> None:
    window = {"opens_on": str(DAY), "closes_on": str(LAST_DAY), "agent_id": "a", "window_id": "w"}
    position = {"region": REGION, "payable_fen": 300_000_00, "recovered_fen": 5, "asked_fen": 300_000_00, "received_fen": 1}
    rows = [row[:3] for row in cells(statement(window, position, "青浦区"), "结算单")]
    assert rows[3:8] == [
        ["本期应付", "300,000.00", "叁拾万元整"], ["本期追回", "0.05", "伍分"], ["应拨资金", "300,000.00", "叁拾万元整"],
        ["已到资金", "0.01", "壹分"], ["尚缺资金", "299,999.99", "贰拾玖万玖仟玖佰玖拾玖元玖角玖分"],
    ]  # fmt: skip
