"""Glue of the audit service's commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.kernel.commands import Command
from shared.kernel.decisions import Decided, Refusal
from shared.kernel.folding import Fold
from shared.runtime.desk import Desk

FOLDS: list[Fold[Any]] = []


HANDLERS: dict[type[Command], Callable[[Any, Desk], list[Decided] | Refusal]] = {}
