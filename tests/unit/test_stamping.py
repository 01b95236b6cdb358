"""Ids of events."""

from __future__ import annotations

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st
from tongdui_events.document import Actor

from shared.runtime.stamping import Cause, event_namer


@given(st.uuids(), st.text(st.characters(codec="utf-8")), st.integers(0, 2000))
def test_an_events_id_is_the_uuid5_of_its_cause_scope_and_place(cause: UUID, scope: str, index: int) -> None:
    actor = Actor(id="officer-1", role="centre")
    made, expected = event_namer(Cause(cause, scope, actor, None))(index), uuid5(cause, f"{scope}/{index}")
    assert made == expected
    assert (made.version, made.variant, hash(made), str(made)) == (5, expected.variant, hash(expected), str(expected))
