"""The JSON Schema and the golden document of every event type, as files.

``python -m tongdui_events.schemas`` compares the files with the code, ``--write`` writes them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tongdui_events.catalogue import CATALOGUE
from tongdui_events.codec import encode
from tongdui_events.document import Event, Stamp
from tongdui_events.samples import sample_document

PROJECT = Path(__file__).resolve().parents[1]


def document_schema(source: str, cls: type[Event]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of the flat document: the stamp's fields and the payload's.

    Only fields without a default are required, so older documents stay valid when fields are added.
    """
    stamp = Stamp.model_json_schema(by_alias=True)
    payload = cls.model_json_schema(by_alias=True)
    properties = stamp["properties"] | payload.get("properties", {})
    properties["source"] = {"const": source}
    properties["type"] = {"const": cls.__name__}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{source}.{cls.__name__}",
        "description": cls.__doc__,
        "type": "object",
        "properties": properties,
        "required": [*stamp["required"], *payload.get("required", [])],
        "$defs": stamp.get("$defs", {}) | payload.get("$defs", {}),
    }


def files() -> Iterator[tuple[str, bytes]]:
    """(path below the project, contents) of every file there should be."""
    for (source, name), cls in CATALOGUE.items():
        schema = json.dumps(document_schema(source, cls), ensure_ascii=False, indent=1)
        yield f"schemas/{source}.{name}.json", f"{schema}\n".encode()
        yield f"golden/{source}.{name}.json", encode(sample_document(source, cls))


def differences(project: Path = PROJECT) -> list[str]:
    """The paths that are missing, differ, or should not be there."""
    wanted = dict(files())
    found = {
        str(path.relative_to(project).as_posix()): path.read_bytes()
        for folder in ("schemas", "golden")
        for path in (project / folder).glob("*.json")
    }
    return sorted(path for path in wanted.keys() | found.keys() if wanted.get(path) != found.get(path))


def write(project: Path = PROJECT) -> None:
    """Make the files what the code says."""
    for path in differences(project):
        (project / path).unlink(missing_ok=True)
    for path, contents in files():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_bytes(contents)


def main() -> int:
    """Exit status 0 when every file is as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tongdui_events.schemas", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the files instead of comparing them")
    parser.add_argument("--directory", type=Path, default=PROJECT, help="where schemas/ and golden/ are")
    arguments = parser.parse_args()
    if arguments.write:
        write(arguments.directory)
    different = differences(arguments.directory)
    for path in different:
        print(f"differs: {path}", file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
