"""Checks the whole archive: every byte against its tree, every tree against the signed checkpoints, gaps, the chain of
versions of every stream, and the services' own logs where their databases can be read.

It trusts nothing it finds: roots are computed from the bytes, signatures are checked with the keys it was given, and what a
witness has seen elsewhere stands above what the database says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection

from services.audit.trees import TILE, Tree, TreeDamaged
from shared.runtime.checkpoints import BadCheckpoint, Checkpoint, VerifierKey, verify
from shared.runtime.merkle import EMPTY_ROOT, HASH_BYTES, Frontier

SOURCES = ("registry", "voucher", "settlement", "audit")
PAGE = 2000
#: of one log; a log that was rewritten differs everywhere
FINDINGS_LIMIT = 20

_STAMP = re.compile(
    rb'\{"source":"(\w+)","type":"(\w+)","schema":\d+,"event_id":"[0-9a-f-]{36}","originator_id":"([0-9a-f-]{36})",'
    rb'"originator_version":(\d+),"business_day":"[0-9-]{10}","occurred_at":"[^"]*","recorded_at":"[^"]*",'
    rb'"actor":\{[^}]*\},"case_id":(?:"([0-9a-f-]{36})"|null)'
)
Told = Callable[[str, int], None]
"""Called with a log's name and how many more of its events were read."""


class CannotCheck(RuntimeError):
    """There is no archive, or no key to check it with."""


class Finding(NamedTuple):
    """Something that does not fit. ``position`` is the first bad one; None where none can be named. ``doubts_keys``: it may
    be the keys that were given, not the log."""

    source: str
    position: int | None
    what: str
    doubts_keys: bool = False


@dataclass
class Verdict:
    """What was found, what was checked, and what was not."""

    findings: list[Finding] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    def find(self, source: str, position: int | None, what: str, doubts_keys: bool = False) -> None:
        if sum(one.source == source for one in self.findings) < FINDINGS_LIMIT:
            self.findings.append(Finding(source, position, what, doubts_keys))

    def first(self, source: str) -> Finding | None:
        """What is first wrong with a log, whosever the keys are."""
        told = [one for one in self.findings if one.source == source and not one.doubts_keys]
        return min(told, key=lambda one: one.position or 1, default=None)


@dataclass(frozen=True)
class Sources:
    """Where to read: the audit service's database; the services' own, where they can be read; what witnesses saw."""

    database: str
    services: Mapping[str, str]
    keys: Mapping[str, VerifierKey]
    witnessed: Sequence[str] = ()


class Claim(NamedTuple):
    """A root that somebody stated for a size, and who."""

    size: int
    root: bytes
    by: str


def verify_archive(sources: Sources, told: Told) -> Verdict:
    """Read everything once. Raises CannotCheck and psycopg.OperationalError."""
    verdict = Verdict()
    with ExitStack() as stack:
        archive = stack.enter_context(_read_only(sources.database))
        if archive.execute("SELECT to_regclass('audit_archive'), to_regclass('audit_tree')").fetchone().count(None):
            raise CannotCheck("this database has no archive with trees")
        logs = {name: stack.enter_context(_read_only(url)) for name, url in sources.services.items()}
        for source in SOURCES:
            _LogCheck(source, archive, logs.get(source), sources, verdict, told).run()
    verdict.unchecked.append("the invariants of the business: `tests/invariants` checks them over events.jsonl")
    return verdict


def total_of(database: str) -> int:
    """How many events the archive and the audit service's own log have. Raises psycopg.Error."""
    with _read_only(database) as archive:
        return sum(archive.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("audit_archive", "audit_events"))


def _read_only(url: str) -> Connection[Any]:
    connection = psycopg.connect(url, connect_timeout=5)
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    return connection


class _LogCheck:
    """One log. The order of the steps is the order in which a difference is best explained."""

    def __init__(
        self, source: str, archive: Connection[Any], log: Connection[Any] | None, sources: Sources, verdict: Verdict, told: Told
    ) -> None:
        self.source = source
        self.archive = archive
        self.log = log
        self.sources = sources
        self.verdict = verdict
        self.told = told
        self.tree = Tree(archive, source) if self._tree_reads() else None
        self.claims: list[Claim] = []
        self.versions: dict[bytes, int] = {}
        self.last = 0
        #: the largest size whose stated root is that of the archive's bytes
        self.proven = 0

    def _tree_reads(self) -> bool:
        try:
            Tree(self.archive, self.source)
        except TreeDamaged as damage:
            self.verdict.find(self.source, None, f"the tree cannot be read: {damage}")
            return False
        return True

    def run(self) -> None:
        """Every check there is for this log."""
        self.claims = sorted([*self._checkpoints(), *self._witnessed()])
        self._read_archive()
        self._ends()
        self._own_tables()
        self._service_log()
        self.verdict.checked.append(
            f"{self.source}: {self.last} events against their tree, {len(self.claims)} signed checkpoints up to"
            f" {self.claims[-1].size if self.claims else 0}, {len(self.versions)} streams without a gap in their versions"
        )
        if self.claims and self.last > self.claims[-1].size:
            rest = f"{self.claims[-1].size + 1} to {self.last}"
            self.verdict.unchecked.append(f"{self.source}: no checkpoint is signed yet over positions {rest}")
        if not self.claims and self.last:
            self.verdict.unchecked.append(f"{self.source}: no checkpoint is signed yet")

    # -- what was stated ---------------------------------------------------------------------------

    def _checkpoints(self) -> list[Claim]:
        """Every checkpoint kept by the archive, and by the service where it can be read."""
        rows = []
        if self.archive.execute("SELECT to_regclass('audit_seen_checkpoints')").fetchone()[0]:
            statement = "SELECT size, root, note FROM audit_seen_checkpoints WHERE source = %s"
            rows += [(*row, "kept by the archive") for row in self.archive.execute(statement, (self.source,))]
        if self.log is not None and self.log.execute(f"SELECT to_regclass('{self.source}_checkpoints')").fetchone()[0]:
            statement = f"SELECT size, root, note FROM {self.source}_checkpoints"
            rows += [(*row, "kept by the service") for row in self.log.execute(statement)]
        if rows and not any(self._is_signed(note) for _, _, note, _ in rows):
            name = self.sources.keys[self.source].name
            what = f"not one of {len(rows)} checkpoints is signed by the key that was given as {name}: is it this installation's?"
            self.verdict.find(self.source, None, what, doubts_keys=True)
            return []
        claims = []
        for size, root, note, where in rows:
            claims += self._claim(note, where, Checkpoint("", size, bytes(root)))
        return claims

    def _witnessed(self) -> list[Claim]:
        """Those of this log that a witness keeps."""
        name = self.sources.keys[self.source].name
        mine = [note for note in self.sources.witnessed if note.split("\n", 1)[0] == name]
        if not mine:
            self.verdict.unchecked.append(f"{self.source}: no witness's checkpoint was given (--witnessed)")
        return [claim for note in mine for claim in self._claim(note, "seen by a witness")]

    def _is_signed(self, note: str) -> bool:
        try:
            verify(note, self.sources.keys[self.source])
        except BadCheckpoint:
            return False
        return True

    def _claim(self, note: str, where: str, row: Checkpoint | None = None) -> list[Claim]:
        try:
            checkpoint = verify(note, self.sources.keys[self.source])
        except BadCheckpoint as bad:
            self.verdict.find(self.source, None, f"a checkpoint {where} was not signed by the service: {bad}")
            return []
        if row is not None and (row.size, row.root) != (checkpoint.size, checkpoint.root):
            self.verdict.find(self.source, None, f"a checkpoint {where} stands at size {row.size} and says {checkpoint.size}")
        return [Claim(checkpoint.size, checkpoint.root, where)]

    # -- the archive ---------------------------------------------------------------------------------

    def _read_archive(self) -> None:
        frontier = Frontier()
        waiting = list(reversed(self.claims))
        for rows in self._pages(self.archive, self.source == "audit"):
            states = [row[1] for row in rows]
            leaves = [sha256(b"\x00" + state).digest() for state in states]
            self._compare_tree(rows[0][0] - 1, leaves)
            self._read_stamps(rows)
            at = 0
            while waiting and waiting[-1].size <= frontier.size + len(leaves) - at:
                upto = at + waiting[-1].size - frontier.size
                frontier, at = frontier.extend(leaves[at:upto]), upto
                self._compare_root(waiting.pop(), frontier)
            frontier = frontier.extend(leaves[at:])
            self.last = rows[-1][0]
            self.told(self.source, len(rows))
        for claim in reversed(waiting):
            if claim.size == 0 and claim.root == EMPTY_ROOT:
                continue
            self._beyond_the_end(claim)

    def _pages(self, connection: Connection[Any], own: bool) -> Iterator[list[tuple[Any, ...]]]:
        """Pages of (position, bytes, the columns beside them) in order; a gap is found and ends the reading. The columns are
        ``type/originator/case``, None for what is no document; a service's own log has no case beside the bytes."""
        statement = (
            f"SELECT notification_id, state, topic || '/' || originator_id || '/' FROM {self.source}_events"
            " ORDER BY notification_id"
            if own
            else "SELECT position, state, type || '/' || originator_id || '/' || coalesce(case_id::text, '')"
            f" FROM audit_archive WHERE source = '{self.source}' ORDER BY position"
        )
        after = 0
        # one plan for the whole log: page by page a table without statistics would be sorted for each
        with connection.cursor(name=f"verify_{self.source}") as cursor, ThreadPoolExecutor(1) as ahead:
            cursor.execute(statement, binary=True)
            fetched = ahead.submit(cursor.fetchmany, PAGE)
            while rows := fetched.result():
                fetched = ahead.submit(cursor.fetchmany, PAGE)
                # in order and none twice: with the last where it belongs, all are
                whole = rows[-1][0] == after + len(rows)
                dense = rows if whole else [row for expected, row in enumerate(rows, after + 1) if row[0] == expected]
                if dense:
                    yield dense
                if len(dense) < len(rows):
                    where = "the log in its service" if own and self.source != "audit" else "the archive"
                    found = rows[len(dense)][0]
                    self.verdict.find(self.source, after + len(dense) + 1, f"{where} lacks this position and has {found}")
                    return
                after = rows[-1][0]

    def _compare_tree(self, after: int, leaves: Sequence[bytes]) -> None:
        """Each leaf as it was when it arrived."""
        if self.tree is None:
            return
        told = self._tree_leaves(after, len(leaves))
        if told == b"".join(leaves):
            return
        for at, leaf in enumerate(leaves):
            stood = told[at * HASH_BYTES : (at + 1) * HASH_BYTES]
            if stood and stood != leaf:
                self.verdict.find(self.source, after + at + 1, "the archive's bytes are not those that arrived")

    def _tree_leaves(self, after: int, count: int) -> bytes:
        """Leaf hashes of the tree from position ``after`` + 1 on, fewer at its end."""
        first, last = after // TILE, (after + count - 1) // TILE
        try:
            tiles = b"".join(self.tree.leaves(tile) for tile in range(first, min(last, self.tree.size // TILE) + 1))
        except TreeDamaged as damage:
            self.verdict.find(self.source, None, f"the tree was changed: {damage}")
            self.tree = None
            return b""
        finally:
            if self.tree is not None:
                self.tree.forget()
        start = (after - first * TILE) * HASH_BYTES
        return tiles[start : start + count * HASH_BYTES]

    def _read_stamps(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """The chain of versions of every stream, and the columns the archive is searched by."""
        versions, own, source_named = self.versions, self.source == "audit", self.source.encode()
        for position, state, beside in rows:
            stamp = _STAMP.match(state)
            if stamp is None:
                if beside is not None:
                    self.verdict.find(self.source, position, "the bytes are no document of this log")
                continue
            source, kind, stream, version, of_case = stamp.groups()
            expected = versions.get(stream, 0) + 1
            if int(version) != expected:
                what = f"version {int(version)} of stream {stream.decode()} where {expected} was expected"
                self.verdict.find(self.source, position, what)
            versions[stream] = int(version)
            if source != source_named:
                self.verdict.find(self.source, position, f"the document is of the log of {source.decode()}")
            if b"%b/%b/%b" % (kind, stream, b"" if own or of_case is None else of_case) != (beside or "").encode():
                self.verdict.find(self.source, position, "the columns beside the bytes say another type, stream or case")

    def _compare_root(self, claim: Claim, frontier: Frontier) -> None:
        if frontier.root() == claim.root:
            self.proven = max(self.proven, claim.size)
        elif self.verdict.first(self.source) is None or claim.by == "seen by a witness":
            what = f"the checkpoint of {claim.size} events {claim.by} has another root: history was changed between"
            self.verdict.find(self.source, self.proven + 1, f"{what} {self.proven + 1} and {claim.size}")

    def _beyond_the_end(self, claim: Claim) -> None:
        """A service may be ahead of the archive; what the archive itself or a witness saw was once there."""
        if claim.by == "kept by the service":
            self.verdict.unchecked.append(f"{self.source}: the checkpoint of {claim.size} events, the archive has {self.last}")
        else:
            what = f"{claim.size} events were signed for, {claim.by}; the archive ends at {self.last}"
            self.verdict.find(self.source, self.last + 1, f"{what}: an older backup or a cut tail")

    # -- what stands beside --------------------------------------------------------------------------

    def _ends(self) -> None:
        """The archive, its tree and the inbox end together."""
        if self.tree is None:
            return
        if self.source == "audit":
            if self.last > self.tree.size:
                self.verdict.unchecked.append(f"audit: positions {self.tree.size + 1} to {self.last} are not in its tree yet")
        elif self.last > self.tree.size:
            self.verdict.find(self.source, self.tree.size + 1, f"the archive has it, its tree ends at {self.tree.size}")
        if self.last < self.tree.size:
            self.verdict.find(self.source, self.last + 1, f"the archive ends before it, its tree has {self.tree.size} leaves")
        if self.source != "audit":
            applied = self.archive.execute("SELECT (seen::json->>%s)::bigint FROM audit_head", (self.source,)).fetchone()
            if applied and (applied[0] or 0) != self.last:
                what = f"{applied[0] or 0} events were applied, the archive has {self.last}"
                self.verdict.find(self.source, self.last + 1, what)

    def _own_tables(self) -> None:
        """The stored edge is what the tiles make, and what the bytes make where they fit."""
        if self.tree is None:
            return
        try:
            edge, made = self.tree.edge.frontier.root(), self.tree.root()
        except TreeDamaged as damage:
            self.verdict.find(self.source, None, f"the tree was changed: {damage}")
            return
        if edge != made:
            self.verdict.find(self.source, None, "the tree's edge and its tiles have different roots: the tree was changed")

    def _service_log(self) -> None:
        """The log as its service has it, against the archive's leaves."""
        if self.source == "audit":
            return
        if self.log is None or not self.log.execute(f"SELECT to_regclass('{self.source}_events')").fetchone()[0]:
            self.verdict.unchecked.append(f"{self.source}: the log in the service's own database (--service {self.source}=URL)")
            return
        read = 0
        for rows in self._pages(self.log, True):
            read = rows[-1][0]
            self._compare_service(rows)
        if read < self.last:
            what = f"the service's log ends before it, the archive has {self.last}: an older backup or a cut tail"
            self.verdict.find(self.source, read + 1, what)
        self.verdict.checked.append(f"{self.source}: {read} events in the service's own database against the archive")

    def _compare_service(self, rows: Sequence[tuple[Any, ...]]) -> None:
        statement = "SELECT position, sha256(state) FROM audit_archive WHERE source = %s AND position BETWEEN %s AND %s"
        archived = dict(self.archive.execute(statement, (self.source, rows[0][0], rows[-1][0])).fetchall())
        for position, state, *_ in rows:
            if position in archived and bytes(archived[position]) != sha256(state).digest():
                self.verdict.find(self.source, position, "the service's own log has other bytes than the archive")


__all__ = ["CannotCheck", "Claim", "Finding", "Sources", "Verdict", "total_of", "verify_archive"]
