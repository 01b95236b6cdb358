"""What a process counts, for prometheus. Every series carries ``service``: several may live in one process.

Seconds and events are the units; the writer, relay, inbox and views call the functions below.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Sequence

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

_COMMANDS = Counter(
    "tongdui_commands", "Commands answered; outcome is accepted or a refusal's code", ("service", "route", "outcome")
)
_COMMAND_SECONDS = Histogram(
    "tongdui_command_seconds", "From request to answer", ("service", "route"), buckets=_SECONDS
)
_BATCH_SIZE = Histogram(
    "tongdui_batch_size", "Jobs in one transaction of the writer", ("service",),
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
_BATCH_SECONDS = Histogram("tongdui_batch_seconds", "One transaction of the writer", ("service",), buckets=_SECONDS)
_QUEUE = Gauge("tongdui_queue_depth", "Jobs waiting for the writer", ("service",))
_EVENTS = Counter("tongdui_events", "Events recorded by this process", ("service", "type"))
_RELAY_EVENTS = Gauge("tongdui_relay_lag_events", "Events recorded and not yet published", ("service",))
_RELAY_SECONDS = Gauge("tongdui_relay_lag_seconds", "Age of the oldest event not yet published", ("service",))
_CONSUMER_EVENTS = Gauge("tongdui_consumer_lag_events", "Events published and not yet applied", ("service", "source"))
_CONSUMER_SECONDS = Gauge(
    "tongdui_consumer_lag_seconds", "Age of the oldest event not yet applied", ("service", "source")
)
_STOPPED = Gauge("tongdui_source_stopped", "1 while a source waits for an operator", ("service", "source"))
_VIEW_SECONDS = Gauge("tongdui_view_age_seconds", "Age of the oldest event a view does not show", ("service", "view"))
_VIEW_EVENTS = Gauge("tongdui_view_lag_events", "Events a view does not show", ("service", "view"))


def command(service: str, route: str, outcome: str, seconds: float) -> None:
    """One command answered: ``accepted``, or the code of its refusal."""
    _COMMANDS.labels(service, route, outcome).inc()
    _COMMAND_SECONDS.labels(service, route).observe(seconds)


def observe_batch(service: str, size: int, seconds: float) -> None:
    """One transaction of the writer."""
    _BATCH_SIZE.labels(service).observe(size)
    _BATCH_SECONDS.labels(service).observe(seconds)


def queue(service: str, depth: int) -> None:
    """Jobs that wait for the writer now."""
    _QUEUE.labels(service).set(depth)


def events(service: str, type_name: str, n: int) -> None:
    """``n`` more events of one type are recorded."""
    _EVENTS.labels(service, type_name).inc(n)


def relay_lag(service: str, events: int, seconds: float) -> None:
    """What the relay has still to publish."""
    _RELAY_EVENTS.labels(service).set(events)
    _RELAY_SECONDS.labels(service).set(seconds)


def consumer_lag(service: str, source: str, events: int, seconds: float) -> None:
    """What the inbox has still to apply of one source."""
    _CONSUMER_EVENTS.labels(service, source).set(events)
    _CONSUMER_SECONDS.labels(service, source).set(seconds)


def stopped(service: str, source: str, is_stopped: bool) -> None:
    """Whether a source is stopped."""
    _STOPPED.labels(service, source).set(int(is_stopped))


def view_age(service: str, view: str, seconds: float, events: int) -> None:
    """How far a view is behind its log."""
    _VIEW_SECONDS.labels(service, view).set(seconds)
    _VIEW_EVENTS.labels(service, view).set(events)


class WriterObserver:
    """The writer's observer: counts what it did."""

    def batch(self, service: str, size: int, seconds: float) -> None:
        observe_batch(service, size, seconds)

    def queue(self, service: str, depth: int) -> None:
        queue(service, depth)

    def recorded(self, service: str, types: Sequence[str]) -> None:
        for type_name, n in Tally(types).items():
            events(service, type_name, n)


def exposition() -> tuple[bytes, str]:
    """Everything counted so far, and its content type."""
    return generate_latest(), CONTENT_TYPE_LATEST
