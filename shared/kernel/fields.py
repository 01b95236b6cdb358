"""Shapes of command fields that several services ask for."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

T = TypeVar("T")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


def _iso_date(value: Any) -> Any:
    if isinstance(value, date) or (isinstance(value, str) and _ISO.match(value)):
        return value
    raise PydanticCustomError("date_format", "a date is written YYYY-MM-DD", {"zh": "应为日期(YYYY-MM-DD)"})


Day = Annotated[date, BeforeValidator(_iso_date)]
"""A Shanghai date, written YYYY-MM-DD; never a number of seconds."""


def each_once(values: tuple[T, ...]) -> tuple[T, ...]:
    """For AfterValidator: a list that names nothing twice."""
    if len(set(values)) != len(values):
        raise PydanticCustomError("repeated", "an entry is named twice", {"zh": "有重复项"})
    return values


class Entry(BaseModel):
    """One entry of a list inside a command. Unknown fields are refused there too."""

    model_config = ConfigDict(frozen=True, extra="forbid")
