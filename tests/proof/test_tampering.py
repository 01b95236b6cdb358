"""The tamper corpus: as the database's superuser, in a service and in the archive. Everything is found, with the first bad
position; what a whole forged or older database cannot show is found by a witness's checkpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.audit import trees
from services.audit.verify import Sources, Verdict, verify_archive
from shared.runtime.checkpoints import verifier_of
from shared.runtime.local_postgres import DatabaseServer
from tests.proof.archived import SOURCES, Archived, archived

EVENTS = 600
FLIPPED = "set_bit(state, 77, 1 - get_bit(state, 77))"
FORGED = "replace(convert_from(state, 'UTF8'), '检测60', '检验60')::bytea"


@pytest.fixture(scope="module")
def prepared(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The name of a database with an archive, to be copied by each test; and where its keys are."""
    name, state_dir = f"test_{uuid4().hex}", tmp_path_factory.mktemp("keys")

    async def write() -> None:
        with archived(database_server.create_database(name), state_dir) as world:
            await world.write(EVENTS)
            await world.comparison.look()

    asyncio.run(write())
    yield name, state_dir
    database_server.drop_database(name)


@pytest.fixture
def world(prepared: tuple[str, Path], new_database: Callable[..., str]) -> Iterator[Archived]:
    with archived(new_database(prepared[0]), prepared[1]) as world:
        yield world


def judged(world: Archived, witnessed: Sequence[str] = ()) -> Verdict:
    keys = {source: verifier_of(world.settings, source) for source in SOURCES}
    services = dict.fromkeys(SOURCES, world.url)
    return verify_archive(Sources(world.url, services, keys, witnessed), lambda source, count: None)


def first_of(verdict: Verdict) -> tuple[str, int | None]:
    first = verdict.first("voucher")
    assert first is not None, verdict
    return first.source, first.position


async def test_an_untouched_archive_is_sound_and_says_what_was_not_checked(world: Archived) -> None:
    verdict = judged(world, [world.query("SELECT note FROM voucher_checkpoints")[0][0]])
    assert verdict.findings == []
    assert any("voucher: 600 events against their tree, 3 signed checkpoints" in line for line in verdict.checked)
    assert any("registry: no witness's checkpoint" in line for line in verdict.unchecked)
    assert any("invariants" in line for line in verdict.unchecked)


SINGLE: dict[str, tuple[str, int]] = {
    "edit": (f"UPDATE {{table}} SET state = {FORGED} WHERE {{of}} {{position}} = 121", 121),
    "delete": ("DELETE FROM {table} WHERE {of} {position} = 300", 300),
    "cut the tail": ("DELETE FROM {table} WHERE {of} {position} > 590", 591),
    "swap": (
        "UPDATE {table} SET state = (SELECT o.state FROM {table} o WHERE {of} o.{position} = 801 - {table}.{position})"
        " WHERE {of} {position} IN (400, 401)", 400,
    ),
    "one bit of the first": (f"UPDATE {{table}} SET state = {FLIPPED} WHERE {{of}} {{position}} = 1", 1),
    "one bit of the last": (f"UPDATE {{table}} SET state = {FLIPPED} WHERE {{of}} {{position}} = 600", 600),
}  # fmt: skip
PLACES = {
    "archive": {"table": "audit_archive", "position": "position", "of": "source = 'voucher' AND"},
    "service": {"table": "voucher_events", "position": "notification_id", "of": ""},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("act", SINGLE)
async def test_a_row_changed_by_the_superuser_is_found_with_its_position(world: Archived, place: str, act: str) -> None:
    statement, position = SINGLE[act]
    assert world.execute(statement.format(**PLACES[place])) > 0
    assert first_of(judged(world)) == ("voucher", position)


INSERTED = (
    "INSERT INTO audit_archive SELECT source, 601, recorded_at, case_id, originator_id, type, state FROM audit_archive"
    " WHERE source = 'voucher' AND position = 600"
)
SHIFTED = (
    "UPDATE {table} SET {position} = -{position} WHERE {of} {position} >= 300",
    "UPDATE {table} SET {position} = 1 - {position} WHERE {of} {position} < 0",
)


async def test_an_event_appended_to_the_archive_alone_is_found(world: Archived) -> None:
    assert world.execute(INSERTED) == 1
    assert first_of(judged(world)) == ("voucher", 601)


async def test_an_event_inserted_in_the_middle_of_the_archive_is_found(world: Archived) -> None:
    for statement in SHIFTED:
        world.execute(statement.format(**PLACES["archive"]))
    world.execute(INSERTED.replace("source, 601", "source, 300").replace("position = 600", "position = 299"))
    assert first_of(judged(world)) == ("voucher", 300)


async def test_an_event_inserted_in_the_middle_of_the_service_is_found(world: Archived) -> None:
    for statement in SHIFTED:
        world.execute(statement.format(**PLACES["service"]))
    world.execute(
        "INSERT INTO voucher_events SELECT gen_random_uuid(), 1, topic, state, 300 FROM voucher_events"
        " WHERE notification_id = 299"
    )
    assert first_of(judged(world)) == ("voucher", 300)


@pytest.mark.parametrize("change", [
    "UPDATE audit_archive SET case_id = NULL WHERE source = 'voucher' AND position = 55",
    "UPDATE audit_archive SET originator_id = gen_random_uuid() WHERE source = 'voucher' AND position = 55",
    "UPDATE audit_archive SET type = 'VoucherVoided' WHERE source = 'voucher' AND position = 55",
])  # fmt: skip
async def test_an_event_hidden_from_its_case_is_found(world: Archived, change: str) -> None:
    assert world.execute(change) == 1
    assert first_of(judged(world)) == ("voucher", 55)


@pytest.mark.parametrize("change", [
    "UPDATE audit_tiles SET hashes = set_bit(hashes, 9, 1 - get_bit(hashes, 9)) WHERE source = 'voucher' AND tile = 1",
    "UPDATE audit_tiles SET root = sha256(root) WHERE source = 'voucher' AND tile = 0",
    "DELETE FROM audit_tiles WHERE source = 'voucher' AND tile = 1",
    "UPDATE audit_tree SET edge = set_bit(edge, 9, 1 - get_bit(edge, 9)) WHERE source = 'voucher'",
    "UPDATE audit_tree SET pending = '' WHERE source = 'voucher'",
    "UPDATE voucher_checkpoints SET root = sha256(root)",
    "UPDATE audit_seen_checkpoints SET note = replace(note, 'voucher', 'voucher2') WHERE source = 'voucher'",
])  # fmt: skip
async def test_a_change_of_the_proofs_themselves_is_found(world: Archived, change: str) -> None:
    assert world.execute(change) > 0
    assert judged(world).first("voucher") is not None


def _edit(world: Archived) -> None:
    for place in PLACES.values():
        assert world.execute(SINGLE["edit"][0].format(**place)) == 1


def _cut(world: Archived) -> None:
    world.execute("DELETE FROM audit_archive WHERE source = 'voucher' AND position > 400")
    world.execute("DELETE FROM voucher_events WHERE notification_id > 400")
    world.execute("UPDATE audit_head SET seen = (seen::jsonb || '{\"voucher\": 400}')::text")


def recompute(world: Archived, sign: bool) -> None:
    """Every hash anew, as who owns the database can; and every checkpoint, as who also stole the key can."""
    world.execute("DELETE FROM audit_tree WHERE source = 'voucher'")
    world.execute("DELETE FROM audit_tiles WHERE source = 'voucher'")
    rows = world.query("SELECT state FROM audit_archive WHERE source = 'voucher' ORDER BY position")
    states = [bytes(state) for (state,) in rows]
    with world.audit.store.connect() as connection, connection.cursor() as cursor:
        trees.grow(cursor, "voucher", 1, states)
    if sign:
        world.execute("DELETE FROM voucher_checkpoints")
        note = world.sign("voucher")
        root = world.query("SELECT root FROM voucher_checkpoints")[0][0]
        world.execute("DELETE FROM audit_seen_checkpoints WHERE source = 'voucher'")
        world.execute("INSERT INTO audit_seen_checkpoints VALUES ('voucher', %s, %s, %s, true)", (len(states), root, note))


FORGERIES: list[tuple[Callable[[Any], None], int]] = [(_edit, 1), (_cut, 401)]


@pytest.mark.parametrize("forge, position", FORGERIES)
async def test_every_hash_recomputed_without_the_key_is_found_by_the_checkpoint(
    world: Archived, forge: Callable[[Archived], None], position: int
) -> None:
    forge(world)
    recompute(world, sign=False)
    assert first_of(judged(world)) == ("voucher", position)


@pytest.mark.parametrize("forge, position", FORGERIES)
async def test_every_hash_recomputed_and_signed_is_found_by_a_witness_alone(
    world: Archived, forge: Callable[[Archived], None], position: int
) -> None:
    seen = world.query("SELECT note FROM voucher_checkpoints")[0][0]
    forge(world)
    recompute(world, sign=True)
    assert judged(world).first("voucher") is None, "nobody inside can tell"
    assert first_of(judged(world, [seen])) == ("voucher", position)


async def test_an_old_backup_of_everything_is_found_by_a_witness(
    world: Archived, prepared: tuple[str, Path], new_database: Callable[..., str]
) -> None:
    world.logs["voucher"].position = EVENTS
    await world.more(10)
    await world.comparison.look()
    seen = world.query("SELECT note FROM voucher_checkpoints WHERE size = 610")[0][0]
    assert judged(world, [seen]).findings == []
    with archived(new_database(prepared[0]), prepared[1]) as restored:
        assert judged(restored).findings == []
        assert first_of(judged(restored, [seen])) == ("voucher", 601)
