"""What must hold of each log as a log, whatever its events say."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.invariants.history import SOURCES, Fact, History
from tests.invariants.report import Report

_STAMP = ("source", "type", "schema", "event_id", "originator_id", "originator_version", "business_day",
          "occurred_at", "recorded_at", "actor", "causation_id", "seen")


def check(history: History, report: Report) -> None:
    report.expect("log", set(history.logs) == set(SOURCES), "history", f"there are logs of {sorted(history.logs)}")
    places = _places(history, report)
    for source in SOURCES:
        _positions(history.logs[source], report)
        _versions(history.logs[source], report)
        _days(history, source, report)
        _seen(history, source, report)
        _causes(history, source, places, report)


def _places(history: History, report: Report) -> dict[str, Fact]:
    """Where each event is, by its id."""
    places: dict[str, Fact] = {}
    for log in history.logs.values():
        for fact in log:
            missing = [field for field in _STAMP if fact.get(field) is None]
            report.expect("log", not missing, fact, f"the stamp lacks {missing}")
            report.expect("log", fact.get("source") == fact.source, fact, f"it says it is from {fact.get('source')}")
            other = places.setdefault(fact["event_id"], fact)
            report.expect("log", other is fact, fact, f"its event_id is that of {other}")
    return places


def _positions(log: list[Fact], report: Report) -> None:
    for expected, fact in enumerate(log, 1):
        if not report.expect("log", fact.position == expected, fact, f"position {expected} was expected"):
            break


def _versions(log: list[Fact], report: Report) -> None:
    versions: Counter[str] = Counter()
    for fact in log:
        versions[fact.stream] += 1
        expected = versions[fact.stream]
        version = fact["originator_version"]
        report.expect("log", version == expected, fact, f"version {version} of its stream, {expected} was expected")


def _days(history: History, source: str, report: Report) -> None:
    """Days go on; each event is of the last day opened or reached; a day reached was opened, as far as was seen."""
    opened = {fact["date"]: fact.position for fact in history.of("registry", "DayOpened")}
    today = ""
    for fact in history.logs[source]:
        if fact.type in ("DayOpened", "DayReached"):
            report.expect("log", fact["date"] > today, fact, f"{fact['date']} comes after {today}")
            today = fact["date"]
            if fact.type == "DayReached":
                known = opened.get(today, fact.saw("registry") + 1) <= fact.saw("registry")
                report.expect("log", known, fact, f"{today} was not opened in what it saw of the registry")
        report.expect("log", fact.day == today, fact, f"its business day is {fact.day}, the log's {today or 'not begun'}")


def _seen(history: History, source: str, report: Report) -> None:
    before: dict[str, Any] = {}
    for fact in history.logs[source]:
        seen = fact["seen"]
        report.expect("log", source not in seen, fact, "it counts its own log among those seen")
        beyond = {name: position for name, position in seen.items() if position > len(history.logs.get(name, ()))}
        report.expect("log", not beyond, fact, f"it saw {beyond}, more than there is")
        back = {name for name, position in before.items() if seen.get(name, 0) < position}
        report.expect("log", not back, fact, f"it saw less of {sorted(back)} than the event before")
        before = seen


def _causes(history: History, source: str, places: dict[str, Fact], report: Report) -> None:
    """A cause that is an event was there before its effect: earlier in this log, or seen of the other."""
    for fact in history.logs[source]:
        cause = places.get(fact.cause)
        if cause is None:
            continue
        if cause.source == source:
            report.expect("log", cause.position < fact.position, fact, f"its cause {cause} came later")
        else:
            report.expect("log", cause.position <= fact.saw(cause.source), fact, f"it had not seen its cause {cause}")
