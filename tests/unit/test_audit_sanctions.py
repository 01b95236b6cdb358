"""A sanction from its proposal to the credit records and their repair."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tongdui_events.audit import (
    CreditRecordEntered,
    PartyNotified,
    SanctionDecided,
    SanctionLifted,
    SanctionProposed,
    SanctionReviewed,
)

from services.audit.domain.inspections import CloseInspection, OpenInspection, RecordFinding, StateOnFindings
from services.audit.domain.sanctions import (
    DecideSanction,
    EndSanction,
    GiveStatement,
    LiftSanction,
    NotifyParty,
    ProposeSanction,
    RepairCreditRecord,
    ReviewSanction,
    WithdrawSanction,
    record_id,
)
from services.audit.reactions import SWEEPS
from services.audit.supervision_views import credit_row, sanction_row
from shared.kernel.commands import Principal
from tests.unit.audit_world import (
    ANSWER_DAYS,
    AUDITOR,
    COMPANY,
    DIGEST,
    ENTERPRISE,
    INSPECTION,
    OFFICER,
    PARTY,
    PROVIDER,
    PROVINCE,
    PROVINCIAL,
    REGION,
    SANCTION,
    SECOND_OFFICER,
    STRANGER,
    TODAY,
    VOUCHER,
    act,
    code,
    done,
    later,
    world,
)
from tests.unit.desk import FakeDesk

PROPOSE = ProposeSanction(sanction_id=SANCTION, inspection_id=INSPECTION, party_uscc=PROVIDER, basis="沪科合〔2020〕31号 二(六)")
NOTIFY = NotifyParty(sanction_id=SANCTION)
STATEMENT = GiveStatement(sanction_id=SANCTION, document_sha256=DIGEST)
UNTIL = TODAY + timedelta(days=365)


def decide(**changed: object) -> DecideSanction:
    fields = {"sanction_id": SANCTION, "basis": "二(六)", "from_on": TODAY, "until": UNTIL, "decision_no": "青科决1号"}
    return DecideSanction(**{**fields, **changed})


def inspected(recommendation: str = "sanction") -> FakeDesk:
    desk = world()
    done(desk, AUDITOR, OpenInspection(inspection_id=INSPECTION, voucher_id=VOUCHER, cause="report"))
    done(desk, AUDITOR, RecordFinding(inspection_id=INSPECTION, party_uscc=PROVIDER, grade="falsified"))
    done(desk, PARTY, StateOnFindings(inspection_id=INSPECTION, document_sha256=DIGEST))
    done(desk, AUDITOR, CloseInspection(inspection_id=INSPECTION, recommendation=recommendation))
    return desk


def heard() -> FakeDesk:
    desk = inspected()
    done(desk, OFFICER, PROPOSE)
    done(desk, OFFICER, NOTIFY)
    done(desk, PARTY, STATEMENT)
    return desk


def decided() -> FakeDesk:
    desk = heard()
    done(desk, SECOND_OFFICER, decide())
    return desk


def test_a_sanction_is_proposed_for_both_places_of_the_case() -> None:
    [event] = done(inspected(), OFFICER, PROPOSE)
    assert isinstance(event, SanctionProposed) and event.places == (REGION, PROVINCE)


def test_only_the_liable_party_is_sanctioned() -> None:
    assert code(act(inspected(), OFFICER, PROPOSE.model_copy(update={"party_uscc": ENTERPRISE}))) == "nothing_found"
    assert code(act(inspected("none"), OFFICER, PROPOSE)) == "out_of_order"
    assert code(act(inspected(), STRANGER, PROPOSE)) == "not_yours"
    assert code(act(world(), OFFICER, PROPOSE)) == "not_found"


def test_nobody_is_sanctioned_untold_or_unheard() -> None:
    desk = inspected()
    done(desk, OFFICER, PROPOSE)
    assert code(act(desk, SECOND_OFFICER, decide())) == "not_notified"
    assert done(desk, OFFICER, NOTIFY) == [PartyNotified(sanction_id=SANCTION, on=TODAY)]
    later(desk, ANSWER_DAYS)
    decision = decide(from_on=TODAY + timedelta(days=30))
    assert code(act(desk, SECOND_OFFICER, decision)) == "party_not_heard"
    assert code(act(desk, COMPANY, STATEMENT)) == "not_yours"
    later(desk, 1)
    done(desk, SECOND_OFFICER, decision)


def test_who_proposed_a_sanction_does_not_decide_it() -> None:
    desk = heard()
    assert code(act(desk, OFFICER, decide())) == "same_person"
    assert code(act(desk, AUDITOR, decide())) == "not_yours"
    done(desk, PROVINCIAL, decide())


def test_a_sanction_proposed_through_a_delegate_is_decided_by_neither_person() -> None:
    desk = inspected()
    done(desk, OFFICER.model_copy(update={"sub": "deputy", "on_behalf_of": "chief"}), PROPOSE)
    done(desk, OFFICER, NOTIFY)
    done(desk, PARTY, STATEMENT)
    for sub in ("deputy", "chief"):
        assert code(act(desk, OFFICER.model_copy(update={"sub": sub}), decide())) == "same_person"
    done(desk, SECOND_OFFICER, decide())


def test_a_decision_is_entered_on_the_record_of_both_places() -> None:
    desk = heard()
    sanction, *entries = done(desk, SECOND_OFFICER, decide())
    assert isinstance(sanction, SanctionDecided)
    assert (sanction.from_on, sanction.until, sanction.places) == (TODAY, UNTIL, (REGION, PROVINCE))
    assert [(type(entry), entry.place, entry.record_id) for entry in entries] == [
        (CreditRecordEntered, place, record_id(SANCTION, place)) for place in (REGION, PROVINCE)]


@pytest.mark.parametrize("changed", [{"from_on": TODAY - timedelta(days=1)}, {"until": TODAY - timedelta(days=1)}])
def test_a_sanction_does_not_begin_in_the_past_or_end_before_it_begins(changed: dict[str, object]) -> None:
    assert code(act(heard(), SECOND_OFFICER, decide(**changed))) == "too_early"


@pytest.mark.parametrize("principal", [OFFICER, SECOND_OFFICER])
def test_a_review_is_by_somebody_who_neither_proposed_nor_decided(principal: Principal) -> None:
    review = ReviewSanction(sanction_id=SANCTION, outcome="upheld", decision_no="复1号")
    assert code(act(decided(), principal, review)) == "same_person"


def test_a_review_upholds_or_lifts() -> None:
    desk = decided()
    [upheld] = done(desk, PROVINCIAL, ReviewSanction(sanction_id=SANCTION, outcome="upheld", decision_no="复1号"))
    assert upheld == SanctionReviewed(sanction_id=SANCTION, outcome="upheld")
    _, lifted = done(desk, PROVINCIAL, ReviewSanction(sanction_id=SANCTION, outcome="lifted", decision_no="复2号"))
    assert lifted == SanctionLifted(sanction_id=SANCTION, party_uscc=PROVIDER, decision_no="复2号")
    assert code(act(desk, OFFICER, LiftSanction(sanction_id=SANCTION, decision_no="x"))) == "out_of_order"


def test_a_sanction_ends_by_itself_after_its_last_day() -> None:
    desk = decided()
    service = Principal(sub="audit", role="service")
    end = EndSanction(sanction_id=SANCTION)
    desk.day = UNTIL
    assert code(act(desk, service, end)) == "out_of_order"
    desk.day = UNTIL + timedelta(days=1)
    assert code(act(desk, OFFICER, end)) == "not_yours"
    [lifted] = done(desk, service, end)
    assert lifted.decision_no == "青科决1号"


def test_the_sweep_asks_for_the_end_on_the_day_after_the_last_and_never_again() -> None:
    desk, row = decided(), None
    for stamp, event in desk.documents:
        if stamp.type.startswith(("Sanction", "Party", "StatementR")):
            row = sanction_row(row, event, stamp)
    assert row is not None and (row["state"], row["due_on"]) == ("decided", str(UNTIL + timedelta(days=1)))
    [sweep] = [sweep for sweep in SWEEPS if sweep.view == "sanctions"]
    assert sweep.command(row, UNTIL) == EndSanction(sanction_id=SANCTION)
    done(desk, OFFICER, LiftSanction(sanction_id=SANCTION, decision_no="解1号"))
    row = sanction_row(row, desk.documents[-1].event, desk.documents[-1].stamp)
    assert (row["state"], row["due_on"], row["decision_no"]) == ("lifted", None, "青科决1号")


def test_a_credit_record_is_repaired_by_its_own_place_and_stays() -> None:
    desk = decided()
    entered = next(document for document in desk.documents if document.stamp.type == "CreditRecordEntered")
    repair = RepairCreditRecord(record_id=record_id(SANCTION, REGION), decision_no="修1号")
    assert code(act(desk, PROVINCIAL, repair)) == "not_yours"
    [repaired] = done(desk, OFFICER, repair)
    assert code(act(desk, OFFICER, repair)) == "out_of_order"
    row = credit_row(credit_row(None, entered.event, entered.stamp), repaired, desk.documents[-1].stamp)
    assert (row["state"], row["basis"], row["repaired_by"]) == ("repaired", "二(六)", "修1号")


def test_a_proposal_can_be_dropped_and_is_then_not_decided() -> None:
    desk = heard()
    done(desk, OFFICER, WithdrawSanction(sanction_id=SANCTION, reason="statement_accepted"))
    assert code(act(desk, SECOND_OFFICER, decide())) == "out_of_order"
