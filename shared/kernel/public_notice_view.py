"""A public notice as the row of a view: what the public reads, and when a close falls due."""

from __future__ import annotations

from typing import Any

from tongdui_events.document import Event, Stamp

from shared.kernel.public_notice import PublicNotice, evolve, next_close_on


def evolve_row(row: dict[str, Any] | None, event: Event, stamp: Stamp | None = None) -> dict[str, Any]:
    """The row after one of NOTICE_EVENTS, keyed by the notice's id.

    ``{notice_id, number, kind, state, due_on?, items: {item_id: {item, opens_on, last_day_on,
    open_objections, passed, upheld, dropped, held}}, objections: {id: {item_id, ruling}}, withdrawn}``;
    ``due_on`` is the first day on which a close has something to say.
    """
    notice = evolve(PublicNotice.model_validate(row) if row else PublicNotice(), event, stamp)
    changed = notice.model_dump(mode="json") | {"state": notice.state}
    due_on = next_close_on(notice)
    return changed | {"due_on": due_on.isoformat()} if due_on else changed
