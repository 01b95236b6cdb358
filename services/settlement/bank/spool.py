"""The folders a connector works in: what is to go out, what went, what came in, what was read, what nobody could act on.

``outgoing`` → ``sent``; ``incoming`` → ``done`` (by digest, so a file counts once) or ``aside`` (with ``NAME.why.txt``). A file
is there whole or not at all: it is written beside, made durable and renamed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("outgoing", "sent", "incoming", "done", "aside")


class Spool:
    """``root`` is the connector's own; its folders are made where they are missing."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in FOLDERS:
            (root / folder).mkdir(parents=True, exist_ok=True)

    def put(self, folder: str, name: str, content: bytes) -> None:
        """Durable when it returns."""
        write_whole(self.root / folder / name, content)

    def has(self, folder: str, name: str) -> bool:
        return (self.root / folder / name).exists()

    def names(self, folder: str) -> frozenset[str]:
        """Of what is there whole."""
        paths = (self.root / folder).iterdir()
        return frozenset(path.name for path in paths if not path.name.startswith(".") and path.is_file())

    def files(self, folder: str) -> Iterator[tuple[str, bytes]]:
        """(name, content), in the order of names."""
        for name in sorted(self.names(folder)):
            yield name, (self.root / folder / name).read_bytes()

    def move(self, name: str, source: str, target: str) -> None:
        os.replace(self.root / source / name, self.root / target / name)
        _make_durable(self.root / target)

    def finish(self, name: str, content: bytes) -> None:
        """It was read: the same bytes are not read again."""
        os.replace(self.root / "incoming" / name, self.root / "done" / _by_digest(content))
        _make_durable(self.root / "done")

    def is_finished(self, content: bytes) -> bool:
        return self.has("done", _by_digest(content))

    def set_aside(self, name: str, why: str) -> None:
        """For a person: the file, and beside it what is wrong with it."""
        write_whole(self.root / "aside" / f"{name}.why.txt", f"{why}\n".encode())
        self.move(name, "incoming", "aside")

    def drop(self, name: str) -> None:
        """A second copy of what was read."""
        (self.root / "incoming" / name).unlink()


def write_whole(path: Path, content: bytes) -> None:
    """Whole or not at all, and durable."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _make_durable(path.parent)


def append_line(path: Path, line: str) -> None:
    """Durable when it returns."""
    whole = path.read_text() if path.exists() else ""
    write_whole(path, f"{whole}{line}\n".encode())


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _by_digest(content: bytes) -> str:
    return f"{hashlib.sha256(content).hexdigest()}.xml"
