"""Every fault: what strikes, on which buses, and what of its own it needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from tests.faults import broker, cluster, database, disk, process
from tests.faults.scene import Scene

BOTH = ("embedded", "kafka")
KAFKA = ("kafka",)
Strike = Callable[[Scene, Random], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """``needs``: «postgres», «kafka», «cluster» or «disk» of its own; empty: what all others use is enough.

    ``strike`` does the harm and, where the harm does not end by itself, ends it; it returns when it is over.
    """

    name: str
    buses: tuple[str, ...]
    strike: Strike
    needs: str = ""


def _killed_at(name: str, service: str, most: int) -> Fault:
    """SIGKILL at the n-th pass of a failpoint, n by chance."""

    async def strike(scene: Scene, chance: Random) -> None:
        await scene.restarted_until_dead(service, f"{name}:kill:{chance.randint(1, most)}")

    return Fault(name, BOTH, strike)


FAULTS = (
    _killed_at("writer.before_commit", "voucher", 20),
    _killed_at("writer.unknown_commit", "voucher", 20),
    _killed_at("writer.after_commit", "voucher", 20),
    _killed_at("relay.after_ack", "voucher", 10),
    _killed_at("relay.between_batches", "voucher", 10),
    _killed_at("inbox.after_effects", "settlement", 10),
    _killed_at("projection.before_commit", "voucher", 10),
    Fault("rebuild.before_switch", BOTH, process.rebuild_killed),
    Fault("process killed anywhere", BOTH, process.killed),
    Fault("process stopped and woken", BOTH, process.stopped),
    Fault("relay asleep, another leads, then it wakes", KAFKA, process.zombie_relay),
    Fault("consumer asleep past its session, then it wakes", KAFKA, process.zombie_consumer),
    Fault("database killed and restarted", BOTH, database.killed, "postgres"),
    Fault("every database session terminated", BOTH, database.terminated, "postgres"),
    Fault("database connections refused", BOTH, database.refused, "postgres"),
    Fault("database restored to an earlier moment, and back", KAFKA, database.restored, "postgres"),
    Fault("disk full under the database", BOTH, disk.full, "disk"),
    Fault("broker killed and restarted", KAFKA, broker.killed, "kafka"),
    Fault("broker stopped and woken", KAFKA, broker.stopped, "kafka"),
    Fault("broker's data wiped", KAFKA, broker.wiped, "kafka"),
    Fault("consumer group rewound", KAFKA, broker.rewound, "kafka"),
    Fault("foreign record at the end of the topic", KAFKA, broker.foreign_record, "kafka"),
    Fault("three brokers, the leader killed", KAFKA, cluster.leader_killed, "cluster"),
    Fault("three brokers, two of them down and back", KAFKA, cluster.two_down, "cluster"),
)
