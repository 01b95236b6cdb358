"""``ConfirmAllocation`` at 1 to 512 callers, against the stock library saving the same number and bytes of events.

The writer has been at work: it recorded the contracts' acknowledgement before, and knows their vouchers from it, as it
does in production (its cache holds 200,000 streams). One more line begins with vouchers it has to read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from uuid import uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg import conninfo

from benchmarks.callers import acknowledge, rate, writer_on
from benchmarks.measure import Figure, taking_turns
from benchmarks.prepared import PreparedLog, company
from benchmarks.stage import Stage
from shared.runtime.store import Store

LEAST = {1: 0.6, 8: 3.5, 32: 6.0, 128: 8.0, 512: 8.0}
#: a round is many turns of all callers: its first and last are not like the others
COMMANDS = {1: 300, 8: 800, 32: 3000, 128: 5000, 512: 8000}
STOCK_COMMANDS = 400
COMPANIES = 200
UNREAD = 2000
ROUNDS = 5
_DEFAULTS = {"dbname": "postgres", "host": "", "port": "5432", "user": "", "password": ""}


def figures(stage: Stage, told: Callable[[str], None]) -> Iterator[Figure]:
    log = PreparedLog(stage.database())
    stock = _Stock(stage.database())
    told("writing the contracts")
    total = COMPANIES + ROUNDS * sum(COMMANDS.values())
    numbers = log.add_vouchers([company(n % COMPANIES) for n in range(total)], acknowledged=False)
    waiting = iter(numbers)
    try:
        with writer_on(log.store) as writer:
            acknowledge(writer, numbers, COMPANIES)
            rate(writer, [next(waiting) for _ in range(COMPANIES)], 16)
            for callers, least in LEAST.items():
                told(f"{callers} callers")
                yield taking_turns(
                    f"ConfirmAllocation, {callers} callers",
                    "commands/s",
                    lambda turn, c=callers: rate(writer, [next(waiting) for _ in range(COMMANDS[c])], c),
                    lambda turn: stock.best(_events_of_a_command(log.store)),
                    least,
                    rounds=ROUNDS,
                )
            told("vouchers to be read first")
            unread = log.add_vouchers([company(n % COMPANIES) for n in range(UNREAD * ROUNDS)])
            yield taking_turns(
                "ConfirmAllocation, 128 callers, vouchers not in memory",
                "commands/s",
                lambda turn: rate(writer, unread[turn * UNREAD : (turn + 1) * UNREAD], 128),
                lambda turn: stock.best(_events_of_a_command(log.store)),
                None,
            )
    finally:
        stock.close()
        log.close()


def _events_of_a_command(store: Store) -> list[tuple[str, int]]:
    """(topic, bytes) of what one allocation records: itself, and a hold under the enterprise's and the region's year."""
    with store.connect() as connection:
        sizes = dict(
            connection.execute(
                "SELECT topic, avg(length(state))::int FROM voucher_events"
                " WHERE topic IN ('AllocationConfirmed', 'HoldPlaced') GROUP BY topic"
            ).fetchall()
        )
    return [(topic, sizes[topic]) for topic in ("AllocationConfirmed", "HoldPlaced", "HoldPlaced")]


class _Stock:
    """``eventsourcing``'s own recorder: one command a transaction, by 1 and by 16 threads."""

    def __init__(self, url: str) -> None:
        parts = {**_DEFAULTS, **conninfo.conninfo_to_dict(url)}
        self._datastore = PostgresDatastore(**{name: parts[name] for name in _DEFAULTS}, pool_size=16, max_overflow=4)
        self._recorder = PostgresApplicationRecorder(self._datastore, events_table_name="stock_events")
        self._recorder.create_table()

    def best(self, shapes: Sequence[tuple[str, int]]) -> float:
        """Commands a second, the better of the two."""
        return max(self._rate(shapes, threads) for threads in (1, 16))

    def _rate(self, shapes: Sequence[tuple[str, int]], threads: int) -> float:
        states = [(topic, b"x" * size) for topic, size in shapes]
        numbers = count()

        def save() -> None:
            while next(numbers) < STOCK_COMMANDS:
                case = uuid4()
                self._recorder.insert_events(
                    [StoredEvent(case, version, topic, state) for version, (topic, state) in enumerate(states, 1)]
                )

        workers = [threading.Thread(target=save) for _ in range(threads)]
        started = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return STOCK_COMMANDS / (time.perf_counter() - started)

    def close(self) -> None:
        self._datastore.close()
