"""All views of a service from 200,000 events; and one made again, against reading and decoding the same rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from tongdui_events.codec import decode

from benchmarks.measure import Figure, taking_turns
from benchmarks.prepared import PreparedLog
from benchmarks.stage import LONG_LOG as EVENTS
from benchmarks.stage import Stage
from services.voucher.views import VIEWS
from shared.runtime.collecting import no_collection
from shared.runtime.projections import Projections
from shared.runtime.rebuild import Rebuild

CHUNK = 1000
EVENTS_A_SECOND = 50_000


def figures(stage: Stage, told: Callable[[str], None]) -> Iterator[Figure]:
    told(f"{EVENTS:,} events")
    log = stage.long_log()
    projections = Projections(log.store, VIEWS)
    projections.create_tables()
    try:
        rate = _all_views(projections)
        yield Figure(f"replay of all views, {EVENTS:,} events", "events/s", rate, EVENTS_A_SECOND, 1.0)
        yield taking_turns(
            f"rebuild of the view vouchers, {EVENTS:,} events",
            "events/s",
            lambda turn: _rebuilt(projections),
            lambda turn: _decoded(log),
            0.5,
        )
    finally:
        projections.close()


def _all_views(projections: Projections) -> float:
    """Events a second into every view of the voucher service, in chunks as a worker has them."""
    started = time.perf_counter()
    with projections.connection() as connection:
        while projections.project_chunk(connection):
            pass
    return EVENTS / (time.perf_counter() - started)


def _rebuilt(projections: Projections) -> float:
    rebuild = Rebuild(projections, "vouchers")
    started = time.perf_counter()
    rebuild.rebuild()
    seconds = time.perf_counter() - started
    rebuild.discard()
    return EVENTS / seconds


def _decoded(log: PreparedLog) -> float:
    types = sorted({cls.__name__ for view in VIEWS if view.name == "vouchers" for cls in view.types})
    started = time.perf_counter()
    with log.store.connect() as connection:
        for after in range(0, EVENTS + 1, CHUNK):
            with no_collection():
                rows = connection.execute(
                    "SELECT notification_id, state FROM voucher_events WHERE notification_id > %s"
                    " AND notification_id <= %s AND topic = ANY(%s) ORDER BY notification_id",
                    (after, after + CHUNK, types), binary=True, prepare=True,
                ).fetchall()  # fmt: skip
                for _, state in rows:
                    decode(state)
    return EVENTS / (time.perf_counter() - started)
