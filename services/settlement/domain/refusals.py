"""Why a settlement step is refused. Nothing is recorded then."""

from __future__ import annotations

from shared.kernel.decisions import Refusal


class RequestDefective(Refusal):
    section = "三(四)"
    zh = "兑付申请不符合要求:{defects}"
    en = "the request has defects: {defects}"


class NoPayeeAccount(Refusal):
    status = 409
    section = "三(五)"
    zh = "收款单位{uscc}没有已确认的账户"
    en = "payee {uscc} has no confirmed account"


class SamePerson(Refusal):
    status = 403
    section = "三(四)"
    zh = "同一案件的审核、同意与拨付须由不同人员办理"
    en = "review, approval and payment of one case are for different persons"


class NotEntrusted(Refusal):
    status = 403
    section = "三(三)"
    zh = "该管理中心当日未受该区域委托审核"
    en = "this centre is not entrusted by the region to review today"


class NothingPayable(Refusal):
    section = "三(四)"
    zh = "按已履行并开票的服务计算,应付金额为零"
    en = "nothing is payable for what was performed and invoiced"


class ReceiptsTooLow(Refusal):
    status = 409
    section = "二(五)"
    zh = "到款凭证合计{received_fen}分,低于应付{needed_fen}分,应退回补正"
    en = "receipts come to {received_fen} fen where {needed_fen} are needed: return the request"


class ObjectionOpen(Refusal):
    status = 409
    section = "三(五)"
    zh = "该事项有未处理的异议"
    en = "an objection to this item is open"


class PaymentInstructed(Refusal):
    status = 409
    section = "三(五)"
    zh = "已指令拨付,不能再停止"
    en = "the payment was instructed and can be stopped no more"


class PartyHeld(Refusal):
    status = 409
    section = "二(六)"
    zh = "当事单位{uscc}已被取消资格或暂停,须个案决定"
    en = "{uscc} is barred, suspended or delisted: a person decides on this case"


class WrongRegion(Refusal):
    zh = "事项不属于该支付区域"
    en = "an item is not paid by this region"


class AnotherAttempt(Refusal):
    status = 409
    section = "三(五)"
    zh = "该回执不属于最近一次拨付指令"
    en = "the answer is not about the last attempt"


class MendingNotOver(Refusal):
    status = 409
    section = "三(四)"
    zh = "补正期限未过"
    en = "the last day for mending is not over"


class NoTermsKnown(Refusal):
    status = 409
    section = "二(四)"
    zh = "没有该区域的政策"
    en = "the region's terms are not known"
