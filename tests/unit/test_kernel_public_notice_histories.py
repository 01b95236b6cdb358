"""Whatever happens to a notice, in whatever order: what passed was free to pass."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tongdui_events import Event, NoticeClosed, NoticeItem, ObjectionRaised

from shared.kernel.decisions import Refusal
from shared.kernel.public_notice import (
    PublicNotice,
    close,
    correct,
    evolve,
    last_day,
    next_close_on,
    publish,
    raise_objection,
    rule_on_objection,
)
from shared.kernel.public_notice_view import evolve_row
from tests.unit.test_kernel_public_notice import CALENDAR, SHA

OPENS = date(2026, 3, 2)
ITEMS = [UUID(int=100 + n) for n in range(3)]


class NoticeHistory(RuleBasedStateMachine):
    """Random days, objections, rulings, corrections and closes; a model of which items are free."""

    @initialize()
    def publish(self) -> None:
        self.notice = PublicNotice()
        self.row: dict[str, Any] | None = None
        self.today = OPENS
        self.raised = 0
        self.open: dict[UUID, set[UUID]] = {item_id: set() for item_id in ITEMS}
        self.last = {item_id: last_day(OPENS, 7, 5, CALENDAR) for item_id in ITEMS}
        self.passed: set[UUID] = set()
        self.upheld: set[UUID] = set()
        self.record(
            publish(
                self.notice,
                notice_id=UUID(int=1),
                number="公示〔2026〕第1号",
                kind="redemption",
                items=[NoticeItem(item_id=item_id, name="示例", region="310118", amount_fen=1) for item_id in ITEMS],
                opens_on=OPENS,
                last_day_on=self.last[ITEMS[0]],
                today=OPENS,
            )
        )

    def record(self, decided: Event | Refusal) -> Event | None:
        if isinstance(decided, Refusal):
            return None
        self.notice = evolve(self.notice, decided)
        self.row = evolve_row(self.row, decided)
        return decided

    @rule(days=st.integers(min_value=1, max_value=6))
    def days_pass(self, days: int) -> None:
        self.today += timedelta(days=days)

    @rule(item_id=st.sampled_from(ITEMS), late=st.booleans())
    def somebody_objects(self, item_id: UUID, late: bool) -> None:
        self.raised += 1
        event = self.record(
            raise_objection(
                self.notice,
                objection_id=UUID(int=self.raised),
                item_id=item_id,
                reason_sha256=SHA,
                today=self.today,
                after_last_day=late,
            )
        )
        in_time = self.today <= self.last[item_id] and item_id not in self.passed
        assert (event is not None) == (item_id not in self.upheld and (in_time or late))
        if isinstance(event, ObjectionRaised):
            self.open[item_id].add(event.objection_id)

    @rule(number=st.integers(min_value=1, max_value=12), upheld=st.booleans())
    def an_objection_is_ruled_on(self, number: int, upheld: bool) -> None:
        objection_id = UUID(int=number)
        owner = next((item_id for item_id, ids in self.open.items() if objection_id in ids), None)
        ruling = rule_on_objection(self.notice, objection_id=objection_id, upheld=upheld, grounds_sha256=SHA)
        assert (self.record(ruling) is not None) == (owner is not None)
        if owner is not None:
            self.open[owner].discard(objection_id)
            self.upheld |= {owner} if upheld else set()

    @rule(item_id=st.sampled_from(ITEMS), amount_fen=st.integers(min_value=2, max_value=9))
    def an_item_is_corrected(self, item_id: UUID, amount_fen: int) -> None:
        item = NoticeItem(item_id=item_id, name="示例", region="310118", amount_fen=amount_fen)
        last = last_day(self.today, 7, 5, CALENDAR)
        decided = correct(self.notice, items=[item], opens_on=self.today, last_day_on=last, today=self.today)
        if self.record(decided) is not None:
            assert item_id not in self.passed | self.upheld
            self.last[item_id] = last

    @rule()
    def the_notice_is_closed(self) -> None:
        due = next_close_on(self.notice)
        event = self.record(close(self.notice, today=self.today))
        assert (event is not None) == (due is not None and due <= self.today)
        free = {id_ for id_ in ITEMS if self.last[id_] < self.today and not self.open[id_]}
        if isinstance(event, NoticeClosed):
            assert set(event.passed) == free - self.passed - self.upheld
            assert all(self.open[item_id] for item_id in event.held)
            self.passed |= set(event.passed)
        else:
            assert free <= self.passed | self.upheld

    @invariant()
    def the_view_says_what_the_notice_says(self) -> None:
        if self.notice.number is not None:
            due = next_close_on(self.notice)
            assert self.row is not None
            assert self.row.get("due_on") == (due.isoformat() if due else None)
            assert PublicNotice.model_validate(self.row) == self.notice


NoticeHistory.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestNoticeHistories = NoticeHistory.TestCase
