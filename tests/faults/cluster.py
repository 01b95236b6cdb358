"""Faults of three brokers that keep every topic three times and acknowledge what two of them have."""

from __future__ import annotations

import asyncio
from random import Random

from aiokafka.admin import AIOKafkaAdminClient

from shared.runtime.bus.kafka_topics import partition_of
from tests.faults.broker import _settings
from tests.faults.scene import Scene


async def leader_killed(scene: Scene, chance: Random) -> None:
    """SIGKILL to the node that leads the voucher topic, while batches are on their way."""
    leader = await _leader(scene)
    scene.kafka.kill(leader)
    await asyncio.sleep(chance.uniform(1, 5))
    await asyncio.to_thread(scene.kafka.start_node, leader)


async def two_down(scene: Scene, chance: Random) -> None:
    """Two of three killed: nothing can be acknowledged by the bus, commands still are; then both come back."""
    down = chance.sample((1, 2, 3), 2)
    for node in down:
        scene.kafka.kill(node)
    await scene.workload.more(10)
    await asyncio.sleep(chance.uniform(1, 4))
    for node in down:
        await asyncio.to_thread(scene.kafka.start_node, node)


async def _leader(scene: Scene) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=scene.kafka.bootstrap_servers)
    await admin.start()
    try:
        [topic] = await admin.describe_topics([partition_of(_settings(scene), "voucher").topic])
    finally:
        await admin.close()
    return int(topic["partitions"][0]["leader"])
