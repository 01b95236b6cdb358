"""Faults of the one broker and of what lies on it."""

from __future__ import annotations

import asyncio
import os
import shutil
from random import Random
from typing import Any
from uuid import uuid4

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import OffsetAndMetadata

from shared.runtime.bus.kafka_topics import partition_of
from shared.runtime.settings import Settings
from tests.faults.scene import Scene

#: the full minute is waited for by ``make faults``
STOPPED_SECONDS = float(os.environ.get("TONGDUI_FAULTS_STOPPED_SECONDS", "6"))
LISTENERS = ("settlement", "audit")


async def killed(scene: Scene, chance: Random) -> None:
    """SIGKILL, up to two seconds of nothing, and a start."""
    scene.kafka.kill()
    await asyncio.sleep(chance.uniform(0, 2))
    await asyncio.to_thread(scene.kafka.start_node)


async def stopped(scene: Scene, chance: Random) -> None:
    """SIGSTOP: connections stay, nothing answers. Commands go on meanwhile."""
    scene.kafka.pause()
    await scene.workload.more(10)
    await asyncio.sleep(STOPPED_SECONDS)
    scene.kafka.resume()


async def wiped(scene: Scene, chance: Random) -> None:
    """The broker dies and comes back with nothing: no topic, no group."""
    scene.kafka.kill()
    shutil.rmtree(scene.kafka.directory / "node-1" / "data")
    scene.kafka.stop()
    await asyncio.to_thread(scene.kafka.start)


async def rewound(scene: Scene, chance: Random) -> None:
    """While settlement is away its group is set back to the beginning of the voucher topic."""
    process = scene.platform.process_of("settlement")
    await process.ask_to_stop()
    settings = _settings(scene)
    partition = partition_of(settings, "voucher")
    consumer = AIOKafkaConsumer(
        bootstrap_servers=scene.kafka.bootstrap_servers, group_id=f"{settings.topic_prefix}.settlement", enable_auto_commit=False
    )  # fmt: skip
    await consumer.start()
    consumer.assign([partition])
    await consumer.commit({partition: OffsetAndMetadata(chance.randint(0, 5), "")})
    await consumer.stop()
    process.start()


async def foreign_record(scene: Scene, chance: Random) -> None:
    """Somebody else writes to the voucher topic: each listener stops by name, until an operator sets it aside."""
    settings = _settings(scene)
    producer = AIOKafkaProducer(bootstrap_servers=scene.kafka.bootstrap_servers)
    await producer.start()
    topic = partition_of(settings, "voucher").topic
    await producer.send_and_wait(topic, chance.randbytes(chance.randint(0, 200)), key=b"foreign", partition=0)
    await producer.stop()
    await asyncio.gather(*(_set_aside(scene, service) for service in LISTENERS))


async def _set_aside(scene: Scene, service: str) -> None:
    url = f"{scene.platform.urls[service]}/{service}/v1/stopped"
    headers = {"Authorization": f"Bearer {scene.platform.token('operator')}"}
    async with httpx.AsyncClient(timeout=5, headers=headers) as client:
        stops: list[dict[str, Any]] = []
        async with asyncio.timeout(60):
            while not stops:
                answer = await client.get(url)
                stops = [stop for stop in answer.json() if stop["source"] == "voucher"]
                await asyncio.sleep(0.05)
        parked = await client.post(f"{url}/voucher/{stops[0]['position']}/park", headers={"Idempotency-Key": str(uuid4())})
        if parked.status_code != 200:
            raise AssertionError(f"{service} would not park: {parked.status_code} {parked.text}")


def _settings(scene: Scene) -> Settings:
    environment = scene.platform.process_of("voucher").environment
    return Settings(
        bus="kafka", KAFKA_BOOTSTRAP_SERVERS=scene.kafka.bootstrap_servers, topic_prefix=environment["TONGDUI_TOPIC_PREFIX"]
    )  # fmt: skip
