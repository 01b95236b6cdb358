"""A run that had to meet a real broker, and met none, has failed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
WITHOUT_KAFKA = "tests/contract/test_build_files.py"


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", WITHOUT_KAFKA]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True)


def test_a_run_without_kafka_tests_fails_where_they_are_required() -> None:
    failed = run(TONGDUI_REQUIRE_KAFKA="1")
    assert failed.returncode == 1
    assert "0 Kafka tests ran on a real broker" in failed.stdout


def test_a_run_without_kafka_tests_passes_where_they_are_not() -> None:
    passed = run(TONGDUI_REQUIRE_KAFKA="0")
    assert passed.returncode == 0
    assert "0 Kafka tests ran on a real broker" in passed.stdout
