"""Making a paper: what it says is read, then drawn outside of any transaction, then kept, then given out."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.concurrency import run_in_threadpool

from services.settlement.papers.codes import code_of
from services.settlement.papers.issued import Issued, Papers
from services.settlement.papers.kinds import KINDS, Facts
from services.settlement.papers.layout import MADE_WITH, LayoutWrong, Seal, pdf_of
from services.settlement.papers.reading import Reading
from services.settlement.papers.refusals import PaperTemplateFails
from services.settlement.papers.templates import TemplateBroken, templates_of

_AT_ONCE = 2
_KEPT, _KEPT_BYTES = 64, 1 << 20


class PaperSettings(BaseSettings):
    """``TONGDUI_PAPER_TEMPLATES``: a folder whose files stand for ours; ``TONGDUI_PUBLIC_URL``: where the public finds the
    platform, for the address in a paper's QR (without it the QR holds the code)."""

    model_config = SettingsConfigDict(env_prefix="TONGDUI_", frozen=True)

    paper_templates: Path | None = None
    public_url: str = ""


class Made(NamedTuple):
    """A paper as it was given out."""

    code: str
    facts: Facts
    pdf: bytes


class PaperMaker:
    """Makes the papers of one process, two at a time. Raises TemplateBroken when made with a template that does not do."""

    def __init__(self, projections: Callable[[], Any], settings: PaperSettings) -> None:
        self._templates = templates_of(settings.paper_templates)
        self._public_url = settings.public_url.rstrip("/")
        self._connection = lambda: projections().connection()
        self._papers = Papers(self._connection)
        self._limit = asyncio.Semaphore(_AT_ONCE)
        #: the same facts make the same bytes: what everybody may fetch is not drawn each time
        self._drawn: OrderedDict[str, bytes] = OrderedDict()

    async def made(self, gathered: Callable[[Reading], Facts]) -> Made:
        """The paper of what ``gathered`` reads. Raises what that raises, PaperTemplateFails, PaperDiffers."""
        facts = await run_in_threadpool(self._read, gathered)
        async with self._limit:
            return await run_in_threadpool(self._make, facts)

    async def find(self, code: str) -> Issued | None:
        return await run_in_threadpool(self._papers.find, code)

    def _read(self, gathered: Callable[[Reading], Facts]) -> Facts:
        with self._connection() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            return gathered(Reading(connection))

    def _make(self, facts: Facts) -> Made:
        template = self._templates[facts.kind]
        code = code_of(facts, f"{template.sha256} {self._public_url} {MADE_WITH}")
        pdf = self._drawn.get(code) or self._draw(code, facts)
        self._papers.keep(code, facts, hashlib.sha256(pdf).hexdigest())
        self._remember(code, pdf)
        return Made(code, facts, pdf)

    def _draw(self, code: str, facts: Facts) -> bytes:
        address = f"{self._public_url}/settlement/v1/papers/{code}" if self._public_url else code
        try:
            return pdf_of(self._templates[facts.kind].paper(facts.members), Seal(code, address))
        except (TemplateBroken, LayoutWrong) as error:
            raise PaperTemplateFails(kind=facts.kind, paper=KINDS[facts.kind].zh, why=str(error)) from error

    def _remember(self, code: str, pdf: bytes) -> None:
        if len(pdf) <= _KEPT_BYTES:
            self._drawn[code] = pdf
        while len(self._drawn) > _KEPT:
            self._drawn.popitem(last=False)
