"""Money under any order of what people do and a bank answers: invariants 2 to 7 and the books hold at every step. 三(五)"""

from __future__ import annotations

import os
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid5

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule, run_state_machine_as_test
from pydantic_core import from_json
from tongdui_events.audit import FindingRecorded, InspectionClosed, InspectionOpened
from tongdui_events.codec import encode
from tongdui_events.document import Event
from tongdui_events.payments import PayoutInstructed
from tongdui_events.policy import Channels
from tongdui_events.streams import NAMESPACE
from tongdui_events.voucher import PresentationEnded, SupplementAllowed, VoucherPresented

from services.settlement.bank.answers import Unreadable, read
from services.settlement.domain.accounts import ConfirmPayeeAccount, ProposePayeeAccount
from services.settlement.domain.adjustments import AdjustRedemption
from services.settlement.domain.agents import AppointAgent
from services.settlement.domain.approval import ApproveRedemption, WithdrawApproval
from services.settlement.domain.bank_answers import (
    ANSWERED_WITHIN,
    RecordFailure,
    RecordReturn,
    RecordSettlement,
    RecordUncertainty,
)
from services.settlement.domain.batches import OpenBatch, ReleaseBatch
from services.settlement.domain.clawbacks import (
    CLAWBACK,
    CancelClawback,
    OrderClawback,
    ProposeClawback,
    RecordRecovery,
    WriteOffClawback,
)
from services.settlement.domain.endings import LapseRedemption, RejectRedemption, ReturnRedemption, WithdrawRedemption
from services.settlement.domain.lookups import clawbacks_of, paid_of
from services.settlement.domain.notices import CloseNotice, PublishNotice
from services.settlement.domain.objections import RaiseObjection, RuleOnObjection
from services.settlement.domain.payouts import PAYOUT, CancelPayout, CheckPayout, FreePayout, HoldPayout, Payout
from services.settlement.domain.redemption import REDEMPTION as REDEMPTIONS
from services.settlement.domain.request import RequestRedemption
from services.settlement.domain.review import ReviewRedemption
from services.settlement.domain.windows import CloseWindow, RecordFunding, SettleWindow, last_end
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Refusal
from tests.invariants import attempts, claims, persons, publicity, sums
from tests.invariants import books as totals
from tests.invariants.history import SOURCES, history_of
from tests.invariants.report import Report
from tests.unit.model_bank import MOODS, ModelBank, Mood, Order, Word
from tests.unit.settlement_world import (
    AGENT,
    CENTRE,
    COMPANY,
    DAY,
    ENTERPRISE,
    LABORATORY,
    OPERATOR,
    PLATFORM,
    PROVIDER,
    REGION,
    SHA,
    World,
    an_id,
    case_facts,
    evidence,
    invoice,
)
from tests.unit.test_settlement_books import books

CASES = ("tongdui", "tongdui", "tongyong")
"""Two of the same laboratory, paid by the agent; one of the company, paid by the treasury."""
EXAMPLES = int(os.environ.get("TONGDUI_MACHINE_EXAMPLES", "150"))
SETTINGS = settings(
    max_examples=EXAMPLES, stateful_step_count=40, deadline=None, derandomize="TONGDUI_MACHINE_EXAMPLES" not in os.environ,
    database=None, suppress_health_check=list(HealthCheck),
)  # fmt: skip
NAMED = ("double", "one", "two", "three")
"""Who works here; each may be met in every office."""
STAGES = st.tuples(*[st.sampled_from([5, 5, 5, 4, 3, 0])] * len(CASES))
WHO, CASE_NO = st.sampled_from(NAMED), st.integers(0, len(CASES) - 1)


def officer(sub: str) -> Principal:
    return Principal(sub=sub, role="regional_officer", region=REGION)


def reviewer(sub: str) -> Principal:
    return Principal(sub=sub, role="centre", member_of=CENTRE)


def clerk(sub: str) -> Principal:
    return Principal(sub=sub, role="agent", member_of=AGENT)


class Paying(World):
    """The world with its history as plain documents, and a cause for each command."""

    def __init__(self) -> None:
        super().__init__(channel=Channels(tongyong="treasury", tongdui="agent"), offset_allowed=True, window="week")
        self.number = 0
        self.entries: list[dict[str, Any]] = []
        self.heads = dict.fromkeys(SOURCES, 0)

    def caused(self) -> None:
        self.number += 1
        self.command_id = uuid5(NAMESPACE, f"machine/{self.number}")

    def history(self) -> Any:
        for document in self.documents[len(self.entries) :]:
            source = document.stamp.source
            self.heads[source] += 1
            self.entries.append({"source": source, "position": self.heads[source], "event": from_json(encode(document))})
        return history_of(self.entries)


class Money(RuleBasedStateMachine):
    """Three cases, one bank, and people who may do anything at any time."""

    objections, clawbacks = Bundle("objections"), Bundle("clawbacks")

    @initialize(stages=STAGES, mood=st.sampled_from(MOODS), said=st.integers(0, 3), owes=st.booleans())
    def begin(self, stages: tuple[int, ...], mood: Mood, said: int, owes: bool) -> None:
        """Each case is some way along already."""
        self.world, self.bank = Paying(), ModelBank()
        self.checked_at = 0
        self.serial = 0
        self.vouchers = [an_id(f"machine voucher {number}") for number in range(len(CASES))]
        self.live: list[UUID | None] = [None] * len(CASES)
        self.notices: list[tuple[UUID, UUID]] = []
        self.released: list[str] = []
        self.inspections: list[tuple[UUID, int]] = []
        for voucher, mode in zip(self.vouchers, CASES, strict=True):
            self.world.given(*case_facts(mode, voucher_id=voucher))
        self.tries(OPERATOR, AppointAgent(agent_id=AGENT, name="示例清算有限公司", regions=(REGION,), from_on=DAY))
        for payee in (LABORATORY, COMPANY):
            self.an_account_is_named(payee, "6222000000000173")
            self.an_account_is_confirmed(payee, "three")
        way = (
            lambda case: self.somebody_requests(case, 3_000_000), lambda case: self.somebody_reviews(case, "one"),
            lambda case: self.somebody_agrees(case, "two"), lambda case: self.somebody_publishes(case, "two"),
        )  # fmt: skip
        if owes:
            stages, mood, said = (5, 0, stages[2]), "accepts", 1
        for case, stage in enumerate(stages):
            for step in way[:stage]:
                step(case)
        if max(stages) >= 5:
            self.days_go_on(8)
            for through_agent in (True, False):
                self.somebody_releases("three", through_agent, 3, mood)
            self._answers_have_come(said)
        if owes:
            self._what_is_owed_is_set_off(way)

    def _answers_have_come(self, said: int) -> None:
        """0: none yet; 1: all; 2: and a payment came back; 3: and is out again."""
        for _ in range(len(self.bank.unsaid) if said else 0):
            self.an_answer_arrives_in_any_order(0)
        if said > 1 and self.bank.fen:
            self.the_bank_sends_a_payment_back(0)
            self.an_answer_arrives_in_any_order(0)
        if said > 2:
            for through_agent in (True, False):
                self.somebody_releases("three", through_agent, 3, "accepts")

    def _what_is_owed_is_set_off(self, way: Any) -> None:
        """The first case's laboratory owes a part; the second's payment, which sets it off, is out."""
        clawback = self.somebody_proposes_a_clawback(0, "one", 1_000_000)
        self.somebody_orders_it(clawback, "three", 1_000_000, 1)
        for step in way:
            step(1)
        self.days_go_on(8)
        self.the_region_sends_the_money_of_a_window(True)
        self.somebody_releases("three", True, 3, "keeps it waiting")

    # -- what every step does ------------------------------------------------------------------

    def tries(self, principal: Principal, command: Command) -> list[Event] | None:
        """The events; None for a refusal, which appended nothing."""
        self.world.caused()
        before = len(self.world.documents)
        answer = self.world.asks(principal, command)
        if isinstance(answer, Refusal):
            assert len(self.world.documents) == before, f"{answer.code} and yet something was recorded"
            return None
        self._voucher_answers(answer)
        return answer

    def _voucher_answers(self, events: list[Event]) -> None:
        """What the voucher service says to an end, a request, a rise."""
        for event in events:
            name, redemption = type(event).__name__, getattr(event, "redemption_id", None)
            if redemption not in self.live or name not in _HEARD:
                continue
            case = self.live.index(redemption)
            voucher = self.vouchers[case]
            self.world.caused()
            if name == "RedemptionRequested":
                said: Event = VoucherPresented(voucher_id=voucher, redemption_id=redemption, allocation_fen=3_000_000)
            elif name == "RedemptionAdjusted":
                said = SupplementAllowed(voucher_id=voucher, redemption_id=redemption, amount_fen=max(event.by_fen, 0))
            else:
                said = PresentationEnded(voucher_id=voucher, redemption_id=redemption)
                self.live[case] = None
            if name != "RedemptionAdjusted" or event.by_fen > 0:
                self.world.hears("voucher", voucher, said)

    def fresh(self, what: str) -> UUID:
        self.serial += 1
        return an_id(f"machine {what} {self.serial}")

    def payouts(self) -> list[Payout]:
        ids = {d.event.payout_id for d in self.world.documents if d.stamp.type == "PayoutScheduled"}
        return [self.world.get(PAYOUT, one) for one in sorted(ids)]

    # -- people --------------------------------------------------------------------------------

    @rule(case=CASE_NO, fen=st.sampled_from([1_000_000, 3_000_000]))
    def somebody_requests(self, case: int, fen: int) -> None:
        redemption, before = self.fresh("redemption"), self.live[case]
        self.live[case] = redemption
        paid = 10_000_000 if CASES[case] == "tongyong" else 10_000_000 - fen
        receipts = evidence()["receipts"]
        asked = evidence(
            voucher_id=self.vouchers[case], redemption_id=redemption, claimed_fen=fen,
            invoices=[invoice(f"2631200000000000{case + 10:04d}")], receipts=[receipts[0] | {"amount_fen": paid}],
        )  # fmt: skip
        if self.tries(COMPANY if case % 2 else LABORATORY, RequestRedemption.model_validate(asked)) is None:
            self.live[case] = before

    def of(self, case: int) -> UUID:
        return self.live[case] or an_id("nothing")

    @rule(case=CASE_NO, who=WHO)
    def somebody_reviews(self, case: int, who: str) -> None:
        self.tries(reviewer(who), ReviewRedemption(redemption_id=self.of(case)))

    @rule(case=CASE_NO, who=WHO)
    def somebody_agrees(self, case: int, who: str) -> None:
        self.tries(officer(who), ApproveRedemption(redemption_id=self.of(case)))

    @rule(case=CASE_NO, who=WHO, kind=st.sampled_from(["redemption", "redemption", "adjustment"]))
    def somebody_publishes(self, case: int, who: str, kind: Any = "redemption") -> None:
        notice = self.fresh("notice")
        command = PublishNotice(notice_id=notice, region=REGION, redemption_ids=(self.of(case),), kind=kind)
        if self.tries(officer(who), command) is not None:
            self.notices.append((notice, self.of(case)))

    @rule(case=CASE_NO, who=WHO, how=st.sampled_from(["withdraw", "return", "reject", "take back"]))
    def somebody_stops_it(self, case: int, who: str, how: str) -> None:
        redemption = self.of(case)
        match how:
            case "withdraw":
                self.tries(COMPANY, WithdrawRedemption(redemption_id=redemption))
            case "return":
                self.tries(reviewer(who), ReturnRedemption(redemption_id=redemption, reasons=("unclear",)))
            case "reject":
                self.tries(officer(who), RejectRedemption(redemption_id=redemption, reasons=("unclear",)))
            case _:
                self.tries(officer(who), WithdrawApproval(redemption_id=redemption, reason="mistake"))

    @rule(target=objections, which=st.integers(0, 50))
    def somebody_objects(self, which: int) -> Any:
        if not self.notices:
            return multiple()
        notice, item = self.notices[which % len(self.notices)]
        objection = self.fresh("objection")
        command = RaiseObjection(notice_id=notice, objection_id=objection, item_id=item, reason_sha256=SHA)
        return multiple() if self.tries(COMPANY, command) is None else (notice, objection)

    @rule(objection=objections, who=WHO, upheld=st.booleans())
    def the_region_rules(self, objection: tuple[UUID, UUID], who: str, upheld: bool) -> None:
        notice, id_ = objection
        self.tries(officer(who), RuleOnObjection(notice_id=notice, objection_id=id_, upheld=upheld, grounds_sha256=SHA))

    @rule(payee=st.sampled_from([LABORATORY, COMPANY]), number=st.sampled_from(["6222000000000173", "6222000000000181"]))
    def an_account_is_named(self, payee: Principal, number: str) -> None:
        self.tries(payee, ProposePayeeAccount(uscc=payee.uscc or "", account_number=number, bank_code="102290002916"))

    @rule(payee=st.sampled_from([LABORATORY, COMPANY]), who=WHO)
    def an_account_is_confirmed(self, payee: Principal, who: str) -> None:
        self.tries(officer(who), ConfirmPayeeAccount(uscc=payee.uscc or "", region=REGION))

    @rule(who=WHO, which=st.integers(0, 9), how=st.sampled_from([HoldPayout, FreePayout, FreePayout, CancelPayout]))
    def an_officer_holds_frees_or_gives_up(self, who: str, which: int, how: Any) -> None:
        if every := self.payouts():
            self.tries(officer(who), how(payout_id=every[which % len(every)].payout_id, reason="a"))

    @rule(case=CASE_NO)
    def an_inspection_stops_payment(self, case: int) -> None:
        inspection = self.fresh("inspection")
        self.inspections.append((inspection, case))
        opened = InspectionOpened(inspection_id=inspection, voucher_id=self.vouchers[case], cause="report")
        found = FindingRecorded(inspection_id=inspection, party_uscc=PROVIDER, grade="grave", stop_payment=True)
        for event in (opened, found):
            self.world.caused()
            self.world.hears("audit", inspection, event)

    @rule(which=st.integers(0, 9), fen=st.integers(1, 3_000_000))
    def an_inspection_ends(self, which: int, fen: int) -> None:
        if not self.inspections:
            return
        inspection, case = self.inspections.pop(which % len(self.inspections))
        paid = self.live[case] is not None and self.world.get(REDEMPTIONS, self.of(case)).settled
        asked = {"recommendation": "clawback", "redemption_id": self.of(case), "amount_fen": fen}
        what = asked if paid else {"recommendation": "none"}
        self.world.caused()
        self.world.hears("audit", inspection, InspectionClosed.model_validate({"inspection_id": inspection, **what}))

    # -- batches and windows -------------------------------------------------------------------

    @rule(who=WHO, through_agent=st.booleans(), most=st.integers(1, 3), mood=st.sampled_from(MOODS))
    def somebody_releases(self, who: str, through_agent: bool, most: int, mood: Mood) -> None:
        batch, by = self.fresh("batch"), clerk(who) if through_agent else officer(who)
        channel: Any = "agent" if through_agent else "treasury"
        self.tries(by, OpenBatch(batch_id=batch, payer=str(AGENT) if through_agent else REGION, channel=channel))
        due = [one.payout_id for one in self.payouts() if one.channel == channel and one.stage not in ("settled", "cancelled")]
        if not due:
            return
        told = self.tries(by, ReleaseBatch(batch_id=batch, payout_ids=tuple(due[:most])))
        if told is not None:
            orders = [Order(one.end_to_end_id, one.amount_fen) for one in told if isinstance(one, PayoutInstructed)]
            self.bank.receives(batch.hex, orders, mood, self.world.today)
            self.released.append(batch.hex)

    @rule(which=st.integers(0, 9))
    def a_file_is_sent_again(self, which: int) -> None:
        if self.released:
            self.bank.receives(self.released[which % len(self.released)], (), "accepts", self.world.today)

    @rule(whole=st.booleans())
    def the_region_sends_the_money_of_a_window(self, whole: bool) -> None:
        for document in list(self.world.documents):
            if document.stamp.type == "FundingOrdered":
                event = document.event
                fen = event.amount_fen if whole else max(event.amount_fen // 2, 1)
                self.tries(clerk("one"), RecordFunding(window_id=event.window_id, region=REGION, amount_fen=fen,
                                                       received_on=self.world.today, reference="到账1"))  # fmt: skip

    # -- the bank ------------------------------------------------------------------------------

    def hears(self, word: Word, by: Principal | None = None) -> bool:
        """Whether it could be recorded."""
        about = {"payout_id": UUID(hex=word.end_to_end_id[:32]), "end_to_end_id": word.end_to_end_id}
        match word.kind:
            case "settled":
                command: Any = RecordSettlement(**about, amount_fen=word.fen, settled_on=word.on)
            case "returned":
                command = RecordReturn(**about, reason_code="AC04", amount_fen=word.fen, returned_on=word.on)
            case "failed":
                command = RecordFailure(**about, reason_code="AC04")
            case _:
                command = RecordUncertainty(**about)
        return self.tries(by or PLATFORM, command) is not None

    @rule(which=st.integers(0, 50))
    def an_answer_arrives_in_any_order(self, which: int) -> None:
        """One that cannot follow yet waits."""
        if not self.bank.unsaid:
            return
        word = self.bank.unsaid.pop(which % len(self.bank.unsaid))
        if not self.hears(word) and word.kind in ("settled", "returned") and self._may_follow(word):
            self.bank.unsaid.append(word)
            return
        self.bank.said.append(word)

    def _may_follow(self, word: Word) -> bool:
        payout = self.world.get(PAYOUT, UUID(hex=word.end_to_end_id[:32]))
        return payout.stage != "returned" and payout.end_to_end_id == word.end_to_end_id and (
            word.kind == "returned" or payout.stage not in ("settled", "returned")
        )

    @rule(which=st.integers(0, 50))
    def an_answer_arrives_again(self, which: int) -> None:
        if self.bank.said:
            self.hears(self.bank.said[which % len(self.bank.said)])

    @rule(which=st.integers(0, 9))
    def the_bank_sends_a_payment_back(self, which: int) -> None:
        held = [id_ for id_ in sorted(self.bank.fen) if self.bank.holds(id_)]
        if held:
            self.bank.sends_back(held[which % len(held)], self.world.today)

    @rule(which=st.integers(0, 9), aloud=st.booleans(), dead=st.booleans())
    def the_bank_decides_late(self, which: int, aloud: bool, dead: bool) -> None:
        """A late success, also after nobody knew; or the proof that a payment is dead."""
        if not self.bank.waiting:
            return
        order = sorted(self.bank.waiting.values())[which % len(self.bank.waiting)]
        if dead:
            self.bank.gives_up(order, self.world.today)
        else:
            self.bank.books(order, self.world.today, aloud=aloud)

    @rule(hole=st.booleans())
    def a_statement_arrives(self, hole: bool) -> None:
        """With a hole it is refused whole."""
        content = self.bank.statement(self.world.today, hole)
        try:
            answer = read(content)
            answer.statement.ensure_adds_up()  # type: ignore[union-attr]
        except Unreadable:
            assert hole
            return
        assert not hole or not self.bank.fen
        for one in answer.said:
            self.hears(Word(one.kind, one.end_to_end_id or "", one.fen or 0, self.world.today))

    @rule(which=st.integers(0, 9), who=WHO)
    def somebody_gives_an_answer_of_tomorrow(self, which: int, who: str) -> None:
        if self.bank.fen:
            id_, fen = sorted(self.bank.fen.items())[which % len(self.bank.fen)]
            assert not self.hears(Word("settled", id_, fen, self.world.today + timedelta(days=1)), clerk(who))

    # -- taking back ---------------------------------------------------------------------------

    @rule(target=clawbacks, case=CASE_NO, who=WHO, fen=st.integers(1, 3_000_000))
    def somebody_proposes_a_clawback(self, case: int, who: str, fen: int) -> Any:
        clawback = self.fresh("clawback")
        command = ProposeClawback(
            clawback_id=clawback, redemption_id=self.of(case), debtor_uscc=ENTERPRISE if CASES[case] == "tongyong" else PROVIDER,
            amount_fen=fen, ground="no_fault", evidence_sha256=(SHA,),
        )  # fmt: skip
        return multiple() if self.tries(officer(who), command) is None else clawback

    @rule(clawback=clawbacks, who=WHO, fen=st.integers(1, 3_000_000), no=st.integers(1, 99))
    def somebody_orders_it(self, clawback: UUID, who: str, fen: int, no: int) -> None:
        self.tries(officer(who), OrderClawback(clawback_id=clawback, decision_no=f"追{no}号", amount_fen=fen))

    @rule(clawback=clawbacks, who=WHO, fen=st.integers(1, 3_000_000))
    def money_comes_back(self, clawback: UUID, who: str, fen: int) -> None:
        command = RecordRecovery(clawback_id=clawback, amount_fen=fen, method="repaid", fiscal_year=self.world.today.year,
                                 reference="流水1", received_on=self.world.today)  # fmt: skip
        self.tries(officer(who), command)

    @rule(clawback=clawbacks, who=WHO, how=st.sampled_from([WriteOffClawback, CancelClawback]))
    def somebody_ends_a_clawback(self, clawback: UUID, who: str, how: Any) -> None:
        self.tries(officer(who), how(clawback_id=clawback, decision_no="终1号"))

    @rule(case=CASE_NO, who=WHO, fen=st.integers(-3_000_000, 3_000_000).filter(bool))
    def somebody_adjusts_what_was_paid(self, case: int, who: str, fen: int) -> None:
        self.tries(officer(who), AdjustRedemption(redemption_id=self.of(case), by_fen=fen, reason="officer_mistake"))

    # -- days ----------------------------------------------------------------------------------

    @rule(days=st.sampled_from([1, 8, 31]))
    def days_go_on(self, days: int) -> None:
        for _ in range(days):
            self.world.days_later()
        self._falls_due()

    @rule()
    def the_year_turns(self) -> None:
        if self.world.today.year == DAY.year:
            self.world.day = date(DAY.year + 1, 1, 4)
            self._falls_due()

    def _falls_due(self) -> None:
        today = self.world.today
        for notice, _ in self.notices:
            self.tries(PLATFORM, CloseNotice(notice_id=notice, due_on=today))
        for redemption in filter(None, list(self.live)):
            self.tries(PLATFORM, LapseRedemption(redemption_id=redemption, mend_by=today))
        self.tries(PLATFORM, CloseWindow(agent_id=AGENT, length="week", closes_on=last_end("week", today)))
        told = {d.event.end_to_end_id: d.stamp.business_day for d in self.world.documents if d.stamp.type == "PayoutInstructed"}
        for payout in self.payouts():
            if payout.stage == "instructed" and today > told[payout.end_to_end_id] + ANSWERED_WITHIN[payout.channel]:
                self.hears(Word("uncertain", payout.end_to_end_id, 0, today))
            self.tries(PLATFORM, CheckPayout(payout_id=payout.payout_id))
        windows = {d.event.window_id for d in self.world.documents if d.stamp.type == "WindowClosed"}
        for window in sorted(windows):
            self.tries(PLATFORM, SettleWindow(window_id=window))

    # -- what holds ----------------------------------------------------------------------------

    @invariant()
    def invariants_two_to_seven_and_the_totals_hold(self) -> None:
        """Of settlement's log: what the voucher service said is given, as far as settlement hears it."""
        if not hasattr(self, "world") or len(self.world.documents) == self.checked_at:
            return
        self.checked_at = len(self.world.documents)
        history, report = self.world.history(), Report()
        for look in (publicity, attempts, sums, totals, claims, persons):
            look.check(history, report)
        wrong = [one for one in report.findings if not one.where.startswith("voucher/") and not _was_repaid(one)]
        assert not wrong, wrong[:3]
        found = books(self.world)
        assert found.findings == () and found.debit_fen == found.credit_fen

    @invariant()
    def what_is_left_owed_is_never_more_than_was_paid(self) -> None:
        """Also where a payment came back after its debt was repaid: then nothing is left owed of it."""
        if not hasattr(self, "world"):
            return
        for id_ in {d.event.redemption_id for d in self.world.documents if d.stamp.type == "ClawbackProposed"}:
            redemption = self.world.get(REDEMPTIONS, id_)
            left = sum(one.left_fen for one in clawbacks_of(redemption, self.world.get))
            assert left <= paid_of(redemption, self.world.get).fen, redemption

    @invariant()
    def the_bank_booked_each_attempt_once_and_each_payment_is_held_once(self) -> None:
        if not hasattr(self, "world"):
            return
        assert all(times == 1 for times in self.bank.booked.values()), self.bank.booked
        for payout in self.payouts():
            ids = [f"{payout.payout_id.hex}{attempt:03d}" for attempt in range(1, payout.attempts + 1)]  # type: ignore[union-attr]
            held = [self.bank.holds(id_) for id_ in ids]
            assert sum(fen > 0 for fen in held) <= 1, "paid twice"
            self._agrees(payout, held[-1] if held else 0)

    def _agrees(self, payout: Payout, held_fen: int) -> None:
        """What settlement believes final is so, but for what the bank has not said yet."""
        about = {word.kind for word in self.bank.unsaid if word.end_to_end_id == payout.end_to_end_id}
        match payout.stage:
            case "settled" if payout.amount_fen:
                assert held_fen == payout.amount_fen or payout.end_to_end_id in self.bank.back, payout
                assert held_fen or "returned" in about, payout
            case "failed" | "cancelled" | "returned":
                assert not held_fen and payout.end_to_end_id not in self.bank.waiting, payout

    def teardown(self) -> None:
        """The bank decides everything and says everything: every payment ends, and the totals agree."""
        if not hasattr(self, "world"):
            return
        for order in sorted(self.bank.waiting.values()):
            self.bank.gives_up(order, self.world.today)
        for kind in ("settled", "failed", "returned"):
            for word in [one for one in self.bank.unsaid if one.kind == kind]:
                self.hears(word)
        self.bank.unsaid.clear()
        self.a_statement_arrives(False)
        self.invariants_two_to_seven_and_the_totals_hold()
        self.the_bank_booked_each_attempt_once_and_each_payment_is_held_once()
        every = self.payouts()
        assert {one.stage for one in every} <= {"scheduled", "settled", "failed", "returned", "cancelled"}
        assert sum(one.paid_fen for one in every) == sum(self.bank.holds(id_) for id_ in self.bank.fen)
        ids = {d.event.clawback_id for d in self.world.documents if d.stamp.type == "ClawbackProposed"}
        assert all(self.world.get(CLAWBACK, one).left_fen >= 0 for one in ids)


def _was_repaid(finding: Any) -> bool:
    """A payment that came back leaves an order standing for what was repaid or written off of it: the region hands that back.
    What is left owed is looked at by itself."""
    return finding.invariant == "5" and finding.where.endswith("PayoutReturned")


_HEARD = frozenset(
    {"RedemptionRequested", "RedemptionAdjusted", "RedemptionWithdrawn", "RedemptionRejected", "RedemptionLapsed"}
)


def test_money_under_any_order_of_what_people_do_and_a_bank_answers() -> None:
    run_state_machine_as_test(Money, settings=SETTINGS)
