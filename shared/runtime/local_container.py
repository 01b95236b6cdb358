"""A Kafka in a container, for a machine with a Docker engine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shared.runtime.local_program import LocalProgramFailed, wait_for

IMAGE = "apache/kafka:4.3.1"
_log = logging.getLogger(__name__)


def docker_answers() -> bool:
    """Is there a Docker engine? Asked by a ping: the client being installed says nothing."""
    try:
        from docker.errors import DockerException
        from testcontainers.core.docker_client import DockerClient
    except ImportError:
        return False
    try:
        return bool(DockerClient(timeout=5).client.ping())
    except (DockerException, OSError) as error:
        _log.debug("no Docker engine: %s", error)
        return False


@contextmanager
def kafka_in_a_container(port: int, answers: Callable[[str], bool], within: float = 120.0) -> Iterator[str]:
    """The bootstrap servers of one broker on ``port`` of the engine's host, once ``answers(servers)``.

    LocalProgramFailed when the image cannot be had or the broker does not answer.
    """
    from docker.errors import DockerException
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.exceptions import ContainerStartException

    container = DockerContainer(IMAGE).with_bind_ports(9092, port)
    try:
        servers = f"{container.get_docker_client().host()}:{port}"
        with container.with_envs(**_environment(servers)):
            if not wait_for(lambda: answers(servers), within):
                raise LocalProgramFailed(f"Kafka in a container did not answer at {servers} within {within:g} s")
            yield servers
    except (DockerException, ContainerStartException) as error:
        raise LocalProgramFailed(f"no container of {IMAGE}: {error}") from error


def _environment(servers: str) -> dict[str, str]:
    """The image takes every setting from here once one is given; the values are those of server.properties."""
    settings = {
        "node.id": "1",
        "process.roles": "broker,controller",
        "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "advertised.listeners": f"PLAINTEXT://{servers}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": "1@localhost:9093",
        "auto.create.topics.enable": "false",
        "offsets.topic.num.partitions": "1",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
    }
    return {"KAFKA_" + name.upper().replace(".", "_"): value for name, value in settings.items()}
