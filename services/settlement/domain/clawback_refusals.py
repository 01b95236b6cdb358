"""Why a step of taking money back is refused. Nothing is recorded then. 二(六)"""

from __future__ import annotations

from shared.kernel.decisions import Refusal


class NothingPaid(Refusal):
    status = 409
    section = "二(六)"
    zh = "该兑付申请尚无已付款项,付款前由检查发现暂缓拨付"
    en = "nothing of this redemption is paid: before payment a finding holds the payout instead"


class MoreThanPaid(Refusal):
    status = 409
    section = "二(六)"
    zh = "该兑付申请可追回{most_fen}分,拟追回{asked_fen}分"
    en = "{asked_fen} fen asked; {most_fen} fen of this redemption can still be taken back"


class DebtorElsewhere(Refusal):
    section = "二(六)"
    zh = "{uscc}不是该创新券的企业或服务机构"
    en = "{uscc} is neither the enterprise nor the provider of this voucher"


class DecisionUsed(Refusal):
    status = 409
    section = "二(六)"
    zh = "文号{decision_no}已是上一次决定的文号"
    en = "{decision_no} is the number of the order that stands: a new order has a number of its own"


class LessThanRecovered(Refusal):
    status = 409
    section = "二(六)"
    zh = "已追回(含抵扣在途){recovered_fen}分,不能改为{asked_fen}分"
    en = "{recovered_fen} fen have come back or are being set off; the order cannot become {asked_fen}"


class InstalmentsDiffer(Refusal):
    section = "二(六)"
    zh = "分期合计{total_fen}分与追回金额{amount_fen}分不符"
    en = "the instalments add up to {total_fen} fen, the order is of {amount_fen}"


class MoreThanOwed(Refusal):
    status = 409
    section = "二(六)"
    zh = "尚欠{left_fen}分,收到{amount_fen}分"
    en = "{amount_fen} fen came, {left_fen} are owed: the rest goes back to who sent it"


class FiscalYearOutside(Refusal):
    section = "二(六)"
    zh = "会计年度{fiscal_year}须在付款年度{paid_year}与当前年度{year}之间"
    en = "fiscal year {fiscal_year} is not between {paid_year}, when it was paid, and {year}"


class ReceivedTomorrow(Refusal):
    section = "二(六)"
    zh = "到账日期{on}晚于业务日"
    en = "the money is said to have come on {on}, a day to come"


class AlreadyRecovered(Refusal):
    status = 409
    section = "二(六)"
    zh = "已追回{recovered_fen}分,不能撤销;应以新的决定改为已追回金额"
    en = "{recovered_fen} fen have come back: order a new total instead of cancelling"
