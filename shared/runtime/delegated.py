"""Who acts for whom: a delegation as far as a service knows it, from the facts it keeps or the registry's own log."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import Connection
from tongdui_events.codec import decode_event

from shared.kernel.delegation import DELEGATION, Delegation
from shared.runtime.unread_stamp import UnreadStamp


def delegation_of(connection: Connection[Any], service: str, delegation_id: UUID) -> Delegation:
    """One delegation; an empty one where there is none."""
    own = service == DELEGATION.source
    table, order = (f"{service}_events", "originator_version") if own else (f"{service}_facts", "fact_id")
    rows = connection.execute(
        f"SELECT topic, state FROM {table} WHERE originator_id = %s AND topic = ANY(%s) ORDER BY {order}",
        (delegation_id, [cls.__name__ for cls in DELEGATION.types]),
    )
    delegation = DELEGATION.initial
    for topic, state in rows:
        stored = bytes(state)
        delegation = DELEGATION.evolve(delegation, decode_event("registry", topic, stored), UnreadStamp(stored))
    return delegation
