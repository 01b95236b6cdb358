"""Why a treasury's result list is refused, whole: nothing of it is recorded then. 三(五)"""

from __future__ import annotations

from shared.kernel.decisions import Refusal


class ResultLineWrong(Refusal):
    status = 409
    section = "三(五)"
    zh = "第{line}行({end_to_end_id}):{zh}"
    en = "line {line} ({end_to_end_id}): {en}"


class NotATreasuryList(Refusal):
    status = 409
    section = "三(五)"
    zh = "该批次不是已发出的国库拨付清单"
    en = "this batch is no treasury list that was released"


class ResultListUnreadable(Refusal):
    section = "三(五)"
    zh = "结果清单无法读取:{why}"
    en = "the result list cannot be read: {why}"


class BatchIncomplete(Refusal):
    status = 409
    section = "三(五)"
    zh = "批次共{count}笔,所述为{said}笔"
    en = "{said} payments of the batch are named, it has {count}"


class StillUnderWay(Refusal):
    status = 409
    section = "三(五)"
    zh = "该批次尚有{open}笔没有最终结果"
    en = "{open} payments of the batch have no last word yet"
