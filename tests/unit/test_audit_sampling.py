"""A sample is the same for whoever draws it again, and heavier cases are drawn more often."""

from __future__ import annotations

from collections import Counter
from datetime import date
from uuid import UUID

from tongdui_events.audit import InspectionOpened, SampleDrawn

from services.audit.domain.parties import Parties
from services.audit.domain.sampling import DrawSample, Settled, draw, population_digest, record_sample, sampled, weight_of
from shared.kernel.decisions import Refusal

ASKED = DrawSample(sample_id=UUID(int=1), seed="2025-Q1", size=3, from_on=date(2025, 1, 1), until=date(2025, 3, 31))


PARTIES = Parties("", "", "310118", "32")


def settled(number: int, weight: int = 1) -> Settled:
    return Settled(UUID(int=number + 100), UUID(int=number), 0, weight)


def test_weight_grows_with_money_and_with_signals() -> None:
    assert [weight_of(fen, 0) for fen in (0, 999_999, 1_000_000, 10_000_000)] == [1, 1, 2, 11]
    assert weight_of(1_000_000, 2) == 22


def test_the_same_seed_draws_the_same_whatever_the_order_of_the_population() -> None:
    population = [settled(number, number % 5 + 1) for number in range(50)]
    assert draw(population, "s", 10) == draw(population[::-1], "s", 10)
    assert population_digest(population) == population_digest(population[::-1])
    assert draw(population, "s", 10) != draw(population, "t", 10)
    assert len(set(draw(population, "s", 10))) == 10


def test_a_sample_is_never_larger_than_its_population() -> None:
    assert sorted(draw([settled(1), settled(2, 9)], "s", 5)) == [settled(1), settled(2, 9)]
    assert draw([], "s", 5) == []


def test_a_case_of_ten_times_the_weight_is_drawn_about_ten_times_as_often() -> None:
    population = [settled(1, 10), *(settled(number) for number in range(2, 12))]
    first = Counter(draw(population, str(seed), 1)[0].voucher_id for seed in range(2000))
    assert 850 < first[UUID(int=1)] < 1150, "10 of 20 tickets: 1000 expected, 3 standard deviations are 67"
    assert all(60 < first[UUID(int=number)] < 145 for number in range(2, 12))


def test_a_drawn_sample_is_recorded_with_its_digest_and_opens_its_inspections() -> None:
    population = [settled(number) for number in range(20)]
    decided = record_sample(False, lambda case: PARTIES, sampled(ASKED, population))
    assert not isinstance(decided, Refusal)
    sample, *opened = [one.event for one in decided]
    assert isinstance(sample, SampleDrawn) and sample.population_sha256 == population_digest(population)
    assert [one.inspection_id for one in sample.drawn] == [one.inspection_id for one in opened]
    assert all(isinstance(one, InspectionOpened) and (one.cause, one.seed) == ("regular", "2025-Q1") for one in opened)
    assert [one.case_id for one in decided[1:]] == [one.voucher_id for one in sample.drawn]
    assert isinstance(record_sample(True, lambda case: PARTIES, sampled(ASKED, population)), Refusal)
