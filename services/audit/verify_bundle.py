#!/usr/bin/env python3
"""Checks a bundle of the Tongdui audit service: python verify_bundle.py FILE.zip [--keys keys.json]

One file; it needs Python 3.9 or newer and the package ``cryptography``, and no network. Exit code 0: everything holds.
1: something does not, and each such thing is named. 2: it could not be checked.

Without --keys the keys inside the bundle are trusted, which shows that it is whole, not whose it is. keys.json is what the
platform or a witness gave you on another way: {"logs": {service: key}, "bundles": [key], "witnesses": [key], "checkpoints":
{origin: the last checkpoint you know}}; a key is ``name+hash+base64`` as in C2SP signed notes.

A bundle is a zip without compression. manifest.json lists every other file with its SHA-256, the events in their order, and
the size every log had; manifest.sig is the signature over it, 64 raw bytes of Ed25519. Each event is there byte for byte as
recorded, with a C2SP tlog-proof against its log's signed checkpoint (RFC 6962 trees).
"""

import argparse
import base64
import binascii
import hashlib
import io
import json
import re
import struct
import sys
import zipfile
import zlib

FORMAT = "tongdui-bundle/1"
MANIFEST, SIGNATURE, KEYS = "manifest.json", "manifest.sig", "keys.json"
SOUND, FOUND, UNCHECKED = 0, 1, 2
LOG_KEY, WITNESS_KEY = b"\x01", b"\x04"
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\Z")


class Wrong(Exception):
    """Something does not hold; the text says what."""


class Verdict:
    """What was found, what held, and what was not checked."""

    def __init__(self):
        self.findings = []
        self.checked = []
        self.unchecked = []

    def find(self, what):
        self.findings.append(what)

    def holds(self, what, *arguments):
        """The result of a check, or None when it found something."""
        try:
            return what(*arguments)
        except Wrong as wrong:
            self.find(str(wrong))
            return None


# -- signatures (C2SP signed-note, tlog-checkpoint, tlog-cosignature) --------------------------------


class Key:
    """A public key as notes exchange it."""

    def __init__(self, text):
        try:
            self.name, key_id, encoded = text.strip().split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
        except (AttributeError, ValueError) as error:
            raise Wrong(f"{text!r} is no key") from error
        self.text, self.algorithm, self.public = text.strip(), raw[:1], raw[1:]
        self.key_id = hashlib.sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        if self.key_id.hex() != key_id or len(self.public) != 32 or self.algorithm not in (LOG_KEY, WITNESS_KEY):
            raise Wrong(f"the key of {self.name} is not what its own hash says")

    def signed(self, signature, message):
        """Whether these 64 raw bytes are this key's signature over the message."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        if len(signature) != 64:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


class Note:
    """A checkpoint with its signatures."""

    def __init__(self, text):
        self.text, separator, signatures = text.rpartition("\n\n")
        self.text += "\n"
        lines = self.text.split("\n")
        if not separator or len(lines) < 4 or not signatures.endswith("\n"):
            raise Wrong("a checkpoint has an origin, a size, a root and signatures")
        self.origin, size = lines[0], lines[1]
        if not _SIZE.match(size):
            raise Wrong(f"the checkpoint of {self.origin} has no size")
        self.size, self.root = int(size), _hash(lines[2])
        self.signatures = [_signature_line(line) for line in signatures[:-1].split("\n")]

    def signature_by(self, key):
        """What stands behind the key's hash in its line; None without one."""
        return next((raw[4:] for name, raw in self.signatures if name == key.name and raw[:4] == key.key_id), None)

    def is_signed_by(self, key):
        signature = self.signature_by(key)
        return signature is not None and key.signed(signature, self.text.encode())

    def countersigned_at(self, key):
        """Seconds since 1970 at which a witness countersigned; None when it did not. Wrong when it does not hold."""
        signature = self.signature_by(key)
        if signature is None:
            return None
        at = int.from_bytes(signature[:8], "big")
        if len(signature) != 72 or not key.signed(signature[8:], f"cosignature/v1\ntime {at}\n{self.text}".encode()):
            raise Wrong(f"the countersignature of {key.name} under {self.origin} {self.size} does not hold")
        return at


def _signature_line(line):
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "\u2014":
        raise Wrong("a signature line is an em dash, a name and a signature")
    return parts[1], _decoded(parts[2])


def _decoded(text):
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Wrong(f"{text[:40]!r} is not base64") from error
    if base64.b64encode(raw).decode() != text:
        raise Wrong(f"{text[:40]!r} is not the base64 of its bytes")
    return raw


def _hash(text):
    raw = _decoded(text)
    if len(raw) != 32:
        raise Wrong(f"{text[:60]!r} is not a hash of 32 bytes")
    return raw


# -- proofs (RFC 9162 2.1.3.2, C2SP tlog-proof) --------------------------------------------------------


def leaf_hash(state):
    return hashlib.sha256(b"\x00" + state).digest()


def _node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_from_path(leaf, index, size, path):
    """The root that a path leads to from leaf ``index`` of a tree of ``size``; None when it is not of that length."""
    if not 0 <= index < size:
        return None
    found, node, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            return None
        if node & 1 or node == last:
            found = _node(sibling, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = _node(found, sibling)
        node, last = node >> 1, last >> 1
    return found if last == 0 else None


def read_proof(text):
    """(index, path, note) of a tlog-proof."""
    head, separator, note = text.partition("\n\n")
    lines = head.split("\n")
    if not separator or lines[0] != "c2sp.org/tlog-proof@v1" or len(lines) < 2 or not lines[1].startswith("index "):
        raise Wrong("not a tlog-proof")
    if not _SIZE.match(lines[1][6:]):
        raise Wrong("the proof's index is no number")
    return int(lines[1][6:]), [_hash(line) for line in lines[2:]], note


# -- the zip ---------------------------------------------------------------------------------------------


def pack(files):
    """The one zip that holds these (name, bytes) in this order: no compression, no times, nothing beside."""
    body, directory = io.BytesIO(), io.BytesIO()
    for name, content in files:
        raw, offset = name.encode("ascii"), body.tell()
        common = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 0x21, zlib.crc32(content), len(content), len(content), len(raw), 0)
        body.write(b"PK\x03\x04" + common + raw + content)
        directory.write(b"PK\x01\x02" + struct.pack("<H", 0x0314) + common)
        directory.write(struct.pack("<HHHII", 0, 0, 0, 0o100644 << 16, offset) + raw)
    start, central = body.tell(), directory.getvalue()
    end = struct.pack("<HHHHIIH", 0, 0, len(files), len(files), len(central), start, 0)
    return body.getvalue() + central + b"PK\x05\x06" + end


def unpack(data):
    """(name, bytes) of every file, as the directory has them. Raises Wrong."""
    try:
        entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
        return [(entry.filename, _content(data, entry)) for entry in entries]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, OverflowError, EOFError, OSError) as error:
        raise Wrong(f"the zip is damaged: {error}") from error


def _content(data, entry):
    """A file is stored as it is: its bytes stand behind its header."""
    start = entry.header_offset + 30
    names = struct.unpack("<HH", data[start - 4 : start])
    start += sum(names)
    if start + entry.file_size > len(data):
        raise Wrong(f"the zip is damaged: {entry.filename} is longer than the file")
    return data[start : start + entry.file_size]


# -- the bundle --------------------------------------------------------------------------------------------


class Bundle:
    """A bundle under examination."""

    def __init__(self, data, keys=None):
        self.data = data
        self.given = keys
        self.verdict = Verdict()
        self.order = []
        self.files = {}
        self.manifest = {}
        self.keys = {}
        self.notes = {}

    def examine(self):
        """Everything; the verdict."""
        if self.verdict.holds(self._open) is None:
            return self.verdict
        for check in (self._signature, self._files, self._trust, self._checkpoints, self._events, self._streams, self._bytes):
            try:
                self.verdict.holds(check)
            except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
                self.verdict.find(f"the bundle is not as its format says ({check.__name__.strip('_')}: {error!r})")
        return self.verdict

    def _open(self):
        entries = unpack(self.data)
        self.order = [name for name, _ in entries]
        self.files = dict(entries)
        if len(self.files) != len(entries):
            raise Wrong("a name stands twice in the zip")
        if MANIFEST not in self.files:
            raise Wrong(f"{MANIFEST} is missing")
        self.manifest = _json(self.files[MANIFEST], MANIFEST)
        if self.manifest.get("format") != FORMAT:
            raise Wrong(f"the format is {self.manifest.get('format')!r}, not {FORMAT}")
        return True

    def _signature(self):
        key = Key(self.manifest["key"])
        if SIGNATURE not in self.files:
            raise Wrong(f"{SIGNATURE} is missing")
        if not key.signed(self.files[SIGNATURE], b"tongdui-bundle\n" + self.files[MANIFEST]):
            raise Wrong(f"{SIGNATURE} is not the signature of {key.name} over {MANIFEST}: one of them was changed")
        self.verdict.checked.append(f"the manifest is signed by {key.name}")

    def _files(self):
        """Every file is in the manifest, and has its digest there."""
        listed = self.manifest["files"]
        there = [name for name in self.order if name not in (MANIFEST, SIGNATURE)]
        for name in there:
            if name not in listed:
                self.verdict.find(f"{name} was added: it is not in the manifest")
            elif hashlib.sha256(self.files[name]).hexdigest() != listed[name]:
                self.verdict.find(f"{name} was changed: its SHA-256 is not the one in the manifest")
        for name in listed:
            if name not in self.files:
                self.verdict.find(f"{name} is missing: the manifest has it")
        if set(there) == set(listed) and there != list(listed):
            self.verdict.find("the files stand in another order than in the manifest")
        self.verdict.checked.append(f"{len(listed)} files by their SHA-256")

    def _trust(self):
        """The keys that are trusted: those given, or the bundle's own."""
        inside = _json(self.files.get(KEYS, b"{}"), KEYS)
        self.keys = inside if self.given is None else self.given
        if self.given is None:
            self.verdict.unchecked.append("whose bundle it is: without --keys its own keys are trusted")
        elif self.manifest["key"] not in self.keys.get("bundles", []):
            raise Wrong("the bundle is signed by a key that is not among those given")

    def _checkpoints(self):
        for source, stated in self.manifest["logs"].items():
            name = f"checkpoints/{source}.txt"
            note = self.verdict.holds(self._checkpoint, source, name, stated)
            if note is not None:
                self.notes[source] = note
        self.verdict.checked.append(f"{len(self.notes)} signed checkpoints")

    def _checkpoint(self, source, name, stated):
        if name not in self.files:
            raise Wrong(f"{name} is missing")
        note, key = Note(_text(self.files[name], name)), Key(self.keys.get("logs", {}).get(source, ""))
        if note.origin != key.name or not note.is_signed_by(key):
            raise Wrong(f"{name} is not signed by the key of {source}")
        if note.size < stated["size"]:
            raise Wrong(f"{name} is of {note.size} events, the bundle of {stated['size']}: an old checkpoint passed off as new")
        if note.size != stated["size"]:
            raise Wrong(f"{name} is of {note.size} events, the bundle of {stated['size']}")
        self._known(note, name)
        self._witnesses(note)
        return note

    def _known(self, note, name):
        """Against the last checkpoint that was known before."""
        text = self.keys.get("checkpoints", {}).get(note.origin)
        if text is None:
            return
        known = Note(text)
        if note.size < known.size:
            raise Wrong(f"{name} is of {note.size} events, {known.size} were known: an old checkpoint passed off as new")
        if note.size == known.size and note.root != known.root:
            raise Wrong(f"{name} has another root than the checkpoint known for {known.size} events: two histories")
        if note.size > known.size:
            told = f"that {note.origin} at {note.size} continues what you knew at {known.size} (tongdui audit proof)"
            self.verdict.unchecked.append(told)

    def _witnesses(self, note):
        for text in self.keys.get("witnesses", []):
            at = note.countersigned_at(Key(text))
            if at is not None:
                self.verdict.checked.append(f"{note.origin} {note.size} countersigned by {Key(text).name} at {at}")
        if self.given is not None and self.keys.get("witnesses") and len(note.signatures) == 1:
            self.verdict.unchecked.append(f"{note.origin} {note.size}: no witness has countersigned it")

    def _events(self):
        """Each event against its proof, in the order of the manifest, and no other."""
        listed = self.manifest["events"]
        names = []
        for event in listed:
            base = f"{event['source']}/{event['position']:012d}"
            names += [f"events/{base}.json", f"proofs/{base}.tlog-proof"]
            self.verdict.holds(self._event, event, *names[-2:])
        for name in self.files:
            if name.startswith(("events/", "proofs/")) and name not in names:
                self.verdict.find(f"{name} was added: no event of the manifest")
        order = [self._place(event) for event in listed]
        if order != sorted(order):
            self.verdict.find("the events are not in the order they were recorded in")
        if len(set(names)) != len(names):
            self.verdict.find("an event stands twice in the manifest")
        self.verdict.checked.append(f"{len(listed)} events, each by its proof")

    def _place(self, event):
        document = self._document(event)
        return event["part"] == "context", str(document.get("recorded_at")), event["source"], event["position"]

    def _document(self, event):
        name = f"events/{event['source']}/{event['position']:012d}.json"
        return _json(self.files.get(name, b"{}"), name)

    def _event(self, event, name, proof_name):
        for needed in (name, proof_name):
            if needed not in self.files:
                raise Wrong(f"{needed} is missing")
        document = _json(self.files[name], name)
        if (document["source"], document["type"]) != (event["source"], event["type"]):
            raise Wrong(f"{name} is {document['source']} {document['type']}, the manifest says {event['type']}")
        if event["part"] == "case" and document.get("case_id") not in (None, self.manifest["case_id"]):
            raise Wrong(f"{name} is of another case")
        note = self.notes.get(event["source"])
        if note is None:
            raise Wrong(f"{name} has no checkpoint that holds")
        self._prove(event, name, proof_name, note)
        self._is_covered(event, document, name)

    def _prove(self, event, name, proof_name, note):
        index, path, carried = read_proof(_text(self.files[proof_name], proof_name))
        if index != event["position"] - 1:
            raise Wrong(f"{proof_name} is of index {index}, the event stands at position {event['position']}")
        if Note(carried).text != note.text:
            raise Wrong(f"{proof_name} is against another checkpoint than the bundle's")
        if root_from_path(leaf_hash(self.files[name]), index, note.size, path) != note.root:
            raise Wrong(f"{proof_name} does not show that {name} is at position {index + 1}: the event or the proof is forged")

    def _is_covered(self, event, document, name):
        """What an event had seen of other logs was there before it: a smaller checkpoint is an older one."""
        seen = {**document.get("seen", {}), event["source"]: event["position"]}
        for source, position in seen.items():
            note = self.notes.get(source)
            if note is not None and note.size < position:
                what = f"{name} had seen {source} {position}, its checkpoint is of {note.size}"
                raise Wrong(f"{what}: an old checkpoint passed off as new")

    def _streams(self):
        """The streams that are whole have every version once, from 1."""
        versions = {}
        for event in self.manifest["events"]:
            document = self._document(event)
            stream = f"{document.get('source')}/{document.get('originator_id')}"
            versions.setdefault(stream, []).append(document.get("originator_version"))
        for stream, count in self.manifest["streams"].items():
            found = sorted(versions.get(stream, []))
            if found != list(range(1, count + 1)):
                missing = sorted(set(range(1, count + 1)) - set(found)) or "none, but some stand twice"
                self.verdict.find(f"stream {stream} has not every version from 1 to {count}: missing {missing}")
        self.verdict.checked.append(f"{len(self.manifest['streams'])} streams without a gap")

    def _bytes(self):
        """Nothing is in the file but what its contents make."""
        made = pack([(name, self.files[name]) for name in self.order])
        if made != self.data:
            shorter = min(len(made), len(self.data))
            at = next((at for at in range(shorter) if made[at] != self.data[at]), shorter)
            raise Wrong(f"byte {at} of the zip is not what its contents make: it was changed")


def _text(content, name):
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Wrong(f"{name} is no text") from error


def _json(content, name):
    try:
        found = json.loads(content)
    except ValueError as error:
        raise Wrong(f"{name} is not JSON") from error
    if not isinstance(found, dict):
        raise Wrong(f"{name} is no JSON object")
    return found


def examine(data, keys=None):
    """The verdict on the bytes of a bundle; ``keys``: what keys.json says."""
    return Bundle(data, keys).examine()


def main(arguments=None):
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("bundle")
    parser.add_argument("--keys", help="keys you were given on another way")
    told = parser.parse_args(arguments)
    try:
        import cryptography  # noqa: F401  whether it can be checked at all

        with open(told.bundle, "rb") as file:
            data = file.read()
        keys = None
        if told.keys:
            with open(told.keys, encoding="utf-8") as file:
                keys = json.load(file)
            if not isinstance(keys, dict):
                raise ValueError(f"{told.keys} is no JSON object")
    except (OSError, ValueError, ImportError) as error:
        print(f"could not check: {error}", file=sys.stderr)
        return UNCHECKED
    verdict = examine(data, keys)
    lists = (("checked    ", verdict.checked), ("NOT checked", verdict.unchecked), ("FOUND      ", verdict.findings))
    for heading, lines in lists:
        for line in lines:
            print(heading, line)
    print("everything holds" if not verdict.findings else f"{len(verdict.findings)} findings")
    return FOUND if verdict.findings else SOUND


if __name__ == "__main__":
    sys.exit(main())
