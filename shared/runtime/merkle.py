"""The Merkle tree of a log (RFC 6962 §2.1): its growing edge, and proofs that anybody can check.

Leaf i is position i + 1 of the log: SHA-256(0x00 ‖ stored bytes). All hashes are 32 bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

Subtree = Callable[[int, int], bytes]
"""The root over the leaves [start, end) of a tree; RFC 6962 calls it MTH(D[start:end])."""


def leaf_hash(state: bytes) -> bytes:
    """The leaf of one event's stored bytes."""
    return sha256(b"\x00" + state).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True)
class Frontier:
    """The edge a tree of ``size`` leaves grows at: the roots of its perfect subtrees, the largest first.

    There is one peak per bit set in ``size``.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def extend(self, leaves: Sequence[bytes]) -> Frontier:
        """The edge after these leaf hashes, in order; one level at a time, so a chunk costs little but hashing."""
        peaks = list(self.peaks)
        kept: list[bytes] = []
        level = list(leaves)
        size = self.size
        while level or size:
            if size & 1:
                level.insert(0, peaks.pop())
            if len(level) & 1:
                kept.append(level.pop())
            pairs = iter(level)
            level = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
            size >>= 1
        return Frontier(self.size + len(leaves), tuple(reversed(kept)))

    def root(self) -> bytes:
        """The tree's root; the hash of nothing for an empty tree."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def to_bytes(self) -> bytes:
        return b"".join(self.peaks)

    @classmethod
    def from_bytes(cls, size: int, stored: bytes) -> Frontier:
        """Raises ValueError when the bytes cannot be the edge of a tree of that size."""
        if size < 0 or len(stored) != size.bit_count() * HASH_BYTES:
            raise ValueError(f"{len(stored)} bytes are not the edge of a tree of {size} leaves")
        peaks = (stored[start : start + HASH_BYTES] for start in range(0, len(stored), HASH_BYTES))
        return cls(size, tuple(peaks))


def tree_of(leaves: Sequence[bytes]) -> Subtree:
    """Subtree roots over leaf hashes held in memory."""

    def subtree(start: int, end: int) -> bytes:
        return Frontier().extend(leaves[start:end]).root()

    return subtree


# -- proofs ------------------------------------------------------------------------------------


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """Which subtrees make the audit path of leaf ``index`` in a tree of ``size`` (RFC 6962 §2.1.1), lowest first."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    ranges: list[tuple[int, int]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _largest_power_below(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(first: int, second: int) -> list[tuple[int, int]]:
    """Which subtrees prove that the tree of ``second`` leaves begins with that of ``first`` (§2.1.2), lowest first."""
    if not 0 <= first <= second:
        raise ValueError(f"a tree of {second} leaves cannot begin with {first}")
    if first in (0, second):
        return []
    ranges: list[tuple[int, int]] = []
    start, end = 0, second
    whole = True
    while first != end:
        middle = start + _largest_power_below(end - start)
        if first <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
            whole = False
    if not whole:
        ranges.append((start, end))
    return ranges[::-1]


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """The audit path of leaf ``index`` (from 0) in the tree of ``size`` leaves. ValueError when it has no such leaf."""
    return [subtree(start, end) for start, end in inclusion_ranges(index, size)]


def consistency_proof(first: int, second: int, subtree: Subtree) -> list[bytes]:
    """That the tree of ``first`` leaves is the beginning of the tree of ``second``. ValueError when first > second."""
    return [subtree(start, end) for start, end in consistency_ranges(first, second)]


# -- verification (RFC 9162 §2.1.3.2 and §2.1.4.2) ------------------------------------------------


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether ``path`` shows that ``leaf`` is leaf ``index`` of the tree of ``size`` leaves with that root."""
    if not 0 <= index < size or not _are_hashes([leaf, root, *path]):
        return False
    node, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


class TreeHead(NamedTuple):
    """A tree's size and root."""

    size: int
    root: bytes


def verify_consistency(first: TreeHead, second: TreeHead, path: Sequence[bytes]) -> bool:
    """Whether ``path`` shows that the second tree begins with the first."""
    if not 0 <= first.size <= second.size or not _are_hashes([first.root, second.root, *path]):
        return False
    if first.size == second.size:
        return not path and first.root == second.root
    if first.size == 0:
        return not path and first.root == EMPTY_ROOT
    steps = list(path)
    if first.size & (first.size - 1) == 0:
        steps.insert(0, first.root)
    return bool(steps) and _folds_to(first, second, steps)


def _folds_to(first: TreeHead, second: TreeHead, steps: Sequence[bytes]) -> bool:
    node, last = first.size - 1, second.size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, step)
        node, last = node >> 1, last >> 1
    return last == 0 and old == first.root and new == second.root


def _largest_power_below(size: int) -> int:
    """The largest power of two smaller than ``size`` ≥ 2."""
    return 1 << ((size - 1).bit_length() - 1)


def _are_hashes(values: Iterable[bytes]) -> bool:
    return all(len(value) == HASH_BYTES for value in values)
