"""Deliveries with effects, against a bare multi-row insert of the rows they left, with the same keys and indexes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from uuid import uuid5

import uvloop
from tongdui_events.codec import encode
from tongdui_events.document import Document
from tongdui_events.registry import EnterpriseRegistered
from tongdui_events.settlement import RedemptionRequested
from tongdui_events.streams import enterprise_id

from benchmarks.callers import writer_on
from benchmarks.measure import Figure, of_pairs
from benchmarks.prepared import NAMES, PreparedLog, company, stamp_of, voucher
from benchmarks.stage import Stage
from shared.runtime.bus.embedded import CHUNK
from shared.runtime.bus.port import Record
from shared.runtime.store import Store
from shared.runtime.writer import Writer
from tests.unit.voucher_world import DAY, REGION

RECORDS = 10_000
REACTED = 2_000
ROUNDS = 5
_EVENTS = ("events", ("originator_id", "originator_version", "topic", "state", "notification_id"), "notification_id")
_FACTS = ("facts", ("fact_id", "source", "position", "originator_id", "topic", "state"), "fact_id")
_TYPES = {
    "originator_id": "uuid", "originator_version": "bigint", "topic": "text", "state": "bytea", "notification_id": "bigint",
    "fact_id": "bigint", "source": "text", "position": "bigint",
}  # fmt: skip
Table = tuple[str, tuple[str, ...], str]


def figures(stage: Stage, told: Callable[[str], None]) -> Iterator[Figure]:
    """Facts kept of another log; and, informative, a decision of our own for each record."""
    log = PreparedLog(stage.database())
    try:
        log.add_vouchers([company(n % 200) for n in range(REACTED * ROUNDS)])
        told(f"{RECORDS:,} facts by {CHUNK}")
        first = log.facts + 1
        yield _figure("inbox, a fact kept for each record", log, "registry", first, RECORDS, _registered, _FACTS, 0.5)
        told(f"{REACTED:,} decisions by {CHUNK}")
        yield _figure("inbox, a decision for each record", log, "settlement", 1, REACTED, _requested, _EVENTS, None)
    finally:
        log.close()


def _figure(
    path: str, log: PreparedLog, source: str, first: int, count: int, record: Callable[[int], Record], table: Table,
    least: float | None,
) -> Figure:  # fmt: skip
    name = table[0]
    with log.store.connect() as connection:
        connection.execute(f"CREATE TABLE bare_{name} (LIKE voucher_{name} INCLUDING ALL)")
    pairs = []
    with writer_on(log.store) as writer:
        for turn in range(ROUNDS):
            begin = first + turn * count
            records = [record(position) for position in range(begin, begin + count)]
            delivered = uvloop.run(_delivered(writer, source, records))
            pairs.append((delivered, _inserted(log.store, table, count)))
    return of_pairs(path, "records/s", pairs, least)


def _registered(position: int) -> Record:
    uscc = company(1000 + position)
    stream = enterprise_id(uscc)
    event = EnterpriseRegistered(
        uscc=uscc, name="示例", region=REGION, division_code=REGION, legal_form="limited_company", registered_on=DAY
    )
    stamp = stamp_of("registry", position, stream, 1, event, None)
    return Record(position, str(stream).encode(), encode(Document(stamp, event)), stamp.type)


def _requested(position: int) -> Record:
    """A request that meets a voucher with nothing allocated: ``PresentationRefused`` is the effect."""
    case, redemption = voucher(position - 1), uuid5(NAMES, f"redemption {position}")
    event = RedemptionRequested(redemption_id=redemption, voucher_id=case, submitted_by="provider", claimed_fen=300)
    stamp = stamp_of("settlement", position, redemption, 1, event, case)
    return Record(position, str(case).encode(), encode(Document(stamp, event)), stamp.type)


async def _delivered(writer: Writer, source: str, records: Sequence[Record]) -> float:
    started = time.perf_counter()
    for first in range(0, len(records), CHUNK):
        delivered = await writer.deliver(source, records[first : first + CHUNK])
        assert delivered.applied == records[min(first + CHUNK, len(records)) - 1].position, delivered
    return len(records) / (time.perf_counter() - started)


def _inserted(store: Store, table: Table, count: int) -> float:
    """The rows the last round left, inserted again in transactions of as many."""
    name, columns, order = table
    listed, arrays = ", ".join(columns), ", ".join(f"%b::{_TYPES[column]}[]" for column in columns)
    with store.connect() as connection:
        last = f"SELECT {listed} FROM voucher_{name} ORDER BY {order} DESC LIMIT %s"
        rows = connection.execute(last, (count,), binary=True).fetchall()
    assert len(rows) == count
    with store.connect() as connection:
        started = time.perf_counter()
        for first in range(0, count, CHUNK):
            values = [list(column) for column in zip(*rows[first : first + CHUNK], strict=True)]
            connection.execute(f"INSERT INTO bare_{name} ({listed}) SELECT * FROM unnest({arrays})", values, prepare=True)
            connection.commit()
        return count / (time.perf_counter() - started)
