"""USCC, invoice, bank and contract numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.identifiers import (
    InvalidContractNumber,
    InvalidInvoiceNumber,
    bank_code_is_doubtful,
    contract_line_fingerprint,
    normalised_contract_number,
    normalised_invoice_number,
    province_of,
    refuse_bank_code,
    refuse_uscc,
    uscc_fault,
)

ENTERPRISE = "91310118MA0TEXT048"
PROVIDER = "91320509MA0TEXT040"
SYNTHETIC = [
    ENTERPRISE,
    PROVIDER,
    "91330421MA0TEXT04A",
    "91340503MA0TEXT04H",
    "1231000000000TEX96",
    "5234050000000TEX98",
]


@pytest.mark.parametrize("uscc", SYNTHETIC)
def test_a_code_that_passes_has_no_fault(uscc: str) -> None:
    assert uscc_fault(uscc) is None
    assert refuse_uscc(uscc) is None


@pytest.mark.parametrize(
    "uscc, fault",
    [
        ("", "length"),
        (ENTERPRISE[:-1], "length"),
        (ENTERPRISE + "0", "length"),
        (f" {ENTERPRISE}", "length"),
        (ENTERPRISE.lower(), "characters"),
        ("91310118MA0TEXI048", "characters"),
        ("9131-118MA0TEXT048", "characters"),
        ("9A310118MA0TEXT048", "characters"),
        ("91310118MA0TEXT049", "check_digit"),
        ("91310119MA0TEXT048", "check_digit"),
    ],
)
def test_a_code_that_fails_says_why(uscc: str, fault: str) -> None:
    assert uscc_fault(uscc) == fault


@given(st.text(max_size=20))
def test_any_text_gets_an_answer(text: str) -> None:
    assert uscc_fault(text) in (None, "length", "characters", "check_digit")


def test_the_refusal_of_a_code_names_the_field_and_both_languages_say_why() -> None:
    refusal = refuse_uscc("91310118MA0TEXT049", "enterprise_uscc")
    assert refusal is not None
    assert (refusal.code, refusal.status, refusal.field) == ("invalid_uscc", 422, "enterprise_uscc")
    assert refusal.details["fault"] == "check_digit"
    assert "校验码不符" in refusal.text_zh and "check digit" in refusal.text_en


@given(st.sampled_from(SYNTHETIC), st.integers(min_value=0, max_value=17), st.sampled_from("0123456789"))
def test_one_wrong_digit_never_passes(uscc: str, place: int, digit: str) -> None:
    wrong = uscc[:place] + digit + uscc[place + 1 :]
    assert (uscc_fault(wrong) is None) == (wrong == uscc)


def test_a_province_is_the_first_two_digits() -> None:
    assert province_of("320509") == "32"


@pytest.mark.parametrize(
    "number, normalised",
    [
        ("26312000000000000017", "26312000000000000017"),
        ("3100204130 12345678", "310020413012345678"),
        ("031002000411-12345678", "03100200041112345678"),
        ("２６３１２０００００００００００００１７", "26312000000000000017"),
        ("031002000411/12345678\n", "03100200041112345678"),
    ],
)
def test_an_invoice_number_is_digits_only(number: str, normalised: str) -> None:
    assert normalised_invoice_number(number) == normalised
    assert normalised_invoice_number(normalised) == normalised


@pytest.mark.parametrize("number", ["", "12345678", "1" * 17, "1" * 19, "1" * 21, "A" * 20, "²" * 20 + "1"])
def test_another_length_or_a_letter_is_no_invoice_number(number: str) -> None:
    with pytest.raises(InvalidInvoiceNumber) as refused:
        normalised_invoice_number(number, "invoices")
    assert (refused.value.field, refused.value.section) == ("invoices", "三(四)")


@pytest.mark.parametrize(
    "code, refused",
    [
        ("002006673085", False),
        ("00200667308", True),
        ("0020066730855", True),
        ("00200667308A", True),
        ("００２００６６７３０８５", True),
    ],
)
def test_a_bank_code_is_twelve_digits(code: str, refused: bool) -> None:
    assert (refuse_bank_code(code) is not None) == refused


def test_a_bank_code_with_another_check_digit_is_doubtful_but_not_refused() -> None:
    assert not bank_code_is_doubtful("002006673085")
    assert bank_code_is_doubtful("002006673086")
    assert refuse_bank_code("002006673086") is None


@pytest.mark.parametrize(
    "number", ["HT-2026-017", "ht-2026-017", " HT－2026－017 ", "ＨＴ—2026_017", "HT 2026-017".replace(" ", "/")]
)
def test_one_contract_number_written_differently_is_the_same(number: str) -> None:
    assert normalised_contract_number(number) == "HT-2026-017"


def test_different_contract_numbers_stay_apart() -> None:
    assert normalised_contract_number("2026-1-11") != normalised_contract_number("2026-11-1")
    assert normalised_contract_number("青科〔2026〕17号") == "青科-2026-17号"


@pytest.mark.parametrize("number", ["", "  ", "--/", "_"])
def test_a_contract_number_of_punctuation_is_refused(number: str) -> None:
    with pytest.raises(InvalidContractNumber):
        normalised_contract_number(number)


def test_a_fingerprint_names_both_parties_the_number_and_the_line() -> None:
    fingerprint = contract_line_fingerprint(ENTERPRISE, PROVIDER, "HT-2026-017", 1)
    assert len(fingerprint) == 64 and set(fingerprint) <= set("0123456789abcdef")
    assert fingerprint == contract_line_fingerprint(PROVIDER, ENTERPRISE, "ht—2026—017", 1)
    others = {
        contract_line_fingerprint(ENTERPRISE, PROVIDER, "HT-2026-017", 2),
        contract_line_fingerprint(ENTERPRISE, PROVIDER, "HT-2026-018", 1),
        contract_line_fingerprint(ENTERPRISE, SYNTHETIC[2], "HT-2026-017", 1),
    }
    assert len(others | {fingerprint}) == 4


def test_a_fingerprint_stays_the_same_for_ever() -> None:
    # Stored claims are keyed by it: another value would let every contract be claimed again.
    assert contract_line_fingerprint(ENTERPRISE, PROVIDER, "HT-2026-017", 1) == (
        "8d857598634abd3c742e916d62f0de1aef3c7dcef01d0d53a1b45aed7b0259d5"
    )
