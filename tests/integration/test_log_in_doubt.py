"""Processes that must record nothing: one whose relay found another history on the topic, and a worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest

from services.platform import service_named
from services.voucher.domain.contract import AcknowledgeContract
from shared.kernel.commands import Principal
from shared.runtime.bus import bus_of
from shared.runtime.errors import LogInDoubt, PlatformError, WorkerOnly
from shared.runtime.service import Runtime
from shared.runtime.settings import Settings

COMPANY = Principal(sub="person-1", role="enterprise", uscc="91310000MA1FL0000X")


@pytest.fixture
def runtime(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    settings = Settings(state_dir=tmp_path)
    made = Runtime(service_named("voucher"), database_url, settings, bus_of(settings))
    yield made
    made.projections.close()
    made.store.close()


async def refused(runtime: Runtime) -> PlatformError:
    with pytest.raises(PlatformError) as refusal:
        await runtime.execute(AcknowledgeContract(voucher_id=uuid4()), COMPANY, "/x", uuid4())
    return refusal.value


async def test_no_command_is_taken_while_the_published_log_is_not_the_one_in_the_table(runtime: Runtime) -> None:
    runtime.relay = SimpleNamespace(stopped="the topic ends at 9, the table at 7: was it restored?")  # type: ignore[assignment]
    answer = await refused(runtime)
    assert isinstance(answer, LogInDoubt)
    assert (answer.status, answer.retry_after) == (503, 30)


async def test_a_worker_takes_no_commands(runtime: Runtime) -> None:
    await runtime.start("worker")
    try:
        assert isinstance(await refused(runtime), WorkerOnly)
    finally:
        await runtime.stop()


async def test_an_operator_sees_a_stopped_relay_among_the_stopped_sources_and_lets_it_compare_again(runtime: Runtime) -> None:
    looked_at: list[bool] = []
    runtime.relay = SimpleNamespace(stopped="was it restored?", cursor=7, retry=lambda: looked_at.append(True))  # type: ignore[assignment]
    runtime.store.create_tables()
    assert runtime.stops() == [{"source": "voucher", "position": 7, "reason": "was it restored?"}]
    assert await runtime.retry("voucher") and looked_at == [True]
    runtime.relay.stopped = None  # type: ignore[union-attr]
    assert not await runtime.retry("voucher")
