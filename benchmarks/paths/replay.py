"""Auditors' questions: one case as of a moment among a million archived events, and a year under other terms."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from statistics import median
from types import SimpleNamespace
from uuid import UUID

from tongdui_events.codec import encode
from tongdui_events.document import Actor, Document, Event, Stamp

from benchmarks.measure import Figure
from benchmarks.stage import Stage
from services.audit.archive import TABLES
from services.audit.cases import read_case
from services.audit.domain.moments import Moment
from services.audit.views import VIEWS
from services.whatif import Line, run
from shared.runtime.projections import Projections
from shared.runtime.store import Store
from tests.unit.test_audit_what_if import Story, terms

ARCHIVED = 1_000_000
EVENTS_A_CASE = 10
ASKED = 200
AS_OF_MS = 50.0
WHAT_IF_SECONDS = 60.0
CASES, COMPANIES = 33_400, 8_000
AT = datetime(2025, 3, 3, 1, tzinfo=UTC)
NOBODY = UUID(int=0)


def figures(stage: Stage, told: Callable[[str], None]) -> Iterator[Figure]:
    told(f"{ARCHIVED:,} archived events")
    store = Store(stage.database(), "audit")
    projections = Projections(store, VIEWS)
    try:
        _archive(store, projections)
        milliseconds = median(_as_of(projections, number) for number in random.Random(1).sample(range(ARCHIVED // 10), ASKED))
    finally:
        projections.close()
        store.close()
    note = f"one case as of a moment: {milliseconds:.1f} ms, under {AS_OF_MS:.0f} asked"
    yield Figure(f"as-of of a case, {ARCHIVED:,} archived", "cases/s", 1000 / milliseconds, 1000 / AS_OF_MS, 1.0, note=note)
    told(f"what-if over {CASES:,} cases")
    rate, events = _what_if()
    note = f"200,000 events would take {200_000 / rate:.1f} s, under {WHAT_IF_SECONDS:.0f} s asked"
    yield Figure(f"what-if, {events:,} events", "events/s", rate, 200_000 / WHAT_IF_SECONDS, 1.0, note=note)


def _archive(store: Store, projections: Projections) -> None:
    """Cases of ten events each; their bytes are as many as an event's, no case decodes them."""
    store.create_tables()
    projections.create_tables()
    with store.connect() as connection:
        for statement in TABLES:
            connection.execute(statement)
        connection.execute(
            "INSERT INTO audit_archive (source, position, recorded_at, case_id, originator_id, type, state)"
            " SELECT 'voucher', g, '2025-03-03'::timestamptz + g * interval '1 second', md5((g %% %s)::text)::uuid,"
            " md5((g %% %s)::text)::uuid, 'VoucherTendered', convert_to(repeat('x', 500), 'UTF8')"
            " FROM generate_series(1, %s) g",
            (ARCHIVED // EVENTS_A_CASE, ARCHIVED // EVENTS_A_CASE, ARCHIVED),
        )
    with store.connect(autocommit=True) as connection:
        connection.execute("ANALYZE audit_archive")


def _as_of(projections: Projections, number: int) -> float:
    """Milliseconds."""
    with projections.connection() as connection:
        case_id: UUID = connection.execute("SELECT md5(%s)::uuid", (str(number),)).fetchone()[0]
    started = time.perf_counter()
    case = read_case(projections, case_id)
    found = case.at(Moment(recorded_by=datetime(2025, 3, 8, tzinfo=UTC)))
    milliseconds = (time.perf_counter() - started) * 1000
    assert len(case.entries) == EVENTS_A_CASE and len(found) < EVENTS_A_CASE
    return milliseconds


def _what_if() -> tuple[float, int]:
    """Events a second, from stored bytes to outcomes; every case was allocated, and those that got something were paid."""
    story = Story(terms(region_year_budget_fen=10**12))
    for number in range(1, CASES + 1):
        company = number % COMPANIES + 1
        if story.ask(number, 1_000_00 + number % 9_000_00, company):
            story.pay(number, 1_000_00, 300_00, company)
    lines = {source: list(_lines(source, log)) for source, log in story.logs.items()}
    started = time.perf_counter()
    outcomes = run(lambda source: lines[source], lambda region, day, in_force: terms(allocation_cap_fen=1_000_00))
    seconds = time.perf_counter() - started
    assert len(outcomes) == CASES and all(one.reproduced for one in outcomes)
    events = sum(map(len, lines.values()))
    return events / seconds, events


def _lines(source: str, log: Iterable[tuple[SimpleNamespace, Event]]) -> Iterator[Line]:
    for position, (said, event) in enumerate(log, 1):
        stamp = Stamp(
            source=source, type=type(event).__name__, event_id=NOBODY, originator_id=NOBODY, originator_version=position,
            business_day=said.business_day, occurred_at=AT, recorded_at=AT, actor=Actor(id="x", role="operator"),
            causation_id=NOBODY, seen=said.seen,
        )  # fmt: skip
        yield Line(source, position, stamp.type, encode(Document(stamp, event)))
