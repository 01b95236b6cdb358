"""What settlement does about other services' words: days, bars, findings. Reactions are total. 二(六)"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tongdui_events.audit import FindingRecorded, InspectionClosed, InspectionOpened
from tongdui_events.document import Event
from tongdui_events.registry import (
    DayOpened,
    EnterpriseBarred,
    EnterpriseReinstated,
    ProviderDelisted,
    ProviderReinstated,
    ProviderSuspended,
)
from tongdui_events.settlement import ClawbackProposed
from tongdui_events.streams import days_id, enterprise_id, provider_id
from tongdui_events.voucher import HoldsCarriedOver, PerformanceAllowed, VoucherPresented

from services.settlement.domain.bank_answers import RecordFailure
from services.settlement.domain.clawback_proposals import clawback_id
from services.settlement.domain.payouts import CheckPayout, FreePayout, HoldPayout
from services.settlement.reactions import STAND_IN, SWEEPS
from services.settlement.views import VIEWS
from tests.unit.settlement_world import (
    APPROVER,
    COMPANY,
    DAY,
    ENTERPRISE,
    LAST_DAY,
    PAYER,
    PLATFORM,
    PROVIDER,
    REDEMPTION,
    REGION,
    SHA,
    VOUCHER,
    World,
    an_id,
    names,
)

INSPECTION = an_id("inspection")
SUSPENDED = ProviderSuspended(uscc=PROVIDER, reason="inspection")
DELISTED = ProviderDelisted(uscc=PROVIDER, decision_no="决1号", voluntary=False, on=DAY)
BARRED = EnterpriseBarred(uscc=ENTERPRISE, from_on=DAY, decision_no="决2号", sanction_id=an_id("sanction"))
ALLOWED = PerformanceAllowed(voucher_id=VOUCHER, decision_no="决3号")


def party_hears(world: World, event: Any) -> list[Event]:
    stream = enterprise_id(event.uscc) if type(event).__name__.startswith("Enterprise") else provider_id(event.uscc)
    return world.hears("registry", stream, event)


def checked(world: World) -> list[str]:
    """What the daily look at the waiting payment leads to."""
    return names(world.asks(PLATFORM, CheckPayout(payout_id=world.payout_id)))


def inspected(world: World, stop_payment: bool = True) -> list[Event]:
    opened = InspectionOpened(inspection_id=INSPECTION, voucher_id=VOUCHER, cause="report")
    world.hears("audit", INSPECTION, opened)
    finding = FindingRecorded(
        inspection_id=INSPECTION, party_uscc=PROVIDER, grade="serious", stop_payment=stop_payment, document_sha256=(SHA,)
    )
    return world.hears("audit", INSPECTION, finding)


def test_a_recommended_clawback_becomes_a_proposal_once_an_inspection() -> None:
    world = World().requested()
    inspected(world, stop_payment=False)
    closed = InspectionClosed(
        inspection_id=INSPECTION, redemption_id=REDEMPTION, recommendation="clawback", amount_fen=5, debtor_uscc=PROVIDER,
        ground="breach",
    )
    proposed, linked = world.hears("audit", INSPECTION, closed)
    assert proposed == ClawbackProposed(
        clawback_id=clawback_id(INSPECTION), redemption_id=REDEMPTION, debtor_uscc=PROVIDER, amount_fen=5, ground="breach",
        inspection_id=INSPECTION, region=REGION,
    )
    assert (linked.redemption_id, linked.clawback_id) == (REDEMPTION, clawback_id(INSPECTION))
    assert world.hears("audit", INSPECTION, closed.model_copy(update={"recommendation": "sanction"})) == []


# -- days ----------------------------------------------------------------------------------------------


def test_each_opened_day_is_reached_once() -> None:
    world = World()
    tomorrow = DayOpened(date=DAY + timedelta(days=1), working=True)
    assert names(world.hears("registry", days_id("registry"), tomorrow)) == ["DayReached"]
    assert world.today == DAY + timedelta(days=1)
    assert world.hears("registry", days_id("registry"), tomorrow) == []
    assert world.hears("registry", days_id("registry"), DayOpened(date=DAY, working=True)) == []


def test_the_review_opens_when_the_voucher_is_presented_and_only_once() -> None:
    world = World().requested()
    presented = VoucherPresented(voucher_id=VOUCHER, redemption_id=REDEMPTION, allocation_fen=3_000_000)
    assert names(world.hears("voucher", VOUCHER, presented)) == ["ReviewOpened"]
    assert world.hears("voucher", VOUCHER, presented) == []


def test_a_presentation_of_a_redemption_unknown_here_changes_nothing() -> None:
    unknown = VoucherPresented(voucher_id=VOUCHER, redemption_id=an_id("unknown"), allocation_fen=1)
    assert World().hears("voucher", VOUCHER, unknown) == []


# -- bars and delisting ----------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [SUSPENDED, DELISTED, BARRED], ids=lambda event: type(event).__name__)
def test_a_party_in_question_stops_its_payment_at_once_and_the_daily_look_records_the_hold(event: Any) -> None:
    world = World().scheduled()
    party_hears(world, event)
    assert names(world.release()) == ["payout_on_hold"]
    assert checked(world) == ["PayoutHeld"]
    assert checked(world) == ["nothing_to_check"]


@pytest.mark.parametrize("event", [SUSPENDED, DELISTED, BARRED], ids=lambda event: type(event).__name__)
def test_a_payment_scheduled_while_its_party_is_in_question_is_held_from_the_start(event: Any) -> None:
    world = World().published()
    party_hears(world, event)
    world.day = LAST_DAY + timedelta(days=1)
    assert names(world.close()) == ["NoticeClosed", "PublicityPassed", "PayoutScheduled", "PayoutHeld"]


def test_a_provider_that_leaves_by_its_own_wish_holds_nothing() -> None:
    world = World().scheduled()
    party_hears(world, DELISTED.model_copy(update={"voluntary": True, "decision_no": None}))
    assert checked(world) == ["nothing_to_check"]
    assert "PayoutInstructed" in names(world.release())


def test_performance_allowed_frees_the_payment() -> None:
    world = World().scheduled()
    party_hears(world, SUSPENDED)
    checked(world)
    assert names(world.hears("voucher", VOUCHER, ALLOWED)) == ["PayoutFreed"]
    assert checked(world) == ["nothing_to_check"]
    assert "PayoutInstructed" in names(world.release())


def test_a_later_bar_holds_a_case_that_was_allowed_to_go_on_before() -> None:
    world = World().scheduled()
    party_hears(world, SUSPENDED)
    world.hears("voucher", VOUCHER, ALLOWED)
    world.days_later()
    party_hears(world, BARRED)
    assert checked(world) == ["PayoutHeld"]


@pytest.mark.parametrize(
    ("stopping", "ending"),
    [
        (SUSPENDED, ProviderReinstated(uscc=PROVIDER, decision_no="决4号")),
        (BARRED, EnterpriseReinstated(uscc=ENTERPRISE, decision_no="决4号")),
    ],
    ids=lambda event: type(event).__name__,
)
def test_a_party_reinstated_frees_its_payment_at_the_next_look(stopping: Any, ending: Any) -> None:
    world = World().scheduled()
    party_hears(world, stopping)
    checked(world)
    party_hears(world, ending)
    assert checked(world) == ["PayoutFreed"]


def test_a_bar_holds_from_its_first_day_to_its_last() -> None:
    world = World().scheduled()
    first, last = world.today + timedelta(days=1), world.today + timedelta(days=2)
    party_hears(world, BARRED.model_copy(update={"from_on": first, "until": last}))
    assert checked(world) == ["nothing_to_check"]
    assert checked(world.days_later()) == ["PayoutHeld"]
    assert checked(world.days_later()) == ["nothing_to_check"]
    assert checked(world.days_later()) == ["PayoutFreed"]


def test_a_payment_already_instructed_runs_to_its_answer_and_is_held_only_when_it_failed() -> None:
    world = World().instructed()
    party_hears(world, SUSPENDED)
    assert checked(world) == ["nothing_to_check"]
    failure = RecordFailure(payout_id=world.payout_id, end_to_end_id=world.end_to_end_id, reason_code="AC04")
    world.does(PLATFORM, failure)
    assert checked(world) == ["PayoutHeld"]


def test_the_daily_look_leaves_an_officers_hold_alone() -> None:
    world = World().scheduled()
    world.does(APPROVER, HoldPayout(payout_id=world.payout_id, reason="documents_missing"))
    assert checked(world) == ["nothing_to_check"]


def test_only_the_platform_looks_at_waiting_payments() -> None:
    world = World().scheduled()
    assert world.refuses(APPROVER, CheckPayout(payout_id=world.payout_id)) == "not_yours"


# -- findings ------------------------------------------------------------------------------------------


def test_a_finding_that_stops_payment_holds_the_payment_until_its_inspection_is_closed() -> None:
    world = World().scheduled()
    assert names(inspected(world)) == ["PaymentStopped", "PayoutHeld"]
    assert names(inspected(world)) == []
    free = FreePayout(payout_id=world.payout_id, reason=f"finding:{INSPECTION}")
    assert world.refuses(APPROVER, free) == "held_by_facts"
    closed = InspectionClosed(inspection_id=INSPECTION, redemption_id=REDEMPTION, recommendation="none")
    assert names(world.hears("audit", INSPECTION, closed)) == ["PaymentStopLifted", "PayoutFreed"]
    assert "PayoutInstructed" in names(world.release())


def test_a_finding_before_the_payment_is_scheduled_holds_it_from_the_start() -> None:
    world = World().published()
    assert names(inspected(world)) == ["PaymentStopped"]
    world.day = LAST_DAY + timedelta(days=1)
    assert names(world.close())[-1] == "PayoutHeld"


def test_a_finding_that_does_not_stop_payment_holds_nothing() -> None:
    assert inspected(World().scheduled(), stop_payment=False) == []


def test_findings_of_an_inspection_unknown_here_change_nothing() -> None:
    finding = FindingRecorded(inspection_id=INSPECTION, party_uscc=PROVIDER, grade="minor", stop_payment=True)
    closed = InspectionClosed(inspection_id=INSPECTION, recommendation="clawback")
    world = World()
    assert world.hears("audit", INSPECTION, finding) == world.hears("audit", INSPECTION, closed) == []


def test_one_hold_freed_leaves_the_others() -> None:
    world = World().scheduled()
    inspected(world)
    party_hears(world, SUSPENDED)
    checked(world)
    world.hears("voucher", VOUCHER, ALLOWED)
    assert names(world.release()) == ["payout_on_hold"]


# -- what falls due --------------------------------------------------------------------------------------


def test_what_is_due_in_the_views_is_what_the_sweeps_ask() -> None:
    """Each row due becomes a command the platform may give; once done it is due no more."""
    world = World().published()
    world.day = LAST_DAY + timedelta(days=1)
    assert swept(world) == ["NoticeClosed", "PublicityPassed", "PayoutScheduled"]
    assert swept(world) == []
    world.release(PAYER)
    world.days_later()
    assert swept(world) == ["PayoutSettled", "RedemptionSettled"]
    assert swept(world.days_later(30)) == []


def swept(world: World) -> list[str]:
    """The events one look at what is due leads to."""
    done = []
    for sweep in (*SWEEPS, *STAND_IN):
        for row in rows(world, sweep.view):
            if row.get("due_on") and row["due_on"] <= world.today.isoformat():
                done += names(world.asks(PLATFORM, sweep.command(row, world.today)))
    return done


def rows(world: World, name: str) -> list[dict[str, Any]]:
    """The rows of a view over everything recorded so far."""
    view = next(view for view in VIEWS if view.name == name)
    folded: dict[str, Any] = {}
    for stamp, event in world.documents:
        if stamp.source == "settlement" and isinstance(event, view.types):
            key = view.key(event, stamp)
            folded[key] = view.evolve(folded.get(key), event, stamp)
    return [row for row in folded.values() if row is not None]


def test_a_redemptions_row_shows_where_it_stands_and_keeps_the_evidence_out() -> None:
    world = World().instructed()
    (row,) = rows(world, "redemptions")
    assert (row["state"], row["claimed_fen"], row["reviewed_fen"], row["approved_fen"]) == (
        "payable", 3_000_000, 3_000_000, 3_000_000,
    )  # fmt: skip
    assert (row["enterprise_uscc"], row["provider_uscc"], row["region"]) == (ENTERPRISE, PROVIDER, "310118")
    assert not {"invoices", "receipts", "documents", "lines"} & set(row)


def test_a_notices_row_shows_each_item_and_its_state() -> None:
    world = World().published()
    (row,) = rows(world, "notices")
    assert (row["number"], row["state"], row["due_on"]) == ("公示〔2026〕第1号", "open", "2026-03-09")
    assert [(item["item_id"], item["state"]) for item in row["items"]] == [(str(REDEMPTION), "open")]
    assert COMPANY.sub not in str(row)


def test_a_payment_waits_while_its_budget_of_the_new_year_is_short() -> None:
    world = World().scheduled()

    def carried(waiting: bool) -> list[str]:
        event = HoldsCarriedOver(voucher_id=VOUCHER, year=2027, holds=(), waiting=waiting)
        return names(world.hears("voucher", VOUCHER, event))

    assert carried(False) == []
    assert carried(True) == ["PaymentStopped", "PayoutHeld"]
    assert carried(True) == []
    assert carried(False) == ["PaymentStopLifted", "PayoutFreed"]
