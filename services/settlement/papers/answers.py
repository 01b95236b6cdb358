"""A paper as the answer of a request."""

from __future__ import annotations

from typing import Any, Literal

from starlette.responses import Response

from services.settlement.papers.results import XLSX
from shared.runtime.documenting import problems

PDF = "application/pdf"
Format = Literal["pdf", "xlsx"]
_MEDIA = {"pdf": PDF, "xlsx": XLSX}


def paper_answer(content: bytes, form: Format, name: str) -> Response:
    """``name`` without its ending."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return Response(content, media_type=_MEDIA[form], headers=headers)


def paper_responses(*forms: Format, refused: tuple[int, ...] = (401, 403, 404, 409, 422, 503)) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route that answers in these formats."""
    return {200: {"content": {_MEDIA[form]: {} for form in forms}}, **problems(*refused)}
