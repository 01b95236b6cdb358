"""As of when, why, what changed and what led to what, on small histories."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5
from xml.etree import ElementTree

import pytest
from tongdui_events import (
    AllocationConfirmed,
    AllocationRefused,
    CataloguePublished,
    PayoutHeld,
    PayoutScheduled,
    PayoutSettled,
    PolicyAdopted,
    RedemptionApproved,
    VoucherApplied,
    VoucherWithdrawn,
)
from tongdui_events.document import Document, Event
from tongdui_events.samples import sample, sample_document
from tongdui_events.streams import NAMESPACE

from services.audit.domain.case_picture import changes, picture
from services.audit.domain.causation import Happened, drawn, graph
from services.audit.domain.moments import Moment, NotAPosition, cut, positions_of
from services.audit.domain.reasons import Known, reasons

DAY = date(2025, 6, 2)
AT = datetime(2025, 6, 2, 1, tzinfo=UTC)


# -- moments ----------------------------------------------------------------------------------------


def test_recorded_time_and_business_time_differ_for_what_is_recorded_late() -> None:
    late = ("voucher", 7, AT + timedelta(hours=30), DAY)
    assert not Moment(recorded_by=AT + timedelta(hours=24)).holds(*late)
    assert Moment(business_on=DAY).holds(*late)
    assert not Moment(business_on=DAY - timedelta(days=1)).holds(*late)
    assert Moment().holds(*late)


def test_a_position_cuts_its_log_and_the_others_where_it_had_seen_them() -> None:
    stamp = sample_document("voucher", VoucherApplied).stamp.model_copy(update={"seen": {"registry": 5, "settlement": 2}})
    positions = cut({"voucher": 7}, [stamp])
    assert positions == {"voucher": 7, "registry": 5, "settlement": 2}
    moment = Moment(positions=positions)
    assert moment.holds("voucher", 7, AT, DAY) and not moment.holds("voucher", 8, AT, DAY)
    assert moment.holds("registry", 5, AT, DAY) and not moment.holds("registry", 6, AT, DAY)
    assert not moment.holds("audit", 1, AT, DAY), "it had seen nothing of that log"
    assert cut({"voucher": 7, "registry": 9}, [stamp])["registry"] == 9, "what is named stands"


@pytest.mark.parametrize("text", ["", "voucher", "voucher:0", "voucher:1;registry:2", "nobody:3", "voucher:-1", "voucher:1x"])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(NotAPosition):
        positions_of(text)
    assert positions_of("voucher:12, registry:3") == {"voucher": 12, "registry": 3}


# -- why -----------------------------------------------------------------------------------------------


def known(source: str, position: int, event: Event, minutes: int, seen: dict[str, int] | None = None) -> Known:
    return Known(source, position, type(event).__name__, AT + timedelta(minutes=minutes), DAY, seen or {}, "x", event)


def policy(version: int, effective_on: date) -> PolicyAdopted:
    return sample(PolicyAdopted).model_copy(update={"version": version, "effective_on": effective_on})


def catalogue(version: int, region: str | None) -> CataloguePublished:
    return sample(CataloguePublished).model_copy(update={"year": 2025, "version": version, "region": region})


ALLOCATED = sample(AllocationConfirmed).model_copy(update={"policy_version": 2})


def test_a_decision_is_explained_by_what_it_had_seen_and_by_nothing_later() -> None:
    context = [
        known("registry", 1, policy(1, date(2025, 1, 1)), 0),
        known("registry", 2, policy(2, DAY), 1),
        known("registry", 3, policy(3, DAY + timedelta(days=1)), 2),
        known("registry", 4, catalogue(1, None), 3),
        known("registry", 5, catalogue(1, "310118"), 4),
        known("registry", 6, catalogue(2, None), 5),
        known("registry", 9, policy(4, DAY), 6),
    ]
    decision = known("voucher", 5, ALLOCATED, 10, {"registry": 6})
    later = known("voucher", 6, sample(VoucherWithdrawn), 11, {"registry": 9})
    [reason] = reasons([known("voucher", 4, sample(VoucherApplied), 1), decision, later], context)
    assert reason.decision == decision
    assert reason.policy is not None and reason.policy.position == 2, "the one after is for tomorrow, the last was not seen"
    assert reason.policy_as_named is True
    assert reason.catalogue is not None and reason.catalogue.position == 5, "the region's own list goes before the common one"
    assert [(one.source, one.position) for one in reason.not_seen] == [("registry", 9)]
    assert ("voucher", 4) in {(one.source, one.position) for one in reason.known}
    assert ("voucher", 6) not in {(one.source, one.position) for one in (*reason.known, *reason.not_seen)}


def test_a_decision_that_names_another_version_than_the_one_in_force_is_shown() -> None:
    context = [known("registry", 1, policy(1, date(2025, 1, 1)), 0)]
    [reason] = reasons([known("voucher", 1, ALLOCATED, 1, {"registry": 1})], context)
    assert reason.policy_as_named is False
    [reason] = reasons([known("voucher", 1, ALLOCATED, 1)], context)
    assert (reason.policy, reason.policy_as_named, [one.position for one in reason.not_seen]) == (None, None, [1])


def test_refusals_and_approvals_are_decisions_too() -> None:
    case = [known("voucher", 1, sample(AllocationRefused), 1), known("settlement", 1, sample(RedemptionApproved), 2)]
    assert [reason.decision.type for reason in reasons(case, [])] == ["AllocationRefused", "RedemptionApproved"]


# -- what changed ------------------------------------------------------------------------------------


def documents(*classes: type[Event]) -> list[Document]:
    sources = {cls: next(iter(cls.SOURCES)) for cls in classes}
    return [sample_document(sources[cls], cls) for cls in classes]


def test_two_pictures_of_a_case_differ_in_what_happened_between() -> None:
    before = picture(documents(VoucherApplied, AllocationConfirmed))
    after = picture(documents(VoucherApplied, AllocationConfirmed, PayoutScheduled, PayoutHeld, PayoutSettled))
    assert before["allocation_fen"] == sample(AllocationConfirmed).amount_fen
    [change] = changes(before, after)
    assert (change.member, change.before, list(change.after.values())) == ("payouts", None, ["settled"])
    assert changes(after, after) == []


# -- what led to what ----------------------------------------------------------------------------------


def happened(
    number: int, cause: str, source: str = "voucher", role: str = "enterprise", name: str = "VoucherApplied"
) -> Happened:
    event_id, causation_id = uuid5(NAMESPACE, f"e{number}"), uuid5(NAMESPACE, cause)
    return Happened(event_id, causation_id, source, number, name, "2025-06-02", "somebody", role)


HISTORY = [
    happened(1, "c1"), happened(2, "c1"), happened(3, "e2", "settlement", "service"), happened(4, "e3", "audit", "service"),
    happened(5, "day", "voucher", "service"),
]


def test_commands_lead_to_events_and_events_to_events() -> None:
    found = graph(HISTORY)
    assert [(node.kind, node.position) for node in found.nodes] == [
        ("command", None), ("event", 1), ("event", 2), ("event", 3), ("event", 4), ("outside", None), ("event", 5)]
    assert [(str(edge.cause), str(edge.effect)) for edge in found.edges] == [
        (str(one.causation_id), str(one.event_id)) for one in HISTORY]
    ids = [node.id for node in found.nodes]
    assert all(ids.index(edge.cause) < ids.index(edge.effect) for edge in found.edges)


def test_the_drawing_is_sound_xml_with_a_box_for_each_node_and_an_arrow_for_each_edge() -> None:
    found = graph([*HISTORY, happened(6, "c2", name="<Odd & \"name\">")])
    drawing = ElementTree.fromstring(drawn(UUID(int=1), found))
    svg = "{http://www.w3.org/2000/svg}"
    assert len(drawing.findall(f"{svg}g")) == len(found.nodes)
    assert len(drawing.findall(f"{svg}path")) == len(found.edges)
    assert any("<Odd &" in (text.text or "") for text in drawing.iter(f"{svg}text"))
