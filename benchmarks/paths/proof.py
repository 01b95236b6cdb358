"""The archive's trees: what they cost where records come in, and what it takes to check a million events against them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

from psycopg import Cursor
from tongdui_events.codec import encode
from tongdui_events.document import Actor, Document, Stamp
from tongdui_events.voucher import VoucherTendered

from benchmarks.measure import Figure, taking_turns
from benchmarks.stage import Stage
from services.audit.archive import TABLES, archive, keep_records
from services.audit.verify import PAGE
from shared.runtime.bus.embedded import CHUNK
from shared.runtime.bus.port import Record
from shared.runtime.store import Store

RECORDS = 20_000
VERIFIED = 1_000_000
LIMIT_MIB = 300
VERSIONS = 10
"""Events of one stream."""
AT = datetime(2025, 3, 3, 1, tzinfo=UTC)
_STREAM, _VERSION = UUID(int=0xABCDEF), 987_654_321


def figures(stage: Stage, told: Callable[[str], None]) -> Iterator[Figure]:
    told(f"{RECORDS:,} records with a tree and without")
    with _Archive(stage.database()) as place:
        yield taking_turns(
            f"archive with its tree, {RECORDS:,} records", "records/s",
            lambda turn: place.keep("voucher", turn * RECORDS, archive),
            lambda turn: place.keep("registry", turn * RECORDS, keep_records), 0.5,
        )  # fmt: skip
    told(f"verify over {VERIFIED:,} events")
    with _Archive(stage.database()) as place:
        for first in range(0, VERIFIED, RECORDS):
            place.keep("voucher", first, archive)
        place.settle()
        bare = place.hashed()
        rate, mib = place.verified()
    note = f"memory at most {mib:.0f} MiB, under {LIMIT_MIB} asked"
    path = f"verify, {VERIFIED:,} events, against SELECT and SHA-256 of the same bytes"
    yield Figure(path, "events/s", rate, bare, 0.5, note=note)


class _Archive:
    """An archive with nothing in it, in a database of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.store = Store(url, "audit")

    def __enter__(self) -> _Archive:
        self.store.create_tables()
        with self.store.connect() as connection:
            for statement in TABLES:
                connection.execute(statement)
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()

    def keep(self, source: str, after: int, kept: Callable[[Cursor, str, Sequence[Record]], None]) -> float:
        """Records a second, in transactions as deliveries have them."""
        records = [_record(source, position) for position in range(after + 1, after + RECORDS + 1)]
        with self.store.connect() as connection, connection.cursor() as cursor:
            started = time.perf_counter()
            for first in range(0, RECORDS, CHUNK):
                kept(cursor, source, records[first : first + CHUNK])
                connection.commit()
            seconds = time.perf_counter() - started
            cursor.execute("UPDATE audit_head SET seen = %s", (json.dumps({source: after + RECORDS}),))
            connection.commit()
        return RECORDS / seconds

    def settle(self) -> None:
        """As autovacuum leaves it."""
        with self.store.connect(autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE audit_archive")

    def hashed(self) -> float:
        """Events a second: read in pages and hashed, nothing compared."""
        statement = (
            "SELECT position, state FROM audit_archive WHERE source = 'voucher' AND position > %s ORDER BY position LIMIT %s"
        )
        started = time.perf_counter()
        after = 0
        with self.store.connect() as connection:
            while rows := connection.execute(statement, (after, PAGE), binary=True).fetchall():
                for _, state in rows:
                    sha256(state).digest()
                after = rows[-1][0]
        assert after == VERIFIED
        return VERIFIED / (time.perf_counter() - started)

    def verified(self) -> tuple[float, float]:
        """(events a second, the process's largest memory in MiB), in a process of its own."""
        command = [sys.executable, "-m", "benchmarks.verifying", self.url]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
        seconds, mib, events, findings = json.loads(done.stdout)
        assert (events, findings) == (VERIFIED, []), findings
        return events / seconds, mib


def _record(source: str, position: int) -> Record:
    """The bytes of a document: its stream and version are what they are in a log of streams of ten."""
    head, middle, tail = _PARTS[source]
    number, version = divmod(position - 1, VERSIONS)
    state = b"%s%s%s%d%s" % (head, str(UUID(int=number)).encode(), middle, version + 1, tail)
    return Record(position, b"", state, "VoucherTendered")


def _parts(source: str) -> tuple[bytes, bytes, bytes]:
    stamp = Stamp(
        source=source, type="VoucherTendered", event_id=UUID(int=1), originator_id=_STREAM, originator_version=_VERSION,
        business_day=AT.date(), occurred_at=AT, recorded_at=AT, actor=Actor(id="x", role="enterprise"), case_id=UUID(int=2),
        causation_id=UUID(int=3), seen={},
    )  # fmt: skip
    head, _, rest = encode(Document(stamp, VoucherTendered(voucher_id=UUID(int=2)))).partition(str(_STREAM).encode())
    middle, _, tail = rest.partition(str(_VERSION).encode())
    return head, middle, tail


_PARTS = {source: _parts(source) for source in ("voucher", "registry")}
