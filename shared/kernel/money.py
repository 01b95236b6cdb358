"""Money in whole fen: how it is shown, written in words, and divided."""

from __future__ import annotations

from typing import Literal

Rounding = Literal["fen", "yuan"]

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_UNITS = ((1_0000_0000, "亿"), (1_0000, "万"), (1000, "仟"), (100, "佰"), (10, "拾"))


def yuan(amount_fen: int) -> str:
    """An amount in yuan with thousands separators: 140950 → ``1,409.50``."""
    whole, cents = divmod(abs(amount_fen), 100)
    return f"{'-' if amount_fen < 0 else ''}{whole:,}.{cents:02d}"


def in_words(amount_fen: int) -> str:
    """An amount in capital characters (大写), as a payment form wants it: 140950 → 壹仟肆佰零玖元伍角.

    整 follows 元 only; a skipped place inside the yuan, or between yuan and fen, is one 零.
    Raises ValueError for a negative amount. Source: 支付结算办法, annex 1 (the notice names no form).
    """
    if amount_fen < 0:
        raise ValueError("no amount below zero is written in words")
    whole, cents = divmod(amount_fen, 100)
    jiao, fen = divmod(cents, 10)
    if not cents:
        return f"{_whole_in_words(whole)}元整" if whole else "零元整"
    yuan_part = f"{_whole_in_words(whole)}元" if whole else ""
    jiao_part = f"{_DIGITS[jiao]}角" if jiao else ""
    skipped = "零" if whole and not jiao else ""
    fen_part = f"{_DIGITS[fen]}分" if fen else ""
    return yuan_part + jiao_part + skipped + fen_part


def _whole_in_words(number: int) -> str:
    for unit, character in _UNITS:
        if number >= unit:
            head, rest = divmod(number, unit)
            gap = "零" if 0 < rest < unit // 10 else ""
            return _whole_in_words(head) + character + gap + (_whole_in_words(rest) if rest else "")
    return _DIGITS[number]


def share_of(amount_fen: int, ratio_bp: int) -> int:
    """⌊amount × ratio ÷ 10000⌋ fen: a ratio in basis points of an amount, rounded down. 二(四)"""
    _not_negative(amount_fen, ratio_bp)
    return amount_fen * ratio_bp // 10_000


def without_tax(amount_fen: int, tax_bp: int) -> int:
    """⌊amount × 10000 ÷ (10000 + tax)⌋ fen: a price with tax less its tax, rounded down."""
    _not_negative(amount_fen, tax_bp)
    return amount_fen * 10_000 // (10_000 + tax_bp)


def rounded_down(amount_fen: int, rounding: Rounding) -> int:
    """The amount down to whole fen (itself) or to whole yuan, in fen."""
    _not_negative(amount_fen)
    return amount_fen - amount_fen % 100 if rounding == "yuan" else amount_fen


def _not_negative(*numbers: int) -> None:
    # Rounding down would favour the other side for a sum below zero, so none is divided here.
    if min(numbers) < 0:
        raise ValueError("only amounts and ratios of zero or more are divided")
