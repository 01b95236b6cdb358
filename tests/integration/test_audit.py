"""The audit service's archive and what it answers, over a real PostgreSQL."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import pytest
from tongdui_events.codec import decode_stamp, encode
from tongdui_events.common import ReactionRefused
from tongdui_events.document import Actor, Document, Event, Stamp
from tongdui_events.registry import CentreEntrusted, DayOpened
from tongdui_events.streams import days_id, region_id
from tongdui_events.voucher import VoucherApplied, VoucherIssued, VoucherTendered

from services.audit import comparing, proofs
from services.audit.archive import TABLES, archive
from services.audit.commands import FOLDS, HANDLERS
from services.audit.main import SERVICE
from services.audit.reactions import REACTIONS
from services.audit.views import VIEWS
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided
from shared.runtime.access import Access
from shared.runtime.bus.port import Record
from shared.runtime.clock import SimulatedClock
from shared.runtime.delivery import Reactor
from shared.runtime.jobs import Context, Outcome
from shared.runtime.observing import Stops
from shared.runtime.projections import Projections
from shared.runtime.settings import Settings
from shared.runtime.state import State
from shared.runtime.store import Store
from shared.runtime.tokens import issue
from shared.runtime.web import build_app
from shared.runtime.writer import Writer
from tests.integration.written_log import ENTERPRISE, FIRST, PROVIDER

CASE, CENTRE = uuid4(), uuid4()
DAY = FIRST.date()


def recorded(source: str, position: int, event: Event, stream: UUID, seconds: int = 0, case_id: UUID | None = None) -> Record:
    at = FIRST + timedelta(seconds=seconds)
    stamp = Stamp(
        source=source, type=type(event).__name__, event_id=uuid4(), originator_id=stream, originator_version=1,
        business_day=DAY, occurred_at=at, recorded_at=at, actor=Actor(id="x", role="operator"), case_id=case_id,
        causation_id=uuid4(), seen={},
    )
    return Record(position, str(case_id or stream).encode(), encode(Document(stamp, event)), stamp.type)


REGISTRY = [
    recorded("registry", 1, DayOpened(date=DAY, working=True), days_id("registry")),
    recorded("registry", 2, CentreEntrusted(region="310118", centre_id=CENTRE, name="青浦示例中心", scope=("review",),
                                            from_on=DAY), region_id("310118"), 1),
]
VOUCHER = [
    recorded("voucher", 1, VoucherApplied(voucher_id=CASE, enterprise_uscc=ENTERPRISE, provider_uscc=PROVIDER,
                                          region="310118", mode="tongdui", purpose="x"), CASE, 10, CASE),
    recorded("voucher", 2, VoucherIssued(voucher_id=CASE, enterprise_uscc=ENTERPRISE, provider_uscc=PROVIDER,
                                         region="310118", listing_province="32", mode="tongdui", policy_version=1,
                                         use_by="2025-06-01", redeem_by="2025-12-01"), CASE, 20, CASE),
    recorded("voucher", 3, VoucherTendered(voucher_id=CASE), CASE, 30, CASE),
]


class Audit:
    """The parts of a running audit service the tests need, and what the web asks of it."""

    def __init__(self, url: str, state_dir: Path) -> None:
        self.service = SERVICE
        self.settings = Settings(state_dir=state_dir, clock="simulated")
        self.access = Access(self.settings)
        self.store = Store(url, "audit")
        self.store.create_tables()
        with self.store.connect() as connection:
            for statement in TABLES:
                connection.execute(statement)
        self.projections = Projections(self.store, VIEWS)
        self.projections.create_tables()
        handlers = {**HANDLERS, RefuseReaction: refuse_reaction}
        reactor = Reactor("audit", SERVICE.listens, REACTIONS, archive)
        self.writer = Writer(self.store, State("audit", FOLDS), SimulatedClock(time.time() - 60), handlers, reactor)

    overloaded = False

    async def execute(self, command: Command, principal: Principal, route: str, command_id: UUID) -> Outcome:
        return await self.writer.execute(command, Context(principal, route, command_id))

    async def deliver(self, source: str, records: list[Record]) -> Any:
        return await self.writer.deliver(source, records)

    def project(self) -> None:
        with self.projections.connection() as connection:
            while self.projections.project_chunk(connection):
                pass

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.store.connect() as connection:
            return connection.execute(statement).fetchall()


class RefuseReaction(Command):
    """An own event of the case, such as a reaction would record."""

    case_id: UUID


def refuse_reaction(command: RefuseReaction, desk: Any) -> list[Decided]:
    event = ReactionRefused(from_source="voucher", from_position=1, rule="tried")
    return [Decided(desk.command_id, event, command.case_id)]


@contextmanager
def _running(url: str, state_dir: Path) -> Iterator[Audit]:
    audit = Audit(url, state_dir)
    audit.writer.start()
    try:
        yield audit
    finally:
        audit.writer.stop()
        audit.projections.close()
        audit.store.close()


@pytest.fixture
async def audit(database_url: str, tmp_path: Path) -> AsyncIterator[Audit]:
    with _running(database_url, tmp_path) as audit:
        await audit.deliver("registry", REGISTRY)
        yield audit


@pytest.fixture
async def client(audit: Audit) -> AsyncIterator[Any]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=build_app(audit)), base_url="http://t") as http:

        async def get(path: str, role: str = "auditor", **claims: Any) -> httpx.Response:
            token = issue(audit.settings, "somebody", role, **claims)
            return await http.get(f"/audit/v1{path}", headers={"Authorization": f"Bearer {token}"})

        yield SimpleNamespace(get=get, http=http)


def _lines(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_every_record_is_archived_byte_for_byte(audit: Audit) -> None:
    await audit.deliver("voucher", VOUCHER)
    archived = audit.rows("SELECT source, position, case_id, type, state FROM audit_archive ORDER BY source, position")
    assert [row[:2] for row in archived] == [("registry", 1), ("registry", 2), ("voucher", 1), ("voucher", 2), ("voucher", 3)]
    assert [bytes(row[4]) for row in archived] == [record.state for record in [*REGISTRY, *VOUCHER]]
    assert [row[2] for row in archived] == [None, None, CASE, CASE, CASE]


async def test_a_record_delivered_again_is_archived_once(audit: Audit) -> None:
    await audit.deliver("voucher", VOUCHER[:2])
    assert (await audit.deliver("voucher", VOUCHER)).applied == 3
    assert audit.rows("SELECT count(*) FROM audit_archive WHERE source = 'voucher'") == [(3,)]


@pytest.mark.parametrize("state, type_name", [
    (b"{not json", ""),
    (b"\x00\xff\n", "SomethingNew"),
    (b'{"source":"voucher","type":"SomethingNew"}', "SomethingNew"),
    (b"", "Voucher\0Applied"),
])
async def test_a_record_that_does_not_parse_is_archived_and_stops_nothing(audit: Audit, state: bytes, type_name: str) -> None:
    delivered = await audit.deliver("voucher", [VOUCHER[0], Record(2, b"", state, type_name), VOUCHER[2]])
    assert (delivered.applied, delivered.stopped) == (3, None)
    [(recorded_at, kept)] = audit.rows("SELECT recorded_at, state FROM audit_archive WHERE position = 2 AND source = 'voucher'")
    assert (recorded_at, bytes(kept)) == (None, state)


async def test_a_record_of_a_type_unknown_here_belongs_to_its_case(audit: Audit, client: Any) -> None:
    unknown = VOUCHER[1].state.replace(b"VoucherIssued", b"VoucherBlessed")
    await audit.deliver("voucher", [VOUCHER[0], Record(2, b"", unknown, "VoucherBlessed")])
    events = (await client.get(f"/cases/{CASE}")).json()["events"]
    assert [event["event"]["type"] for event in events] == ["VoucherApplied", "VoucherBlessed"]


async def test_foreign_records_an_operator_parked_are_not_in_the_archive(audit: Audit) -> None:
    foreign = Record(0, b"", b"of somebody else", "")
    assert (await audit.deliver("voucher", [VOUCHER[0], foreign])).stopped
    assert Stops(audit.store).park("voucher", 0, "operator-1")
    assert (await audit.deliver("voucher", [foreign, *VOUCHER[1:]])).applied == 3
    assert audit.rows("SELECT count(*) FROM audit_archive WHERE source = 'voucher'") == [(3,)]


async def test_a_day_opened_is_reached_in_the_audit_log(audit: Audit) -> None:
    assert audit.rows("SELECT topic FROM audit_events") == [("DayReached",)]


async def test_a_case_is_its_whole_history_as_stored_in_the_order_of_recording(audit: Audit, client: Any) -> None:
    await audit.deliver("voucher", VOUCHER)
    refused = await audit.execute(RefuseReaction(case_id=CASE), Principal(sub="s", role="service"), "/r", uuid4())
    for _ in range(2):
        answer = await client.get(f"/cases/{CASE}")
        assert answer.status_code == 200, answer.text
        events = answer.json()["events"]
        assert [(event["source"], event["position"]) for event in events] == [
            ("voucher", 1), ("voucher", 2), ("voucher", 3), ("audit", refused.position)]
        assert all(record.state in answer.content for record in VOUCHER)
        assert refused.documents[0] in answer.content
        audit.project()


async def test_a_case_as_of_a_time_is_what_was_recorded_by_then(audit: Audit, client: Any) -> None:
    await audit.deliver("voucher", VOUCHER)
    at = decode_stamp(VOUCHER[1].state).recorded_at

    async def positions(time_text: str) -> list[int]:
        answer = await client.get(f"/cases/{CASE}?as_of={time_text}")
        return [event["position"] for event in answer.json().get("events", [])]

    assert await positions(quote(at.isoformat())) == [1, 2]
    assert await positions("2025-03-03T09:00:20+08:00") == [1, 2], "an unescaped plus is taken for what it means"
    assert await positions(quote((at - timedelta(microseconds=1)).isoformat())) == [1]
    assert (await client.get(f"/cases/{CASE}?as_of=2020-01-01T00:00:00Z")).status_code == 404


@pytest.mark.parametrize(
    "as_of", ["yesterday", "2025-03-03", "20250303", "1740964800", "2025-03-03T01:00:00", "2025-13-03T01:00:00Z", ""]
)
async def test_a_time_that_is_no_recorded_time_is_refused(client: Any, as_of: str) -> None:
    answer = await client.get(f"/cases/{CASE}?as_of={as_of}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "as_of"


async def test_a_case_nobody_knows_is_not_found(client: Any) -> None:
    assert (await client.get(f"/cases/{uuid4()}")).json()["code"] == "not_found"
    assert (await client.get("/cases/not-an-id")).status_code == 422


@pytest.mark.parametrize("role, claims, status", [
    ("enterprise", {"uscc": ENTERPRISE}, 200),
    ("enterprise", {"uscc": PROVIDER}, 404),
    ("provider", {"uscc": PROVIDER}, 200),
    ("centre", {"member_of": CENTRE}, 200),
    ("centre", {"member_of": uuid4()}, 404),
    ("regional_officer", {"region": "310118"}, 200),
    ("regional_officer", {"region": "330421"}, 404),
    ("provincial_officer", {"region": "32"}, 200),
    ("operator", {}, 200),
    ("agent", {"member_of": CENTRE}, 403),
    ("public", {}, 403),
])
async def test_a_case_is_shown_to_those_who_have_a_part_in_it(
    audit: Audit, client: Any, role: str, claims: dict[str, Any], status: int
) -> None:
    await audit.deliver("voucher", VOUCHER)
    assert (await client.get(f"/cases/{CASE}", role, **claims)).status_code == status


async def test_readings_by_auditors_and_refusals_are_recorded(audit: Audit, client: Any) -> None:
    await audit.deliver("voucher", VOUCHER)
    await client.get(f"/cases/{CASE}?purpose=supervision")
    await client.get(f"/cases/{CASE}", "enterprise", uscc=ENTERPRISE)
    await client.get(f"/cases/{CASE}", "enterprise", uscc=PROVIDER)
    accesses = [json.loads(bytes(state)) for (state,) in audit.rows(
        "SELECT state FROM audit_events WHERE topic = 'AccessRecorded' ORDER BY notification_id")]
    assert [(a["what"], a["purpose"], a["count"], a["actor"]["role"]) for a in accesses] == [
        ("case_read", "supervision", 3, "auditor"), ("case_refused", "not stated", 0, "enterprise")]


async def test_a_log_is_given_as_archived_line_by_line(audit: Audit, client: Any) -> None:
    await audit.deliver("voucher", [*VOUCHER, Record(4, b"", b"{not json", ""), Record(5, b"", b'{\n"a":1}', "")])
    answer = await client.get("/logs/voucher")
    lines = _lines(answer)
    assert [(line["source"], line["position"]) for line in lines] == [("voucher", n) for n in range(1, 6)]
    assert all(b'"event":' + record.state + b"}\n" in answer.content for record in VOUCHER)
    assert [line.get("bytes_base64") for line in lines[3:]] == ["e25vdCBqc29u", "ewoiYSI6MX0="]
    assert [line["position"] for line in _lines(await client.get("/logs/voucher?after=1&limit=2"))] == [2, 3]
    assert _lines(await client.get("/logs/voucher?after=5")) == []


async def test_the_audit_log_itself_is_whole_and_holds_the_exports(audit: Audit, client: Any) -> None:
    await client.get("/logs/registry")
    lines = _lines(await client.get("/logs/audit"))
    assert [(line["position"], line["event"]["type"]) for line in lines] == [(1, "DayReached"), (2, "AccessRecorded")]


async def test_a_log_longer_than_a_page_is_given_whole(audit: Audit, client: Any) -> None:
    tendered = [recorded("voucher", n, VoucherTendered(voucher_id=CASE), CASE, n, CASE) for n in range(1, 1235)]
    for start in range(0, len(tendered), 200):
        await audit.deliver("voucher", tendered[start : start + 200])
    lines = _lines(await client.get("/logs/voucher"))
    assert [line["position"] for line in lines] == list(range(1, 1235))


async def test_a_log_is_for_auditors(client: Any) -> None:
    assert (await client.get("/logs/voucher", "operator")).status_code == 403
    assert (await client.http.get("/audit/v1/logs/voucher")).status_code == 401
    assert (await client.get("/logs/nothing")).status_code == 422


async def test_without_checkpoint_keys_none_are_named_and_the_answer_says_what_to_do(audit: Audit, tmp_path: Path) -> None:
    empty = tmp_path / "no-keys"
    empty.mkdir()
    audit.settings = audit.settings.model_copy(update={"checkpoint_keys": empty})
    with audit.store.connect() as connection:
        for statement in (*comparing.TABLES, *proofs.TABLES):
            connection.execute(statement)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=build_app(audit)), base_url="http://t") as http:
        answer = await http.get("/audit/v1/keys")
    assert (answer.status_code, answer.json()["code"]) == (503, "no_keys")
