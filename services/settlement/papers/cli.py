"""``tongdui settlement paper``: an operator tries the templates before a process is started with them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.settlement.papers.kinds import KINDS
from services.settlement.papers.layout import LayoutWrong, Seal, pdf_of
from services.settlement.papers.samples import SAMPLES
from services.settlement.papers.templates import TemplateBroken, templates_of

FOUND, UNCHECKED = 1, 2
_SEAL = Seal("SAMP-LEPA-PERN-OTVA-LID2", "SAMPLE")
KindName = StrEnum("KindName", {name: name for name in KINDS})  # type: ignore[misc]


def try_paper(
    kind: Annotated[KindName, typer.Argument(help="文书 · which paper")],
    template: Annotated[
        Path | None, typer.Option(help="模板目录 · a folder of templates (TONGDUI_PAPER_TEMPLATES); ours without it")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="输出 · write the paper of invented facts here, as PDF")] = None,
) -> None:
    """检查文书模板 · Check every template of a folder, and draw one paper of invented facts. Exit 1 when one does not do."""
    said = Console(stderr=True)
    try:
        chosen = templates_of(template)[kind.value]
        pdf = pdf_of(chosen.paper(SAMPLES[kind.value]), _SEAL)
    except (TemplateBroken, LayoutWrong) as error:
        said.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(FOUND) from error
    said.print(f"{KINDS[kind.value].zh}: {chosen.path}", markup=False, soft_wrap=True)
    if out is not None:
        try:
            out.write_bytes(pdf)
        except OSError as error:
            said.print(f"{out}: {error.strerror}", style="red", markup=False, soft_wrap=True)
            raise typer.Exit(UNCHECKED) from error
