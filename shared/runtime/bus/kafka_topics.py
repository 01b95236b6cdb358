"""Topics on Kafka: one a service, one partition, kept for ever; and what a record on them looks like."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.runtime.bus.port import Record
from shared.runtime.settings import Settings

log = logging.getLogger("tongdui.bus")

REQUEST_TIMEOUT_MS = 5000
#: a topic that was deleted and made again is found within this time
METADATA_MAX_AGE_MS = 5000
_BATCH_OVERHEAD_BYTES = 64 * 1024
_LARGEST_POSITION_DIGITS = 18

Headers = list[tuple[str, bytes]]


class NoBroker(RuntimeError):
    """The settings name no broker."""


def connection_options(settings: Settings) -> dict[str, Any]:
    """What every client of the brokers is made with. Raises NoBroker."""
    if not settings.kafka_bootstrap_servers:
        raise NoBroker("the Kafka bus needs KAFKA_BOOTSTRAP_SERVERS")
    return {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "metadata_max_age_ms": METADATA_MAX_AGE_MS,
    }


def partition_of(settings: Settings, source: str) -> TopicPartition:
    """The one partition of a service's topic."""
    return TopicPartition(f"{settings.topic_prefix}.{source}", 0)


def batch_limit_bytes(settings: Settings) -> int:
    """The largest record batch: an event of the size limit fits, and a megabyte of small ones."""
    return max(1024 * 1024, settings.event_size_limit + _BATCH_OVERHEAD_BYTES)


def headers_of(position: int, type_name: str, source: bytes) -> Headers:
    return [("position", b"%d" % position), ("type", type_name.encode()), ("source", source)]


def record_of(source: str, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> Record:
    """A record as published; position 0 and no type when it is not one of ``source``'s own."""
    found = dict(headers)
    position = found.get("position") or b""
    ours = position.isdigit() and len(position) <= _LARGEST_POSITION_DIGITS and found.get("source") == source.encode()
    if not ours or value is None:
        return Record(0, key or b"", value or b"", "")
    return Record(int(position), key or b"", value, (found.get("type") or b"").decode(errors="replace"))


async def ensure_topic(settings: Settings, source: str) -> None:
    """Make the topic where it is missing. Raises KafkaError."""
    topic = NewTopic(
        partition_of(settings, source).topic,
        num_partitions=1,
        replication_factor=settings.kafka_replication_factor,
        topic_configs={
            "cleanup.policy": "delete",
            "retention.ms": "-1",
            "retention.bytes": "-1",
            "max.message.bytes": str(batch_limit_bytes(settings)),
        },
    )
    admin = AIOKafkaAdminClient(request_timeout_ms=REQUEST_TIMEOUT_MS, **connection_options(settings))
    try:
        await admin.start()
        if topic.name in await admin.list_topics():
            return
        response = await admin.create_topics([topic])
    finally:
        await admin.close()
    for name, code, *rest in response.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(f"topic {name} cannot be made: {rest}")
        log.info("topic %s: %s", name, "is there" if code else "made")


async def members_of(settings: Settings, group: str) -> int:
    """How many members a consumer group has. Raises KafkaError."""
    admin = AIOKafkaAdminClient(request_timeout_ms=REQUEST_TIMEOUT_MS, **connection_options(settings))
    try:
        await admin.start()
        responses = await admin.describe_consumer_groups([group])
    finally:
        await admin.close()
    return sum(len(described[5]) for response in responses for described in response.groups)
