"""Why a voucher's step is refused. Nothing is recorded then."""

from __future__ import annotations

from shared.kernel.decisions import Refusal


class UnknownEnterprise(Refusal):
    section = "二(二)"
    zh = "企业{uscc}未在平台登记"
    en = "enterprise {uscc} is not registered"


class ContractLineAlreadyClaimed(Refusal):
    status = 409
    section = "三(一)"
    zh = "合同{contract_no}第{line_no}行已用于另一张有效创新券"
    en = "line {line_no} of contract {contract_no} backs another live voucher"


class UseByPassed(Refusal):
    status = 409
    section = "三(二)"
    zh = "提交合同的最后期限{use_by}已过"
    en = "the last day to submit the contract was {use_by}"


class RedeemByPassed(Refusal):
    status = 409
    section = "三(四)"
    zh = "申请兑付的最后期限{redeem_by}已过"
    en = "the last day to request payment was {redeem_by}"


class SignedInTheFuture(Refusal):
    section = "三(二)"
    zh = "签订日期{signed_on}晚于业务日"
    en = "the contract was signed on {signed_on}, after the business day"


class NotEntrusted(Refusal):
    status = 403
    section = "三(三)"
    zh = "该管理中心当日未受该区域委托核定额度"
    en = "this centre is not entrusted by the region to allocate today"


class NoTermsInForce(Refusal):
    status = 409
    section = "二(四)"
    zh = "该区域当日没有生效的政策"
    en = "the region has no terms in force today"


class PartySuspended(Refusal):
    status = 409
    section = "二(六)"
    zh = "当事单位已被取消资格或暂停,须由有关部门个案决定"
    en = "a party is barred, suspended or delisted: a person decides on this case"


class NotPastItsLastDay(Refusal):
    status = 409
    section = "三(四)"
    zh = "创新券期限未过"
    en = "its last day is not over"


class DatesTheWrongWayRound(Refusal):
    zh = "新期限不得早于原期限,且提交期限不得晚于兑付期限"
    en = "a new last day is not before the old one, and use_by not after redeem_by"


class EnterpriseIsProvider(Refusal):
    section = "二(六)"
    zh = "申领企业与服务机构不得为同一单位"
    en = "an enterprise cannot be its own provider"


class SupportAlreadyRecorded(Refusal):
    status = 409
    section = "三"
    zh = "本地支持{reference}已有记录"
    en = "local support {reference} is on file already"


class SupportedInTheFuture(Refusal):
    section = "三"
    zh = "支持日期{on}晚于业务日"
    en = "the support was given on {on}, after the business day"


class SupportedLocally(Refusal):
    status = 409
    section = "三"
    zh = "该合同已获本地支持({reference}),同一项目不得重复支持"
    en = "this contract had local support ({reference}); the same project is not supported twice"


class NothingToAppeal(Refusal):
    status = 409
    section = "二(六)"
    zh = "该案没有可申诉的决定,或申诉正在办理"
    en = "there is no decision to appeal against, or an appeal is open"


class AppealTooLate(Refusal):
    status = 409
    section = "二(六)"
    zh = "申诉期限{last}已过"
    en = "the last day to appeal was {last}"


class SamePerson(Refusal):
    status = 403
    section = "二(六)"
    zh = "申诉须由作出原决定者以外的人员决定"
    en = "an appeal is decided by another person than the one it is against"


class CeilingExhausted(Refusal):
    status = 409
    section = "二(四)"
    zh = "{year}年度限额{kind}剩余{left_fen}分,不足以恢复原预占"
    en = "{left_fen} fen are left of {kind} {year}, less than the voucher held"


class NothingEligible(Refusal):
    status = 409
    section = "三(三)"
    zh = "更正后没有可核定的金额:{reason}"
    en = "nothing could be allocated after this correction: {reason}"
