"""docs/auditing.md names routes and commands that exist."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli import app
from services.people import entries

PAGE = (Path(__file__).parents[2] / "docs/auditing.md").read_text(encoding="utf-8")
SUPERVISION = PAGE[PAGE.index("## Supervision") :].split("\n## ")[0]
#: `get '/signals?state=raised'`, `post /samples '{…}'`, `POST /signal-terms`, `/cases/$V/causes.svg`
_PATH = re.compile(r"(?:(get|post|POST) '?|[`(])(/[a-z][a-z-]*(?:/[A-Za-z0-9$_.-]+)*)")
STEPS = {(verb.upper(), path) for verb, path in _PATH.findall(SUPERVISION)}


@lru_cache(maxsize=1)
def of_the_audit_service() -> list[tuple[str, str]]:
    """(method, pattern) of every route: a parameter is any part of a path."""
    listed = [entry for entry in entries() if entry.service == "audit"]
    return [(e.method, re.sub(r"\{[a-z_]+\}", "[^/]+", e.path.removeprefix("/audit/v1"))) for e in listed]


@pytest.mark.parametrize("verb, path", sorted(step for step in STEPS if step[1].count("/") > 1 or step[0]))
def test_every_route_the_page_names_exists(verb: str, path: str) -> None:
    routes = of_the_audit_service()
    if path in ("/statement", "/decision", "/review", "/lift"):
        path = f"/sanctions/$X{path}"
    assert any((not verb or verb == method) and re.fullmatch(pattern, path) for method, pattern in routes), path


def test_the_page_names_enough_to_be_worth_this_test() -> None:
    assert len(STEPS) > 15


@pytest.mark.parametrize("command", sorted(set(re.findall(r"tongdui ([a-z]+) ", SUPERVISION))))
def test_every_command_the_page_names_exists(command: str) -> None:
    assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0
