"""What a check looked at and what it found."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

TITLES = {
    "log": "positions, versions, days, seen and causes",
    "1": "ceilings and holds",
    "2": "publicity before payment",
    "3": "attempts to pay",
    "4": "sums of a redemption",
    "5": "clawbacks and offsets",
    "6": "claims of invoices and contract lines",
    "7": "separate persons",
    "8": "policy in force, sums recomputed",
    "books": "double entry, by totals",
    "9": "replay equals live tables",
}


class Finding(NamedTuple):
    """One sentence that does not hold, and the event at which."""

    invariant: str
    where: str
    text: str


class Report:
    """Counts sentences that were looked at, by invariant, and keeps those that do not hold."""

    def __init__(self) -> None:
        self.checked: Counter[str] = Counter()
        self.findings: list[Finding] = []
        self.not_checked: list[str] = []

    def expect(self, invariant: str, holds: bool, where: object, text: str) -> bool:
        """Count one sentence; keep it when it does not hold. Gives ``holds``."""
        self.checked[invariant] += 1
        if not holds:
            self.findings.append(Finding(invariant, str(where), text))
        return holds

    def leave_out(self, text: str) -> None:
        """Say what was not checked."""
        if text not in self.not_checked:
            self.not_checked.append(text)

    def found(self, invariant: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.invariant == invariant]

    def table(self, most: int = 20) -> str:
        """For people: a line an invariant, then the findings, then what was not checked."""
        lines = [f"{'':6}{'invariant':46}{'checked':>10}{'findings':>10}"]
        for invariant, title in TITLES.items():
            checked, found = self.checked[invariant], len(self.found(invariant))
            lines.append(f"{invariant:6}{title:46}{checked or '—':>10}{found if checked or found else '—':>10}")
        for invariant in TITLES:
            found_here = self.found(invariant)
            lines += [f"{one.invariant:>5}  {one.where}: {one.text}" for one in found_here[:most]]
            if len(found_here) > most:
                lines.append(f"{invariant:>5}  and {len(found_here) - most} more")
        lines += [f"not checked: {text}" for text in self.not_checked]
        return "\n".join(lines)
