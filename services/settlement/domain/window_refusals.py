"""Why a step of a window is refused. Nothing is recorded then. 三(五)"""

from __future__ import annotations

from shared.kernel.decisions import Refusal


class WindowNotOver(Refusal):
    status = 409
    section = "三(五)"
    zh = "{closes_on}不是已结束的结算期的最后一日"
    en = "{closes_on} is not the last day of a window that is over"


class NothingInWindow(Refusal):
    status = 409
    section = "三(五)"
    zh = "截至{closes_on}的结算期没有应付或追回"
    en = "nothing was booked for a window that closes on {closes_on}"


class MoreThanAsked(Refusal):
    status = 409
    section = "三(五)"
    zh = "该区域本期尚缺{missing_fen}分,到账{amount_fen}分"
    en = "{amount_fen} fen came, {missing_fen} are still asked of the region for this window"


class StillToPay(Refusal):
    status = 409
    section = "三(五)"
    zh = "本期尚缺资金{missing_fen}分,尚有{open}笔未付"
    en = "{missing_fen} fen of funding and {open} payments of this window are still to come"


class StillAgent(Refusal):
    status = 409
    section = "三(五)"
    zh = "该结算机构仍在任,不退回结算期资金"
    en = "the agent has not been replaced; what it was sent is for its own payments"


class NotWhatIsLeft(Refusal):
    status = 409
    section = "三(五)"
    zh = "退回{amount_fen}分,该区域本期结余为{left_fen}分"
    en = "{amount_fen} fen are returned, {left_fen} are left of the region's money for this window"


class RegionUnfunded(Refusal):
    status = 409
    section = "三(五)"
    zh = "区域{region}的结算期资金尚未到账,拨付{payout_id}等候"
    en = "payout {payout_id} waits: region {region} has not sent the money of a closed window"
