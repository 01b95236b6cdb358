"""What many of these tests stand on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.runtime.store import Store


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """The voucher service's tables in a database of the test's own."""
    store = Store(database_url, "voucher")
    store.create_tables()
    yield store
    store.close()
