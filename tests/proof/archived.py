"""Logs of two services with their relays' checkpoints, and the archive that heard them, in one database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid5

from tongdui_events.audit import SignalRaised
from tongdui_events.codec import decode
from tongdui_events.document import Event, Stamp
from tongdui_events.registry import DayOpened, RegionJoined
from tongdui_events.streams import NAMESPACE, days_id, region_id
from tongdui_events.voucher import VoucherApplied, VoucherTendered

from services.audit import comparing
from services.audit.comparing import CheckpointComparison, frozen_logs
from services.audit.main import SERVICE
from shared.runtime.bus import bus_of
from shared.runtime.bus.port import Record
from shared.runtime.checkpoints import Checkpoint, signer_of
from shared.runtime.merkle import Frontier, leaf_hash
from shared.runtime.relay_log import create_relay_tables
from shared.runtime.settings import Settings
from shared.runtime.store import Store
from tests.integration.test_audit import Audit
from tests.integration.written_log import ENTERPRISE, FIRST, PROVIDER, WrittenLog

SOURCES = ("registry", "voucher", "settlement", "audit")
VOUCHER_EVENTS = 600


def case_id(number: int) -> UUID:
    return uuid5(NAMESPACE, f"case {number}")


class CaseLog(WrittenLog):
    """Every stream is a case of its own, as a voucher's is."""

    def _stamp(self, stream: UUID, event: Event, case_id: UUID | None) -> Stamp:
        return super()._stamp(stream, event, stream if self.store.service == "voucher" else None)


class Archived:
    """A registry and a voucher log, archived whole. ``url`` is the database of all."""

    def __init__(self, url: str, state_dir: Path) -> None:
        self.url = url
        self.settings = Settings(state_dir=state_dir, clock="simulated", database_url=url)
        self.stores = {source: Store(url, source) for source in ("registry", "voucher", "settlement")}
        for store in self.stores.values():
            store.create_tables()
        self.logs = {source: CaseLog(store) for source, store in self.stores.items()}
        self.audit = Audit(url, state_dir)
        with self.audit.store.connect(autocommit=True) as connection:
            for statement in comparing.TABLES:
                connection.execute(statement)
        runtime = SimpleNamespace(
            settings=self.settings, projections=self.audit.projections, writer=self.audit.writer, bus=bus_of(self.settings),
            service=SERVICE, store=self.audit.store,
        )
        self.comparison: CheckpointComparison = comparing.compare_checkpoints(runtime)

    async def write(self, vouchers: int = VOUCHER_EVENTS) -> None:
        """A day, a region, and pairs of events of one case each; sent, archived, and signed for."""
        for source in SOURCES:
            await create_relay_tables(self.url, source)
        self.logs["registry"].append(
            (days_id("registry"), DayOpened(date=FIRST.date(), working=True)),
            (region_id("310118"), RegionJoined(region="310118", name="青浦", province="31", prefixes=["310118"],
                                               joins_on=FIRST.date())),
        )  # fmt: skip
        await self.more(vouchers)

    async def more(self, vouchers: int) -> None:
        first = self.logs["voucher"].position // 2
        events: list[tuple[UUID, Event]] = []
        for number in range(first, first + vouchers // 2):
            case = case_id(number)
            applied = VoucherApplied(voucher_id=case, enterprise_uscc=ENTERPRISE, provider_uscc=PROVIDER, region="310118",
                                     mode="tongdui", purpose=f"检测{number}")  # fmt: skip
            events += [(case, applied), (case, VoucherTendered(voucher_id=case))]
        self.logs["voucher"].append(*events)
        for source in ("registry", "voucher"):
            await self.deliver(source)
            self.sign(source)

    async def deliver(self, source: str) -> None:
        delivered = await self.audit.deliver(source, self.records(source))
        assert delivered.stopped is None, delivered

    def records(self, source: str) -> list[Record]:
        rows = self.query(f"SELECT notification_id, originator_id::text, state, topic FROM {source}_events ORDER BY 1")
        return [Record(position, key.encode(), bytes(state), topic) for position, key, state, topic in rows]

    def sign(self, source: str, size: int | None = None) -> str:
        """A checkpoint of the service's log as it now is, by its key, kept as the relay keeps it."""
        leaves = [leaf_hash(bytes(state)) for (state,) in self.query(
            f"SELECT state FROM {source}_events ORDER BY notification_id LIMIT {size or 1_000_000}")]  # fmt: skip
        signer = signer_of(self.settings, source)
        checkpoint = Checkpoint(signer.name, len(leaves), Frontier().extend(leaves).root())
        note = signer.sign(checkpoint)
        self.execute(
            f"INSERT INTO {source}_checkpoints (size, root, note) VALUES (%s, %s, %s) ON CONFLICT (size) DO UPDATE"
            " SET root = excluded.root, note = excluded.note", (checkpoint.size, checkpoint.root, note)
        )  # fmt: skip
        return note

    def query(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self.audit.store.connect() as connection:
            return connection.execute(statement, parameters).fetchall()

    def execute(self, statement: str, parameters: tuple[Any, ...] = ()) -> int:
        """As the database's superuser; how many rows."""
        with self.audit.store.connect() as connection:
            return connection.execute(statement, parameters).rowcount

    def frozen(self) -> dict[str, comparing.Difference]:
        with self.audit.store.connect() as connection:
            return {difference.source: difference for difference, _ in frozen_logs(connection)}

    def signals(self) -> list[SignalRaised]:
        rows = self.query("SELECT state FROM audit_events WHERE topic = 'SignalRaised'")
        return [decode(bytes(state)).event for (state,) in rows]


@contextmanager
def archived(url: str, state_dir: Path) -> Iterator[Archived]:
    """The writer running; what is in it is the caller's to write."""
    world = Archived(url, state_dir)
    world.audit.writer.start()
    try:
        yield world
    finally:
        world.audit.writer.stop()
        world.audit.projections.close()
        for store in (world.audit.store, *world.stores.values()):
            store.close()
