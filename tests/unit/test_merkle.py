"""The tree against the definition of RFC 6962, written out naively here."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.merkle import (
    EMPTY_ROOT,
    Frontier,
    TreeHead,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    tree_of,
    verify_consistency,
    verify_inclusion,
)

SIZES = sorted({0, 1, *(2**n + d for n in range(1, 8) for d in (-1, 0, 1))})


def _data(size: int) -> list[bytes]:
    return [f"event {n}".encode() for n in range(size)]


def _leaves(size: int) -> list[bytes]:
    return [leaf_hash(state) for state in _data(size)]


def _naive(data: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, word for word."""
    if not data:
        return sha256(b"").digest()
    if len(data) == 1:
        return sha256(b"\x00" + data[0]).digest()
    split = 1
    while split * 2 < len(data):
        split *= 2
    return sha256(b"\x01" + _naive(data[:split]) + _naive(data[split:])).digest()


def _head(size: int) -> TreeHead:
    return TreeHead(size, _naive(_data(size)))


@pytest.mark.parametrize("size", SIZES)
def test_the_root_is_that_of_the_definition(size: int) -> None:
    assert Frontier().extend(_leaves(size)).root() == _naive(_data(size))


def test_the_known_root_of_the_rfcs_test_vectors() -> None:
    """The eight leaves that certificate-transparency implementations test with."""
    hexes = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    leaves = [leaf_hash(bytes.fromhex(text)) for text in hexes]
    root = Frontier().extend(leaves).root()
    assert root.hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(st.lists(st.integers(0, 40), max_size=8))
def test_the_edge_is_the_same_however_the_leaves_are_grouped(groups: list[int]) -> None:
    frontier, leaves = Frontier(), _leaves(sum(groups))
    for size in groups:
        frontier = frontier.extend(leaves[frontier.size : frontier.size + size])
    assert frontier == Frontier().extend(leaves)
    assert frontier.root() == _naive(_data(sum(groups)))
    assert len(frontier.peaks) == frontier.size.bit_count()


@pytest.mark.parametrize("size", SIZES)
def test_the_edge_survives_being_stored(size: int) -> None:
    frontier = Frontier().extend(_leaves(size))
    assert Frontier.from_bytes(size, frontier.to_bytes()) == frontier


def test_bytes_of_another_size_are_not_an_edge() -> None:
    with pytest.raises(ValueError):
        Frontier.from_bytes(3, bytes(32))


@pytest.mark.parametrize("size", SIZES[1:])
def test_every_leaf_has_a_proof_that_verifies_and_only_for_itself(size: int) -> None:
    leaves, root = _leaves(size), _naive(_data(size))
    for index in range(size):
        path = inclusion_proof(index, size, tree_of(leaves))
        assert verify_inclusion(leaves[index], index, size, path, root)
        assert not verify_inclusion(leaf_hash(b"another"), index, size, path, root)
        assert not verify_inclusion(leaves[index], index, size, path, sha256(b"another").digest())
        assert not verify_inclusion(leaves[index], index, size, [*path, root], root)
        if path:
            assert not verify_inclusion(leaves[index], index, size, path[:-1], root)
        for other in {0, index + 1, size - 1} - {index}:
            assert not verify_inclusion(leaves[index], other, size, path, root)


@pytest.mark.parametrize("second", SIZES)
def test_every_beginning_of_a_tree_is_proved_and_no_other(second: int) -> None:
    subtree = tree_of(_leaves(second))
    for first in range(second + 1):
        path = consistency_proof(first, second, subtree)
        assert verify_consistency(_head(first), _head(second), path)
        forged = TreeHead(first, sha256(b"another").digest())
        assert not verify_consistency(forged, _head(second), path)
        assert first == 0 or not verify_consistency(_head(first), forged._replace(size=second), path)
        assert not verify_consistency(_head(first), _head(second), [*path, EMPTY_ROOT])
        if path:
            assert not verify_consistency(_head(first), _head(second), path[:-1])


@given(st.integers(1, 70), st.data())
def test_a_flipped_bit_in_a_proof_is_found(size: int, data: st.DataObject) -> None:
    leaves, index = _leaves(size), data.draw(st.integers(0, size - 1))
    path = inclusion_proof(index, size, tree_of(leaves))
    if path:
        step = data.draw(st.integers(0, len(path) - 1))
        path[step] = bytes([path[step][0] ^ 1]) + path[step][1:]
        assert not verify_inclusion(leaves[index], index, size, path, _naive(_data(size)))


def test_a_shorter_tree_cannot_begin_with_a_longer_one() -> None:
    with pytest.raises(ValueError):
        consistency_proof(5, 4, tree_of(_leaves(5)))
    assert not verify_consistency(_head(5), _head(4), [])


def test_a_leaf_beyond_the_tree_has_no_proof() -> None:
    with pytest.raises(ValueError):
        inclusion_proof(4, 4, tree_of(_leaves(4)))
    assert not verify_inclusion(_leaves(4)[3], 4, 4, [], _naive(_data(4)))
