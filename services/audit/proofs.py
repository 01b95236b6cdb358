"""Proofs from the archive's trees, against checkpoints their services signed and the archive found to hold.

An inclusion proof is a C2SP tlog-proof. A consistency proof is what C2SP tlog-witness sends: ``old SIZE``, the hashes, an
empty line, the checkpoint. Checkpoints carry the countersignatures of their witnesses.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from psycopg import Connection

from services.audit.comparing import frozen_logs
from services.audit.cosignatures import with_lines
from services.audit.trees import Tree
from shared.kernel.decisions import NotFound, Refusal
from shared.runtime.checkpoints import Checkpoint, parse
from shared.runtime.merkle import HASH_BYTES, consistency_proof, inclusion_proof

HEADER = "c2sp.org/tlog-proof@v1"
TABLES = (
    "CREATE TABLE IF NOT EXISTS audit_cosignatures (source text NOT NULL, size bigint NOT NULL, witness text NOT NULL,"
    " key text NOT NULL, line text NOT NULL, at bigint NOT NULL, given_by text NOT NULL, PRIMARY KEY (source, size, witness))",
)


class ProofsFrozen(Refusal):
    """The log does not fit what was signed: nothing is proven from it until somebody has looked."""

    status = 409
    zh = "{source}日志自位置{position}起与已签名的检查点不符,暂不出具证明"
    en = "the log of {source} does not fit its signed checkpoints from position {position} on: no proofs are given"


class NotCovered(Refusal):
    """Nothing is signed yet over that position; a few seconds later it is."""

    status = 409
    zh = "{source}日志位置{position}尚未被已签名的检查点覆盖,请稍后再试"
    en = "no signed checkpoint covers {source} {position} yet: ask again in some seconds"


class Signed(NamedTuple):
    """A checkpoint that holds, and its note with all signatures."""

    checkpoint: Checkpoint
    note: str


def ensure_not_frozen(connection: Connection[Any], source: str) -> None:
    """Raises ProofsFrozen."""
    for difference, _ in frozen_logs(connection):
        if difference.source == source:
            raise ProofsFrozen(source=source, position=difference.first_bad)


def signed_checkpoint(connection: Connection[Any], source: str, size: int | None = None) -> Signed:
    """The newest checkpoint that holds, or that of ``size``. Raises ProofsFrozen, NotCovered, NotFound."""
    ensure_not_frozen(connection, source)
    row = connection.execute(
        "SELECT note FROM audit_seen_checkpoints WHERE source = %(source)s AND holds"
        " AND (%(size)s::bigint IS NULL OR size = %(size)s) ORDER BY size DESC LIMIT 1",
        {"source": source, "size": size},
    ).fetchone()
    if row is None:
        raise NotCovered(source=source, position=1) if size is None else NotFound(what="checkpoint", id=size)
    checkpoint = parse(row[0])
    lines = connection.execute(
        "SELECT line FROM audit_cosignatures WHERE source = %s AND size = %s ORDER BY witness", (source, checkpoint.size)
    )
    return Signed(checkpoint, with_lines(row[0], (line for (line,) in lines)))


def covering(connection: Connection[Any], source: str, position: int, size: int | None = None) -> Signed:
    """A checkpoint over a position. Raises ProofsFrozen, NotCovered, NotFound."""
    signed = signed_checkpoint(connection, source, size)
    if signed.checkpoint.size < position:
        raise NotCovered(source=source, position=position)
    return signed


def inclusion_text(tree: Tree, position: int, signed: Signed) -> str:
    """That the event at a position is in the log as signed. Raises TreeDamaged."""
    path = inclusion_proof(position - 1, signed.checkpoint.size, tree.subtree)
    return f"{HEADER}\nindex {position - 1}\n{_lines(path)}\n{signed.note}"


def consistency_text(tree: Tree, first: int, signed: Signed) -> str:
    """That the log as signed begins with its first ``first`` events. Raises TreeDamaged."""
    path = consistency_proof(first, signed.checkpoint.size, tree.subtree)
    return f"old {first}\n{_lines(path)}\n{signed.note}"


def read_consistency(text: str) -> tuple[int, list[bytes], str]:
    """(first size, path, note). Raises ValueError."""
    head, separator, note = text.partition("\n\n")
    first, *hashes = head.split("\n")
    path = [base64.b64decode(line, validate=True) for line in hashes]
    if not separator or not first.startswith("old ") or any(len(one) != HASH_BYTES for one in path):
        raise ValueError("not a consistency proof")
    return int(first[4:]), path, note


def witnesses(connection: Connection[Any]) -> Sequence[str]:
    """The keys that countersigned something."""
    return [key for (key,) in connection.execute("SELECT DISTINCT key FROM audit_cosignatures ORDER BY key")]


def _lines(path: Iterable[bytes]) -> str:
    return "".join(f"{base64.b64encode(one).decode()}\n" for one in path)
