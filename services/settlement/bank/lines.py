"""Ways to a bank behind one port: folders that a bank's own software watches, or its HTTP mailbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import httpx

from services.settlement.bank.spool import append_line, write_whole


class NotReached(RuntimeError):
    """The bank could not be reached: nothing is known about what was sent, and it is sent again, the same bytes."""


class Arrived(NamedTuple):
    """A message of the bank; ``taken()`` tells it that the message is kept here."""

    name: str
    content: bytes
    taken: Callable[[], object]


def taken_numbers(path: Path) -> frozenset[int]:
    """The numbers of the messages that were taken."""
    return frozenset(int(line) for line in path.read_text().split()) if path.exists() else frozenset()


class Line(Protocol):
    """A way to one bank."""

    def send(self, name: str, content: bytes) -> None:
        """The bank has it when this returns. Raises NotReached."""

    def arrived(self) -> Iterator[Arrived]:
        """What the bank has for us. Raises NotReached."""


class Folders:
    """``out``: where the bank's software takes files from; ``back``: where it puts its messages."""

    def __init__(self, out: Path, back: Path) -> None:
        self._out = out
        self._back = back

    def send(self, name: str, content: bytes) -> None:
        try:
            write_whole(self._out / name, content)
        except OSError as error:
            raise NotReached(f"{self._out} cannot be written: {error}") from error

    def arrived(self) -> Iterator[Arrived]:
        try:
            paths = sorted(path for path in self._back.iterdir() if path.is_file() and not path.name.startswith("."))
        except OSError as error:
            raise NotReached(f"{self._back} cannot be read: {error}") from error
        for path in paths:
            yield Arrived(path.name, path.read_bytes(), path.unlink)


class Mailbox:
    """A bank that takes files by POST and keeps its messages in a mailbox. ``customer``: whose messages are ours.

    The bank would hand its messages out once and all together, so they are only looked at, and ``taken`` (a file, a number a
    line) says which are kept here: none is lost with a process.
    """

    def __init__(self, url: str, customer: str, taken: Path, client: httpx.Client | None = None) -> None:
        self._customer = customer
        self._taken = taken
        self._http = client or httpx.Client(base_url=url, timeout=60)

    def send(self, name: str, content: bytes) -> None:
        """Whatever the bank says of the file it says in a message; only that it has the file matters here."""
        answer = self._ask("POST", "/payments", content=content, headers={"Content-Type": "application/xml"})
        if answer.status_code not in (200, 202, 422):
            raise NotReached(f"the bank answered {answer.status_code} to {name}")

    def arrived(self) -> Iterator[Arrived]:
        known = taken_numbers(self._taken)
        for message in self._ask("GET", "/_mock/mailbox", params={"leave": ""}).json():
            if message["account"] in (None, self._customer) and message["id"] not in known:
                name = f"{message['id']:08d}-{message['type']}.xml"
                yield Arrived(name, message["body"].encode(), lambda number=message["id"]: self._take(number))

    def _take(self, number: int) -> None:
        append_line(self._taken, str(number))

    def _ask(self, method: str, path: str, **request: object) -> httpx.Response:
        try:
            return self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise NotReached(f"{method} {path}: {error}") from error
