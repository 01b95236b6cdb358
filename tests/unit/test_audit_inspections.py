"""An inspection from its opening to its recommendation."""

from __future__ import annotations

from uuid import UUID

import pytest
from tongdui_events.audit import FindingRecorded, InspectionClosed, InspectionOpened, InspectionStatementReceived

from services.audit.domain.inspections import CloseInspection, OpenInspection, RecordFinding, StateOnFindings
from shared.kernel.commands import Principal
from tests.unit.audit_world import (
    ANSWER_DAYS,
    AUDITOR,
    COMPANY,
    DIGEST,
    ENTERPRISE,
    INSPECTION,
    OFFICER,
    OTHER,
    PAID_FEN,
    PARTY,
    PROVIDER,
    PROVINCIAL,
    REDEMPTION,
    STRANGER,
    VOUCHER,
    act,
    code,
    done,
    later,
    world,
)
from tests.unit.desk import FakeDesk

OPEN = OpenInspection(inspection_id=INSPECTION, voucher_id=VOUCHER, cause="report")
CLAWBACK = CloseInspection(
    inspection_id=INSPECTION, recommendation="clawback", redemption_id=REDEMPTION, amount_fen=PAID_FEN, debtor_uscc=PROVIDER
)
STATEMENT = StateOnFindings(inspection_id=INSPECTION, document_sha256=DIGEST)


def finding(uscc: str = PROVIDER, grade: str = "falsified", stop: bool = False) -> RecordFinding:
    return RecordFinding(
        inspection_id=INSPECTION, party_uscc=uscc, grade=grade, stop_payment=stop, document_sha256=(DIGEST,)
    )


def found(grade: str = "falsified") -> FakeDesk:
    desk = world()
    done(desk, AUDITOR, OPEN)
    done(desk, AUDITOR, finding(grade=grade))
    return desk


@pytest.mark.parametrize("principal", [AUDITOR, OFFICER, PROVINCIAL])
def test_an_inspection_is_opened_by_an_auditor_or_an_officer_of_either_place(principal: Principal) -> None:
    desk = world()
    [opened] = done(desk, principal, OPEN)
    assert isinstance(opened, InspectionOpened) and opened.cause == "report"
    assert desk.documents[-1].stamp.case_id == VOUCHER, "it is a part of the case's history"
    assert code(act(desk, principal, OPEN)) == "out_of_order"


def test_an_officer_of_another_region_inspects_nothing() -> None:
    assert code(act(world(), STRANGER, OPEN)) == "not_yours"
    assert code(act(found(), STRANGER, finding())) == "not_yours"


def test_a_case_that_does_not_exist_is_not_inspected() -> None:
    assert code(act(world(), AUDITOR, OPEN.model_copy(update={"voucher_id": UUID(int=99)}))) == "not_found"


def test_a_finding_is_about_a_party_of_the_case() -> None:
    desk = world()
    assert code(act(desk, AUDITOR, finding())) == "not_found"
    done(desk, AUDITOR, OPEN)
    assert code(act(desk, AUDITOR, finding(OTHER))) == "stranger_to_the_case"
    [event] = done(desk, AUDITOR, finding(ENTERPRISE, "minor", stop=True))
    assert isinstance(event, FindingRecorded) and event.stop_payment


def test_only_a_party_found_against_states_its_case() -> None:
    desk = found()
    assert code(act(desk, COMPANY, STATEMENT)) == "not_yours"
    [event] = done(desk, PARTY, STATEMENT)
    assert event == InspectionStatementReceived(inspection_id=INSPECTION, party_uscc=PROVIDER, document_sha256=DIGEST)


def test_nothing_is_recommended_before_the_party_was_heard_or_its_days_are_over() -> None:
    desk = found()
    later(desk, ANSWER_DAYS)
    assert code(act(desk, AUDITOR, CLAWBACK)) == "party_not_heard"
    later(desk, 1)
    done(desk, AUDITOR, CLAWBACK)
    desk = found()
    done(desk, PARTY, STATEMENT)
    done(desk, AUDITOR, CLAWBACK)


@pytest.mark.parametrize("grade, ground", [("minor", "no_fault"), ("serious", "breach"), ("falsified", "breach")])
def test_a_clawback_is_for_breach_only_where_one_was_found(grade: str, ground: str) -> None:
    desk = found(grade)
    done(desk, PARTY, STATEMENT)
    [event] = done(desk, AUDITOR, CLAWBACK)
    assert isinstance(event, InspectionClosed)
    assert (event.amount_fen, event.debtor_uscc, event.ground) == (PAID_FEN, PROVIDER, ground)
    assert code(act(desk, AUDITOR, CLAWBACK)) == "out_of_order"


@pytest.mark.parametrize("changed, expected", [
    ({"amount_fen": PAID_FEN + 1}, "nothing_to_recover"),
    ({"redemption_id": UUID(int=77)}, "nothing_to_recover"),
    ({"debtor_uscc": OTHER}, "stranger_to_the_case"),
    ({"amount_fen": None}, "clawback_not_stated"),
    ({"recommendation": "none"}, "clawback_not_stated"),
])
def test_a_clawback_states_what_was_paid_and_who_owes_it(changed: dict[str, object], expected: str) -> None:
    desk = found()
    done(desk, PARTY, STATEMENT)
    assert code(act(desk, AUDITOR, CLAWBACK.model_copy(update=changed))) == expected


def test_a_sanction_is_recommended_only_for_a_breach() -> None:
    desk = found("minor")
    done(desk, PARTY, STATEMENT)
    sanction = CloseInspection(inspection_id=INSPECTION, recommendation="sanction")
    assert code(act(desk, AUDITOR, sanction)) == "no_breach_found"
    done(desk, AUDITOR, sanction.model_copy(update={"recommendation": "none"}))
