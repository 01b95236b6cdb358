"""Ports for programs of our own."""

from __future__ import annotations

import random
import socket

import pytest

from shared.runtime.local_program import free_ports


def drawing(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Let chance name these ports, in this order."""
    drawn = iter(ports)
    monkeypatch.setattr(random.SystemRandom, "randrange", lambda self, start, stop: next(drawn))


def test_a_port_drawn_twice_is_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = free_ports(2)
    drawing(monkeypatch, first, first, second)
    assert free_ports(2) == [first, second]


def test_a_port_somebody_listens_on_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, free = free_ports(2)
    with socket.create_server(("127.0.0.1", taken)):
        drawing(monkeypatch, taken, free)
        assert free_ports(1) == [free]
