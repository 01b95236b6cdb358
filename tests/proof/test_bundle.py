"""A bundle verifies by itself, and whatever is changed in it is named."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tongdui_events.streams import region_id

from services.audit import proofs
from services.audit.bundle import Asked, bundle
from services.audit.cases import Case, read_case
from services.audit.context import entries_of
from services.audit.domain.parties import Parties
from services.audit.key_files import key_document
from services.audit.verify_bundle import examine, main, pack, unpack
from shared.runtime.local_postgres import DatabaseServer
from tests.proof.archived import archived, case_id

CASE = case_id(3)


@pytest.fixture(scope="module")
def made(
    database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[bytes, dict[str, Any], str, bytes]]:
    """A bundle, keys.json, and an older signed checkpoint."""
    name, state_dir = f"test_{uuid4().hex}", tmp_path_factory.mktemp("keys")

    async def make() -> tuple[bytes, dict[str, Any], str, bytes]:
        with archived(database_server.create_database(name), state_dir) as world:
            for statement in proofs.TABLES:
                world.execute(statement)
            await world.write(10)
            await world.comparison.look()
            old = world.query("SELECT note FROM voucher_checkpoints")[0][0]
            await world.more(10)
            await world.comparison.look()
            world.audit.project()
            case = read_case(world.audit.projections, CASE)
            with world.audit.store.connect() as connection:
                asked = Asked(CASE, "auditor", "test", datetime(2025, 3, 4, tzinfo=UTC))
                found = Case(entries_of(connection, [region_id("310118")]), Parties(), frozenset())
                query = bundle(connection, world.settings, found, replace(asked, case_id=None, query="region/310118"))
                return bundle(connection, world.settings, case, asked), key_document(world.settings), old, query

    yield asyncio.run(make())
    database_server.drop_database(name)


def repacked(data: bytes, **changes: bytes | None) -> bytes:
    files = dict(unpack(data))
    for name, content in changes.items():
        if content is None:
            del files[name]
        else:
            files[name] = content
    return pack(list(files.items()))


def of_case(data: bytes, kind: str) -> list[str]:
    return sorted(name for name, _ in unpack(data) if name.startswith(f"{kind}/voucher"))


def test_a_bundle_holds_with_the_keys_given_and_with_its_own(made: Any) -> None:
    data, keys, *_ = made
    assert examine(data, keys).findings == []
    own = examine(data)
    assert own.findings == [] and any("own keys are trusted" in line for line in own.unchecked)
    assert len(of_case(data, "events")) == 2


def test_what_a_query_finds_is_a_bundle_too(made: Any) -> None:
    _, keys, _, data = made
    assert examine(data, keys).findings == []
    manifest = json.loads(dict(unpack(data))["manifest.json"])
    assert (manifest["case_id"], manifest["query"]) == (None, "region/310118")
    assert [(event["type"], event["part"]) for event in manifest["events"]] == [("RegionJoined", "query")]


def test_the_exit_codes_are_0_1_and_2(made: Any, tmp_path: Path) -> None:
    data, keys, *_ = made
    file, known = tmp_path / "case.zip", tmp_path / "keys.json"
    file.write_bytes(data)
    known.write_text(json.dumps(keys))
    assert main([str(file), "--keys", str(known)]) == 0
    file.write_bytes(data[:-1])
    assert main([str(file)]) == 1
    assert main([str(tmp_path / "none.zip")]) == 2


def test_a_single_changed_byte_anywhere_is_found(made: Any) -> None:
    data, keys, *_ = made
    for at in [*range(0, len(data), 211), *range(len(data) - 60, len(data))]:
        changed = bytearray(data)
        changed[at] ^= 1
        assert examine(bytes(changed), keys).findings, at


@pytest.mark.parametrize("kind", ["events", "proofs", "checkpoints"])
def test_what_is_missing_added_or_changed_is_named(made: Any, kind: str) -> None:
    data, keys, *_ = made
    name = of_case(data, kind)[0]
    content = dict(unpack(data))[name]
    for changed, said in ((None, f"{name} is missing"), (content.replace(b"o", b"0", 1), f"{name} was changed")):
        assert any(said in one for one in examine(repacked(data, **{name: changed}), keys).findings)
    added = examine(repacked(data, **{f"{kind}/voucher/000000000099.json": b"{}"}), keys).findings
    assert any("was added" in one for one in added)


def test_an_old_checkpoint_passed_off_as_new_is_named(made: Any) -> None:
    data, keys, old, _ = made
    findings = examine(repacked(data, **{"checkpoints/voucher.txt": old.encode()}), keys).findings
    assert any("old checkpoint passed off as new" in one for one in findings)


def test_another_order_is_named(made: Any) -> None:
    data, keys, *_ = made
    files = unpack(data)
    files[-1], files[-2] = files[-2], files[-1]
    assert any("another order" in one for one in examine(pack(files), keys).findings)


def test_a_bundle_of_another_signer_is_refused(made: Any) -> None:
    data, keys, *_ = made
    assert any("not among those given" in one for one in examine(data, {**keys, "bundles": []}).findings)
