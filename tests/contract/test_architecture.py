"""Who may import whom: the contracts between packages are in pyproject.toml, what one may import at all is here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("registry", "voucher", "settlement", "audit")
#: a decision that looks at one of these is not a function of its arguments
OUTSIDE_WORLD = {
    "asyncio", "http", "logging", "os", "pathlib", "queue", "random", "secrets", "select", "shutil", "signal", "socket",
    "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib",
}  # fmt: skip
PYDANTIC = ("pydantic", "pydantic_core")
PURE = sys.stdlib_module_names - OUTSIDE_WORLD
SETTLEMENTS_PARTS = ("at_hand", "redemption_commands", "payment_commands")


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("services", "shared", "tongdui_events", include_external_packages=True)


def strangers(
    imports: grimp.ImportGraph, package: str, *allowed: str, standard: frozenset[str] = PURE
) -> list[str]:
    """What modules of ``package`` import directly besides themselves, ``allowed``, and the standard library's pure
    part, or as much of it as ``standard`` says."""
    inside = {package, *imports.find_descendants(package)}

    def known(name: str) -> bool:
        root = name.partition(".")[0]
        return name in inside or root in standard or any(name == one or name.startswith(one + ".") for one in allowed)

    return [
        f"{module} imports {name}"
        for module in sorted(inside)
        for name in sorted(imports.find_modules_directly_imported_by(module))
        if not known(name)
    ]


def test_the_import_contracts_hold() -> None:
    # A process of its own: the linter switches existing loggers off.
    program = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_domain_imports_nothing_but_the_kernel_and_the_events(imports: grimp.ImportGraph, service: str) -> None:
    allowed = ("shared.kernel", "tongdui_events", *PYDANTIC)
    assert strangers(imports, f"services.{service}.domain", *allowed) == []


def test_the_kernel_imports_nothing_but_the_events_and_what_knows_calendars_and_identifiers(
    imports: grimp.ImportGraph,
) -> None:
    assert strangers(imports, "shared.kernel", "tongdui_events", "chinese_calendar", "stdnum", *PYDANTIC) == []


def test_the_events_depend_on_pydantic_only(imports: grimp.ImportGraph) -> None:
    assert strangers(imports, "tongdui_events", *PYDANTIC, standard=sys.stdlib_module_names) == []


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("module", ["commands", "reactions"])
def test_commands_and_reactions_are_glue_between_their_domain_and_the_runtime(
    imports: grimp.ImportGraph, service: str, module: str
) -> None:
    # the most commands by far: three files of the same glue
    parts = [f"services.{service}.{part}" for part in SETTLEMENTS_PARTS] if service == "settlement" else []
    allowed = (f"services.{service}.domain", "shared.runtime", "shared.kernel", "tongdui_events", *parts)
    for glue in (f"services.{service}.{module}", *parts):
        assert strangers(imports, glue, *allowed) == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_files(service: str) -> None:
    names = ("README.md", "domain/__init__.py", "commands.py", "reactions.py", "views.py", "api.py", "main.py")
    assert [name for name in names if not (ROOT / "services" / service / name).exists()] == []


def test_the_demo_uses_of_the_runtime_only_what_a_client_and_its_stage_need(imports: grimp.ImportGraph) -> None:
    runtime = {
        name
        for module in {"services.demo", *imports.find_descendants("services.demo")}
        for name in imports.find_modules_directly_imported_by(module)
        if name.startswith("shared")
    }
    stage = {"local_kafka", "local_postgres", "local_program", "settings", "tokens"}
    assert runtime <= {f"shared.runtime.{name}" for name in stage}
