"""What a long stream's snapshot says is what was folded."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import TypeAdapter
from tongdui_events.samples import sample

from services.platform import service_named
from shared.kernel.folding import Fold
from shared.runtime.store import SERVICES
from tests.unit.signal_history import FIRST

KEPT = [fold for name in SERVICES for fold in service_named(name).folds if fold.snapshot_every]


@pytest.mark.parametrize("fold", KEPT, ids=lambda fold: fold.name)
def test_a_stream_read_from_its_snapshot_is_as_it_was_folded(fold: Fold[Any]) -> None:
    adapter, stamp = TypeAdapter(type(fold.initial)), SimpleNamespace(business_day=FIRST)
    states = [fold.initial]
    for cls in fold.types:
        states.append(fold.evolve(states[-1], sample(cls), stamp))
    assert any(state != fold.initial for state in states)
    for state in states:
        assert adapter.validate_json(adapter.dump_json(state)) == state
