"""Commands decided before the head row is locked, while the group before them is still being stored.

Nearly always nobody else has recorded anything since this process last looked. So a group is decided on what it knows, a group
still on its way to the database included, and one statement records it on the condition that this was all there is. Where it
was not, it is decided again under the lock.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import psycopg

from shared.kernel.commands import Command
from shared.runtime.errors import FateUnknown, PlatformError, StoreUnavailable
from shared.runtime.failpoints import failpoint
from shared.runtime.guarded_append import GuardedAppend
from shared.runtime.jobs import CommandJob, Job
from shared.runtime.locked import SESSION_LOST, LockedCommit
from shared.runtime.state import ReadingNeeded, Savepoint
from shared.runtime.transaction import Handler, Transaction

log = logging.getLogger("tongdui.writer")

#: after a group was decided in vain the next two are decided under the lock, after one more in vain four, and so on to these:
#: two busy processes would do everything twice, one that is rarely disturbed is to lose a group only
MOST_LOCKED = 64


@dataclass(slots=True, eq=False)
class Group:
    """Commands decided together, and how far the state had come before."""

    before: Savepoint
    transaction: Transaction
    jobs: list[CommandJob] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)
    #: decided on top of a group that was not recorded
    is_void: bool = False


class OptimisticCommit:
    """At most one group is under way. ``answer`` is told jobs that have their result, and since when they were in hand.

    What is not in the cache is read when nothing is under way, as of the state's position.
    """

    def __init__(
        self,
        locked: LockedCommit,
        handlers: Mapping[type[Command], Handler],
        answer: Callable[[Sequence[Job], float], None],
    ) -> None:
        self._locked = locked
        self._state = locked.state
        self._handlers = handlers
        self._answer = answer
        self._append: GuardedAppend | None = None
        self.under_way: Group | None = None
        self._in_vain = 0
        self._locked_groups = 0

    @property
    def is_possible(self) -> bool:
        """Whether what the state holds may be all there is."""
        return self._state.fresh and self._locked.is_connected and not self._locked_groups

    @property
    def size(self) -> int:
        """Commands under way."""
        return len(self.under_way.jobs) if self.under_way is not None else 0

    @property
    def is_done(self) -> bool:
        """Whether ``finish`` would not wait."""
        if self.under_way is None or self._append is None:
            return True
        try:
            return self._append.is_done()
        except psycopg.Error:
            return True  # finish is told the same

    def serve(self, jobs: Sequence[Job]) -> Sequence[Job]:
        """Decide on the first of them, finish what is under way, and send these after it. The rest need the lock."""
        group = self._decided(jobs) if self.is_possible else None
        self._state.cursor = None
        self.finish(group)
        if group is None or group.is_void:
            self._locked_groups = max(self._locked_groups - 1, 0)
            return jobs
        if group.jobs:
            self._send(group)
        return jobs[len(group.jobs) :]

    def finish(self, on_top: Group | None = None) -> None:
        """Wait for the group under way and answer it. When it was not recorded, what was decided on top of it is void."""
        group = self.under_way
        if group is None:
            return
        fate = self._fate(group)
        if fate is True:
            self._in_vain = 0
            self._state.committed()
            failpoint("writer.after_commit")
            self._locked.observe(group.transaction)
        else:
            self._forget(group, on_top)
            self._settle(group.jobs, fate)
        self.under_way = None
        self._answer(group.jobs, group.started)

    def give_up(self) -> Sequence[Job]:
        """Whoever is under way, for the writer fails."""
        group, self.under_way = self.under_way, None
        return group.jobs if group is not None else []

    # -- deciding ------------------------------------------------------------------------------

    def _decided(self, jobs: Sequence[Job]) -> Group:
        """The first of them, decided; what is under way is answered as soon as it is stored."""
        # what the group under way left may go too: nothing is read before it is stored
        self._state.trim()
        group = Group(self._state.savepoint(), self._locked.transaction(None))
        for at, job in enumerate(jobs):
            if self.under_way is not None and self.is_done:
                self.finish(group)
            if group.is_void or not isinstance(job, CommandJob) or not self._decide(group, job, jobs[at:]):
                break
        return group

    def _decide(self, group: Group, job: CommandJob, and_then: Sequence[Job]) -> bool:
        """False: this one needs the lock."""
        if self.under_way is not None and self.under_way.transaction.knows(job.key):
            return False
        try:
            try:
                job.result = group.transaction.decide(job, self._handlers)
            except ReadingNeeded:
                if not self._may_read(group, and_then):
                    return False
                job.result = group.transaction.decide(job, self._handlers)
        except (ReadingNeeded, psycopg.Error):
            return False
        group.jobs.append(job)
        return True

    def _may_read(self, group: Group, jobs: Sequence[Job]) -> bool:
        """Nothing is under way any more: what these commands name is read at once, and what else they need when they ask."""
        self.finish(group)
        if group.is_void or not self._locked.is_connected:
            return False
        self._state.cursor = self._locked.connected().cursor()
        group.transaction.prefetch(job for job in jobs if isinstance(job, CommandJob))
        return True

    # -- recording -----------------------------------------------------------------------------

    def _send(self, group: Group) -> None:
        added = group.transaction.added
        added.position = self._state.position
        keys, snapshots = [job.key for job in group.jobs], group.transaction.snapshots_due()
        try:
            failpoint("writer.before_commit")
            self._append_here().send(group.before, keys, added, snapshots)
            self.under_way = group
        except SESSION_LOST as error:
            self._locked.unavailable(group.jobs, error)
            self._answer(group.jobs, group.started)

    def _append_here(self) -> GuardedAppend:
        if not self._locked.is_connected:
            raise psycopg.OperationalError("the connection was lost while the group was decided")
        connection = self._locked.connected()
        if self._append is None or self._append.connection is not connection:
            self._append = GuardedAppend(connection, self._locked.store.service)
        return self._append

    def _fate(self, group: Group) -> bool | PlatformError:
        """Whether the group under way was recorded; or the error its callers get, when nobody can say, or could say soon."""
        assert self._append is not None
        try:
            recorded = self._append.wait()
        except SESSION_LOST as error:
            log.warning("the database did not answer a commit: %s", error)
            return StoreUnavailable() if self._locked.is_connected else FateUnknown()
        except psycopg.Error as error:
            log.warning("the database refused a group, which is decided again: %s", error)
            return False
        if recorded and group.transaction.adds_anything:
            try:
                failpoint("writer.unknown_commit")
            except SESSION_LOST:
                return FateUnknown()
        return recorded

    def _forget(self, group: Group, on_top: Group | None) -> None:
        groups = [group] if on_top is None else [group, on_top]
        streams = [event.originator_id for one in groups for event in one.transaction.added.events]
        self._state.forget(group.before, streams)
        if on_top is not None:
            on_top.is_void = True

    def _settle(self, jobs: Sequence[Job], fate: bool | PlatformError) -> None:
        self._in_vain += 1
        self._locked_groups = min(2**self._in_vain, MOST_LOCKED)
        if isinstance(fate, PlatformError):
            self._locked.disconnect()
            for job in jobs:
                job.result = fate
        else:
            self._locked.settle(jobs)


__all__ = ["Group", "OptimisticCommit"]
