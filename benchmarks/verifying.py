"""``python -m benchmarks.verifying URL``: verify an archive; seconds, largest memory in MiB, events, findings as JSON."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import largest_memory_mib
from services.audit.verify import SOURCES, Sources, total_of, verify_archive
from shared.runtime.checkpoints import verifier_of
from shared.runtime.settings import Settings


def main(url: str) -> None:
    with tempfile.TemporaryDirectory(prefix="tongdui-keys-") as directory:
        settings = Settings(state_dir=Path(directory))
        sources = Sources(url, {}, {service: verifier_of(settings, service) for service in SOURCES})
        started = time.perf_counter()
        verdict = verify_archive(sources, lambda source, count: None)
        seconds = time.perf_counter() - started
    print(json.dumps([seconds, largest_memory_mib(), total_of(url), [str(finding) for finding in verdict.findings]]))


if __name__ == "__main__":
    main(sys.argv[1])
