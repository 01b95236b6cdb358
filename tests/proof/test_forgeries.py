"""Forged proofs, one by one: the platform's own check, the one file of a bundle and an implementation that is not ours all
refuse them, and all accept the honest ones. RFC 6962 trees of 1, 2^n and 2^n ± 1 leaves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pytest
from pymerkle import InclusionProof, InmemoryTree, InvalidProof
from pymerkle import verify_consistency as theirs_continues
from pymerkle import verify_inclusion as theirs_includes

from services.audit import verify_bundle
from shared.runtime.merkle import (
    EMPTY_ROOT,
    Frontier,
    TreeHead,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    tree_of,
    verify_consistency,
    verify_inclusion,
)

SIZES = sorted({1, *(2**n + d for n in range(1, 8) for d in (-1, 0, 1))})


class Proof(NamedTuple):
    """What is shown to somebody: that ``leaf`` is leaf ``index`` (from 0) of the tree of ``size`` leaves with ``root``."""

    leaf: bytes
    index: int
    size: int
    path: tuple[bytes, ...]
    root: bytes


class Continuation(NamedTuple):
    """That the second tree begins with the first."""

    first: TreeHead
    second: TreeHead
    path: tuple[bytes, ...]


def states(size: int, of: str = "event") -> list[bytes]:
    return [f"{of} {number}".encode() for number in range(size)]


def leaves(size: int, of: str = "event") -> list[bytes]:
    return [leaf_hash(state) for state in states(size, of)]


def head(size: int, of: str = "event") -> TreeHead:
    return TreeHead(size, Frontier().extend(leaves(size, of)).root())


def honest(index: int, size: int, of: str = "event") -> Proof:
    path = inclusion_proof(index, size, tree_of(leaves(size, of)))
    return Proof(leaves(size, of)[index], index, size, tuple(path), head(size, of).root)


def continuation(first: int, second: int, of: str = "event") -> Continuation:
    path = consistency_proof(first, second, tree_of(leaves(second, of)))
    return Continuation(head(first, of), head(second, of), tuple(path))


def flipped(one: bytes) -> bytes:
    return bytes([one[0] ^ 1]) + one[1:]


def bent(path: Sequence[bytes]) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    """Everything a path can be but itself."""
    path = tuple(path)
    yield "extended at its end", (*path, EMPTY_ROOT)
    yield "extended at its beginning", (EMPTY_ROOT, *path)
    if path:
        yield "without its end", path[:-1]
        yield "without its beginning", path[1:]
        yield "with its end twice", (*path, path[-1])
        yield "empty", ()
    for at in range(len(path)):
        yield f"with a bit flipped at {at}", (*path[:at], flipped(path[at]), *path[at + 1 :])
        yield f"with a short hash at {at}", (*path[:at], path[at][:-1], *path[at + 1 :])
    for at in range(len(path) - 1):
        if path[at] != path[at + 1]:
            yield f"with {at} and {at + 1} swapped", (*path[:at], path[at + 1], path[at], *path[at + 2 :])


def forged(index: int, size: int) -> Iterator[tuple[str, Proof]]:
    """Every forgery of one honest proof."""
    proof = honest(index, size)
    for name, path in bent(proof.path):
        yield f"path {name}", proof._replace(path=path)
    yield "another leaf", proof._replace(leaf=leaf_hash(b"forged"))
    yield "a node passed off as a leaf", proof._replace(leaf=node_hash(proof.leaf, proof.leaf))
    yield "the bytes hashed without the leaf's prefix", proof._replace(leaf=flipped(proof.leaf))
    yield "another root", proof._replace(root=flipped(proof.root))
    yield "the root of another tree", proof._replace(root=head(size, "other").root)
    yield "the proof of another tree", honest(index, size, "other")._replace(root=proof.root)
    for other in {index - 1, index + 1, 0, size - 1} - {index}:
        yield f"index {other}", proof._replace(index=other)
    yield "an index beyond the tree", proof._replace(index=index + size)
    yield "size 0", proof._replace(size=0)
    yield "the root of a tree one longer", proof._replace(root=head(size + 1).root, size=size + 1)
    if size > 1:
        yield "the root of a tree one shorter", proof._replace(root=head(size - 1).root, size=size - 1)


def indexes(size: int) -> set[int]:
    return {0, size // 2, size - 1}


INCLUSIONS = [(index, size) for size in SIZES for index in sorted(indexes(size))]
CONTINUATIONS = [(first, second) for second in SIZES for first in sorted({1, second // 2, second - 1, second} - {0})]


def ours(proof: Proof) -> bool:
    return verify_inclusion(proof.leaf, proof.index, proof.size, proof.path, proof.root)


def of_the_one_file(proof: Proof) -> bool:
    return verify_bundle.root_from_path(proof.leaf, proof.index, proof.size, proof.path) == proof.root


def theirs(proof: Proof) -> bool:
    """pymerkle counts leaves from 1, and its path begins with the leaf."""
    if not 0 <= proof.index < proof.size:
        return False
    rule = their_tree(proof.size).prove_inclusion(proof.index + 1, proof.size).rule
    shown = InclusionProof("sha256", True, proof.size, proof.index + 1, rule, [proof.leaf, *proof.path])
    try:
        theirs_includes(proof.leaf, proof.root, shown, index=proof.index + 1, size=proof.size)
    except InvalidProof:
        return False
    return True


def their_tree(size: int, of: str = "event") -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")
    for state in states(size, of):
        tree.append_entry(state)
    return tree


@pytest.mark.parametrize("size", SIZES)
def test_both_implementations_have_the_same_root_and_the_same_paths(size: int) -> None:
    tree = their_tree(size)
    assert tree.get_root() == head(size).root
    for index in range(size):
        shown = tree.prove_inclusion(index + 1, size)
        assert tuple(shown.path) == (honest(index, size).leaf, *honest(index, size).path)


@pytest.mark.parametrize(("index", "size"), INCLUSIONS)
def test_an_honest_proof_is_accepted_and_every_forgery_of_it_refused_by_all_three(index: int, size: int) -> None:
    proof = honest(index, size)
    assert (ours(proof), of_the_one_file(proof), theirs(proof)) == (True, True, True)
    accepted = [
        (name, judge.__name__)
        for name, forgery in forged(index, size)
        for judge in (ours, of_the_one_file, theirs)
        if forgery != proof and judge(forgery)
    ]
    assert accepted == []


def forged_continuations(first: int, second: int) -> Iterator[tuple[str, Continuation]]:
    """Every forgery of one honest consistency proof."""
    shown = continuation(first, second)
    for name, path in bent(shown.path):
        yield f"path {name}", shown._replace(path=path)
    yield "another first root", shown._replace(first=TreeHead(first, flipped(shown.first.root)))
    yield "another second root", shown._replace(second=TreeHead(second, flipped(shown.second.root)))
    yield "the first of another tree", shown._replace(first=head(first, "other"))
    yield "the second of another tree", shown._replace(second=head(second, "other"))
    yield "a longer first tree", shown._replace(first=TreeHead(first + 1, shown.first.root))
    # that a root is of so many leaves is what a checkpoint's signature says; a path cannot
    yield "the head of a longer second tree", shown._replace(second=head(second + 1))
    yield "the first tree longer than the second", shown._replace(first=shown.second, second=shown.first)
    if first != second:
        yield "the path of another tree", shown._replace(path=continuation(first, second, "other").path)
        yield "both trees of one size", shown._replace(first=TreeHead(second, shown.first.root))


@pytest.mark.parametrize(("first", "second"), CONTINUATIONS)
def test_an_honest_continuation_is_accepted_and_every_forgery_of_it_refused(first: int, second: int) -> None:
    shown = continuation(first, second)
    assert verify_consistency(*shown)
    accepted = [
        name for name, forgery in forged_continuations(first, second) if forgery != shown and verify_consistency(*forgery)
    ]
    assert accepted == []
    theirs_continues(shown.first.root, shown.second.root, their_tree(second).prove_consistency(first, second))


def test_nothing_is_the_beginning_of_everything_and_proves_nothing_else() -> None:
    for size in (0, *SIZES):
        assert verify_consistency(TreeHead(0, EMPTY_ROOT), head(size), ())
        assert not verify_consistency(TreeHead(0, leaf_hash(b"")), head(size), ())
        assert not verify_consistency(TreeHead(0, EMPTY_ROOT), head(size), (EMPTY_ROOT,))
        assert not verify_inclusion(leaf_hash(b"event 0"), 0, 0, (), EMPTY_ROOT)
