"""A program run beside us: started in a session of its own, known by its process id, ended by it."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil


class LocalProgramFailed(RuntimeError):
    """A program could not be run, or ended or fell silent before it was ready. The text tells why, with the end of
    its log."""


class DirectoryInUse(RuntimeError):
    """Another process of ours runs its program in this directory."""


def say(text: str) -> None:
    """One line to the person at the terminal; standard output belongs to results."""
    print(text, file=sys.stderr, flush=True)


def wait_for(condition: Callable[[], bool], within: float) -> bool:
    """Ask again and again; False when it does not hold after ``within`` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def end_what_was_started_on_sigterm() -> None:
    """SIGTERM leaves by the way that ends what this process started, as Ctrl-C does. Exit code 143."""

    def leave(*_: object) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, leave)


def free_ports(count: int) -> list[int]:
    """Ports of the loopback nobody listens on, each another, below the range connections take theirs from: else a
    client that keeps calling a dead server can end up holding the server's own port."""
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            candidate = held.enter_context(socket.socket())
            # a port whose connections have just ended may be listened on again; the option also lets two sockets that
            # do not listen yet share a port, so that one we hold ourselves is not refused
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            port = random.SystemRandom().randrange(20_000, 30_000)
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            if port not in found:
                found.append(port)
    return found


def free_port() -> int:
    """One of ``free_ports``."""
    return free_ports(1)[0]


class DirectoryLock:
    """One owner at a time for a directory. Released by ``release`` or by the end of the process, however it ends."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "owner.lock"
        self._file: int | None = None

    def take(self) -> None:
        """Nothing happens when it is ours already. DirectoryInUse, with the owner's process id in the text."""
        if self._file is not None:
            return
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(file, 20).decode().strip()
            os.close(file)
            raise DirectoryInUse(f"{self.path.parent} is in use by process {owner}") from None
        os.ftruncate(file, 0)
        os.write(file, str(os.getpid()).encode())
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


class LocalProgram:
    """One program with its children. ``log`` takes what it prints; ``pid_file`` outlives a killed owner.

    ``account`` is (user id, group id) to run as, where that is not our own.
    """

    def __init__(
        self, name: str, command: Sequence[str], log: Path, pid_file: Path, account: tuple[int, int] | None = None
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self.pid_file = pid_file
        self.account = account
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id. LocalProgramFailed when it was never started."""
        if self._process is None:
            raise LocalProgramFailed(f"{self.name} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, ready: Callable[[], bool], within: float, environment: Mapping[str, str] | None = None) -> None:
        """Run it and return once ``ready()``. LocalProgramFailed when it ends before, or after ``within`` seconds."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=None if environment is None else {**os.environ, **environment},
                start_new_session=True,
                **as_account(self.account),
            )
        self.pid_file.write_text(str(self.pid))
        if not wait_for(lambda: not self.running or ready(), within):
            self.kill()
            raise LocalProgramFailed(f"{self.name} was not ready after {within:g} s: {self.last_words()}")
        if not self.running:
            raise LocalProgramFailed(f"{self.name} ended with {self._process.returncode}: {self.last_words()}")

    def stop(self, by: signal.Signals, within: float = 20.0) -> None:
        """End it by ``by``, and by SIGKILL when it is still there after ``within`` seconds."""
        if self._process is not None and self.running:
            self.signal(signal.SIGCONT)
            self._process.send_signal(by)
            try:
                self._process.wait(within)
            except subprocess.TimeoutExpired:
                self.kill()
        self.pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """SIGKILL to it and all its children at once, as a power cut would."""
        if self._process is not None and self.running:
            self.signal(signal.SIGKILL)
            self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """One signal to it and all its children (SIGSTOP pauses, SIGCONT resumes)."""
        program = psutil.Process(self.pid)
        family = [program, *program.children(recursive=True)]
        for member in family:
            try:
                member.send_signal(number)
            except psutil.NoSuchProcess:
                continue
        if number == signal.SIGKILL:
            for member in family[1:]:
                _wait_until_gone(member, 10)

    def end_left_over(self, by: signal.Signals, mark: str) -> None:
        """End the program of an owner that was killed: the one in the pid file, if ``mark`` is in its command line."""
        try:
            left_over = psutil.Process(int(self.pid_file.read_text()))
            if any(mark in argument for argument in left_over.cmdline()):
                left_over.send_signal(by)
                if not _wait_until_gone(left_over, 30):
                    left_over.kill()
                    _wait_until_gone(left_over, 10)
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return

    def last_words(self, lines: int = 12) -> str:
        """The end of its log."""
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def _wait_until_gone(process: psutil.Process, within: float) -> bool:
    """True once it runs no more; a zombie nobody has reaped yet runs no more."""

    def gone() -> bool:
        try:
            return process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    return wait_for(gone, within)


def as_account(account: tuple[int, int] | None) -> dict[str, object]:
    """The arguments of ``subprocess`` that run a command as (user id, group id); none for our own account."""
    return {} if account is None else {"user": account[0], "group": account[1], "extra_groups": []}
