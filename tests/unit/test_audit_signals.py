"""Each rule fires on its cause, not below its threshold, and once; the order of arrival changes nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tongdui_events.audit import SignalDismissed, SignalRaised, SignalTermsSet

from services.audit.domain.signals import DEFAULT_TERMS, TERMS_ID, DismissSignal, RaiseSignal, SetSignalTerms
from services.audit.domain.supervisor import RULES, Arrived, OutOfTurn, Supervisor
from shared.kernel.commands import Principal
from tests.unit.audit_world import AUDITOR, act, code, done, world
from tests.unit.signal_history import CAP_FEN, FIRST, SignalHistory, busy_history, hmac_of, uscc

LAB, OTHER_LAB = uscc(901), uscc(902)
SERVICE = Principal(sub="audit", role="service")


def of(history: SignalHistory, rule: str) -> list[tuple[str, list[tuple[str, int]]]]:
    """(subject, evidence) of one rule's signals, when the day is over."""
    return [(subject, evidence) for name, subject, evidence in history.end().found() if name == rule]


def test_contracts_priced_at_the_cap_again_and_again() -> None:
    history = SignalHistory()
    near = [history.allocate(number, uscc(number), LAB, CAP_FEN - number) for number in (1, 2)]
    history.allocate(3, uscc(3), LAB, CAP_FEN * 2)
    history.allocate(4, uscc(4), LAB, CAP_FEN * 97 // 100)
    assert of(history, "claims_at_the_cap") == []
    near.append(history.allocate(5, uscc(5), LAB, CAP_FEN * 98 // 100))
    history.allocate(6, uscc(6), LAB, CAP_FEN)
    assert of(history, "claims_at_the_cap") == [(LAB, near)]


def test_one_provider_takes_the_larger_part_of_a_region() -> None:
    history = SignalHistory()
    given = [(number, LAB if number in (1, 2, 3, 10) else uscc(800 + number)) for number in range(1, 11)]
    for number, lab in given:
        history.allocate(number, uscc(number), lab, 1_000_00)
    assert of(history, "share_of_a_region") == [], "exactly the share is not more than it"
    history.allocate(11, uscc(11), LAB, 1_000_00)
    history.allocate(12, uscc(12), LAB, 1_000_00)
    [(subject, evidence)] = of(history, "share_of_a_region")
    assert subject == LAB and len(evidence) == 5


def test_the_same_pair_again_and_again() -> None:
    history = SignalHistory()
    evidence = [history.allocate(number, uscc(1), LAB, 1_000_00) for number in range(1, 5)]
    assert of(history, "same_pair_again") == []
    evidence.append(history.allocate(5, uscc(1), LAB, 1_000_00))
    history.allocate(6, uscc(1), LAB, 1_000_00)
    assert of(history, "same_pair_again") == [(f"{uscc(1)}/{LAB}", evidence)]


def test_contracts_split_below_the_cap() -> None:
    history = SignalHistory()
    first = history.allocate(1, uscc(1), LAB, CAP_FEN // 2)
    history.open(FIRST + timedelta(days=31))
    second = history.allocate(2, uscc(1), LAB, CAP_FEN // 2)
    history.allocate(3, uscc(2), LAB, CAP_FEN // 2 + 1)
    assert of(history, "contracts_split") == [], "too far apart, another company, not above the cap"
    third = history.allocate(4, uscc(1), LAB, CAP_FEN // 2 + 1)
    assert of(history, "contracts_split") == [(f"{uscc(1)}/{LAB}", [second, third])]
    assert first not in (second, third)


def test_a_contract_whose_voucher_was_given_back_is_no_part_of_a_split_one() -> None:
    history = SignalHistory()
    history.allocate(1, uscc(1), LAB, CAP_FEN // 2)
    history.withdraw(1)
    second = history.allocate(2, uscc(1), LAB, CAP_FEN // 2 + 1)
    assert of(history, "contracts_split") == [], "the first got nothing, and may be the same contract"
    third = history.allocate(3, uscc(1), LAB, CAP_FEN // 2 + 1)
    history.withdraw(3)
    assert of(history, "contracts_split") == [(f"{uscc(1)}/{LAB}", [second, third])], "what was told stays told"


def test_a_region_without_a_cap_has_neither_prices_at_it_nor_splits_below_it() -> None:
    history = SignalHistory(cap_fen=None)
    for number in range(1, 5):
        history.allocate(number, uscc(1), LAB, CAP_FEN)
    assert of(history, "claims_at_the_cap") == of(history, "contracts_split") == []


def test_consecutive_invoices_of_one_seller_behind_several_cases() -> None:
    history = SignalHistory()
    first = history.request(1, LAB, ["25310000000000000007"])
    third = history.request(2, LAB, ["25310000000000000009"])
    history.request(3, OTHER_LAB, ["25310000000000000008"])
    history.request(4, LAB, ["25320000000000000108"])
    assert of(history, "consecutive_invoices") == []
    second = history.request(5, LAB, ["25310000000000000008"])
    history.request(6, LAB, ["25310000000000000010"])
    assert of(history, "consecutive_invoices") == [(LAB, [first, third, second])]


def test_invoices_in_a_row_behind_one_case_are_no_signal() -> None:
    history = SignalHistory()
    history.request(1, LAB, [f"2531000000000000000{n}" for n in range(5)])
    assert of(history, "consecutive_invoices") == []


def test_one_account_behind_several_payees() -> None:
    history = SignalHistory()
    first = history.account(uscc(1), "a")
    history.account(uscc(1), "a")
    history.account(uscc(2), "b")
    assert of(history, "account_of_several") == []
    second = history.account(uscc(3), "a")
    history.account(uscc(4), "a")
    assert of(history, "account_of_several") == [(hmac_of("a"), [first, second])]


def test_one_document_behind_several_cases_unless_its_kind_may_serve_several() -> None:
    history = SignalHistory()
    first = history.request(1, LAB, documents=[("result", "r"), ("contract", "c")])
    history.request(2, LAB, documents=[("result", "q"), ("contract", "c")])
    assert of(history, "document_of_several") == []
    second = history.request(3, LAB, documents=[("receipt", "r")])
    assert of(history, "document_of_several") == [(hmac_of("r"), [first, second])]


@pytest.mark.parametrize("shared", ["controller_hmac", "address_hmac", "phone_hmac"])
def test_the_parties_of_a_case_share_a_person_an_address_or_a_phone(shared: str) -> None:
    history = SignalHistory()
    history.issue(1, uscc(1), LAB)
    one = history.affiliate(uscc(1), **{shared: hmac_of("same")})
    history.affiliate(OTHER_LAB, **{shared: hmac_of("same")})
    assert of(history, "related_parties") == [], "related, but not the parties of one case"
    other = history.affiliate(LAB, **{shared: hmac_of("same")})
    history.affiliate(LAB, **{shared: hmac_of("same")})
    [(subject, evidence)] = of(history, "related_parties")
    assert subject == f"{uscc(1)}/{LAB}" and {one, other} <= set(evidence)


def test_a_controller_who_holds_shares_of_the_other_party_relates_them() -> None:
    history = SignalHistory()
    history.affiliate(uscc(1), controller_hmac=hmac_of("p"))
    history.affiliate(LAB, holder_hmac=(hmac_of("p"),))
    history.issue(1, uscc(1), LAB)
    assert len(of(history, "related_parties")) == 1


def test_parties_are_found_related_when_their_only_case_is_over() -> None:
    history = SignalHistory()
    issued = history.issue(1, uscc(1), LAB)
    history.withdraw(1)
    history.affiliate(uscc(1), phone_hmac=hmac_of("same"))
    history.end()
    history.affiliate(LAB, phone_hmac=hmac_of("same"))
    [found] = [one for one in history.end().signals() if one.rule == "related_parties"]
    assert (found.subject.id, found.cases) == (f"{uscc(1)}/{LAB}", (issued,))


def test_a_company_that_applies_within_days_of_its_registration() -> None:
    history = SignalHistory()
    history.register(uscc(1), FIRST - timedelta(days=DEFAULT_TERMS.new_company_days))
    history.issue(1, uscc(1), LAB)
    assert of(history, "new_company") == []
    history.register(uscc(2), history.today - timedelta(days=DEFAULT_TERMS.new_company_days - 1))
    history.issue(2, uscc(2), LAB)
    history.issue(3, uscc(2), LAB)
    assert [subject for subject, _ in of(history, "new_company")] == [uscc(2)]


def test_what_one_reviewer_lets_through_is_always_approved_by_the_same_person() -> None:
    history = SignalHistory()
    for number in range(1, 20):
        history.approve(number, "reviewer", "approver")
        history.approve(number + 100, "fair", "approver" if number > 1 else "another")
    history.approve(200, "fair", "approver")
    assert of(history, "same_persons_always") == []
    history.approve(20, "reviewer", "approver")
    [(subject, evidence)] = of(history, "same_persons_always")
    assert subject == "310118" and len(evidence) == 20


def test_a_burst_of_requests_before_their_deadline() -> None:
    history = SignalHistory()
    deadline = FIRST + timedelta(days=2)
    for number in range(1, 10):
        history.issue(number, uscc(number), LAB, redeem_by=deadline if number < 8 else FIRST + timedelta(days=3))
    for number in (8, 9, 1, 2, 3, 4):
        history.request(number, LAB)
    assert of(history, "burst_before_a_deadline") == [], "two of the six were not late"
    for number in (5, 6, 7):
        history.request(number, LAB)
    assert [subject for subject, _ in of(history, "burst_before_a_deadline")] == [LAB]


def test_a_request_counts_though_its_voucher_was_taken_back_meanwhile() -> None:
    history = SignalHistory()
    for number in range(1, 6):
        history.issue(number, uscc(number), LAB, redeem_by=FIRST + timedelta(days=1))
        history.tender(number)
        history.withdraw(number)
    history.open(FIRST + timedelta(days=1))
    for number in range(1, 6):
        history.request(number, LAB)
    assert [subject for subject, _ in of(history, "burst_before_a_deadline")] == [LAB]


# -- the order of arrival, the thresholds, the log ------------------------------------------------


def test_nothing_is_judged_before_its_day_is_over_in_every_log() -> None:
    history = SignalHistory()
    history.account(uscc(1), "a")
    history.account(uscc(2), "a")
    assert history.signals() == []
    assert len(history.end().signals()) == 1


def test_every_rule_fires_in_the_busy_history() -> None:
    assert {one.rule for one in busy_history().signals()} == {rule.name for rule in RULES}


@pytest.mark.parametrize("seed", range(20))
def test_the_same_events_in_any_order_of_arrival_give_the_same_signals(seed: int) -> None:
    history = busy_history()
    assert history.signals(seed) == history.signals()


def test_records_that_come_again_change_nothing_and_a_gap_is_refused() -> None:
    history = busy_history()
    twice = [record for arrived in history.arrivals(1) for record in (arrived, arrived)]
    supervisor = Supervisor()
    assert [found for record in twice for found in supervisor.add(record)] == history.signals(1)
    with pytest.raises(OutOfTurn):
        supervisor.add(Arrived("voucher", supervisor.read["voucher"] + 2, "VoucherIssued", b"{}"))


def test_thresholds_hold_from_their_day_on_and_signals_name_their_version() -> None:
    history = SignalHistory()
    strict = DEFAULT_TERMS.model_copy(update={"same_pair_cases": 2})
    tomorrow = history.today + timedelta(days=1)
    history.add("audit", TERMS_ID, SignalTermsSet(version=2, effective_on=tomorrow, terms=strict))
    for number in (1, 2, 3):
        history.allocate(number, uscc(1), LAB, 1_000_00)
    assert of(history, "same_pair_again") == []
    history.allocate(4, uscc(1), LAB, 1_000_00)
    [found] = [one for one in history.end().signals() if one.rule == "same_pair_again"]
    assert (found.rule_version, len(found.evidence)) == (2, 4)


def test_thresholds_are_set_for_a_day_to_come_and_in_turn() -> None:
    desk = world()
    terms = SetSignalTerms(version=2, effective_on=desk.today + timedelta(days=1), terms=DEFAULT_TERMS)
    assert code(act(desk, AUDITOR, terms.model_copy(update={"effective_on": desk.today}))) == "too_early"
    assert code(act(desk, AUDITOR, terms.model_copy(update={"version": 3}))) == "version_out_of_turn"
    done(desk, AUDITOR, terms)
    assert code(act(desk, AUDITOR, terms)) == "version_out_of_turn"


def raising() -> RaiseSignal:
    return busy_history().signals()[0]


def test_a_cause_is_raised_once_and_not_again_after_it_was_dismissed() -> None:
    desk, found = world(), raising()
    [raised] = done(desk, SERVICE, found)
    assert isinstance(raised, SignalRaised) and raised.evidence == found.evidence
    assert code(act(desk, SERVICE, found)) == "out_of_order"
    dismiss = DismissSignal(signal_id=found.signal_id, reason="framework_contract")
    [dismissed] = done(desk, AUDITOR, dismiss)
    assert isinstance(dismissed, SignalDismissed)
    assert code(act(desk, AUDITOR, dismiss)) == code(act(desk, SERVICE, found)) == "out_of_order"


def test_only_the_platform_raises_and_what_was_not_raised_is_not_dismissed() -> None:
    desk, found = world(), raising()
    assert code(act(desk, AUDITOR, found)) == "not_yours"
    assert code(act(desk, AUDITOR, DismissSignal(signal_id=found.signal_id, reason="x"))) == "not_found"
