"""What the platform answers when it could not decide.

::

    PlatformError
    ├── Overloaded          503  the queue is full
    ├── StoreUnavailable    503  nothing was recorded
    ├── FateUnknown         503  it may have been recorded; ask again under the same id
    ├── Draining            503  this process is stopping
    ├── WorkerOnly          503  this process takes no commands
    ├── LogInDoubt          503  the log is not the one that was published
    ├── CommandConflict     409  the id was used for another payload
    ├── DocumentTooLarge    413  an event would exceed the size limit
    ├── Behind              503  a read waited for a position that did not come
    └── DecisionFailed      500  a decision raised; it alone failed
"""

from __future__ import annotations

from typing import ClassVar

from shared.kernel.decisions import Refusal


class PlatformError(Refusal):
    """Not a business «no»: the platform's own. ``retry_after`` in seconds where trying again helps."""

    status = 500
    retry_after: ClassVar[int | None] = None


class Overloaded(PlatformError):
    status = 503
    retry_after = 1
    zh = "系统繁忙,请稍后以同一编号重试"
    en = "the queue is full; try again under the same id"


class StoreUnavailable(PlatformError):
    status = 503
    retry_after = 1
    zh = "数据库暂不可用,本次请求未被记录"
    en = "the database cannot be reached; nothing was recorded"


class FateUnknown(PlatformError):
    status = 503
    retry_after = 1
    zh = "提交结果未知,请以同一编号重试以取得结果"
    en = "whether this was recorded is unknown; ask again under the same id"


class Draining(PlatformError):
    status = 503
    retry_after = 2
    zh = "服务正在停止"
    en = "this process is stopping"


class WorkerOnly(PlatformError):
    status = 503
    retry_after = 1
    zh = "本进程只做后台工作,请向受理进程(api)提交"
    en = "this process works in the background; ask one of role api"


class LogInDoubt(PlatformError):
    """The relay found that what was published is not in the table: whatever were recorded now would fork history."""

    status = 503
    retry_after = 30
    zh = "本服务的事件日志与已发布的不一致,暂停受理,待运维核查"
    en = "this service's log is not the one that was published; nothing is taken until an operator has looked"


class CommandConflict(PlatformError):
    status = 409
    zh = "该编号已用于另一内容的请求"
    en = "this id was used for a request with another payload"


class DocumentTooLarge(PlatformError):
    status = 413
    zh = "事件大小{size}字节超过上限{limit}字节"
    en = "an event of {size} bytes exceeds the limit of {limit}"


class Behind(PlatformError):
    status = 503
    retry_after = 1
    zh = "读取未等到位置{position}"
    en = "the view did not reach position {position} in time"


class DecisionFailed(PlatformError):
    zh = "处理该请求时出现内部错误,未作记录"
    en = "the decision failed; nothing was recorded"


class NoBusinessDay(Refusal):
    status = 409
    zh = "尚未开启业务日"
    en = "no business day is open yet"
