"""Checkpoints: signed statements of a log's size and root, as C2SP tlog-checkpoint and signed-note text.

::

    tongdui/voucher
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — tongdui/voucher Az3grlgtzPICa5OS8npVmf1Myq/5...

The algorithm is Ed25519, named by the byte 0x01 inside the key id; another algorithm has another byte,
and its line can stand beside.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.runtime.merkle import HASH_BYTES
from shared.runtime.settings import Settings

ED25519 = b"\x01"
_DASH = "— "
_LINES_LIMIT = 100


class BadCheckpoint(ValueError):
    """Not a checkpoint, or not one signed by the key that was asked for."""


class Checkpoint(NamedTuple):
    """A log's name, its number of events, and the root of its tree."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note's text, which is what is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True)
class VerifierKey:
    """The public half. ``name`` is the log's origin, or a witness's own name."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that stand before the signature."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    @property
    def text(self) -> str:
        """``name+key id+key``, the form in which notes' keys are exchanged."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Raises BadCheckpoint."""
        try:
            name, key_id, encoded = text.strip().split("+", 2)
            key = base64.b64decode(encoded, validate=True)
            found = cls(name, key[1:])
            if key[:1] != ED25519 or len(key) != 33 or found.key_id.hex() != key_id:
                raise ValueError("another algorithm, or a key id that does not fit")
            return found
        except ValueError as error:
            raise BadCheckpoint(f"not a verifier key: {error}") from error


@dataclass(frozen=True)
class Signer:
    """The private half."""

    name: str
    private: Ed25519PrivateKey

    @property
    def verifier(self) -> VerifierKey:
        raw = self.private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return VerifierKey(self.name, raw)

    def sign(self, checkpoint: Checkpoint) -> str:
        """The signed note."""
        return f"{checkpoint.text}\n{self.signature_line(checkpoint)}"

    def signature_line(self, checkpoint: Checkpoint) -> str:
        """One more line under a note: what a witness adds."""
        signature = self.private.sign(checkpoint.text.encode())
        return f"{_DASH}{self.name} {base64.b64encode(self.verifier.key_id + signature).decode()}\n"


def parse(note: str) -> Checkpoint:
    """The checkpoint of a note, unverified. Raises BadCheckpoint."""
    text, _, _ = note.rpartition("\n\n")
    lines = text.split("\n")
    if len(lines) < 3 or not all(lines[:3]):
        raise BadCheckpoint("a checkpoint has an origin, a size and a root")
    origin, size, encoded = lines[:3]
    try:
        root = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise BadCheckpoint(f"the root is not base64: {error}") from error
    if not size.isascii() or not size.isdigit() or str(int(size)) != size or len(root) != HASH_BYTES:
        raise BadCheckpoint("the size is not a plain number, or the root not 32 bytes")
    return Checkpoint(origin, int(size), root)


def verify(note: str, key: VerifierKey) -> Checkpoint:
    """The checkpoint, when ``key`` signed it. Raises BadCheckpoint."""
    verified_text(note, key)
    return parse(note)


def verified_text(note: str, key: VerifierKey) -> str:
    """The text of a signed note, when ``key`` signed it. Raises BadCheckpoint."""
    text, separator, signatures = note.rpartition("\n\n")
    lines = signatures.split("\n")
    if not separator or lines.pop() != "" or not 0 < len(lines) <= _LINES_LIMIT:
        raise BadCheckpoint("a note has a blank line and signature lines below its text")
    signature = _signature_of(key, lines)
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, f"{text}\n".encode())
    except InvalidSignature as error:
        raise BadCheckpoint(f"the signature by {key.name} does not fit the text") from error
    return f"{text}\n"


def _signature_of(key: VerifierKey, lines: Sequence[str]) -> bytes:
    for line in lines:
        if not line.startswith(_DASH) or line.count(" ") != 2:
            raise BadCheckpoint("a signature line is an em dash, a name and a signature")
        _, name, encoded = line.split(" ")
        try:
            decoded = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise BadCheckpoint(f"a signature is not base64: {error}") from error
        if name == key.name and decoded[:4] == key.key_id:
            return decoded[4:]
    raise BadCheckpoint(f"not signed by {key.name}")


# -- keys --------------------------------------------------------------------------------------


class NoSigningKey(RuntimeError):
    """Production signs with a key it was given, never with a generated one."""


def signer_of(settings: Settings, service: str) -> Signer:
    """The service's key: ``<service>.pem`` (Ed25519, PKCS 8) in the folder ``checkpoint_keys``; in development one
    that is generated into the state directory. Raises NoSigningKey.
    """
    if settings.checkpoint_keys is not None:
        path = settings.checkpoint_keys / f"{service}.pem"
    elif settings.environment == "production":
        raise NoSigningKey("production needs TONGDUI_CHECKPOINT_KEYS: the folder with an Ed25519 key of each service")
    else:
        path = settings.state_dir / "checkpoint-keys" / f"{service}.pem"
        _generate(path)
    return Signer(f"{settings.topic_prefix}/{service}", _load(path))


def verifier_of(settings: Settings, service: str) -> VerifierKey:
    """The key a service's checkpoints are checked with: ``<service>.pub`` (a verifier key) beside the private keys, or the
    public half of the private key. Raises NoSigningKey or BadCheckpoint.
    """
    if settings.checkpoint_keys is not None:
        path = settings.checkpoint_keys / f"{service}.pub"
        if path.exists():
            return VerifierKey.parse(path.read_text(encoding="utf-8"))
    return signer_of(settings, service).verifier


def _load(path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise NoSigningKey(f"{path} cannot be read: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise NoSigningKey(f"{path} is not an Ed25519 key")
    return key


def _generate(path: Path) -> None:
    """Several processes may come here at once: the first to link its key wins."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    text = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.touch(mode=0o600)
    beside.write_bytes(text)
    try:
        path.hardlink_to(beside)
    except FileExistsError:
        return
    finally:
        beside.unlink()
