"""The names and fields other parties rely on: nothing is dropped, nothing clashes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import tongdui_events
from pydantic import BaseModel
from tongdui_events import CATALOGUE, Event, Frozen, Stamp, event_class, event_types

PACKAGE = Path(tongdui_events.__file__).parent
LISTED = [line.split() for line in (Path(__file__).parent / "event_fields.txt").read_text().splitlines()]
STAMP_FIELDS = {field.alias or name for name, field in Stamp.model_fields.items()}
KINDS = list(CATALOGUE.items())


@pytest.mark.parametrize("source, name, fields", [(row[0], row[1], row[2:]) for row in LISTED])
def test_every_listed_type_has_every_listed_field(source: str, name: str, fields: list[str]) -> None:
    cls = event_class(source, name)
    assert cls is not None
    assert set(fields) <= set(cls.model_fields)


def test_every_type_of_the_catalogue_is_listed() -> None:
    unlisted = set(event_types()) - {(row[0], row[1]) for row in LISTED}
    assert not unlisted, "add these types and their fields to event_fields.txt"


def test_the_catalogue_is_sorted_and_names_are_class_names() -> None:
    assert list(event_types()) == sorted(CATALOGUE)
    assert all(name == cls.__name__ and source in cls.SOURCES for (source, name), cls in KINDS)


def test_a_type_unknown_or_of_another_service_is_no_event_class() -> None:
    assert event_class("voucher", "NoSuchThing") is None
    assert event_class("audit", "VoucherIssued") is None


@pytest.mark.parametrize("kind, cls", KINDS, ids=lambda part: ".".join(part) if isinstance(part, tuple) else "")
def test_no_payload_field_hides_a_stamp_field(kind: tuple[str, str], cls: type[Event]) -> None:
    assert not STAMP_FIELDS & set(cls.model_fields), kind


@pytest.mark.parametrize("kind, cls", KINDS, ids=lambda part: ".".join(part) if isinstance(part, tuple) else "")
def test_events_are_frozen_and_tolerate_unknown_fields(kind: tuple[str, str], cls: type[Event]) -> None:
    for model in (cls, *_nested(cls)):
        assert issubclass(model, Frozen), kind
        assert model.model_config["frozen"] and model.model_config["extra"] == "ignore", kind


def test_every_event_class_says_what_happened() -> None:
    assert not [cls.__name__ for cls in CATALOGUE.values() if not (cls.__doc__ or "").strip()]


def test_all_public_names_are_exported_once_and_sorted() -> None:
    exported = tongdui_events.__all__
    assert exported == sorted(exported) and len(exported) == len(set(exported))
    assert all(hasattr(tongdui_events, name) for name in exported)
    assert {cls.__name__ for cls in CATALOGUE.values()} <= set(exported)
    assert {model.__name__ for cls in CATALOGUE.values() for model in _nested(cls)} <= set(exported)


def test_the_package_depends_on_pydantic_only() -> None:
    allowed = {"tongdui_events", "pydantic", "argparse", "functools", "json", "re", "sys"}
    allowed |= {"__future__", "collections", "datetime", "pathlib", "types", "typing", "uuid"}
    assert {top for path in PACKAGE.glob("*.py") for top in _imported(path)} <= allowed


def _nested(cls: type[BaseModel]) -> set[type[BaseModel]]:
    found: set[type[BaseModel]] = set()
    waiting = [field.annotation for field in cls.model_fields.values()]
    while waiting:
        part = waiting.pop()
        waiting.extend(getattr(part, "__args__", ()))
        if isinstance(part, type) and issubclass(part, BaseModel) and part not in found:
            found.add(part)
            waiting.extend(field.annotation for field in part.model_fields.values())
    return found


def _imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name.partition(".")[0] for name in plain | _from(nodes)}


def _from(nodes: list[ast.AST]) -> set[str]:
    return {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
