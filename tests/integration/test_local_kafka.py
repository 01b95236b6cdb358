"""The Kafka of a machine that was given none."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError

from shared.runtime.local_container import docker_answers
from shared.runtime.local_jars import are_complete, kafka_jars
from shared.runtime.local_kafka import LocalKafka, answers, kafka_servers, temporary_kafka
from shared.runtime.local_program import DirectoryInUse, LocalProgramFailed
from shared.runtime.settings import Settings
from tests.integration.left_behind import left_behind

TOPIC = "numbers"
HERE = TopicPartition(TOPIC, 0)


async def make_topic(servers: str, replicas: int = 1) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    answer = await admin.create_topics([NewTopic(TOPIC, 1, replicas)])
    await admin.close()
    assert answer.topic_errors[0][1] == 0


async def write(servers: str, number: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True)
    await producer.start()
    await producer.send_and_wait(TOPIC, str(number).encode())
    await producer.stop()


async def written(servers: str) -> list[int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=servers)
    await consumer.start()
    consumer.assign([HERE])
    await consumer.seek_to_beginning(HERE)
    end = (await consumer.end_offsets([HERE]))[HERE]
    numbers = [int((await consumer.getone()).value) for _ in range(end)]
    await consumer.stop()
    return numbers


async def test_a_topic_is_not_made_by_being_named(kafka_servers: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_servers)
    await admin.start()
    asked = await admin.describe_topics(["nobody-made-this"])
    assert asked[0]["error_code"] == UnknownTopicOrPartitionError.errno
    assert "nobody-made-this" not in await admin.list_topics()
    await admin.close()


async def test_a_killed_broker_comes_back_at_its_address_with_its_records(own_kafka: LocalKafka) -> None:
    servers = own_kafka.bootstrap_servers
    await make_topic(servers)
    await write(servers, 1)
    own_kafka.kill()
    assert not answers(servers)
    own_kafka.start_node()
    await write(servers, 2)
    assert await written(servers) == [1, 2]


def test_a_paused_broker_answers_again_when_it_is_resumed(own_kafka: LocalKafka) -> None:
    own_kafka.pause()
    assert not answers(own_kafka.bootstrap_servers)
    own_kafka.resume()
    assert answers(own_kafka.bootstrap_servers)


@pytest.mark.kafka
async def test_records_are_kept_between_runs(tmp_path: Path) -> None:
    with LocalKafka(tmp_path) as kafka:
        await make_topic(kafka.bootstrap_servers)
        await write(kafka.bootstrap_servers, 1)
    with LocalKafka(tmp_path) as kafka:
        await write(kafka.bootstrap_servers, 2)
        assert await written(kafka.bootstrap_servers) == [1, 2]


@pytest.mark.kafka
def test_the_broker_of_a_killed_run_is_ended_before_the_next_starts(tmp_path: Path) -> None:
    left = left_behind("local_kafka", "LocalKafka", tmp_path)
    with LocalKafka(tmp_path) as kafka:
        assert kafka.pid() != left
        assert not psutil.pid_exists(left) or psutil.Process(left).status() == psutil.STATUS_ZOMBIE
        with pytest.raises(DirectoryInUse, match=str(os.getpid())):
            LocalKafka(tmp_path).start()


@pytest.mark.kafka
async def test_of_three_nodes_two_carry_on() -> None:
    with temporary_kafka(nodes=3) as kafka:
        await make_topic(kafka.bootstrap_servers, replicas=3)
        await write(kafka.bootstrap_servers, 1)
        kafka.kill(1)
        await write(kafka.bootstrap_servers, 2)
        assert await written(kafka.bootstrap_servers) == [1, 2]


@pytest.mark.kafka
def test_a_broker_that_cannot_start_is_told_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(LocalProgramFailed, match="nonsense"):
        LocalKafka(tmp_path, properties={"listeners": "nonsense"}).start()


def test_servers_that_were_given_are_used_as_they_are() -> None:
    with kafka_servers(Settings(KAFKA_BOOTSTRAP_SERVERS="somewhere:9092")) as servers:
        assert servers == "somewhere:9092"


@pytest.mark.kafka
def test_a_jar_that_was_changed_or_added_is_not_taken_for_the_broker(tmp_path: Path) -> None:
    jars = kafka_jars()
    digests = Path("deploy/local/kafka-jars.sha256").read_text().splitlines()
    pinned = {name: digest for digest, name in (line.split() for line in digests)}
    for name in pinned:
        (tmp_path / name).symlink_to(jars / name)
    assert are_complete(tmp_path, pinned)
    (tmp_path / "added.jar").write_bytes(b"")
    assert not are_complete(tmp_path, pinned)
    (tmp_path / "added.jar").rename(tmp_path / name)
    assert not are_complete(tmp_path, pinned)


class _Engine(BaseHTTPRequestHandler):
    """A Docker engine that answers a ping and refuses all else."""

    def do_GET(self) -> None:
        known = {"/_ping": b"OK", "/version": json.dumps({"ApiVersion": "1.43"}).encode()}
        found = next((body for path, body in known.items() if self.path.endswith(path)), None)
        self.send_response(200 if found else 500)
        self.end_headers()
        self.wfile.write(found or b"")

    def do_POST(self) -> None:
        self.send_response(500)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = HTTPServer(("127.0.0.1", 0), _Engine)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.server_port}")
    yield
    server.shutdown()
    server.server_close()


def test_a_docker_client_without_an_engine_is_no_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    assert not docker_answers()


@pytest.mark.kafka
def test_an_engine_that_gives_no_container_does_not_stand_in_the_way(
    engine: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    assert docker_answers()
    with kafka_servers(Settings(), tmp_path) as servers:
        assert answers(servers)
    assert "Docker answers, but gives no broker" in capsys.readouterr().err
