"""Whatever is killed, stopped, cut off, wiped or filled: nothing acknowledged is lost, nothing is done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.runtime.local_jars import NoLocalKafka
from shared.runtime.local_postgres import DatabaseServer
from tests.faults.catalogue import FAULTS, Fault
from tests.faults.disk import NoSmallDisk
from tests.faults.place import scene_of
from tests.faults.rounds import play

SEEDS = (1, 2, 3)
CASES = [
    pytest.param(fault, bus, id=f"{fault.name}, {bus}", marks=[pytest.mark.kafka] if bus == "kafka" else [])
    for fault in FAULTS
    for bus in fault.buses
]


@pytest.mark.parametrize(("fault", "bus"), CASES)
async def test_nothing_acknowledged_is_lost_or_doubled(
    fault: Fault, bus: str, database_server: DatabaseServer, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    brokers = request.getfixturevalue("kafka_servers") if bus == "kafka" and fault.needs not in ("kafka", "cluster") else None
    try:
        async with scene_of(fault, bus, tmp_path, database_server, brokers) as scene:
            for seed in SEEDS:
                shown = await play(fault, scene, seed, invariants=seed == SEEDS[-1])
                print(f"seed {seed}: {shown.acknowledged} acknowledged, back after {shown.seconds:.1f} s")
                assert shown.verdict.clean, shown.verdict
    except (NoSmallDisk, NoLocalKafka) as error:
        pytest.skip(str(error))
