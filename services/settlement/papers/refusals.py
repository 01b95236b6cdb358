"""Why no paper is given out. Nothing is kept then."""

from __future__ import annotations

from shared.kernel.decisions import Refusal


class PaperNotYet(Refusal):
    """There is nothing yet, or no longer, that this paper would say."""

    status = 409
    section = "三(四)"
    zh = "{paper}不能出具:{why_zh}"
    en = "the {kind} cannot be given out: {why}"


class ListDiffers(Refusal):
    """What the view holds of a list is not what was released: nothing is sent before it was rebuilt."""

    status = 409
    section = "三(五)"
    zh = "批次{batch_id}的清单与已发出的摘要不符"
    en = "the list of batch {batch_id} has not the digest that was released: rebuild the view batch_lines"


class PaperTemplateFails(Refusal):
    """A template passed its trial and fails on these facts: an operator mends it."""

    status = 503
    zh = "{paper}的模板无法填写:{why}"
    en = "the template of the {kind} cannot be filled in: {why}"


class PaperDiffers(Refusal):
    """A paper under this code was given out before with other bytes: the same facts must make the same file."""

    status = 409
    zh = "验证码{code}此前出具的文件摘要不同"
    en = "a paper was given out under {code} with another digest: two installations disagree, see docs/operating.md"
