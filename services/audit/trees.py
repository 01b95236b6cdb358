"""The Merkle tree of every log the archive holds, kept in the transaction that archives (RFC 6962, tiles as in C2SP tlog-tiles).

A tile is 256 hashes: of leaves on level 0, of whole tiles of the level below above it. Only whole tiles are stored; the
hashes of the last, unfinished one stand beside the tree's edge. The tree is made from what arrived and never again from
the archive's rows, so a row that was changed later does not fit its leaf.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg import Connection, Cursor

from shared.runtime.merkle import HASH_BYTES, Frontier, leaf_hash

log = logging.getLogger("tongdui.audit")

TILE = 256
TILE_BYTES = TILE * HASH_BYTES
PAGE = 2000

TABLES = (
    "CREATE TABLE IF NOT EXISTS audit_tree (source text PRIMARY KEY, size bigint NOT NULL, edge bytea NOT NULL,"
    " pending bytea NOT NULL)",
    "CREATE TABLE IF NOT EXISTS audit_tiles (source text NOT NULL, level smallint NOT NULL, tile bigint NOT NULL,"
    " hashes bytea NOT NULL, root bytea NOT NULL, PRIMARY KEY (source, level, tile))",
)


class TreeDamaged(RuntimeError):
    """A tile or an edge is missing or is not what it can be: the tree's own tables were changed."""


class Edge(NamedTuple):
    """Where a tree grows: its frontier, and the leaf hashes of the tile that is not whole yet."""

    frontier: Frontier
    pending: bytes


def edge_of(connection: Connection[Any] | Cursor[Any], source: str, *, lock: bool = False) -> Edge:
    """Raises TreeDamaged."""
    row = connection.execute(
        f"SELECT size, edge, pending FROM audit_tree WHERE source = %s{' FOR UPDATE' if lock else ''}", (source,)
    ).fetchone()
    if row is None:
        return Edge(Frontier(), b"")
    size, edge, pending = row[0], bytes(row[1]), bytes(row[2])
    try:
        frontier = Frontier.from_bytes(size, edge)
    except ValueError as error:
        raise TreeDamaged(f"the edge of {source}: {error}") from error
    if len(pending) != size % TILE * HASH_BYTES:
        raise TreeDamaged(f"the edge of {source} has {len(pending)} bytes of leaves for {size} leaves")
    return Edge(frontier, pending)


# -- growing -----------------------------------------------------------------------------------


def grow(cursor: Cursor[Any], source: str, first: int, states: Sequence[bytes]) -> None:
    """Add records of a log, the first of them at position ``first``, in the transaction that keeps them.

    A tree that is behind, because the archive is older than it, is brought up to there. One that does not fit is left
    as it is: `tongdui audit verify` says why, and no delivery waits for it.
    """
    try:
        edge = edge_of(cursor, source, lock=True)
        if edge.frontier.size < first - 1:
            edge = _caught_up(cursor, source, edge, first - 1)
    except TreeDamaged as damage:
        log.critical("the tree of %s does not grow: %s", source, damage)
        return
    if edge.frontier.size != first - 1:
        log.critical("the tree of %s has %d leaves before position %d and does not grow", source, edge.frontier.size, first)
        return
    _keep(cursor, source, _extended(cursor, source, edge, [leaf_hash(state) for state in states]))


def _caught_up(cursor: Cursor[Any], source: str, edge: Edge, last: int) -> Edge:
    while (size := edge.frontier.size) < last:
        rows = cursor.execute(
            "SELECT position, state FROM audit_archive WHERE source = %s AND position > %s AND position <= %s"
            " ORDER BY position LIMIT %s",
            (source, size, last, PAGE),
        ).fetchall()
        if [row[0] for row in rows] != list(range(size + 1, size + len(rows) + 1)) or not rows:
            raise TreeDamaged(f"the archive of {source} lacks a position after {size}")
        edge = _extended(cursor, source, edge, [leaf_hash(bytes(state)) for _, state in rows])
    return edge


def _extended(cursor: Cursor[Any], source: str, edge: Edge, leaves: Sequence[bytes]) -> Edge:
    pending = edge.pending + b"".join(leaves)
    whole = len(pending) // TILE_BYTES
    tiles = [pending[at * TILE_BYTES : (at + 1) * TILE_BYTES] for at in range(whole)]
    _keep_tiles(cursor, source, 0, edge.frontier.size // TILE, tiles)
    return Edge(edge.frontier.extend(leaves), pending[whole * TILE_BYTES :])


def _keep_tiles(cursor: Cursor[Any], source: str, level: int, first: int, tiles: Sequence[bytes]) -> None:
    """Whole tiles of a level from index ``first`` on, and those above that they make whole."""
    if not tiles:
        return
    cursor.executemany(
        "INSERT INTO audit_tiles VALUES (%s, %s, %s, %s, %s)",
        [(source, level, first + at, tile, root_of(tile)) for at, tile in enumerate(tiles)],
    )
    above = range(first // TILE, (first + len(tiles)) // TILE)
    _keep_tiles(cursor, source, level + 1, above.start, [_roots(cursor, source, level, at * TILE, TILE) for at in above])


def _keep(cursor: Cursor[Any], source: str, edge: Edge) -> None:
    cursor.execute(
        "INSERT INTO audit_tree VALUES (%s, %s, %s, %s) ON CONFLICT (source) DO UPDATE"
        " SET size = excluded.size, edge = excluded.edge, pending = excluded.pending",
        (source, edge.frontier.size, edge.frontier.to_bytes(), edge.pending),
    )


def grow_own(connection: Connection[Any], limit: int = PAGE) -> int:
    """Add the audit service's own events that its tree does not have yet; how many."""
    with connection.cursor() as cursor:
        edge = edge_of(cursor, "audit", lock=True)
        rows = cursor.execute(
            "SELECT notification_id, state FROM audit_events WHERE notification_id > %s ORDER BY notification_id LIMIT %s",
            (edge.frontier.size, limit),
        ).fetchall()
        if rows and rows[-1][0] != edge.frontier.size + len(rows):
            raise TreeDamaged(f"the log of audit lacks a position after {edge.frontier.size}")
        if rows:
            _keep(cursor, "audit", _extended(cursor, "audit", edge, [leaf_hash(bytes(state)) for _, state in rows]))
    connection.commit()
    return len(rows)


# -- reading -----------------------------------------------------------------------------------


def split(hashes: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]


def root_of(hashes: bytes) -> bytes:
    """The root over the hashes of a tile, or of a part of one."""
    return Frontier().extend(split(hashes)).root()


def _roots(connection: Connection[Any] | Cursor[Any], source: str, level: int, first: int, count: int) -> bytes:
    """The roots of so many tiles of a level. Raises TreeDamaged when one is missing."""
    rows = connection.execute(
        "SELECT root FROM audit_tiles WHERE source = %s AND level = %s AND tile >= %s AND tile < %s ORDER BY tile",
        (source, level, first, first + count),
    ).fetchall()
    if len(rows) != count:
        raise TreeDamaged(f"{count - len(rows)} tiles of {source} are missing on level {level} from {first} on")
    return b"".join(bytes(row[0]) for row in rows)


class Tree:
    """The tree of one log, read in the caller's transaction. ``size``: its leaves."""

    def __init__(self, connection: Connection[Any], source: str) -> None:
        self._connection = connection
        self.source = source
        self.edge = edge_of(connection, source)
        self.size = self.edge.frontier.size
        self._tiles: dict[tuple[int, int], bytes] = {}

    def forget(self) -> None:
        """Keep no tile that was read: for who goes through the whole tree once."""
        self._tiles.clear()

    def leaves(self, tile: int) -> bytes:
        """The leaf hashes of a tile, the last one unfinished. Raises TreeDamaged."""
        return self._tile(0, tile)

    def root(self, size: int | None = None) -> bytes:
        """The root when the tree had ``size`` leaves; ValueError when it has fewer. Raises TreeDamaged."""
        size = self.size if size is None else size
        if not 0 <= size <= self.size:
            raise ValueError(f"the tree of {self.source} has {self.size} leaves, not {size}")
        return self.subtree(0, size)

    def subtree(self, start: int, end: int) -> bytes:
        """The root over the leaves [start, end), a subtree as RFC 6962 divides them. Raises TreeDamaged."""
        peaks = []
        at = start
        for bit in reversed(range((end - start).bit_length())):
            if (end - start) >> bit & 1:
                peaks.append(self._perfect(at, bit))
                at += 1 << bit
        return Frontier(end - start, tuple(peaks)).root()

    def _perfect(self, start: int, bit: int) -> bytes:
        """The root over 2^bit leaves from ``start`` on, which is a multiple of it."""
        level, height = divmod(bit, 8)
        node = start >> (8 * level)
        tile, within = divmod(node, TILE)
        hashes = self._tile(level, tile)[within * HASH_BYTES : (within + (1 << height)) * HASH_BYTES]
        if len(hashes) != (1 << height) * HASH_BYTES:
            raise TreeDamaged(f"the tile {tile} of {self.source} on level {level} is too short")
        return root_of(hashes)

    def _tile(self, level: int, tile: int) -> bytes:
        """The hashes of a tile; of the last one of its level as many as there are."""
        key = (level, tile)
        if key not in self._tiles:
            self._tiles[key] = self._read(level, tile)
        return self._tiles[key]

    def _read(self, level: int, tile: int) -> bytes:
        nodes = self.size >> (8 * level)
        if (tile + 1) * TILE > nodes:
            return self.edge.pending if level == 0 else _roots(
                self._connection, self.source, level - 1, tile * TILE, max(0, nodes - tile * TILE)
            )
        row = self._connection.execute(
            "SELECT hashes FROM audit_tiles WHERE source = %s AND level = %s AND tile = %s", (self.source, level, tile)
        ).fetchone()
        if row is None or len(row[0]) != TILE_BYTES:
            raise TreeDamaged(f"the tile {tile} of {self.source} is missing on level {level}")
        return bytes(row[0])
