"""Which regions entrusted a centre, from the registry's facts a service keeps: a centre reads only their cases. 三(三)"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any
from uuid import UUID

from psycopg import Connection
from tongdui_events.codec import decode_event

from shared.kernel.region_terms import Entrusted, released

TYPES = ("CentreEntrusted", "CentreReleased")


def entrusting_regions(connection: Connection[Any], service: str, centre_id: UUID, day: date) -> tuple[str, ...]:
    """The codes of the regions whose cases the centre may see on a day, whatever the scope it is entrusted for."""
    rows = connection.execute(
        f"SELECT topic, state FROM {service}_facts WHERE topic IN ('CentreEntrusted', 'CentreReleased') ORDER BY fact_id",
        binary=True,
    ).fetchall()
    centres: dict[str, tuple[Entrusted, ...]] = defaultdict(tuple)
    for topic, state in rows:
        event = decode_event("registry", topic, state)
        if topic == "CentreReleased":
            centres[event.region] = released(centres[event.region], event)
        else:
            entrusted = Entrusted(event.centre_id, event.scope, event.from_on, event.until)
            centres[event.region] = (*centres[event.region], entrusted)
    return tuple(
        sorted(
            region for region, known in centres.items() if any(one.centre_id == centre_id and one.holds(day) for one in known)
        )
    )
