"""The archive's trees and the comparison with every service's checkpoints, over a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.audit.trees import Tree
from shared.runtime.merkle import Frontier, consistency_proof, inclusion_proof, leaf_hash, tree_of
from tests.proof.archived import Archived, archived


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[Archived]:
    with archived(database_url, tmp_path) as world:
        yield world


async def test_the_tree_of_a_log_is_that_of_its_bytes_at_every_size(world: Archived) -> None:
    await world.write(600)
    leaves = [leaf_hash(record.state) for record in world.records("voucher")]
    with world.audit.store.connect() as connection:
        tree = Tree(connection, "voucher")
        assert tree.size == 600
        for size in (0, 1, 2, 255, 256, 257, 511, 512, 513, 600):
            assert tree.root(size) == Frontier().extend(leaves[:size]).root()


async def test_proofs_from_the_tiles_are_those_from_the_leaves(world: Archived) -> None:
    await world.write(1100)
    leaves = [leaf_hash(record.state) for record in world.records("voucher")]
    with world.audit.store.connect() as connection:
        tree = Tree(connection, "voucher")
        for index, size in ((0, 1), (0, 1100), (255, 256), (256, 257), (700, 1025), (1099, 1100)):
            assert inclusion_proof(index, size, tree.subtree) == inclusion_proof(index, size, tree_of(leaves))
        for first, second in ((1, 2), (255, 256), (256, 1100), (1023, 1024), (700, 1100)):
            assert consistency_proof(first, second, tree.subtree) == consistency_proof(first, second, tree_of(leaves))


async def test_an_archive_older_than_its_tree_gets_one(world: Archived) -> None:
    await world.write(300)
    world.execute("DELETE FROM audit_tree")
    world.execute("DELETE FROM audit_tiles")
    await world.more(300)
    with world.audit.store.connect() as connection:
        leaves = [leaf_hash(record.state) for record in world.records("voucher")]
        assert Tree(connection, "voucher").root() == Frontier().extend(leaves).root()


async def test_checkpoints_that_hold_freeze_nothing(world: Archived) -> None:
    await world.write()
    await world.comparison.look()
    assert world.frozen() == {}
    seen = world.query("SELECT source, size, holds FROM audit_seen_checkpoints ORDER BY source")
    assert seen == [("registry", 2, True), ("voucher", 600, True)]


async def test_a_service_that_signs_another_history_is_found_frozen_and_signalled(world: Archived) -> None:
    await world.write(300)
    await world.comparison.look()
    world.execute("UPDATE voucher_events SET state = state || ' '::bytea WHERE notification_id = 123")
    world.sign("voucher", 250)
    await world.comparison.look()
    assert world.frozen()["voucher"].first_bad == 123
    [signal] = world.signals()
    assert (signal.rule, signal.severity, signal.subject.id) == ("log_differs", "critical", "voucher")
    assert [(one.source, one.position) for one in signal.evidence] == [("voucher", 123)]
    await world.comparison.look()
    assert len(world.signals()) == 1


async def test_a_checkpoint_by_another_key_is_a_difference(world: Archived) -> None:
    await world.write(10)
    world.execute("UPDATE voucher_checkpoints SET note = replace(note, E'\\n10\\n', E'\\n9\\n')")
    await world.comparison.look()
    assert "not the service's" in world.frozen()["voucher"].reason


async def test_a_checkpoint_ahead_of_the_archive_waits_for_it(world: Archived) -> None:
    await world.write(10)
    world.execute("DELETE FROM voucher_checkpoints")
    note = world.sign("voucher")
    world.execute("UPDATE audit_tree SET size = 0, edge = '', pending = '' WHERE source = 'voucher'")
    await world.comparison.look()
    assert world.query("SELECT 1 FROM audit_seen_checkpoints WHERE source = 'voucher'") == []
    assert world.comparison._waiting["voucher"] == [note]
    assert world.frozen() == {}


async def test_the_audit_services_own_log_has_a_tree(world: Archived) -> None:
    await world.write(10)
    await world.comparison.look()
    own = [leaf_hash(bytes(state)) for (state,) in world.query("SELECT state FROM audit_events ORDER BY notification_id")]
    with world.audit.store.connect() as connection:
        assert own and Tree(connection, "audit").root() == Frontier().extend(own).root()
