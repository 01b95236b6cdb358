"""Named lines at which a test can make a real process die.

``TONGDUI_FAILPOINT=relay.after_ack:kill`` or ``writer.before_commit:exit:3`` (the third pass).
"""

from __future__ import annotations

import os
import signal
from itertools import count

NAMES = (
    "writer.before_commit",
    "writer.unknown_commit",
    "writer.after_commit",
    "relay.after_ack",
    "relay.between_batches",
    "inbox.after_effects",
    "projection.before_commit",
    "rebuild.before_switch",
    "connector.after_fetch",
    "connector.after_send",
    "connector.after_collect",
    "connector.after_answer",
)
EXIT_CODE = 99


class FailpointReached(RuntimeError):
    """Raised at a failpoint whose action is ``raise``."""


def _armed(setting: str | None) -> tuple[str, str, int] | None:
    if not setting:
        return None
    name, _, rest = setting.partition(":")
    action, _, nth = rest.partition(":")
    if name not in NAMES or action not in ("kill", "exit", "raise", "stop"):
        raise ValueError(f"TONGDUI_FAILPOINT={setting}: use one of {', '.join(NAMES)} with :kill, :exit, :stop or :raise")
    return name, action, int(nth or 1)


_ARMED = _armed(os.environ.get("TONGDUI_FAILPOINT"))
_passes = count(1)


def failpoint(name: str) -> None:
    """Nothing, unless this line is the armed one and its pass has come."""
    if _ARMED is None or _ARMED[0] != name or next(_passes) != _ARMED[2]:
        return
    action = _ARMED[1]
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
        return
    if action == "exit":
        os._exit(EXIT_CODE)
    raise FailpointReached(name)
