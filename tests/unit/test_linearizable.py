"""The checker of histories itself: what it must accept, and what it must not."""

from __future__ import annotations

import random

from tests.faults.linearizable import Operation, ceiling, linearizable, one_owner


def held(amount: int, answered: bool, begun: float, ended: float) -> Operation:
    return Operation(("hold", amount), answered, begun, ended)


def released(amount: int, begun: float, ended: float) -> Operation:
    return Operation(("release", amount), True, begun, ended)


def test_one_after_another_is_accepted() -> None:
    history = [held(6, True, 0, 1), held(5, False, 2, 3), released(6, 4, 5), held(5, True, 6, 7)]
    assert linearizable(history, ceiling(10), 0)


def test_an_answer_that_forgets_an_earlier_hold_is_refused() -> None:
    assert not linearizable([held(6, True, 0, 1), held(6, True, 2, 3)], ceiling(10), 0)


def test_a_refusal_while_there_was_room_all_the_time_is_refused() -> None:
    assert not linearizable([held(6, True, 0, 1), held(4, False, 2, 3)], ceiling(10), 0)


def test_operations_at_the_same_time_may_have_happened_in_either_order() -> None:
    assert linearizable([held(6, False, 0, 9), held(6, True, 1, 2)], ceiling(10), 0)
    assert linearizable([held(6, True, 0, 9), held(6, False, 1, 2)], ceiling(10), 0)


def test_an_answer_from_before_its_question_is_refused() -> None:
    late = [held(10, True, 0, 1), released(10, 2, 3), held(1, False, 4, 5)]
    assert not linearizable(late, ceiling(10), 0)


def test_two_owners_of_one_thing_are_refused_and_one_after_the_other_is_not() -> None:
    both = [Operation(("claim", "a"), True, 0, 5), Operation(("claim", "b"), True, 1, 6)]
    assert not linearizable(both, one_owner(), "")
    between = Operation(("give up", "a"), True, 2, 7)
    assert linearizable([*both, between], one_owner(), "")


def long_history(operations: int, callers: int, limit: int) -> list[Operation]:
    """True answers: each took effect at an instant of its own, asked a little before, answered a little after."""
    chance = random.Random(11)
    history, state = [], 0
    for instant in range(operations):
        width = chance.random() * callers
        begun, ended = instant - chance.random() * width, instant + chance.random() * width
        amount = chance.randint(1, 9)
        if state >= amount and chance.random() < 0.5:
            state -= amount
            history.append(released(amount, begun, ended))
        else:
            fits = state + amount <= limit
            state += amount if fits else 0
            history.append(held(amount, fits, begun, ended))
    return history


def test_a_long_history_of_eight_callers_is_accepted_and_refused_with_one_false_answer() -> None:
    history = long_history(400, 8, 30)
    assert linearizable(history, ceiling(30), 0)
    wrong = [one if number != 200 else Operation(("hold", 31), True, one.begun, one.ended) for number, one in enumerate(history)]
    assert not linearizable(wrong, ceiling(30), 0)
