"""Ids of events."""

from __future__ import annotations

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.stamping import name_id


@given(st.uuids(), st.text(st.characters(codec="utf-8")))
def test_an_events_id_is_the_uuid5_of_its_cause_and_name(namespace: UUID, name: str) -> None:
    made = name_id(namespace, name)
    assert made == uuid5(namespace, name)
    assert (made.version, made.variant, hash(made), str(made)) == (
        5, uuid5(namespace, name).variant, hash(uuid5(namespace, name)), str(uuid5(namespace, name)),
    )  # fmt: skip
