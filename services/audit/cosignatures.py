"""Countersignatures of checkpoints by witnesses (C2SP tlog-cosignature, Ed25519): «at this time I saw this log at this size,
and it continued everything I had seen of it»."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.runtime.checkpoints import BadCheckpoint

WITNESS = b"\x04"
_DASH = "— "


@dataclass(frozen=True)
class WitnessKey:
    """The public half of a witness's key."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + WITNESS + self.public).digest()[:4]

    @property
    def text(self) -> str:
        """``name+key id+key``."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(WITNESS + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> WitnessKey:
        """Raises BadCheckpoint."""
        try:
            name, key_id, encoded = text.strip().split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
        except ValueError as error:
            raise BadCheckpoint(f"not a witness's key: {error}") from error
        found = cls(name, raw[1:])
        if raw[:1] != WITNESS or len(raw) != 33 or found.key_id.hex() != key_id or not name or set(name) & set(" +\n"):
            raise BadCheckpoint("not a witness's key")
        return found


def key_of(name: str, private: Ed25519PrivateKey) -> WitnessKey:
    raw = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return WitnessKey(name, raw)


def countersign(text: str, name: str, private: Ed25519PrivateKey, at: int) -> str:
    """One more line under a note with this text; ``at``: seconds since 1970."""
    signature = private.sign(_message(text, at))
    encoded = base64.b64encode(key_of(name, private).key_id + at.to_bytes(8, "big") + signature).decode()
    return f"{_DASH}{name} {encoded}\n"


def countersigned_at(text: str, line: str, key: WitnessKey) -> int:
    """When ``key`` countersigned a note's text, in seconds since 1970. Raises BadCheckpoint when it did not."""
    mark, _, rest = line.rstrip("\n").partition(" ")
    name, _, encoded = rest.partition(" ")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise BadCheckpoint(f"a countersignature is not base64: {error}") from error
    if mark != _DASH.strip() or name != key.name or raw[:4] != key.key_id or len(raw) != 76:
        raise BadCheckpoint(f"not a countersignature by {key.name}")
    at = int.from_bytes(raw[4:12], "big")
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(raw[12:], _message(text, at))
    except InvalidSignature as error:
        raise BadCheckpoint(f"the countersignature by {key.name} does not fit the text") from error
    return at


def with_lines(note: str, lines: Iterable[str]) -> str:
    """A note with more signature lines, each once."""
    there = set(note.splitlines())
    return note + "".join(line for line in lines if line.rstrip("\n") not in there)


def _message(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()
