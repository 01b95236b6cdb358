"""Query parameters of the audit API: as of when, and why one reads."""

# Annotations are read by FastAPI where they name what a function made: they are not postponed here.
import re
from typing import Annotated, Any

from fastapi import Query
from pydantic import AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError
from tongdui_events.document import Text

from shared.kernel.fields import Day

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6}\d*)?([Zz]|[+-]\d\d:\d\d)")


def _rfc_3339(text: Any) -> Any:
    """Only such times: a bare number or day would be read as something it was not meant to be."""
    if isinstance(text, str):
        # In a query an unescaped plus sign arrives as a space.
        text = re.sub(r" (\d\d:\d\d)$", r"+\1", text)
    if not isinstance(text, str) or not _RFC_3339.fullmatch(text):
        zh = "应为RFC 3339时间,如2025-03-03T09:00:00+08:00"
        raise PydanticCustomError("rfc3339", "use an RFC 3339 time such as 2025-03-03T01:00:00Z", {"zh": zh})
    return text


RecordedTime = Annotated[
    AwareDatetime, BeforeValidator(_rfc_3339), Field(description="A recorded time, RFC 3339: the history as it was then")
]
AsOf = Annotated[RecordedTime | None, Query()]
BusinessOn = Annotated[Day | None, Query(description="A business day: what counts for it and the days before, whenever recorded")]
At = Annotated[
    str | None,
    Query(
        max_length=200,
        description="A position, voucher:12: what that log held then, and what it had seen of the others; several with commas",
    ),
]
Purpose = Annotated[Text, Query(description="Why an auditor or an officer of another region reads; it is recorded")]
