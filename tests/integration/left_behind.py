"""A run that is killed before it can end what it started."""

from __future__ import annotations

import subprocess
import sys

_START = """
import sys, time
from pathlib import Path
from shared.runtime.{module} import {name}
program = {name}(Path(sys.argv[1]))
program.start()
print(program.pid{call}, flush=True)
time.sleep(600)
"""


def left_behind(module: str, name: str, directory: object) -> int:
    """The process id of the program of an owner that was killed. ``module`` and ``name``: what starts it."""
    script = _START.format(module=module, name=name, call="()" if name == "LocalKafka" else "")
    with subprocess.Popen([sys.executable, "-c", script, str(directory)], stdout=subprocess.PIPE, text=True) as owner:
        pid = int(owner.stdout.readline())
        owner.kill()
    return pid
