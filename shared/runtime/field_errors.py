"""What a validator found wrong with a field, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: where FastAPI says a value came from; a client knows fields by their own names
_PLACES = frozenset({"body", "query", "path", "header"})

_INTEGER, _TEXT, _OBJECT = "应为整数", "应为文本", "应为对象"
_DATE, _INSTANT, _YES_NO = "应为日期(YYYY-MM-DD)", "应为带时区的时间", "应为true或false"

#: by pydantic's error type; the braces are its context
_ZH = {
    "missing": "为必填项",
    "extra_forbidden": "为未知字段",
    "uuid_parsing": "应为UUID",
    "uuid_type": "应为UUID",
    "int_type": _INTEGER,
    "int_parsing": _INTEGER,
    "int_parsing_size": _INTEGER,
    "int_from_float": _INTEGER,
    "bool_type": _YES_NO,
    "bool_parsing": _YES_NO,
    "string_type": _TEXT,
    "string_unicode": _TEXT,
    "string_too_short": "至少{min_length}个字符",
    "string_too_long": "至多{max_length}个字符",
    "string_pattern_mismatch": "格式不符({pattern})",
    "greater_than": "应大于{gt}",
    "greater_than_equal": "应不小于{ge}",
    "less_than": "应小于{lt}",
    "less_than_equal": "应不大于{le}",
    "literal_error": "应为{expected}",
    "enum": "应为{expected}",
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "datetime_type": _INSTANT,
    "datetime_parsing": _INSTANT,
    "datetime_from_date_parsing": _INSTANT,
    "timezone_aware": _INSTANT,
    "list_type": "应为列表",
    "tuple_type": "应为列表",
    "set_type": "应为列表",
    "frozen_set_type": "应为列表",
    "too_short": "至少{min_length}项",
    "too_long": "至多{max_length}项",
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "none_required": "应为空",
}


def field_of(error: Mapping[str, Any]) -> str:
    """``lines.0.amount_fen``; ``body`` when it is about the body as a whole."""
    location = error["loc"]
    if len(location) > 1 and location[0] in _PLACES:
        location = location[1:]
    return ".".join(str(part) for part in location) or "body"


def code_of(error: Mapping[str, Any]) -> str:
    """The validator's error type."""
    return str(error["type"])


def detail_of(error: Mapping[str, Any]) -> str:
    """English, without the validator's own prefix."""
    return str(error["msg"]).removeprefix("Value error, ")


def zh_of(error: Mapping[str, Any]) -> str:
    """Chinese: what the validator brought (``zh`` of a custom error), or ours for its type."""
    context = error.get("ctx") or {}
    if isinstance(context.get("zh"), str):
        return context["zh"]
    return _ZH.get(error["type"], "不符合要求").format_map(_Missing(context))


def section_of(error: Mapping[str, Any]) -> str | None:
    """The notice's section, where a custom error names one."""
    return (error.get("ctx") or {}).get("section")


class _Missing(dict[str, Any]):
    """A context another release of the validator may leave incomplete."""

    def __missing__(self, name: str) -> str:
        return "…"
