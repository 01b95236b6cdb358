"""``keys.json``: the public keys an auditor was given, by another way than the data they check.

::

    {"logs": {"voucher": "tongdui/voucher+…"}, "bundles": ["tongdui/audit+…"], "witnesses": ["region-310118+…"],
     "checkpoints": {"tongdui/voucher": "<the last checkpoint known, as text>"}}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from shared.runtime.checkpoints import VerifierKey, verifier_of
from shared.runtime.settings import Settings
from shared.runtime.store import SERVICES


def log_keys(path: Path) -> dict[str, VerifierKey]:
    """The key of every log. Raises OSError, ValueError (BadCheckpoint among them)."""
    told = json.loads(path.read_text(encoding="utf-8")).get("logs", {})
    missing = set(SERVICES) - set(told)
    if missing:
        raise ValueError(f"{path} has no key of {', '.join(sorted(missing))}")
    return {service: VerifierKey.parse(told[service]) for service in SERVICES}


def key_document(
    settings: Settings, witnesses: Iterable[str] = (), checkpoints: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What ``keys.json`` holds for this installation."""
    logs = {service: verifier_of(settings, service).text for service in SERVICES}
    return {
        "logs": logs,
        "bundles": [logs["audit"]],
        "witnesses": sorted(witnesses),
        "checkpoints": dict(checkpoints or {}),
    }
