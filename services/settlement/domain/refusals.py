"""Why a step of redemption or payment is refused. Nothing is recorded then.

::

    Refusal
    ├── about the request      VoucherNotOpen … MendingNotOver; several at once: RequestDefective
    ├── about people           NotEntrusted, SamePerson
    ├── about review, notice   NoTermsInForce … TooLateToObject
    └── about payment          AccountMissing … AgentElsewhere; several at once: ReleaseDefective
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.kernel.decisions import Refusal

# -- several at once ---------------------------------------------------------------------------


class _Several(Refusal):
    """Everything that is wrong, named at once; ``defects`` holds each refusal."""

    section = "三(四)"

    def __init__(self, defects: Sequence[Refusal]) -> None:
        en = "; ".join(f"{defect.code}: {defect.text_en}" for defect in defects)
        zh = ";".join(defect.text_zh for defect in defects)
        super().__init__(defects[0].field, count=len(defects), en=en, zh=zh)
        self.defects = tuple(defects)


class RequestDefective(_Several):
    zh = "申请有{count}处不符:{zh}"
    en = "{count} things do not do: {en}"


class ReleaseDefective(_Several):
    section = "三(五)"
    zh = "批次中有{count}处不符:{zh}"
    en = "{count} things forbid the release: {en}"


class ResultsDefective(_Several):
    section = "三(五)"
    zh = "结果清单有{count}处不符:{zh}"
    en = "{count} lines of the result list do not do: {en}"


def defective(kind: type[_Several], defects: Sequence[Refusal]) -> Refusal | None:
    """None where nothing is wrong, the refusal itself where one thing is, else all of them in one."""
    if len(defects) > 1:
        return kind(defects)
    return defects[0] if defects else None


# -- the request -------------------------------------------------------------------------------


class VoucherNotOpen(Refusal):
    status = 409
    section = "三(四)"
    zh = "创新券已终结({state})"
    en = "the voucher has ended: {state}"


class NothingAllocated(Refusal):
    status = 409
    section = "三(三)"
    zh = "该创新券尚未核定额度"
    en = "nothing was allocated to this voucher"


class VoucherNotHandedOver(Refusal):
    status = 409
    section = "三(四)"
    zh = "创新券尚未交付(通兑模式须由服务机构收取)"
    en = "the voucher was not handed over, or in tongdui not collected"


class RedeemByPassed(Refusal):
    status = 409
    section = "三(四)"
    zh = "申请兑付的最后期限{redeem_by}已过"
    en = "the last day to request payment was {redeem_by}"


class RedemptionUnderWay(Refusal):
    status = 409
    section = "三(四)"
    zh = "该创新券已有一笔兑付申请在办({redemption_id})"
    en = "redemption {redemption_id} of this voucher is under way"


class ClaimOverAllocation(Refusal):
    section = "三(四)"
    zh = "申请金额{claimed_fen}分超过核定额度{allocation_fen}分"
    en = "{claimed_fen} fen claimed of {allocation_fen} allocated"


class UnknownLine(Refusal):
    section = "三(四)"
    zh = "合同没有第{line_no}行"
    en = "the contract has no line {line_no}"


class RepeatedLine(Refusal):
    section = "三(四)"
    zh = "第{line_no}行重复"
    en = "line {line_no} is named twice"


class LinesOverAllotments(Refusal):
    section = "三(四)"
    zh = "各行开票金额合计{lines_fen}分超过发票分摊合计{allotted_fen}分"
    en = "the lines say {lines_fen} fen invoiced, the invoices allot {allotted_fen}"


class RepeatedInvoice(Refusal):
    section = "三(四)"
    zh = "发票{number}重复"
    en = "invoice {number} is named twice"


class InvoiceOfAnotherBuyer(Refusal):
    section = "三(四)"
    zh = "发票{number}的购买方不是申领企业"
    en = "the buyer of invoice {number} is not the enterprise"


class InvoiceOfAnotherSeller(Refusal):
    section = "三(四)"
    zh = "发票{number}的销售方不是服务机构或其申报的分支机构"
    en = "the seller of invoice {number} is neither the provider nor a branch it declared"


class InvoiceDateOutside(Refusal):
    section = "三(四)"
    zh = "发票{number}的开票日期{issued_on}早于合同签订日或晚于业务日"
    en = "invoice {number} of {issued_on} is older than the contract or of a day to come"


class InvoiceTotalDiffers(Refusal):
    status = 409
    section = "三(四)"
    zh = "发票{number}的价税合计此前登记为{first_fen}分"
    en = "the first claim on invoice {number} fixed its total at {first_fen} fen"


class InvoiceExhausted(Refusal):
    status = 409
    section = "三(四)"
    zh = "发票{number}可分摊余额{free_fen}分,不足{allotted_fen}分"
    en = "invoice {number} has {free_fen} fen left, less than {allotted_fen}"


class InvoiceSupportedLocally(Refusal):
    status = 409
    section = "三"
    zh = "发票{number}已获本地支持({reference}),同一项目不得重复支持"
    en = "invoice {number} had local support ({reference}); the same project is not supported twice"


class ReceiptBetweenOthers(Refusal):
    section = "三(四)"
    zh = "到款凭证的付款方与收款方不是该企业与该服务机构"
    en = "a receipt is not between the enterprise and the provider"


class ReceiptDateOutside(Refusal):
    section = "三(四)"
    zh = "到款日期{paid_on}早于合同签订日或晚于业务日"
    en = "a receipt of {paid_on} is older than the contract or of a day to come"


class EvidenceMissing(Refusal):
    section = "三(四)"
    zh = "缺少材料:{kind}"
    en = "a document is missing: {kind}"


class ReceiptsTooLow(Refusal):
    status = 409
    section = "二(五)"
    zh = "到款合计{received_fen}分,少于应付{wanted_fen}分,应退回补差"
    en = "receipts of {received_fen} fen do not cover {wanted_fen}: return the request for mending"


class ReceiptsTooHigh(Refusal):
    status = 409
    section = "二(五)"
    zh = "到款合计{received_fen}分与拟兑付{payable_fen}分之和超过开票金额{invoiced_fen}分,服务机构应先退款"
    en = "{received_fen} fen received and {payable_fen} payable exceed {invoiced_fen} invoiced: the provider refunds first"


class MendingOver(Refusal):
    status = 409
    section = "三(四)"
    zh = "补正的最后期限{mend_by}已过"
    en = "the last day for mending was {mend_by}"


class MendingNotOver(Refusal):
    status = 409
    section = "三(四)"
    zh = "补正期限{mend_by}未过"
    en = "the last day for mending is {mend_by}"


# -- people ------------------------------------------------------------------------------------


class NotEntrusted(Refusal):
    status = 403
    section = "三(四)"
    zh = "该管理中心当日未受该区域委托审核"
    en = "this centre is not entrusted by the region to review today"


class SamePerson(Refusal):
    status = 403
    section = "三(四)"
    zh = "该步骤须由另一人办理,您已办理过:{step}"
    en = "this is for another person: you took part in {step}"


# -- review, approval, notice ------------------------------------------------------------------


class NoTermsInForce(Refusal):
    status = 409
    section = "二"
    zh = "该区域当日没有生效的政策"
    en = "the region has no terms in force today"


class NothingPayable(Refusal):
    status = 409
    section = "三(四)"
    zh = "核定金额为零,应予退回或不予兑付"
    en = "nothing is payable: return the request or reject it"


class AlreadyInNotice(Refusal):
    status = 409
    section = "三(四)"
    zh = "事项{redemption_id}已在公示中"
    en = "{redemption_id} is in a notice that stands"


class ObjectionsOpen(Refusal):
    status = 409
    section = "三(五)"
    zh = "事项{redemption_id}尚有未处理的异议"
    en = "an objection to {redemption_id} is not ruled on yet"


class TooLateToObject(Refusal):
    status = 409
    section = "三(五)"
    zh = "事项{item_id}已发出付款指令"
    en = "the payment of {item_id} is instructed"


# -- payment -----------------------------------------------------------------------------------


class AccountMissing(Refusal):
    status = 409
    section = "三(五)"
    zh = "收款单位{uscc}没有经确认的账户"
    en = "payee {uscc} has no confirmed account"


class AccountNumberMissing(Refusal):
    status = 409
    section = "三(五)"
    zh = "收款单位{uscc}的账号不在专用表中,请重新登记账户"
    en = "the account numbers of {uscc} are not in the private table: the payee names its account again"


class AccountChanging(Refusal):
    status = 409
    section = "三(五)"
    zh = "收款单位{uscc}的账户变更尚待第二人确认"
    en = "a change of the account of {uscc} waits for a second person"


class NoAccountProposed(Refusal):
    status = 409
    section = "三(五)"
    zh = "没有待确认的账户"
    en = "no account waits for confirmation"


class AccountUnchanged(Refusal):
    status = 409
    section = "三(五)"
    zh = "该账户已登记"
    en = "that account is in use already"


class PayoutOnHold(Refusal):
    status = 409
    section = "三(五)"
    zh = "拨付{payout_id}暂缓:{reasons}"
    en = "payout {payout_id} is held: {reasons}"


class HeldByFacts(Refusal):
    status = 409
    section = "三(五)"
    zh = "该暂缓原因({reason})只能由其起因解除"
    en = "the hold {reason} ends with its cause, not by an officer"


class OtherPayer(Refusal):
    section = "三(五)"
    zh = "拨付{payout_id}不由该批次的付款方支付"
    en = "payout {payout_id} is not for this batch's payer"


class AgentElsewhere(Refusal):
    status = 403
    section = "三(五)"
    zh = "该结算机构当日未受托为区域{region}拨付"
    en = "this agent does not pay for region {region} today"


class SupplementOpen(Refusal):
    status = 409
    section = "三(五)"
    zh = "上一次调增尚未公示期满"
    en = "the last rise has not passed its public notice yet"


class SupplementNotAllowed(Refusal):
    status = 409
    section = "三(五)"
    zh = "事项{redemption_id}没有经额度核准、待公示的调增"
    en = "{redemption_id} has no rise that its voucher allowed and that waits for a notice"


class OverAllocation(Refusal):
    status = 409
    section = "三(五)"
    zh = "调增{by_fen}分超过核定额度余额{most_fen}分"
    en = "raised by {by_fen} fen; {most_fen} are left of the allocation"


class NothingReversed(Refusal):
    status = 409
    section = "三(四)"
    zh = "发票{number}没有新的红冲"
    en = "nothing more of invoice {number} was reversed than is recorded"


class BacksAnotherRequest(Refusal):
    status = 409
    section = "三(四)"
    zh = "发票{number}还支持在办的兑付申请{redemption_id},应先退回补正"
    en = "invoice {number} backs redemption {redemption_id}, which is under way: that request is mended first"


class InvoiceReversedSince(Refusal):
    status = 409
    section = "三(五)"
    zh = "发票{number}已红冲{reversed_fen}分,不足以支持该笔拨付"
    en = "{reversed_fen} fen of invoice {number} were reversed; it no longer covers this payment"


class UnknownAttempt(Refusal):
    status = 409
    section = "三(五)"
    zh = "该拨付最近一次指令的编号不是{end_to_end_id}"
    en = "{end_to_end_id} is not this payout's latest attempt"


class AlreadyRecorded(Refusal):
    """An answer that says again what was said before."""

    status = 409
    section = "三(五)"
    zh = "{end_to_end_id}的该项回执此前已记录"
    en = "this was recorded of {end_to_end_id} before"


class NotPaidYet(Refusal):
    """A return overtook the payment's own answer."""

    status = 409
    section = "三(五)"
    zh = "{end_to_end_id}尚无到账记录,不能登记退票"
    en = "{end_to_end_id} is not recorded as paid; it cannot have come back yet"


class AmountDiffers(Refusal):
    status = 409
    section = "三(五)"
    zh = "回执金额{amount_fen}分与指令金额{instructed_fen}分不符"
    en = "{amount_fen} fen answered, {instructed_fen} instructed"


class AnsweredTomorrow(Refusal):
    section = "三(五)"
    zh = "回执日期{on}晚于业务日"
    en = "the answer is of {on}, a day to come"


class NothingToCheck(Refusal):
    status = 409
    section = "三(五)"
    zh = "没有需要暂缓或解除的原因"
    en = "nothing holds or frees this payout today"
