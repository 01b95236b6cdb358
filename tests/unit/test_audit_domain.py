"""Whose case it is, who reads it, and the days the audit service reaches."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from tongdui_events.common import DayReached
from tongdui_events.registry import CentreEntrusted, CentreReleased, DayOpened
from tongdui_events.streams import days_id
from tongdui_events.voucher import ProviderChanged, VoucherApplied, VoucherIssued

from services.audit.domain.days import reach_day
from services.audit.domain.parties import Parties, entrusted_centres, is_outside, may_read, parties_of
from services.audit.main import SERVICE
from services.audit.reactions import REACTIONS
from shared.kernel.access_record import RecordAccess
from shared.kernel.commands import Principal
from shared.runtime.recorded_access import record
from tests.unit.desk import COMMAND, FakeDesk

VOUCHER = UUID("00000000-0000-4000-8000-000000000001")
CENTRE = UUID("00000000-0000-4000-8000-0000000000ce")
ENTERPRISE, PROVIDER, OTHER = "91310118MA0TEXT048", "91320509MA0TEXT040", "91330421MA0TEXT04A"
APPLIED = VoucherApplied(
    voucher_id=VOUCHER, enterprise_uscc=ENTERPRISE, provider_uscc=OTHER, region="310118", mode="tongdui", purpose="x"
)
ISSUED = VoucherIssued(
    voucher_id=VOUCHER, enterprise_uscc=ENTERPRISE, provider_uscc=OTHER, region="310118", listing_province="32",
    mode="tongdui", policy_version=1, use_by="2025-06-01", redeem_by="2025-12-01",
)
CHANGED = ProviderChanged(voucher_id=VOUCHER, provider_uscc=PROVIDER)
PARTIES = Parties(ENTERPRISE, PROVIDER, "310118", "32")
AUDITOR = Principal(sub="a", role="auditor")


def test_a_case_is_of_the_last_provider_it_names() -> None:
    assert parties_of([APPLIED]) == Parties(ENTERPRISE, OTHER, "310118", "")
    assert parties_of([APPLIED, ISSUED, CHANGED]) == PARTIES


@pytest.mark.parametrize("principal, may", [
    (AUDITOR, True),
    (Principal(sub="o", role="operator"), True),
    (Principal(sub="e", role="enterprise", uscc=ENTERPRISE), True),
    (Principal(sub="e", role="enterprise", uscc=PROVIDER), False),
    (Principal(sub="p", role="provider", uscc=PROVIDER), True),
    (Principal(sub="p", role="provider", uscc=OTHER), False),
    (Principal(sub="c", role="centre", member_of=CENTRE), True),
    (Principal(sub="c", role="centre", member_of=VOUCHER), False),
    (Principal(sub="r", role="regional_officer", region="310118"), True),
    (Principal(sub="r", role="regional_officer", region="320509"), False),
    (Principal(sub="v", role="provincial_officer", region="32"), True),
    (Principal(sub="v", role="provincial_officer", region="33"), False),
    (Principal(sub="g", role="agent", member_of=CENTRE), False),
    (Principal(sub="x", role="public"), False),
])
def test_a_case_is_read_by_those_who_have_a_part_in_it(principal: Principal, may: bool) -> None:
    assert may_read(principal, PARTIES, {CENTRE}) is may


def test_somebody_without_an_organisation_has_no_part_in_a_case_without_parties() -> None:
    for role in ("enterprise", "provider", "centre", "regional_officer", "provincial_officer"):
        assert not may_read(Principal(sub="x", role=role), Parties(), ())


@pytest.mark.parametrize("principal, recorded", [
    (AUDITOR, True),
    (Principal(sub="r", role="regional_officer", region="310118"), False),
    (Principal(sub="v", role="provincial_officer", region="32"), True),
    (Principal(sub="v", role="provincial_officer", region="31"), False),
    (Principal(sub="e", role="enterprise", uscc=ENTERPRISE), False),
])
def test_readings_by_auditors_and_officers_of_another_region_are_recorded(principal: Principal, recorded: bool) -> None:
    assert is_outside(principal, PARTIES) is recorded


def test_a_centre_is_entrusted_from_its_first_day_until_it_is_released() -> None:
    entrusted = CentreEntrusted(
        region="310118", centre_id=CENTRE, name="青浦示例中心", scope=("review",), from_on="2025-02-01", until="2025-11-30"
    )
    released = CentreReleased(region="310118", centre_id=CENTRE, on="2025-06-01")
    assert entrusted_centres([entrusted], date(2025, 1, 31)) == frozenset()
    assert entrusted_centres([entrusted], date(2025, 11, 30)) == {CENTRE}
    assert entrusted_centres([entrusted], date(2025, 12, 1)) == frozenset()
    assert entrusted_centres([entrusted, released], date(2025, 5, 31)) == {CENTRE}
    assert entrusted_centres([entrusted, released], date(2025, 6, 1)) == frozenset()


def test_a_day_is_reached_once_and_in_order() -> None:
    opened = DayOpened(date=date(2025, 3, 4), working=True)
    assert [decided.event for decided in reach_day(opened, date(2025, 3, 3))] == [DayReached(date=opened.date)]
    assert reach_day(opened, opened.date) == reach_day(opened, date(2025, 3, 5)) == []


def test_the_first_day_opened_is_the_first_day_reached() -> None:
    desk = FakeDesk([], None, Principal(sub="audit", role="service"), service="audit")
    decided = REACTIONS["registry", "DayOpened"](DayOpened(date=date(2025, 3, 3), working=True), None, desk)
    assert [(one.originator_id, one.event.date) for one in decided] == [(days_id("audit"), date(2025, 3, 3))]


def test_an_access_is_a_stream_of_its_own_and_no_part_of_the_case() -> None:
    desk = FakeDesk([], date(2025, 3, 3), AUDITOR, service="audit")
    [decided] = record(
        RecordAccess(what="case_read", subject=f"case/{VOUCHER}", purpose="supervision", count=3), desk
    )
    assert (decided.originator_id, decided.case_id, decided.event.count) == (COMMAND, None, 3)


def test_the_audit_service_listens_to_all_and_archives() -> None:
    assert set(SERVICE.listens) == {"registry", "voucher", "settlement"}
    assert SERVICE.archive is not None
