"""What was lost and what was doubled, read from the four logs and the archive, never from what a service says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.faults.workload import Acknowledged
from tests.invariants.checker import check
from tests.invariants.history import history_of
from tests.processes import SERVICES


@dataclass(frozen=True)
class Verdict:
    """Sentences that should not be true. ``wrong``: what is neither lost nor doubled and still not as it must be."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.wrong)


Rows = list[tuple[int, dict[str, Any]]]


def verdict(databases: Mapping[str, str], acknowledged: Sequence[Acknowledged], invariants: bool = True) -> Verdict:
    """Of everything so far. ``invariants``: let the independent checker look at the whole history as well."""
    found = Verdict()
    logs = {service: _log(databases[service], service) for service in SERVICES}
    for service, rows in logs.items():
        _acknowledgements(service, rows, [one for one in acknowledged if one.service == service], found)
        _causes(service, rows, found)
    _archive(databases["audit"], databases, found)
    for service in SERVICES:
        _facts(databases[service], service, found)
    if invariants:
        entries = ({"source": s, "position": p, "event": event} for s, rows in logs.items() for p, event in rows)
        found.wrong.extend(f"{one.where}: {one.text}" for one in check(history_of(entries)).findings[:20])
    return found


def _log(url: str, service: str) -> Rows:
    return [(position, json.loads(bytes(state))) for position, state in _rows(
        url, f"SELECT notification_id, state FROM {service}_events ORDER BY notification_id"
    )]  # fmt: skip


def _rows(url: str, statement: str) -> Iterator[Any]:
    with psycopg.connect(url) as connection:
        yield from connection.execute(statement).fetchall()


def _acknowledgements(service: str, rows: Rows, acknowledged: Sequence[Acknowledged], found: Verdict) -> None:
    """Every acknowledged event is there, and the command that recorded it recorded nothing else."""
    by_cause: dict[str, list[tuple[int, str]]] = {}
    for position, event in rows:
        by_cause.setdefault(event["causation_id"], []).append((position, event["event_id"]))
    for one in acknowledged:
        recorded = by_cause.get(str(one.key), [])
        ids = [event_id for _, event_id in recorded]
        missing = set(one.event_ids) - set(ids)
        if missing or (recorded and one.position not in [position for position, _ in recorded]):
            found.lost.append(f"{service}: command {one.key} was acknowledged at {one.position}, its events are {recorded}")
        if set(ids) - set(one.event_ids) or len(ids) != len(set(ids)):
            found.doubled.append(f"{service}: command {one.key} recorded {recorded}, acknowledged were {one.event_ids}")


def _causes(service: str, rows: Rows, found: Verdict) -> None:
    """What one command or one event of another log caused stands together: a second time would stand apart."""
    ended: set[str] = set()
    before = ""
    for position, event in rows:
        cause = event["causation_id"]
        if cause != before:
            ended.add(before)
            if cause in ended:
                found.doubled.append(f"{service}/{position} {event['type']}: its cause {cause} took effect before")
        before = cause
    twice = [event_id for event_id, number in Counter(event["event_id"] for _, event in rows).items() if number > 1]
    found.doubled.extend(f"{service}: event {event_id} stands twice" for event_id in twice)


def _archive(audit_url: str, databases: Mapping[str, str], found: Verdict) -> None:
    """Byte for byte the logs."""
    for service in SERVICES:
        if service == "audit":
            continue
        log = {p: bytes(s) for p, s in _rows(databases[service], f"SELECT notification_id, state FROM {service}_events")}
        kept = f"SELECT position, state FROM audit_archive WHERE source = '{service}'"
        archived = {position: bytes(state) for position, state in _rows(audit_url, kept)}
        lacking = sorted(set(log) - set(archived))
        if lacking:
            found.lost.append(f"the archive lacks {len(lacking)} of {service}, the first {lacking[0]}")
        found.wrong.extend(
            f"{service}/{position} is archived and not, or otherwise, in the log"
            for position, state in archived.items() if log.get(position) != state
        )  # fmt: skip


def _facts(url: str, service: str, found: Verdict) -> None:
    twice = f"SELECT source, position FROM {service}_facts GROUP BY source, position HAVING count(*) > 1"
    found.doubled.extend(f"{service} kept {source}/{position} twice" for source, position in _rows(url, twice))
