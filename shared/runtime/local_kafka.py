"""A Kafka for one machine: brokers somebody gave us, a container's, or our own from the jars, in that order."""

from __future__ import annotations

import asyncio
import base64
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from string import Template
from uuid import uuid4

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.runtime.local_container import docker_answers, kafka_in_a_container
from shared.runtime.local_jars import DEFINITION, NoLocalKafka, java, kafka_jars
from shared.runtime.local_program import DirectoryLock, LocalProgram, LocalProgramFailed, free_ports, say, wait_for
from shared.runtime.settings import Settings

_JVM = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_QUIET = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"


class LocalKafka:
    """Brokers of our own in ``directory``, on free ports of the loopback: one node, or three with every topic thrice.

    Topics are not made by being named. ``properties`` are added to each node's. Nodes count from 1. ``start`` raises
    NoLocalKafka, DirectoryInUse or LocalProgramFailed.
    """

    def __init__(self, directory: Path, nodes: int = 1, properties: Mapping[str, str] | None = None) -> None:
        self.directory = directory.absolute()
        self._properties = dict(properties or {})
        ports = free_ports(2 * nodes)
        self._ports = dict(enumerate(ports[:nodes], start=1))
        self._controller_ports = dict(enumerate(ports[nodes:], start=1))
        self._lock = DirectoryLock(self.directory)
        self._nodes: dict[int, LocalProgram] = {}

    def __enter__(self) -> LocalKafka:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def bootstrap_servers(self) -> str:
        """``host:port`` of each node, by comma; the same for the life of this object, whatever is killed meanwhile."""
        return ",".join(f"127.0.0.1:{port}" for port in self._ports.values())

    def pid(self, node: int = 1) -> int:
        return self._nodes[node].pid

    def start(self) -> None:
        """Format what is new, run every node that does not run, return once the cluster names all of them."""
        try:
            if not self._nodes:
                self._prepare()
            for node in self._nodes:
                self._run(node)
            self._wait_until_answering()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ask every node to end (SIGTERM), together."""
        if self._nodes:
            with ThreadPoolExecutor(len(self._nodes)) as pool:
                list(pool.map(self.stop_node, self._nodes))
        self._nodes.clear()
        self._lock.release()

    def restart(self) -> None:
        """Every node, on the same ports."""
        self.stop()
        self.start()

    def kill(self, node: int = 1) -> None:
        """SIGKILL. ``start_node`` brings it back, after its session time-out (3 s)."""
        self._nodes[node].kill()

    def kill_all(self) -> None:
        for node in self._nodes:
            self.kill(node)

    def pause(self, node: int = 1) -> None:
        """SIGSTOP: connections stay open, nothing answers."""
        self._nodes[node].signal(signal.SIGSTOP)

    def resume(self, node: int = 1) -> None:
        self._nodes[node].signal(signal.SIGCONT)

    def start_node(self, node: int = 1) -> None:
        """Run one node again; return once the cluster names every node that runs."""
        self._run(node)
        self._wait_until_answering()

    def stop_node(self, node: int = 1) -> None:
        """SIGTERM, and SIGKILL after 10 s: the last nodes of a cluster wait for a controller that is gone."""
        self._nodes[node].stop(signal.SIGTERM, within=10)

    def _run(self, node: int) -> None:
        if not self._nodes[node].running:
            self._nodes[node].start(ready=lambda: True, within=10)

    def _prepare(self) -> None:
        launcher = [str(java()), *_JVM, _QUIET, "-cp", f"{kafka_jars()}/*"]
        self.directory.mkdir(parents=True, exist_ok=True)
        self._lock.take()
        cluster_id = self._cluster_id()
        with ThreadPoolExecutor(len(self._ports)) as pool:
            programs = pool.map(lambda node: self._prepared(node, launcher, cluster_id), self._ports)
            self._nodes = dict(zip(self._ports, programs, strict=True))

    def _prepared(self, node: int, launcher: list[str], cluster_id: str) -> LocalProgram:
        home = self.directory / f"node-{node}"
        home.mkdir(exist_ok=True)
        properties = home / "server.properties"
        command = [*launcher, "kafka.Kafka", str(properties)]
        program = LocalProgram(f"Kafka node {node}", command, home / "broker.log", home / "broker.pid")
        program.end_left_over(signal.SIGTERM, str(properties))
        properties.write_text(self._server_properties(node, home / "data"))
        if not (home / "data" / "meta.properties").exists():
            _format(launcher, properties, cluster_id)
        return program

    def _server_properties(self, node: int, data: Path) -> str:
        text = Template((DEFINITION / "server.properties").read_text()).substitute(
            node=node,
            port=self._ports[node],
            controller_port=self._controller_ports[node],
            voters=",".join(f"{other}@127.0.0.1:{port}" for other, port in self._controller_ports.items()),
            data=data,
        )
        if len(self._ports) > 1:
            text += (DEFINITION / "cluster.properties").read_text()
        return text + "".join(f"{name}={value}\n" for name, value in self._properties.items())

    def _cluster_id(self) -> str:
        """One for all nodes, kept with them."""
        kept = self.directory / "cluster.id"
        if not kept.exists():
            # the first byte is fixed, because an id that begins with «-» is taken for an option
            kept.write_text(base64.urlsafe_b64encode(b"t" + uuid4().bytes[1:]).decode().rstrip("="))
        return kept.read_text()

    def _wait_until_answering(self, within: float = 60.0) -> None:
        alive = [program for program in self._nodes.values() if program.running]

        def settled() -> bool:
            return not all(program.running for program in alive) or answers(self.bootstrap_servers, len(alive))

        if not wait_for(settled, within) or not all(program.running for program in alive):
            words = "\n".join(f"{program.name}: {program.last_words()}" for program in alive)
            raise LocalProgramFailed(f"Kafka ended, or did not answer within {within:g} s: {words}")


def _format(launcher: list[str], properties: Path, cluster_id: str) -> None:
    command = [*launcher, "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(properties)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise LocalProgramFailed(f"formatting Kafka's directory failed: {done.stdout}{done.stderr}")


def answers(bootstrap_servers: str, nodes: int = 1) -> bool:
    """Does a metadata request name at least so many brokers? May be called whether an event loop runs or not."""
    if not any(_listening(*server.rsplit(":", 1)) for server in bootstrap_servers.split(",")):
        return False
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(_answers(bootstrap_servers, nodes))).result()


def _listening(host: str, port: str) -> bool:
    """Asked before the client is, which logs an error for every server it cannot reach."""
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return False
    return True


async def _answers(bootstrap_servers: str, nodes: int) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=2000)
    try:
        await admin.start()
        return len((await admin.describe_cluster())["brokers"]) >= nodes
    except KafkaError:
        return False
    finally:
        await admin.close()


@contextmanager
def temporary_kafka(nodes: int = 1, properties: Mapping[str, str] | None = None) -> Iterator[LocalKafka]:
    """Brokers in a directory of their own, all gone at the end."""
    directory = Path(tempfile.mkdtemp(prefix="tongdui-kafka-"))
    try:
        with LocalKafka(directory, nodes, properties) as kafka:
            try:
                yield kafka
            finally:
                kafka.kill_all()  # nobody will read what an orderly end would save
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def kafka_servers(settings: Settings, directory: Path | None = None) -> Iterator[str]:
    """The bootstrap servers: those of ``KAFKA_BOOTSTRAP_SERVERS``; else a container's, where a Docker engine answers;
    else a broker of our own in ``directory`` (default: in the state directory), ours meanwhile.

    NoLocalKafka when none can be had.
    """
    if settings.kafka_bootstrap_servers:
        yield settings.kafka_bootstrap_servers
        return
    with ExitStack() as running:
        yield _contained(running) or _our_own(running, directory or settings.state_dir / "kafka")


def _contained(running: ExitStack) -> str | None:
    if not docker_answers():
        return None
    try:
        return running.enter_context(kafka_in_a_container(free_ports(1)[0], answers))
    except LocalProgramFailed as error:
        say(f"Docker answers, but gives no broker ({error}); running one from the jars instead")
        return None


def _our_own(running: ExitStack, directory: Path) -> str:
    return running.enter_context(LocalKafka(directory)).bootstrap_servers


__all__ = ["LocalKafka", "NoLocalKafka", "answers", "kafka_servers", "temporary_kafka"]
