"""An invoice backs several redemptions, never beyond its total (invariant 6). 三(四)"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tongdui_events.settlement import InvoiceClaimed, InvoiceReversed
from tongdui_events.streams import invoice_id

from services.settlement.domain.endings import ReturnRedemption, WithdrawRedemption
from services.settlement.domain.invoices import INVOICE
from services.settlement.domain.request import RequestRedemption, ResubmitRedemption
from shared.kernel.decisions import Refusal
from tests.unit.settlement_world import LABORATORY, REVIEWER, World, an_id, case_facts, evidence, invoice

NUMBER = "26312000000000000017"
SHARED_FEN = 10_000_000


def asked(number: int, allotted_fen: int, total_fen: int = SHARED_FEN) -> dict[str, Any]:
    """What the request of the n-th case hands in: one invoice, of which it takes a part."""
    line = {"line_no": 1, "performed_fen": allotted_fen, "invoiced_fen": allotted_fen}
    return evidence(
        redemption_id=an_id(f"redemption/{number}"),
        invoices=[invoice(NUMBER, total_fen=total_fen, allotted_fen=allotted_fen)],
        lines=[line],
        claimed_fen=1,
    )


def requests(number: int, allotted_fen: int, total_fen: int = SHARED_FEN) -> RequestRedemption:
    fields = asked(number, allotted_fen, total_fen) | {"voucher_id": an_id(f"voucher/{number}")}
    return RequestRedemption.model_validate(fields)


def shared_world(cases: int) -> World:
    world = World()
    for number in range(cases):
        world.given(*case_facts(voucher_id=an_id(f"voucher/{number}")))
    return world


def test_one_invoice_backs_several_redemptions_up_to_its_total() -> None:
    world = shared_world(3)
    world.does(LABORATORY, requests(0, 6_000_000))
    assert world.refuses(LABORATORY, requests(1, 4_000_001)) == "invoice_exhausted"
    world.does(LABORATORY, requests(1, 4_000_000))
    assert world.refuses(LABORATORY, requests(2, 1)) == "invoice_exhausted"


def test_the_first_claim_fixes_the_total_and_another_total_is_refused() -> None:
    world = shared_world(2)
    world.does(LABORATORY, requests(0, 1_000_000))
    assert world.refuses(LABORATORY, requests(1, 1_000_000, SHARED_FEN + 1)) == "invoice_total_differs"


def test_history_keeps_the_first_total_whatever_a_later_claim_says() -> None:
    claims = (
        InvoiceClaimed(number=NUMBER, redemption_id=an_id(total), allotted_fen=1, total_fen=total) for total in (100, 200)
    )
    world = World().given(*(("settlement", invoice_id(NUMBER), claim) for claim in claims))
    assert world.get(INVOICE, invoice_id(NUMBER)).total_fen == 100


def test_the_total_stays_fixed_when_the_first_claim_is_released() -> None:
    world = shared_world(2)
    world.does(LABORATORY, requests(0, 1_000_000))
    world.does(LABORATORY, WithdrawRedemption(redemption_id=an_id("redemption/0")))
    assert world.refuses(LABORATORY, requests(1, 1_000_000, SHARED_FEN + 1)) == "invoice_total_differs"
    world.does(LABORATORY, requests(1, SHARED_FEN))


def test_what_was_reversed_of_an_invoice_backs_nothing() -> None:
    world = shared_world(1)
    reversed_ = InvoiceReversed(number=NUMBER, amount_fen=4_000_000)
    world.given(("settlement", invoice_id(NUMBER), reversed_))
    assert world.refuses(LABORATORY, requests(0, 6_000_001)) == "invoice_exhausted"
    world.does(LABORATORY, requests(0, 6_000_000))


def test_a_spelling_with_spaces_is_the_same_invoice() -> None:
    world = shared_world(2)
    world.does(LABORATORY, requests(0, SHARED_FEN))
    fields = asked(1, 1) | {"voucher_id": an_id("voucher/1")}
    fields["invoices"][0]["number"] = "2631 2000 0000 0000 0017"
    assert world.refuses(LABORATORY, RequestRedemption.model_validate(fields)) == "invoice_exhausted"


class SharedInvoice(RuleBasedStateMachine):
    """Four cases, one invoice; requests, mendings and withdrawals in any order; a model of what is live."""

    @initialize()
    def begin(self) -> None:
        self.world = shared_world(4)
        self.live: dict[int, int] = {}
        self.rounds = [0] * 4

    def _redemption(self, case: int) -> UUID:
        return an_id(f"redemption/{case}/{self.rounds[case]}")

    @rule(case=st.integers(0, 3), allotted_fen=st.integers(1, SHARED_FEN))
    def somebody_requests(self, case: int, allotted_fen: int) -> None:
        fits = case not in self.live and sum(self.live.values()) + allotted_fen <= SHARED_FEN
        if case not in self.live:
            self.rounds[case] += 1
        fields = asked(case, allotted_fen) | {"redemption_id": self._redemption(case)}
        command = RequestRedemption.model_validate(fields | {"voucher_id": an_id(f"voucher/{case}")})
        answer = self.world.asks(LABORATORY, command)
        assert fits is not isinstance(answer, Refusal)
        if fits:
            self.live[case] = allotted_fen
            self.world.presented(self._redemption(case), an_id(f"voucher/{case}"))

    @rule(case=st.integers(0, 3), allotted_fen=st.integers(1, SHARED_FEN))
    def somebody_mends(self, case: int, allotted_fen: int) -> None:
        if case not in self.live:
            return
        self.world.asks(REVIEWER, ReturnRedemption(redemption_id=self._redemption(case), reasons=("receipts_too_low",)))
        fields = asked(case, allotted_fen) | {"redemption_id": self._redemption(case)}
        answer = self.world.asks(LABORATORY, ResubmitRedemption.model_validate(fields))
        others = sum(fen for holder, fen in self.live.items() if holder != case)
        assert isinstance(answer, Refusal) is (others + allotted_fen > SHARED_FEN)
        if not isinstance(answer, Refusal):
            self.live[case] = allotted_fen

    @rule(case=st.integers(0, 3))
    def somebody_withdraws(self, case: int) -> None:
        if case in self.live:
            self.world.does(LABORATORY, WithdrawRedemption(redemption_id=self._redemption(case)))
            del self.live[case]

    @invariant()
    def live_allotments_are_what_is_live_and_within_the_total(self) -> None:
        if hasattr(self, "world"):
            known = self.world.get(INVOICE, invoice_id(NUMBER))
            assert sum(known.allotted.values()) == sum(self.live.values()) <= SHARED_FEN


TestSharedInvoice = SharedInvoice.TestCase
TestSharedInvoice.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
