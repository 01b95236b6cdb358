"""The population of a sample, from the archive: what was settled between two days, with the signals about each case."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection
from tongdui_events.audit import SignalDismissed, SignalRaised
from tongdui_events.codec import decode_event
from tongdui_events.settlement import RedemptionSettled
from tongdui_events.streams import days_id

from services.audit.domain.refusals import PeriodNotOver
from services.audit.domain.sampling import DrawSample, Settled, weight_of

LAST = 2**63 - 1


def population(connection: Connection[Any], asked: DrawSample) -> list[Settled]:
    """The same at any later time: only days that are over in both logs count, and signals raised by then.

    Raises PeriodNotOver.
    """
    after = day_began(connection, "settlement", asked.from_on) or LAST
    before = day_began(connection, "settlement", asked.until + timedelta(days=1))
    signals_before = day_began(connection, "audit", asked.until + timedelta(days=1))
    if before is None or signals_before is None:
        raise PeriodNotOver("until", until=asked.until)
    live = _live_signals(connection, signals_before)
    rows = connection.execute(
        "SELECT state FROM audit_archive WHERE source = 'settlement' AND position > %s AND position < %s AND type = %s",
        (after, before, RedemptionSettled.__name__),
        binary=True,
    )
    settled = (decode_event("settlement", RedemptionSettled.__name__, state) for (state,) in rows)
    return [
        Settled(one.redemption_id, one.voucher_id, one.paid_fen + one.offset_fen,
                weight_of(one.paid_fen + one.offset_fen, live[one.voucher_id]))
        for one in settled
        if asked.region is None or one.region.startswith(asked.region)
    ]


def day_began(connection: Connection[Any], source: str, day: date) -> int | None:
    """The position of the first day of a log that is that day or later; None: it has not begun."""
    table, column, where, parameters = (
        ("audit_events", "notification_id", "", ())
        if source == "audit"
        else ("audit_archive", "position", "source = %s AND ", (source,))
    )
    rows = connection.execute(
        f"SELECT {column}, state FROM {table} WHERE {where} originator_id = %s ORDER BY {column}",
        (*parameters, days_id(source)),
        binary=True,
    )
    return next((at for at, state in rows if decode_event(source, "DayReached", state).date >= day), None)


def _live_signals(connection: Connection[Any], before: int) -> Counter[UUID]:
    """How many signals about each voucher were raised and not dismissed below a position of the audit log."""
    rows = connection.execute(
        "SELECT topic, state FROM audit_events WHERE notification_id < %s AND topic = ANY(%s) ORDER BY notification_id",
        (before, [SignalRaised.__name__, SignalDismissed.__name__]),
        binary=True,
    )
    live: dict[UUID, tuple[UUID, ...]] = {}
    for topic, state in rows:
        event = decode_event("audit", topic, state)
        if isinstance(event, SignalRaised):
            live[event.signal_id] = event.cases
        else:
            live.pop(event.signal_id, None)
    return Counter(case for cases in live.values() for case in cases)
