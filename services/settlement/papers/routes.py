"""Papers over HTTP. Those of a case for who may read the case; a notice's attachment and a code for everybody; a treasury's
list for who pays by it; a region's statement of a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from services.settlement.papers.case_routes import add_attachment, add_case_papers, add_verification
from services.settlement.papers.list_routes import add_list, add_statement
from services.settlement.papers.making import PaperMaker, PaperSettings
from shared.runtime.routes import Served, ViewRoute


@dataclass(frozen=True)
class PaperRoutes:
    """``redemption`` and ``clawback``: the routes whose roles and scopes say who reads the papers of one."""

    redemption: ViewRoute
    clawback: ViewRoute

    def __call__(self, app: FastAPI, runtime: Served) -> None:
        """Raises TemplateBroken where an operator's template does not do: nothing is served then."""
        maker = PaperMaker(lambda: _projections(runtime), PaperSettings())
        add_case_papers(app, runtime, maker, self.redemption, self.clawback)
        add_attachment(app, runtime, maker)
        add_verification(app, runtime, maker)
        add_list(app, runtime, maker)
        add_statement(app, runtime, maker)


def _projections(runtime: Served) -> Any:
    return runtime.projections
