"""What a decision gives: events, or a refusal. Both are values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from tongdui_events.document import Event


class Decided(NamedTuple):
    """One event a decision wants recorded, in the stream ``originator_id``."""

    originator_id: UUID
    event: Event
    case_id: UUID | None = None


class Refusal(Exception):
    """A decision's «no»: a subclass per reason, named as a noun phrase (``QuotaExhausted``).

    ``code`` is the class name in snake case; ``status`` the HTTP status of the answer;
    ``section`` the notice's section; ``zh`` and ``en`` are templates over the keyword details.
    ``field`` names the request's field it is about.
    """

    status: ClassVar[int] = 422
    section: ClassVar[str | None] = None
    zh: ClassVar[str] = ""
    en: ClassVar[str] = ""

    def __init__(self, field: str | None = None, **details: Any) -> None:
        super().__init__(field, details)
        self.field = field
        self.details = details
        #: who was refused, where the web knows
        self.caller: Any = None

    @property
    def code(self) -> str:
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()

    @property
    def text_zh(self) -> str:
        return self.zh.format(**self.details)

    @property
    def text_en(self) -> str:
        return self.en.format(**self.details)

    def __str__(self) -> str:
        return f"{self.code}: {self.text_en}"


class NotFound(Refusal):
    """There is nothing under this id."""

    status = 404
    zh = "没有找到{what} {id}"
    en = "there is no {what} {id}"


class OutOfOrder(Refusal):
    """The step does not follow from where the thing stands."""

    status = 409
    zh = "当前状态为{state},不能执行该操作"
    en = "it is {state}; this step does not follow from there"


class NotYours(Refusal):
    """The actor's organisation or region has no part in this."""

    status = 403
    zh = "该事项不属于您的单位或区域"
    en = "this belongs to another organisation or region"


Rule = Callable[..., Refusal | None]
"""A rule is a named sentence: None when it holds, a refusal when it does not."""


def first_refusal(rules: Iterable[Rule], *facts: Any) -> Refusal | None:
    """The refusal of the first rule that does not hold, or None."""
    return next((refusal for rule in rules if (refusal := rule(*facts)) is not None), None)


def all_refusals(rules: Iterable[Rule], *facts: Any) -> list[Refusal]:
    """The refusals of every rule that does not hold, in the rules' order."""
    return [refusal for rule in rules if (refusal := rule(*facts)) is not None]
