"""Which region pays for an address: the region of the longest prefix on the day. 一(一), 一(二)

Every prefix has a stream of its own, so the regions need not be enumerated: a division code has five
prefixes, and the longest that somebody holds on the day decides (33 beside 330421).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from tongdui_events.document import Event, Stamp
from tongdui_events.registry import ReachAssigned
from tongdui_events.streams import reach_id

from shared.kernel.decisions import Decided
from shared.kernel.folding import Fold

Get = Callable[[Fold[Any], UUID], Any]
"""How glue reads a stream: ``desk.get``."""


class Assignment(NamedTuple):
    """From a day on a region pays for a prefix; None: nobody does."""

    from_on: date
    region: str | None


Assignments = tuple[Assignment, ...]
"""Of one prefix, in the order of their days."""


def holder_on(assignments: Assignments, day: date) -> str | None:
    """The region that holds the prefix on a day."""
    begun = [assignment.region for assignment in assignments if assignment.from_on <= day]
    return begun[-1] if begun else None


def taken_by(assignments: Assignments, region: str, from_on: date) -> str | None:
    """The other region that stands in the way of holding the prefix from that day on, or None.

    It is free from the day on which its last holder gave it up, never before.
    """
    if not assignments or (assignments[-1].region is None and assignments[-1].from_on <= from_on):
        return None
    holder = next((held.region for held in reversed(assignments) if held.region is not None), None)
    return None if holder == region else holder


def prefixes_of(division_code: str) -> tuple[str, ...]:
    """Every prefix that may reach a division, the longest first."""
    return tuple(division_code[:length] for length in range(len(division_code), 1, -1))


def region_on(division_code: str, reach: Mapping[str, Assignments], day: date) -> str | None:
    """The region that pays for a division on a day. ``reach``: assignments by prefix."""
    holders = (holder_on(reach.get(prefix, ()), day) for prefix in prefixes_of(division_code))
    return next((holder for holder in holders if holder is not None), None)


def read(get: Get, prefixes: Iterable[str]) -> dict[str, Assignments]:
    """The assignments of these prefixes."""
    return {prefix: get(REACH, reach_id(prefix)) for prefix in prefixes}


def assign(prefixes: Iterable[str], region: str | None, from_on: date) -> list[Decided]:
    """ReachAssigned for each prefix."""
    return [
        Decided(reach_id(prefix), ReachAssigned(prefix=prefix, region=region, from_on=from_on))
        for prefix in sorted(prefixes)
    ]


def _evolve(assignments: Assignments, event: Event, stamp: Stamp) -> Assignments:
    if isinstance(event, ReachAssigned):
        return (*assignments, Assignment(event.from_on, event.region))
    return assignments


REACH: Fold[Assignments] = Fold("reach", "registry", (ReachAssigned,), (), _evolve)
"""Keyed by ``reach_id(prefix)``."""
