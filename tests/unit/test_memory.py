"""What grows with the history: the memory that one more case leaves behind, by tracemalloc."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from datetime import date
from types import SimpleNamespace
from uuid import UUID

from tongdui_events.samples import sample
from tongdui_events.voucher import ContractFiled

from services.audit.domain.supervisor import Arrived, Supervisor
from services.voucher.domain.enterprise_file import EnterpriseFile, evolve, unfile
from tests.unit.signal_history import FIRST, SignalHistory, uscc

CASES = 500


def kept(first: Callable[[], None], again: Callable[[], None]) -> float:
    """The bytes that CASES more leave behind, for each of them; ``first`` is what memory is allocated once for."""
    first()
    tracemalloc.start()
    try:
        again()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] / CASES
    finally:
        tracemalloc.stop()


def see(supervisor: Supervisor, history: list[Arrived]) -> None:
    """A whole history, of which it passes over what it has read; bytes of its own for each record, as from a bus."""
    for arrived in history:
        supervisor.add(arrived._replace(state=bytes(bytearray(arrived.state))))


def withdrawn_cases(history: SignalHistory, first: int) -> list[Arrived]:
    """CASES more that were allocated and given back, over ten days; the whole history."""
    for number in range(first, first + CASES):
        history.allocate(number, uscc(number % 5), uscc(901), 1_000_00)
        history.withdraw(number)
        if number % 50 == 49:
            history.end()
    return history.arrivals()


def test_the_rules_of_the_signals_keep_nothing_of_a_case_that_was_given_back() -> None:
    history, supervisor = SignalHistory(), Supervisor()
    before, after = withdrawn_cases(history, 0), withdrawn_cases(history, CASES)

    assert kept(lambda: see(supervisor, before), lambda: see(supervisor, after)) < 150


def test_of_a_day_that_is_not_over_the_rules_hold_the_records_and_not_what_they_say() -> None:
    history, supervisor = SignalHistory(), Supervisor()
    arrivals: list[list[Arrived]] = []
    for first in (0, CASES):
        for number in range(first, first + CASES):
            history.allocate(number, uscc(number % 5), uscc(901), 1_000_00)
        arrivals.append(history.arrivals())
    stored = sum(len(arrived.state) for arrived in arrivals[1]) / (2 * CASES)

    assert kept(lambda: see(supervisor, arrivals[0]), lambda: see(supervisor, arrivals[1])) < 1.5 * stored


def filed(given_back: bool) -> float:
    """The bytes a contract on an enterprise's file takes."""
    made, file = sample(ContractFiled), EnterpriseFile()
    ids = [UUID(int=number << 64) for number in range(2 * CASES)]

    def fold(vouchers: list[UUID]) -> None:
        nonlocal file
        for id_ in vouchers:
            stored = made.model_copy(update={"voucher_id": id_, "contract_no": str(id_)}).model_dump_json()
            stamp = SimpleNamespace(business_day=date.fromordinal(FIRST.toordinal()))
            file = evolve(file, ContractFiled.model_validate_json(stored), stamp)
            for unfiled in unfile(file, made.enterprise_uscc, id_) if given_back else ():
                file = evolve(file, unfiled.event, stamp)

    return kept(lambda: fold(ids[:CASES]), lambda: fold(ids[CASES:]))


def test_a_contract_on_an_enterprises_file_takes_less_than_half_a_kilobyte() -> None:
    assert filed(given_back=False) < 420


def test_of_a_contract_given_back_nothing_stays_on_the_enterprises_file() -> None:
    assert filed(given_back=True) < 10
