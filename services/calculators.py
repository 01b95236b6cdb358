"""``tongdui quote`` and ``tongdui assess``: the two calculators over a JSON file, without a platform."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from shared.runtime.field_errors import detail_of, field_of, zh_of

Asked = TypeVar("Asked", bound=BaseModel)
#: bytes of a file; ours are some hundreds
LIMIT = 1024 * 1024

FileArgument = Annotated[Path, typer.Argument(help="JSON 文件, - 为标准输入 · a JSON file, - for standard input")]


def quote(file: FileArgument) -> None:
    """试算 · What a voucher would carry under the terms of FILE: the amount and every step, as JSON."""
    from services.voucher.domain import quotes

    _answer(file, quotes.Quote, quotes.quote)


def assess(file: FileArgument) -> None:
    """科技型中小企业自评 · Points and result of a company's self-evaluation in FILE, as JSON."""
    from services.registry.domain import assessment

    _answer(file, assessment.SelfEvaluation, assessment.assess)


def _answer(file: Path, model: type[Asked], calculate: Callable[[Asked], BaseModel]) -> None:
    """Prints the result, or names each field that is wrong on standard error and exits with 2."""
    try:
        asked = model.model_validate_json(_read(file))
    except OSError as error:
        typer.echo(f"tongdui: {file}: {error.strerror}", err=True)
        raise typer.Exit(2) from None
    except ValidationError as error:
        for one in error.errors():
            field = field_of(one).replace("body", str(file)) if not one["loc"] else field_of(one)
            typer.echo(f"tongdui: {field}: {zh_of(one)} · {detail_of(one)}", err=True)
        raise typer.Exit(2) from None
    typer.echo(calculate(asked).model_dump_json(indent=2))


def _read(file: Path) -> bytes:
    """At most one byte over the limit, which no longer parses."""
    if str(file) == "-":
        return sys.stdin.buffer.read(LIMIT + 1)[:LIMIT]
    with file.open("rb") as stream:
        return stream.read(LIMIT + 1)[:LIMIT]
