"""The sum of an allocation, at its boundaries. 二(四), 三(三)"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.voucher.domain.amounts import Left, Priced, allocate
from shared.kernel.money import rounded_down

YUAN = 100


def total(amount: int, ratio: int = 3000, *, cap: int | None = None, left: int = 10**12, partial: bool = True,
          basis: str = "tax_inclusive", rounding: str = "fen"):  # fmt: skip
    limits = [Left("enterprise_year", left, "quota_exhausted")]
    return allocate([Priced(1, amount, 600, ratio)], basis, cap, limits, partial, rounding)


def test_the_ratio_of_the_price_is_rounded_down_to_the_fen() -> None:
    assert total(9999).amount_fen == 2999


def test_without_tax_the_eligible_price_is_rounded_down_first() -> None:
    assert total(10_600, basis="tax_exclusive").amount_fen == 3000
    assert total(10_599, basis="tax_exclusive").amount_fen == 2999


def test_a_sum_exactly_at_the_cap_is_not_reduced_and_one_fen_over_is() -> None:
    assert total(10_000, cap=3000).reduced_because == ()
    over = total(10_004, cap=3000)
    assert (over.amount_fen, over.reduced_because) == (3000, ("cap_per_use",))


def test_what_is_left_of_the_year_cuts_or_refuses_as_the_terms_say() -> None:
    assert total(10_000, left=2999).amount_fen == 2999
    assert total(10_000, left=2999, partial=False).refusal == "quota_exhausted"
    assert total(10_000, left=3000, partial=False).amount_fen == 3000
    assert total(10_000, left=0).refusal == "quota_exhausted"


def test_nothing_left_of_the_year_is_said_before_a_sum_that_is_too_small() -> None:
    assert total(1, left=0).refusal == "quota_exhausted"
    assert total(1).refusal == "amount_too_small"


def test_rounding_to_the_yuan_is_last_and_may_leave_nothing() -> None:
    assert total(66_500, rounding="yuan").amount_fen == 199 * YUAN
    assert total(300, rounding="yuan").refusal == "amount_too_small"


def test_a_ratio_of_nothing_is_a_category_not_supported_and_10000_is_the_whole_price() -> None:
    assert total(10_000, 0).refusal == "category_not_supported"
    assert total(10_000, 10_000).amount_fen == 10_000


@given(
    amounts=st.lists(st.integers(1, 10**9), min_size=1, max_size=5),
    ratio=st.integers(1, 10_000),
    left=st.integers(0, 10**9),
    cap=st.none() | st.integers(1, 10**9),
    rounding=st.sampled_from(["fen", "yuan"]),
)
def test_the_steps_always_lead_to_the_sum_and_never_exceed_a_limit(
    amounts: list[int], ratio: int, left: int, cap: int | None, rounding: str
) -> None:
    lines = [Priced(number, amount, 0, ratio) for number, amount in enumerate(amounts, 1)]
    found = allocate(lines, "tax_inclusive", cap, [Left("enterprise_year", left, "quota_exhausted")], True, rounding)
    assert found.amount_fen <= min(sum(amounts), left, cap or 10**12)
    assert found.steps[-1][1] == found.amount_fen
    assert (found.amount_fen == 0) is (found.refusal is not None)
    if not found.refusal:
        expected = min(sum(part.amount_fen for part in found.lines), left, cap or 10**12)
        assert found.amount_fen == rounded_down(expected, rounding)
