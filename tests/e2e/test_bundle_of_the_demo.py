"""What the demo leaves of its inspected case convinces somebody who has nothing of ours but one file."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import venv
import zipfile
from pathlib import Path

import cryptography
import pytest

from services.audit import verify_bundle
from services.audit.verify_bundle import examine
from tests.conftest import BusUnderTest
from tests.e2e.conftest import DemoOf


@pytest.fixture
async def out(demo_of: DemoOf) -> Path:
    """What a run of the demo on the embedded bus left."""
    return await demo_of(BusUnderTest("embedded", None, ""))


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare virtual environment with ``cryptography`` of the lock, and the one file; the python to run it with."""
    directory = tmp_path_factory.mktemp("laptop")
    venv.create(directory / "venv", with_pip=False)
    python = directory / "venv" / "bin" / "python"
    packages = Path(subprocess.run([python, "-c", "import site; print(site.getsitepackages()[0])"], capture_output=True,
                                   text=True, check=True).stdout.strip())  # fmt: skip
    for name in _wheels():
        source = Path(cryptography.__file__).parents[1] / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, packages / name)
    shutil.copy(verify_bundle.__file__, directory / "verify_bundle.py")
    return python


def _wheels() -> list[str]:
    """What an installation of ``cryptography`` consists of, with what it needs itself."""
    site = Path(cryptography.__file__).parents[1]
    needed = ("cryptography", "cffi", "_cffi_backend", "pycparser")
    return [one.name for one in site.iterdir() if one.name.split(".")[0] in needed]


def run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The one file, in a directory and an environment without ours."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "TONGDUI"))}
    home = python.parents[2]
    command = [str(python), "-I", str(home / "verify_bundle.py"), *arguments]
    return subprocess.run(command, cwd=home, env=clean, capture_output=True, text=True, timeout=120, check=False)


def test_a_bare_environment_knows_nothing_of_the_platform(laptop: Path) -> None:
    there = subprocess.run([laptop, "-I", "-c", "import services"], capture_output=True, text=True, check=False)
    assert "No module named 'services'" in there.stderr


def test_the_demos_bundle_verifies_in_a_bare_environment(out: Path, laptop: Path) -> None:
    told = run(laptop, str(out / "case.zip"), "--keys", str(out / "keys.json"))
    assert told.returncode == 0, told.stdout + told.stderr
    assert "everything holds" in told.stdout
    own = run(laptop, str(out / "case.zip"))
    assert own.returncode == 0 and "its own keys are trusted" in own.stdout
    with zipfile.ZipFile(out / "case.zip") as bundle:
        names = bundle.namelist()
    assert {"manifest.json", "manifest.sig", "report.pdf", "ledger.xlsx", "documents.json"} <= set(names)


def test_a_changed_byte_of_any_file_of_the_demos_bundle_is_found_in_a_bare_environment(
    out: Path, laptop: Path, tmp_path: Path
) -> None:
    """One byte of each kind of file, and of the zip's own parts; other places are tried below."""
    data = (out / "case.zip").read_bytes()
    with zipfile.ZipFile(out / "case.zip") as bundle:
        kinds = {entry.filename.split("/")[0]: entry.header_offset + 60 for entry in bundle.infolist()}
    for name, at in {**kinds, "header": 5, "directory": len(data) - 60, "end": len(data) - 1}.items():
        changed = bytearray(data)
        changed[at] ^= 1
        file = tmp_path / f"{name}.zip"
        file.write_bytes(changed)
        told = run(laptop, str(file), "--keys", str(out / "keys.json"))
        assert told.returncode == 1 and "FOUND" in told.stdout, (name, told.stdout, told.stderr)


async def test_a_changed_byte_at_any_of_1500_places_over_the_whole_bundle_is_found(out: Path) -> None:
    """A sample, evenly spread: that the zip is made anew from its contents and compared is what covers the rest."""
    data = (out / "case.zip").read_bytes()
    step = max(len(data) // 1500, 1)
    places = range(0, len(data), step)
    missed = await asyncio.to_thread(_missed, data, places)
    assert missed == []


def _missed(data: bytes, places: range) -> list[int]:
    missed = []
    for at in places:
        changed = bytearray(data)
        changed[at] ^= 1 + at % 255
        if not examine(bytes(changed)).findings:
            missed.append(at)
    return missed
