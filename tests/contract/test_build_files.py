"""The files a machine is set up from."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()


def test_every_locked_package_is_pinned_by_digests() -> None:
    packages = re.split(r"\n(?=[a-z0-9])", "\n" + LOCK)[1:]
    assert len(packages) > 50
    assert [one.split()[0] for one in packages if "==" not in one or "--hash=sha256:" not in one] == []


def test_no_file_of_the_set_up_names_the_address_of_an_index() -> None:
    files = ["requirements.lock", "requirements.in", "pyproject.toml", "Makefile", ".ci/run", "deploy/local/pom.xml"]
    assert [name for name in files if "://" in (ROOT / name).read_text()] == []


def test_make_help_lists_every_target() -> None:
    targets = re.findall(r"^\.PHONY: (\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    told = subprocess.run(["make", "-C", str(ROOT), "help"], capture_output=True, text=True, check=True).stdout
    assert [target for target in targets if f"make {target} " not in told] == []
