"""A voucher log with contracts acknowledged and waiting for their allocation, written straight into the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID, uuid5

from tongdui_events.common import DayReached
from tongdui_events.document import Actor, Document, Event, Stamp
from tongdui_events.registry import EnterpriseQualified, EnterpriseRegistered
from tongdui_events.streams import days_id, enterprise_id
from tongdui_events.voucher import (
    CeilingSet,
    ContractAcknowledged,
    ContractLine,
    ContractSubmitted,
    HoldPlaced,
    VoucherApplied,
    VoucherIssued,
)

from services.demo.cast import generated_uscc
from shared.runtime.store import Append, Store
from tests.unit.voucher_world import DAY, PROVIDER, REGION, registry_facts

NAMES = UUID("3d2b7c1e-46a1-5d0d-8f5e-2f7d6f3b1c55")
AT = datetime(2025, 3, 3, 1, tzinfo=UTC)
AMOUNT_FEN = 1_000
HOLD_FEN = 300
CHUNK = 20_000


def company(number: int) -> str:
    return generated_uscc(REGION, number)


def voucher(number: int) -> UUID:
    return uuid5(NAMES, str(number))


class PreparedLog:
    """Grows a voucher service's log and its facts; ``vouchers`` is how many wait for an allocation."""

    def __init__(self, url: str) -> None:
        self.store = Store(url, "voucher")
        self.registry = Store(url, "registry")
        for store in (self.store, self.registry):
            store.create_tables()
        self._position = 0
        self._facts = 0
        self._versions: dict[UUID, int] = {}
        self.vouchers = 0
        self._companies: set[str] = set()
        self._append([(days_id("voucher"), DayReached(date=DAY), None)], registry_facts(region_year_budget_fen=10**13))

    def add_vouchers(self, companies: Sequence[str], acknowledged: bool = True) -> range:
        """One voucher for each named company (they may repeat), up to its contract; their numbers."""
        first = self.vouchers
        self._append([], [fact for uscc in dict.fromkeys(companies) for fact in self._registered(uscc)])
        for start in range(0, len(companies), CHUNK // 4):
            part = companies[start : start + CHUNK // 4]
            numbers = range(first + start, first + start + len(part))
            lives = (_life(n, uscc)[: None if acknowledged else -1] for n, uscc in zip(numbers, part, strict=True))
            self._append([event for life in lives for event in life], [])
        self.vouchers += len(companies)
        return range(first, self.vouchers)

    def add_holds(self, stream: UUID, key: str, count: int) -> None:
        """A ceiling of an enterprise's year with so many holds already."""
        term = CeilingSet(kind="enterprise-year", key=key, year=DAY.year, wanted_fen=30_000_000, limit_fen=30_000_000)
        events: list[tuple[UUID, Event, UUID | None]] = [(stream, term, None)]
        for number in range(count):
            case = uuid5(NAMES, f"held {key} {number}")
            held = HoldPlaced(kind="enterprise-year", key=key, year=DAY.year, voucher_id=case, amount_fen=HOLD_FEN)
            events.append((stream, held, case))
        for start in range(0, len(events), CHUNK):
            self._append(events[start : start + CHUNK], [])

    def _registered(self, uscc: str) -> list[tuple[UUID, Event]]:
        if uscc in self._companies:
            return []
        self._companies.add(uscc)
        stream = enterprise_id(uscc)
        return [
            (stream, EnterpriseRegistered(uscc=uscc, name="示例", region=REGION, division_code=REGION,
                                          legal_form="limited_company", registered_on=DAY)),
            (stream, EnterpriseQualified(uscc=uscc, basis="sme_number", year=DAY.year, valid_from_on=DAY,
                                         valid_until=date(DAY.year, 12, 31))),
        ]  # fmt: skip

    def _append(self, own: Sequence[tuple[UUID, Event, UUID | None]], facts: Sequence[tuple[UUID, Event]]) -> None:
        stored, kept, published = [], [], []
        with self.store.connect() as connection:  # a writer may have gone on since
            [(self._position,)] = connection.execute("SELECT position FROM voucher_head").fetchall()
        for stream, event, case in own:
            self._position += 1
            self._versions[stream] = self._versions.get(stream, 0) + 1
            stamp = stamp_of("voucher", self._position, stream, self._versions[stream], event, case)
            stored.append(self.store.mapper.to_stored_event(Document(stamp, event)))
        for stream, event in facts:
            self._facts += 1
            stamp = stamp_of("registry", self._facts, stream, self._facts, event, None)
            published.append(self.registry.mapper.to_stored_event(Document(stamp, event)))
            kept.append(("registry", self._facts, stream, stamp.type, published[-1].state))
        with self.store.connect() as connection:
            seen = {"registry": self._facts}
            self.store.recorder.append(
                connection.cursor(), Append(self._position, self._facts, seen, stored, kept=kept)
            )
            self.registry.recorder.append(connection.cursor(), Append(self._facts, 0, {}, published))

    @property
    def facts(self) -> int:
        """Facts of the registry so far."""
        return self._facts

    def close(self) -> None:
        self.store.close()
        self.registry.close()


def _life(number: int, uscc: str) -> list[tuple[UUID, Event, UUID]]:
    case = voucher(number)
    parties = {"enterprise_uscc": uscc, "provider_uscc": PROVIDER, "region": REGION, "mode": "tongdui"}
    line = ContractLine(line_no=1, item_code="T01", category="testing", description="检测", amount_fen=AMOUNT_FEN,
                        tax_bp=600, fingerprint="a" * 64)  # fmt: skip
    events: list[Event] = [
        VoucherApplied(voucher_id=case, purpose="检测", **parties),
        VoucherIssued(voucher_id=case, listing_province="32", policy_version=1, use_by=date(2025, 4, 2),
                      redeem_by=date(2025, 6, 1), **parties),
        ContractSubmitted(voucher_id=case, contract_no=f"YX-{number}", lines=(line,), amount_fen=AMOUNT_FEN,
                          signed_on=DAY, submitted_by="provider", document_sha256=f"{number:064x}"),
        ContractAcknowledged(voucher_id=case, by="enterprise"),
    ]  # fmt: skip
    return [(case, event, case) for event in events]


def stamp_of(source: str, position: int, stream: UUID, version: int, event: Event, case: UUID | None) -> Stamp:
    """The stamp of an event at that position of a log."""
    return Stamp(
        source=source, type=type(event).__name__, event_id=uuid5(NAMES, f"{source} {position}"), originator_id=stream,
        originator_version=version, business_day=DAY, occurred_at=AT, recorded_at=AT,
        actor=Actor(id="centre-1", role="centre"), case_id=case, causation_id=uuid5(NAMES, f"cause {source} {position}"),
    )  # fmt: skip
