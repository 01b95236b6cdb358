"""Money: shown, written in words, divided."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.money import in_words, rounded_down, share_of, without_tax, yuan

amounts = st.integers(min_value=0, max_value=10**15)
_VALUES = {character: value for value, character in enumerate("零壹贰叁肆伍陆柒捌玖")}
_UNITS = {"拾": 10, "佰": 100, "仟": 1000}


@pytest.mark.parametrize(
    "amount_fen, shown",
    [
        (0, "0.00"),
        (5, "0.05"),
        (-5, "-0.05"),
        (140_950, "1,409.50"),
        (-140_950, "-1,409.50"),
        (10**15, "10,000,000,000,000.00"),
    ],
)
def test_yuan_are_shown_with_thousands_separators(amount_fen: int, shown: str) -> None:
    assert yuan(amount_fen) == shown


@pytest.mark.parametrize(
    "amount_fen, words",
    [
        (140_950, "壹仟肆佰零玖元伍角"),
        (600_714, "陆仟零柒元壹角肆分"),
        (30_000_000, "叁拾万元整"),
        (10_000_500, "壹拾万零伍元整"),
        (5, "伍分"),
    ],
)
def test_the_notices_five_examples_are_written_in_words(amount_fen: int, words: str) -> None:
    assert in_words(amount_fen) == words


@pytest.mark.parametrize(
    "amount_fen, words",
    [
        (0, "零元整"),
        (50, "伍角"),
        (55, "伍角伍分"),
        (100, "壹元整"),
        (1_000, "壹拾元整"),
        (32_504, "叁佰贰拾伍元零肆分"),
        (100_000_000, "壹佰万元整"),
        (10_001_000_000, "壹亿零壹万元整"),
        (10_000_010_000, "壹亿零壹佰元整"),
        (2_050_005_000, "贰仟零伍拾万零伍拾元整"),
        (10**15, "壹拾万亿元整"),
    ],
)
def test_a_skipped_place_is_one_zero(amount_fen: int, words: str) -> None:
    assert in_words(amount_fen) == words


@given(amounts)
def test_words_read_back_are_the_amount(amount_fen: int) -> None:
    words = in_words(amount_fen)
    assert "零零" not in words
    assert _read(words) == amount_fen


def test_no_words_for_an_amount_below_zero() -> None:
    with pytest.raises(ValueError, match="below zero"):
        in_words(-1)


@pytest.mark.parametrize(
    "amount_fen, ratio_bp, share_fen",
    [(0, 3000, 0), (100, 0, 0), (100, 10_000, 100), (3, 3333, 0), (10_000, 3000, 3000), (99_999, 3000, 29_999)],
)
def test_a_share_is_rounded_down_to_fen(amount_fen: int, ratio_bp: int, share_fen: int) -> None:
    assert share_of(amount_fen, ratio_bp) == share_fen


@pytest.mark.parametrize(
    "amount_fen, tax_bp, net_fen", [(10_600, 600, 10_000), (10_599, 600, 9_999), (1, 1300, 0), (7, 0, 7)]
)
def test_a_price_without_tax_is_rounded_down_to_fen(amount_fen: int, tax_bp: int, net_fen: int) -> None:
    assert without_tax(amount_fen, tax_bp) == net_fen


def test_a_sum_is_rounded_down_to_whole_yuan() -> None:
    assert [rounded_down(amount, "yuan") for amount in (0, 99, 100, 199)] == [0, 0, 100, 100]
    assert rounded_down(199, "fen") == 199


@given(amounts, st.integers(min_value=0, max_value=10_000))
def test_a_share_never_exceeds_the_exact_one_nor_misses_it_by_a_fen(amount_fen: int, ratio_bp: int) -> None:
    exact = amount_fen * ratio_bp
    assert 0 <= exact - share_of(amount_fen, ratio_bp) * 10_000 < 10_000


@given(amounts, st.integers(min_value=0, max_value=10_000))
def test_a_net_price_never_exceeds_the_exact_one_nor_misses_it_by_a_fen(amount_fen: int, tax_bp: int) -> None:
    rate = 10_000 + tax_bp
    assert 0 <= amount_fen * 10_000 - without_tax(amount_fen, tax_bp) * rate < rate


@pytest.mark.parametrize(
    "divide", [lambda: share_of(-1, 3000), lambda: without_tax(-1, 600), lambda: rounded_down(-1, "yuan")]
)
def test_sums_below_zero_are_not_divided(divide: Callable[[], int]) -> None:
    with pytest.raises(ValueError, match="zero or more"):
        divide()


def _read(words: str) -> int:
    whole, _, rest = words.rpartition("元")
    total = _read_whole(whole) * 100
    digit = 0
    for character in rest:
        digit = _VALUES.get(character, digit)
        total += digit * {"角": 10, "分": 1}.get(character, 0)
    return total


def _read_whole(words: str) -> int:
    for unit, size in (("亿", 10**8), ("万", 10**4)):
        head, found, rest = words.rpartition(unit)
        if found:
            return _read_whole(head) * size + _read_whole(rest)
    total = digit = 0
    for character in words:
        if character in _UNITS:
            total, digit = total + digit * _UNITS[character], 0
        else:
            digit = _VALUES[character]
    return total + digit
