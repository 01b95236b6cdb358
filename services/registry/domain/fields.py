"""Shapes of command fields that only the registry needs."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError
from tongdui_events.document import Code, Uscc

T = TypeVar("T")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


def _iso_date(value: Any) -> Any:
    if isinstance(value, date) or (isinstance(value, str) and _ISO.match(value)):
        return value
    raise PydanticCustomError("date_format", "a date is written YYYY-MM-DD", {"zh": "应为日期(YYYY-MM-DD)"})


def each_once(values: tuple[T, ...]) -> tuple[T, ...]:
    if len(set(values)) != len(values):
        raise PydanticCustomError("repeated", "an entry is named twice", {"zh": "有重复项"})
    return values


Day = Annotated[date, BeforeValidator(_iso_date)]
"""A Shanghai date, written YYYY-MM-DD; never a number of seconds."""
NoticeDays = Annotated[int, Field(strict=True, ge=1, le=366)]
"""How many days a list is public: at least one."""
DayCount = Annotated[int, Field(strict=True, ge=1, le=3660)]
"""A term in days: at least one."""
Codes = Annotated[tuple[Code, ...], Field(min_length=1, max_length=50), AfterValidator(each_once)]
"""At least one code, each once."""
Usccs = Annotated[tuple[Uscc, ...], Field(max_length=500), AfterValidator(each_once)]
Digests = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")], ...],
    Field(max_length=50),
    AfterValidator(each_once),
]
"""SHA-256 digests of documents, in hex."""
