"""Why a step of supervision is refused. Nothing is recorded then."""

from __future__ import annotations

from shared.kernel.decisions import Refusal


class StrangerToTheCase(Refusal):
    section = "二(六)"
    zh = "{uscc}不是该创新券的当事方"
    en = "{uscc} has no part in this case"


class NothingFound(Refusal):
    """No finding, or none that grave, is about this party."""

    status = 409
    section = "二(六)"
    zh = "检查中没有针对{uscc}的相应问题记录"
    en = "no finding about {uscc} supports this"


class NoBreachFound(Refusal):
    status = 409
    section = "二(六)"
    zh = "检查未发现违规,不能建议处理"
    en = "no breach was found: a sanction cannot be recommended"


class PartyNotHeard(Refusal):
    """Who is found against is heard first."""

    status = 409
    section = "二(六)"
    zh = "{uscc}尚未陈述意见,陈述期至{until}"
    en = "{uscc} was not heard yet and may state its case until {until}"


class NotNotified(Refusal):
    status = 409
    section = "二(六)"
    zh = "尚未告知当事人"
    en = "the party was not told yet"


class NothingToRecover(Refusal):
    """Only what was paid can be recovered."""

    section = "二(六)"
    zh = "该兑付已付{paid_fen}分,不能追回{amount_fen}分"
    en = "{paid_fen} fen were paid; {amount_fen} fen cannot be recovered of it"


class ClawbackNotStated(Refusal):
    zh = "建议追回时应写明兑付、金额和责任方"
    en = "a recommended clawback states the redemption, the amount and who owes it"


class SamePerson(Refusal):
    """Two steps that separate persons take."""

    status = 409
    section = "二(六)"
    zh = "您已参与{step},不能再办理此步"
    en = "you took part in {step} already; another person takes this step"


class TooEarly(Refusal):
    zh = "日期{date}过早,最早为{earliest}"
    en = "{date} is too early; the first possible day is {earliest}"


class VersionOutOfTurn(Refusal):
    status = 409
    zh = "下一个版本应为{expected}"
    en = "the next version is {expected}"


class PeriodNotOver(Refusal):
    """A sample is drawn of days that are over in every log, so that anyone can draw it again."""

    status = 409
    zh = "{until}在各服务中尚未结束,不能抽样"
    en = "{until} is not over in every log yet"


class SampleChanged(Refusal):
    """The draw does not come out as stated."""

    status = 409
    zh = "按记录重新抽样,结果不一致"
    en = "drawn again from the logs, the sample comes out differently"
