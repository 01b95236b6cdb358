"""An invoice reversed after it was handed in pays nothing: asked for at the request, the review and the release. 三(五)"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.settlement.domain.invoice_status import REGISTERS, NoRegister, Reversal
from services.settlement.domain.review import ReviewRedemption
from services.settlement.invoice_register import FileRegister, InvoiceSettings, RegisterUnreadable, register_of
from tests.unit.settlement_world import LABORATORY, REDEMPTION, REVIEWER, World, names, the_request

NUMBER, OTHER = "26312000000000000017", "26312000000000000099"
TOTAL = 10_000_000
HEADING = "发票号码,红冲金额(元),替换发票号码\n"


class Told:
    """A register of what a test says."""

    def __init__(self) -> None:
        self.known: dict[str, Reversal] = {}

    def reversal(self, number: str) -> Reversal | None:
        return self.known.get(number)


@pytest.fixture
def register() -> Iterator[Told]:
    told = Told()
    REGISTERS.status = told
    yield told
    REGISTERS.status = NoRegister()


def test_an_invoice_reversed_before_the_request_backs_none(register: Told) -> None:
    register.known[NUMBER] = Reversal(1)
    assert World().refuses(LABORATORY, the_request()) == "invoice_exhausted"


def test_an_invoice_reversed_before_the_review_sends_the_request_back(register: Told) -> None:
    world = World().presented()
    register.known[NUMBER] = Reversal(TOTAL)
    assert world.refuses(REVIEWER, ReviewRedemption(redemption_id=REDEMPTION)) == "invoice_exhausted"
    register.known.clear()
    assert world.does(REVIEWER, ReviewRedemption(redemption_id=REDEMPTION)) == ["RedemptionReviewed"]


@pytest.mark.parametrize(
    ("reversal", "answer"),
    [(Reversal(TOTAL), "invoice_reversed_since"), (Reversal(1), "invoice_reversed_since"),
     (Reversal(1, OTHER), "invoice_reversed_since"), (Reversal(TOTAL, OTHER), "BatchReleased")],
    ids=["whole", "a part", "a part, with another invoice", "issued anew like for like"],
)  # fmt: skip
def test_an_invoice_reversed_after_the_approval_holds_the_release(register: Told, reversal: Reversal, answer: str) -> None:
    world = World().scheduled()
    register.known[NUMBER] = reversal
    assert names(world.release())[0] == answer


def test_a_reversal_of_another_invoice_holds_nothing(register: Told) -> None:
    world = World().scheduled()
    register.known[OTHER] = Reversal(TOTAL)
    assert names(world.release())[0] == "BatchReleased"


# -- the register as a file --------------------------------------------------------------------


def test_the_register_is_read_again_when_its_file_changed(tmp_path: Path) -> None:
    file = tmp_path / "reversed.csv"
    file.write_text(f"{HEADING}{NUMBER[:10]} {NUMBER[10:]},\"1,000.50\",\n{NUMBER},0.50,{OTHER}\n", encoding="gb18030")
    register = FileRegister(file)
    assert register.reversal(NUMBER) == Reversal(100_100, OTHER)
    assert register.reversal(OTHER) is None
    file.write_text(HEADING)
    os.utime(file, ns=(1, 1))
    assert register.reversal(NUMBER) is None


@pytest.mark.parametrize("text", ["", f"{HEADING}{NUMBER},许多,\n", f"{HEADING}123,1,\n", f"{HEADING}{NUMBER},1,123\n"])
def test_a_register_that_cannot_be_read_is_never_taken_for_an_empty_one(tmp_path: Path, text: str) -> None:
    file = tmp_path / "reversed.csv"
    file.write_text(text)
    with pytest.raises(RegisterUnreadable):
        FileRegister(file).reversal(NUMBER)


def test_without_its_file_nothing_is_reviewed(tmp_path: Path) -> None:
    world = World().presented()
    REGISTERS.status = FileRegister(tmp_path / "none.csv")
    try:
        assert world.refuses(REVIEWER, ReviewRedemption(redemption_id=REDEMPTION)) == "register_unreadable"
    finally:
        REGISTERS.status = NoRegister()


def test_nobody_is_asked_where_no_file_is_named(tmp_path: Path) -> None:
    assert isinstance(register_of(InvoiceSettings(reversed_invoices=None)), NoRegister)
    assert isinstance(register_of(InvoiceSettings(reversed_invoices=tmp_path)), FileRegister)
