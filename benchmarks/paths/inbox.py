"""Deliveries with effects, against a bare multi-row insert of the rows they left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import uuid5

import uvloop
from tongdui_events.codec import encode
from tongdui_events.document import Document
from tongdui_events.settlement import RedemptionRequested

from benchmarks.callers import writer_on
from benchmarks.measure import Figure, of_pairs
from benchmarks.prepared import NAMES, PreparedLog, _stamp, company, voucher
from benchmarks.stage import Stage
from shared.runtime.bus.embedded import CHUNK
from shared.runtime.bus.port import Record
from shared.runtime.store import Store
from shared.runtime.writer import Writer

RECORDS = 10_000
ROUNDS = 5
_BARE = (
    "INSERT INTO bare_events (originator_id, originator_version, topic, state, notification_id)"
    " SELECT * FROM unnest(%b::uuid[], %b::bigint[], %b::text[], %b::bytea[], %b::bigint[])"
)


def figures(stage: Stage, told: Callable[[str], None]) -> Iterator[Figure]:
    """Each request meets a voucher that is not there to be presented: one event and the tracking as effect."""
    told(f"{RECORDS:,} records by {CHUNK}")
    log = PreparedLog(stage.database())
    log.add_vouchers([company(n % 200) for n in range(RECORDS * ROUNDS)])
    try:
        with log.store.connect() as connection:
            connection.execute("CREATE TABLE bare_events (LIKE voucher_events INCLUDING ALL)")
        pairs = []
        with writer_on(log.store) as writer:
            for turn in range(ROUNDS):
                records = [_requested(position) for position in range(turn * RECORDS + 1, (turn + 1) * RECORDS + 1)]
                delivered = uvloop.run(_delivered(writer, records))
                pairs.append((delivered, _inserted(log.store)))
        yield of_pairs("inbox with effects", "records/s", pairs, 0.5)
    finally:
        log.close()


def _requested(position: int) -> Record:
    case, redemption = voucher(position - 1), uuid5(NAMES, f"redemption {position}")
    event = RedemptionRequested(redemption_id=redemption, voucher_id=case, submitted_by="provider", claimed_fen=300)
    stamp = _stamp("settlement", position, redemption, 1, event, case)
    return Record(position, str(case).encode(), encode(Document(stamp, event)), stamp.type)


async def _delivered(writer: Writer, records: Sequence[Record]) -> float:
    started = time.perf_counter()
    for first in range(0, len(records), CHUNK):
        delivered = await writer.deliver("settlement", records[first : first + CHUNK])
        assert delivered.applied == records[min(first + CHUNK, len(records)) - 1].position, delivered
    return len(records) / (time.perf_counter() - started)


def _inserted(store: Store) -> float:
    """The rows the last round left, inserted again in transactions of as many."""
    with store.connect() as connection:
        rows: list[Any] = connection.execute(
            "SELECT originator_id, originator_version, topic, state, notification_id FROM voucher_events"
            " WHERE topic = 'PresentationRefused' ORDER BY notification_id DESC LIMIT %s", (RECORDS,), binary=True,
        ).fetchall()  # fmt: skip
    assert len(rows) == RECORDS
    with store.connect() as connection:
        started = time.perf_counter()
        for first in range(0, len(rows), CHUNK):
            columns = [list(column) for column in zip(*rows[first : first + CHUNK], strict=True)]
            connection.execute(_BARE, columns, prepare=True)
            connection.commit()
        return len(rows) / (time.perf_counter() - started)
