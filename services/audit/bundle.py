"""One case, or what a query finds, as a file that proves itself: original events with proofs, signed checkpoints, the terms
and lists in force, the documents' digests, a report and a ledger, and a signed manifest.
``verify_bundle.py`` checks it without us."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg import Connection
from pydantic_core import from_json
from tongdui_events.codec import decode_stamp

from services.audit.bundle_papers import ledger, report
from services.audit.cases import Case, Entry
from services.audit.context import context_of
from services.audit.key_files import key_document
from services.audit.proofs import Signed, covering, inclusion_text, witnesses
from services.audit.trees import Tree
from services.audit.verify_bundle import FORMAT, KEYS, MANIFEST, SIGNATURE, pack
from shared.kernel.decisions import Refusal
from shared.runtime.checkpoints import Signer, signer_of
from shared.runtime.settings import Settings

EVENTS_LIMIT = 20_000
DOMAIN = b"tongdui-bundle\n"


class TooMuch(Refusal):
    """A bundle is read by people."""

    zh = "案卷包含{count}个事件,超过上限{limit}"
    en = "the bundle would have {count} events, over the limit of {limit}"


@dataclass(frozen=True)
class Asked:
    """Which case, by whom and why, when (aware UTC); without a case ``query`` says of which stream every event is."""

    case_id: UUID | None
    by: str
    purpose: str
    at: datetime
    query: str = ""

    @property
    def title(self) -> str:
        return f"创新券 {self.case_id}" if self.case_id else f"查询 {self.query}"


def bundle(connection: Connection[Any], settings: Settings, case: Case, asked: Asked) -> bytes:
    """The zip. Raises ProofsFrozen, NotCovered, TooMuch, TreeDamaged."""
    parts = [("case" if asked.case_id else "query", entry) for entry in case.entries]
    if asked.case_id:
        parts += [("context", entry) for entry in _context(connection, case)]
    if len(parts) > EVENTS_LIMIT:
        raise TooMuch(count=len(parts), limit=EVENTS_LIMIT)
    parts.sort(key=lambda part: (part[0] == "context", _recorded_at(part[1]), part[1].source, part[1].position))
    signed = _checkpoints(connection, [entry for _, entry in parts])
    files = _files(connection, settings, parts, signed, asked)
    manifest = _manifest(connection, parts, signed, files, asked, signer_of(settings, "audit"))
    signature = signer_of(settings, "audit").private.sign(DOMAIN + manifest)
    return pack([(MANIFEST, manifest), (SIGNATURE, signature), *files.items()])


def _context(connection: Connection[Any], case: Case) -> list[Entry]:
    """What the case rests on and is not of it."""
    years = {decode_stamp(entry.state).business_day.year for entry in case.entries}
    known = {(entry.source, entry.position) for entry in case.entries}
    return [entry for entry in context_of(connection, case.parties, years) if (entry.source, entry.position) not in known]


def _recorded_at(entry: Entry) -> str:
    """As it stands in the bytes, which is what anybody else can sort by."""
    return str(from_json(entry.state)["recorded_at"])


def _checkpoints(connection: Connection[Any], entries: Iterable[Entry]) -> dict[str, Signed]:
    """The newest of each log; over every event and over all that the events had seen."""
    needed: Counter[str] = Counter()
    for entry in entries:
        for source, position in {**decode_stamp(entry.state).seen, entry.source: entry.position}.items():
            needed[source] = max(needed[source], position)
    return {source: covering(connection, source, position) for source, position in sorted(needed.items()) if position}


def _files(
    connection: Connection[Any],
    settings: Settings,
    parts: Sequence[tuple[str, Entry]],
    signed: Mapping[str, Signed],
    asked: Asked,
) -> dict[str, bytes]:
    """By name, in the order they stand in the zip."""
    trees = {source: Tree(connection, source) for source in signed}
    documents = [(entry, from_json(entry.state)) for _, entry in parts]
    case = [(entry, document) for (part, _), (entry, document) in zip(parts, documents, strict=True) if part != "context"]
    files = {
        "README.md": (Path(__file__).with_name("bundle_readme.md")).read_bytes(),
        "report.pdf": report(asked, case, signed),
        "ledger.xlsx": ledger(case),
        "documents.json": _json(_documents(case)),
        KEYS: _json(key_document(settings, witnesses(connection))),
    }
    files |= {f"checkpoints/{source}.txt": one.note.encode() for source, one in signed.items()}
    for _, entry in parts:
        name = f"{entry.source}/{entry.position:012d}"
        files[f"events/{name}.json"] = entry.state
        files[f"proofs/{name}.tlog-proof"] = inclusion_text(trees[entry.source], entry.position, signed[entry.source]).encode()
    return files


def _documents(case: Iterable[tuple[Entry, dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Every digest of a document that an event of the case states, and where. The documents themselves are handed out by the
    service that keeps them, under their digest."""
    found = [
        {"sha256": digest, "source": entry.source, "position": entry.position, "type": entry.type, "field": field}
        for entry, document in case
        for field, digest in _digests(document)
    ]
    return {"documents": found}


def _digests(value: Any, field: str = "") -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _digests(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _digests(inner, field)
    elif field.endswith("sha256") and isinstance(value, str):
        yield field, value


def _manifest(
    connection: Connection[Any],
    parts: Sequence[tuple[str, Entry]],
    signed: Mapping[str, Signed],
    files: Mapping[str, bytes],
    asked: Asked,
    signer: Signer,
) -> bytes:
    return _json({
        "format": FORMAT,
        "case_id": str(asked.case_id) if asked.case_id else None,
        "query": asked.query or None,
        "made_at": asked.at.isoformat(),
        "made_for": asked.by,
        "purpose": asked.purpose,
        "key": signer.verifier.text,
        "logs": {source: {"origin": one.checkpoint.origin, "size": one.checkpoint.size} for source, one in signed.items()},
        "events": [
            {"source": entry.source, "position": entry.position, "type": entry.type, "part": part} for part, entry in parts
        ],
        "streams": _whole_streams(connection, [entry for _, entry in parts]),
        "files": {name: sha256(content).hexdigest() for name, content in files.items()},
    })  # fmt: skip


def _whole_streams(connection: Connection[Any], entries: Iterable[Entry]) -> dict[str, int]:
    """The streams of which every event is here, as ``source/stream``, and how many each has: services name streams of one
    case alike."""
    here = Counter((entry.source, decode_stamp(entry.state).originator_id) for entry in entries)
    rows = connection.execute(
        "SELECT source, originator_id, count(*) FROM (SELECT source, originator_id FROM audit_archive"
        " WHERE originator_id = ANY(%(ids)s) UNION ALL SELECT 'audit', originator_id FROM audit_events"
        " WHERE originator_id = ANY(%(ids)s)) e GROUP BY 1, 2",
        {"ids": list({stream for _, stream in here})},
    )
    return {f"{source}/{stream}": count for source, stream, count in sorted(rows) if here[source, stream] == count}


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


__all__ = ["DOMAIN", "Asked", "TooMuch", "bundle"]
