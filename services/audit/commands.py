"""Glue of the audit service's commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.audit.domain.access import RecordAccess, record_access
from shared.kernel.commands import Command
from shared.kernel.decisions import Decided, Refusal
from shared.kernel.folding import Fold
from shared.runtime.desk import Desk

FOLDS: list[Fold[Any]] = []


def _record_access(command: RecordAccess, desk: Desk) -> list[Decided]:
    return record_access(command, desk.command_id)


HANDLERS: dict[type[Command], Callable[[Any, Desk], list[Decided] | Refusal]] = {RecordAccess: _record_access}
