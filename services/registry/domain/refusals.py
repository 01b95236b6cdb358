"""What the registry refuses, besides NotFound, OutOfOrder, NotYours, InvalidUscc and UnknownYear of
the kernel."""

from __future__ import annotations

from shared.kernel.decisions import Refusal

# -- days and dates ------------------------------------------------------------------------------


class DayOutOfTurn(Refusal):
    """Business days open one after another."""

    status = 409
    zh = "下一个业务日应为{expected},不能是{date}"
    en = "the next business day is {expected}, not {date}"


class ClockIsReal(Refusal):
    """Under a real clock days open by themselves."""

    status = 409
    zh = "当前按真实时钟运行,业务日自动开启"
    en = "days open by the clock here; only a simulated clock takes them from a caller"


class CalendarKnown(Refusal):
    """A table is for years the built-in calendar does not know, before they begin."""

    status = 409
    zh = "{year}年的工作日历已知,不能另行设定"
    en = "the working days of {year} are known; a table is for a year that is not"


class DateNotInYear(Refusal):
    zh = "{date}不属于{year}年"
    en = "{date} is not in {year}"


class DateTooEarly(Refusal):
    """A date lies before the first that would do."""

    zh = "日期{date}过早,最早为{earliest}"
    en = "{date} is too early; the first possible day is {earliest}"


class DateInTheFuture(Refusal):
    zh = "日期{date}晚于业务日{today}"
    en = "{date} is after the business day {today}"


# -- regions, terms, catalogues ----------------------------------------------------------------


class OutsideTheDelta(Refusal):
    """Not in Shanghai, Jiangsu, Zhejiang or Anhui."""

    section = "二(三)"
    zh = "{code}不在长三角区域(31、32、33、34)内"
    en = "{code} is not in the Yangtze River Delta (31, 32, 33, 34)"


class PrefixOutsideProvince(Refusal):
    section = "一(二)"
    zh = "区划前缀{prefix}不属于该区域所在省份"
    en = "the prefix {prefix} lies outside the region's province"


class PrefixTaken(Refusal):
    """Two regions never reach the same prefix on one day."""

    status = 409
    section = "一(二)"
    zh = "区划前缀{prefix}已属于区域{region}"
    en = "the prefix {prefix} belongs to the region {region}"


class WholeProvinceNotYet(Refusal):
    """Only 上海 and 浙江 may take part whole, six months after the notice."""

    section = "一(二)"
    zh = "前缀{prefix}为全省(市)范围:仅上海市、浙江省可自{earliest}起全域参与"
    en = "the prefix {prefix} is a whole province: only 31 and 33 may take part whole, from {earliest}"


class RegionNotInPilot(Refusal):
    """No region in the pilot pays for this address."""

    section = "一"
    zh = "区划代码{code}在{day}不属于任何试点区域"
    en = "no region of the pilot reaches the division {code} on {day}"


class UnknownDivision(Refusal):
    """GB/T 2260 has no such division on that day."""

    section = "二(二)"
    zh = "区划代码{code}在{day}不是有效的县级以上行政区划(GB/T 2260)"
    en = "{code} is no division of GB/T 2260 on {day}"


class DayAlreadyGoverned(Refusal):
    """Two versions of terms never begin on the same day."""

    status = 409
    section = "二"
    zh = "已有版本自{day}起生效"
    en = "another version already takes effect on {day}"


class YearCapNeedsOwnDocument(Refusal):
    section = "二(四)"
    zh = "每家企业年度额度超过30万元的,须以本区域自有文件为依据(basis.amounts)"
    en = "a year cap above 300,000 yuan needs a document of the region's own as basis.amounts"


class AgentOnlyForTongdui(Refusal):
    section = "三(五)"
    zh = "通用模式由财政拨付;仅通兑模式可委托第三方机构"
    en = "tongyong is paid by the treasury; only tongdui may be paid through an agent"


class CatalogueYearOver(Refusal):
    section = "三(三)"
    zh = "{year}年度已结束,不能再发布清单"
    en = "the year {year} is over; its list can no longer be published"


# -- enterprises -------------------------------------------------------------------------------


class OverrideNotAllowed(Refusal):
    """A failing check digit is let in by the officer who names himself, and by nobody else."""

    status = 403
    section = "二(二)"
    zh = "统一社会信用代码校验不符,只能由本人署名的区域主管人员放行"
    en = "a failing check digit is let in only by an officer of the region under the officer's own name"


class SuccessorNotRegistered(Refusal):
    zh = "承继企业{uscc}尚未登记"
    en = "the successor {uscc} is not registered"


class SuccessorIsItself(Refusal):
    zh = "承继企业不能是其本身"
    en = "an enterprise cannot succeed itself"


# -- providers ---------------------------------------------------------------------------------


class NotAnOrganisation(Refusal):
    section = "二(三)1"
    zh = "服务机构应为独立法人或非法人组织,{legal_form}不符合"
    en = "a provider is a legal person or an unincorporated organisation; {legal_form} is neither"


class RegisteredTooShort(Refusal):
    section = "二(三)2"
    zh = "注册须满2年:{established_on}成立,最早{earliest}可推荐"
    en = "registered for less than two years: established on {established_on}, possible from {earliest}"


class ServicesNotStated(Refusal):
    section = "二(三)3"
    zh = "尚未公布服务内容和收费标准"
    en = "no service is stated with its price"


class ConditionNotAttested(Refusal):
    """A condition that only a person can check was not confirmed by the province."""

    section = "二(三)"
    zh = "省级主管部门尚未确认:{condition}"
    en = "the province has not attested: {condition}"


class BadCredit(Refusal):
    section = "二(三)3"
    zh = "该单位有信用不良记录(处理决定{decision_no})"
    en = "the organisation has a bad credit record: decision {decision_no}"


class ItemNotOnTheList(Refusal):
    section = "三(三)"
    zh = "服务事项{item_code}不在{year}年度服务事项清单内"
    en = "the item {item_code} is not on the list of {year}"


class CategoryNotApplied(Refusal):
    section = "二(一)"
    zh = "该机构未申请服务类别{category}"
    en = "the provider did not apply for the category {category}"


class DecisionNumberNeeded(Refusal):
    section = "二(六)"
    zh = "主管部门决定移出名录须注明决定文号"
    en = "delisting by decision names the decision's number"


class AlreadyPublished(Refusal):
    """The provider stands in a public notice that is not over."""

    status = 409
    section = "二(三)"
    zh = "服务机构{uscc}已在公示中"
    en = "the provider {uscc} already stands in a public notice"


# -- delegations -------------------------------------------------------------------------------


class DelegationToOneself(Refusal):
    zh = "不能委托给本人"
    en = "nobody delegates to themselves"
