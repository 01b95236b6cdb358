"""A witness: keeps what it last saw of a log, accepts only what continues it, and countersigns that.

With two histories shown to two witnesses, one of them, or whoever compares their files, has proof.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple, Protocol

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit.cosignatures import countersign, key_of, with_lines
from services.audit.proofs import read_consistency
from shared.runtime.checkpoints import BadCheckpoint, Checkpoint, VerifierKey, verify
from shared.runtime.merkle import TreeHead, verify_consistency


class TwoHistories(RuntimeError):
    """What the log shows now does not continue what it showed before. Keep both."""


class Log(Protocol):
    """Where a log is shown."""

    def checkpoint(self) -> str: ...

    def consistency(self, first: int, second: int) -> str: ...


class Countersigned(NamedTuple):
    """What was seen, the line, and the size seen before (0: the first time)."""

    checkpoint: Checkpoint
    line: str
    key: str
    before: int


def witness(log: Log, log_key: VerifierKey, name: str, private: Ed25519PrivateKey, seen: Path, at: int) -> Countersigned:
    """Look once. ``seen`` is a folder of the witness's own. Raises TwoHistories, BadCheckpoint, OSError."""
    note = log.checkpoint()
    checkpoint = verify(note, log_key)
    path = seen / f"{re.sub('[^A-Za-z0-9.-]', '_', checkpoint.origin)}.txt"
    before = verify(path.read_text(encoding="utf-8"), log_key) if path.exists() else None
    if before is not None:
        _ensure_continued(log, log_key, before, checkpoint)
    line = countersign(checkpoint.text, name, private, at)
    _keep(path, with_lines(note, [line]))
    return Countersigned(checkpoint, line, key_of(name, private).text, before.size if before else 0)


def _ensure_continued(log: Log, log_key: VerifierKey, before: Checkpoint, now: Checkpoint) -> None:
    if now.size < before.size:
        raise TwoHistories(f"{now.origin} shows {now.size} events, {before.size} were seen: an older state")
    if now.size == before.size:
        if now.root != before.root:
            raise TwoHistories(f"{now.origin} shows another root for {now.size} events than before")
        return
    text = log.consistency(before.size, now.size)
    try:
        first, path, note = read_consistency(text)
    except ValueError as error:
        raise TwoHistories(f"{now.origin} gives no proof that {now.size} events continue {before.size}: {error}") from error
    proven = verify(note, log_key)
    heads = TreeHead(before.size, before.root), TreeHead(now.size, now.root)
    if first != before.size or proven != now or not verify_consistency(*heads, path):
        raise TwoHistories(f"{now.origin}: the {now.size} events shown now do not continue the {before.size} seen before")


def _keep(path: Path, note: str) -> None:
    """Whole or not at all: a witness that forgets is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("w", encoding="utf-8") as file:
        file.write(note)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def load_or_make_key(path: Path) -> Ed25519PrivateKey:
    """The witness's Ed25519 key (PKCS 8, PEM); a new one where there is none. Raises BadCheckpoint for another kind."""
    if not path.exists():
        text = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text)
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise BadCheckpoint(f"{path} is no private key: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadCheckpoint(f"{path} is not an Ed25519 key")
    return key


__all__ = ["Countersigned", "Log", "TwoHistories", "load_or_make_key", "witness"]
