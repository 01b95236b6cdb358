"""Reading is an act too: who read what, and why, is recorded."""

from __future__ import annotations

from uuid import UUID

from tongdui_events.common import AccessRecorded, Count
from tongdui_events.document import Code, Text

from shared.kernel.commands import Command
from shared.kernel.decisions import Decided


class RecordAccess(Command):
    """Somebody read, exported or was refused ``subject``: ``count`` documents."""

    what: Code
    subject: Text
    purpose: Text
    count: Count


def record_access(command: RecordAccess, access_id: UUID) -> list[Decided]:
    """Each access is a stream of one event. It is about a case, not a part of it: reading a case twice
    gives the same history."""
    return [Decided(access_id, AccessRecorded(**command.model_dump()))]
