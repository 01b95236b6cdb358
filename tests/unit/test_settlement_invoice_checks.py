"""An invoice reversed after payment is found on demand: the difference comes back without fault, a reissue is linked. 三(四)"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tongdui_events.streams import invoice_id

from services.settlement.domain.clawbacks import OrderClawback
from services.settlement.domain.invoice_checks import CheckInvoice
from services.settlement.domain.invoice_status import REGISTERS, NoRegister, Reversal
from services.settlement.domain.invoices import INVOICE
from tests.unit.settlement_world import APPROVER, ELSEWHERE, PUBLISHER, REDEMPTION, World, names
from tests.unit.test_settlement_clawbacks import PAID, paid_world
from tests.unit.test_settlement_invoice_status import NUMBER, OTHER, TOTAL, Told

CHECK = CheckInvoice(number=NUMBER)


@pytest.fixture
def register() -> Iterator[Told]:
    told = Told()
    REGISTERS.status = told
    yield told
    REGISTERS.status = NoRegister()


def test_what_a_reversed_invoice_no_longer_covers_is_proposed_to_be_taken_back(register: Told) -> None:
    world = paid_world()
    register.known[NUMBER] = Reversal(TOTAL // 10)
    events = world.asks(PUBLISHER, CHECK)
    assert names(events) == ["InvoiceReversed", "InvoiceReleased", "InvoiceClaimed", "ClawbackProposed", "RecoverySought"]
    assert (events[0].amount_fen, events[2].allotted_fen, events[3].amount_fen) == (TOTAL // 10, TOTAL * 9 // 10, PAID // 10)
    assert events[3].ground == "no_fault"
    order = OrderClawback(clawback_id=events[3].clawback_id, decision_no="追1号", amount_fen=PAID // 10)
    assert world.refuses(PUBLISHER, order) == "same_person"
    assert world.does(APPROVER, order) == ["ClawbackOrdered", "DebtBooked"]


def test_a_second_reversal_takes_back_the_rest_and_the_same_one_nothing_more(register: Told) -> None:
    world = paid_world()
    register.known[NUMBER] = Reversal(TOTAL // 10)
    world.does(PUBLISHER, CHECK)
    assert world.refuses(PUBLISHER, CHECK) == "nothing_reversed"
    register.known[NUMBER] = Reversal(TOTAL)
    events = world.asks(PUBLISHER, CHECK)
    assert (events[0].amount_fen, events[2].allotted_fen, events[3].amount_fen) == (TOTAL * 9 // 10, 0, PAID * 9 // 10)


def test_an_invoice_issued_anew_like_for_like_is_only_linked(register: Told) -> None:
    world = paid_world()
    register.known[NUMBER] = Reversal(TOTAL, OTHER)
    events = world.asks(PUBLISHER, CHECK)
    assert names(events) == ["InvoiceReversed", "InvoiceReleased", "InvoiceClaimed", "InvoiceClaimed"]
    assert events[0].replaced_by == OTHER
    assert world.get(INVOICE, invoice_id(OTHER)).allotted == {REDEMPTION: TOTAL}
    assert world.get(INVOICE, invoice_id(NUMBER)).allotted == {REDEMPTION: 0}


def test_a_request_under_way_is_mended_first(register: Told) -> None:
    world = World().scheduled()
    register.known[NUMBER] = Reversal(TOTAL)
    assert world.refuses(PUBLISHER, CHECK) == "backs_another_request"


def test_only_a_region_that_paid_on_it_asks_and_about_an_invoice_that_is_known(register: Told) -> None:
    world = paid_world()
    assert world.refuses(ELSEWHERE, CHECK) == "not_yours"
    assert world.refuses(PUBLISHER, CheckInvoice(number=OTHER)) == "not_found"
    assert world.refuses(PUBLISHER, CHECK) == "nothing_reversed"
