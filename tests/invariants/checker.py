"""Checks a history against the invariants; shares no code with the services.

``python -m tests.invariants.checker FILE`` prints a table and exits 0 (sound), 1 (findings) or 2 (unreadable).
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.invariants import attempts, books, ceilings, claims, logs, persons, publicity, recompute, sums
from tests.invariants.history import History, Unreadable, read_history
from tests.invariants.report import TITLES, Report

CHECKS = (
    logs.check,
    ceilings.check,
    publicity.check,
    attempts.check,
    sums.check,
    books.check,
    claims.check,
    persons.check,
    recompute.check,
)


def check(history: History) -> Report:
    """Every invariant a history alone can show."""
    report = Report()
    for look in CHECKS:
        try:
            look(history, report)
        except (AttributeError, KeyError, TypeError) as error:
            report.expect("log", False, look.__module__.rsplit(".", 1)[-1], f"an event lacks what it must have: {error!r}")
    for invariant, title in TITLES.items():
        if invariant != "9" and not report.checked[invariant]:
            report.leave_out(f"{invariant}, {title}: the history has no event of it")
    report.leave_out("9, replay equals the live tables: it needs the tables")
    return report


def main(arguments: list[str]) -> int:
    try:
        report = check(read_history(Path(arguments[0])))
    except (IndexError, OSError, Unreadable) as error:
        print(f"no history: {error}", file=sys.stderr)
        return 2
    print(report.table())
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
