"""A log written straight into the store, without a writer: for what only reads logs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5

from tongdui_events.document import Actor, Document, Event, Stamp
from tongdui_events.voucher import VoucherApplied, VoucherTendered, VoucherWithdrawn

from shared.runtime.projections import Row, View
from shared.runtime.store import Append, Store

NAMESPACE = UUID("5f0a4f7e-7d5c-5b1c-8f38-0c1f0d3b9a77")
ENTERPRISE = "91310118MA0TEXT048"
PROVIDER = "91320509MA0TEXT040"
FIRST = datetime(2025, 3, 3, 1, tzinfo=UTC)


class WrittenLog:
    """Appends events to one service's log at dense positions, with gap-free versions."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.position = 0
        self._versions: Counter[UUID] = Counter()

    def append(self, *events: tuple[UUID, Event], case_id: UUID | None = None) -> int:
        """The position of the last of them."""
        stored = []
        for stream, event in events:
            self.position += 1
            self._versions[stream] += 1
            document = Document(self._stamp(stream, event, case_id), event)
            stored.append(self.store.mapper.to_stored_event(document))
        with self.store.connect() as connection:
            self.store.recorder.append(connection.cursor(), Append(self.position, 0, {}, stored))
        return self.position

    def _stamp(self, stream: UUID, event: Event, case_id: UUID | None) -> Stamp:
        at = FIRST + timedelta(seconds=self.position)
        return Stamp(
            source=self.store.service, type=type(event).__name__, event_id=uuid5(NAMESPACE, str(self.position)),
            originator_id=stream, originator_version=self._versions[stream], business_day=date(2025, 3, 3),
            occurred_at=at, recorded_at=at, actor=Actor(id="x", role="operator"), case_id=case_id,
            causation_id=uuid5(NAMESPACE, f"cause {self.position}"),
        )


def voucher(number: int) -> UUID:
    return uuid5(NAMESPACE, f"voucher {number}")


def applied(number: int, region: str = "310118") -> tuple[UUID, Event]:
    event = VoucherApplied(
        voucher_id=voucher(number), enterprise_uscc=ENTERPRISE, provider_uscc=PROVIDER, region=region,
        mode="tongdui", purpose="testing",
    )
    return event.voucher_id, event


def tendered(number: int) -> tuple[UUID, Event]:
    return voucher(number), VoucherTendered(voucher_id=voucher(number))


def withdrawn(number: int) -> tuple[UUID, Event]:
    return voucher(number), VoucherWithdrawn(voucher_id=voucher(number))


def lives(numbers: Iterable[int]) -> Iterator[tuple[UUID, Event]]:
    """Each is applied for and tendered; every fifth withdrawn."""
    for number in numbers:
        yield applied(number)
        yield tendered(number)
        if number % 5 == 0:
            yield withdrawn(number)


def evolve(row: Row | None, event: Event, stamp: Stamp) -> Row | None:
    if isinstance(event, VoucherApplied):
        return {"voucher_id": str(event.voucher_id), "region": event.region, "state": "applied",
                "steps": 1, "urgent": False, "due_on": "2025-03-10"}
    if isinstance(event, VoucherWithdrawn) or row is None:
        return None
    return {**row, "state": "tendered", "steps": row["steps"] + 1, "due_on": "2025-03-20"}


VOUCHERS = View("vouchers", (VoucherApplied, VoucherTendered, VoucherWithdrawn),
                lambda event, stamp: str(event.voucher_id), evolve, ("region",))
