"""Checks a history against the invariants; shares no code with the services.

``python -m tests.invariants.checker FILE`` prints a table and exits 0 (sound), 1 (findings) or 2 (unreadable).
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.invariants import attempts, ceilings, claims, logs, persons, publicity, sums
from tests.invariants.history import History, Unreadable, read_history
from tests.invariants.report import Report

CHECKS = (logs.check, ceilings.check, publicity.check, attempts.check, sums.check, claims.check, persons.check)


def check(history: History) -> Report:
    """Every invariant a history alone can show."""
    report = Report()
    for look in CHECKS:
        look(history, report)
    report.leave_out("5, sums of clawbacks and offsets: nothing here looks at them yet")
    report.leave_out("8, recomputing each allocation from its terms: only what the ceilings and sums say of it")
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
