"""Approved redemptions in numbered public notices; objections hold one item. 三(四), 三(五)"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, NamedTuple
from uuid import UUID

from pydantic import Field
from tongdui_events.common import Flag, NoticeItem, NoticeNumbered
from tongdui_events.document import Event, RegionCode, Sha256, Stamp
from tongdui_events.settlement import PublicityPassed, RedemptionPublished
from tongdui_events.streams import notice_numbers_id

from services.settlement.domain import payouts
from services.settlement.domain.accounts import Account
from services.settlement.domain.case_facts import Case
from services.settlement.domain.payouts import Payout
from services.settlement.domain.redemption import Redemption
from services.settlement.domain.refusals import NoTermsKnown, PaymentInstructed, WrongRegion
from services.settlement.domain.registry_facts import Region
from services.settlement.domain.review import approval_withdrawn
from shared.kernel import public_notice
from shared.kernel.calendar import Calendar
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal
from shared.kernel.folding import Fold
from shared.kernel.public_notice import NOTICE_EVENTS, PublicNotice


def _numbered(last: int, event: Event, stamp: Stamp) -> int:
    return event.ordinal


NOTICE = Fold("notice", "settlement", NOTICE_EVENTS, PublicNotice(), public_notice.evolve)
"""Keyed by the notice's id."""
NUMBERS: Fold[int] = Fold("notice_numbers", "settlement", (NoticeNumbered,), 0, _numbered)
"""The last ordinal of a year; keyed by ``notice_numbers_id("settlement", year)``."""


class PublishNotice(Command):
    """The region's approved redemptions are made public; the length of the period is the region's."""

    notice_id: UUID
    region: RegionCode
    redemption_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=500)]


class RaiseObjection(Command):
    """Anyone objects to one item, until its payment is instructed."""

    notice_id: UUID
    objection_id: UUID
    item_id: UUID
    reason_sha256: Sha256


class RuleOnObjection(Command):
    """The paying region upholds or dismisses an objection; an item upheld is reviewed again."""

    notice_id: UUID
    objection_id: UUID
    upheld: Flag
    grounds_sha256: Sha256


class CloseNotice(Command):
    """The day after a last day: what nobody objected to has passed and is to be paid."""

    notice_id: UUID


class Item(NamedTuple):
    """What is known of one redemption of a notice."""

    redemption: Redemption
    case: Case
    name: str
    account: Account
    payout: Payout


def publish(
    notice: PublicNotice, last_number: int, items: Mapping[UUID, Item], region: Region, calendar: Calendar, today: date,
    principal: Principal, command: PublishNotice,
) -> list[Decided] | Refusal:
    """The next number, NoticePublished, RedemptionPublished per item. Raises UnknownYear."""
    if principal.region != command.region:
        return NotYours("region")
    policy = region.in_force(today)
    if policy is None:
        return NoTermsKnown("region")
    for redemption_id, item in items.items():
        if item.redemption.stage != "approved":
            return OutOfOrder("redemption_ids", state=f"{redemption_id} {item.redemption.stage}")
        if item.case.region != command.region:
            return WrongRegion("redemption_ids")
    terms = policy.terms
    last_day = public_notice.last_day(today, terms.notice_calendar_days, terms.notice_working_days, calendar)
    event = public_notice.publish(
        notice, notice_id=command.notice_id, number=public_notice.notice_number(today.year, last_number + 1),
        kind="redemption", items=[_listed(*known, command.region) for known in items.items()], opens_on=today,
        last_day_on=last_day, today=today,
    )
    if isinstance(event, Refusal):
        return event
    numbered = NoticeNumbered(year=today.year, ordinal=last_number + 1, notice_id=command.notice_id)
    return [
        Decided(notice_numbers_id("settlement", today.year), numbered),
        Decided(command.notice_id, event),
        *(
            Decided(rid, RedemptionPublished(redemption_id=rid, notice_id=command.notice_id), item.redemption.voucher_id)
            for rid, item in items.items()
        ),
    ]


def _listed(redemption_id: UUID, item: Item, region: str) -> NoticeItem:
    return NoticeItem(
        item_id=redemption_id, case_id=item.redemption.voucher_id, name=item.name or item.case.payee_uscc, region=region,
        amount_fen=item.redemption.amount_fen,
    )


def raise_objection(
    notice: PublicNotice, payout: Payout, case_id: UUID | None, today: date, command: RaiseObjection
) -> list[Decided] | Refusal:
    """ObjectionRaised; a payment not yet instructed waits."""
    if payout.stage not in ("none", "scheduled", "held"):
        return PaymentInstructed("item_id")
    event = public_notice.raise_objection(
        notice, objection_id=command.objection_id, item_id=command.item_id, reason_sha256=command.reason_sha256,
        today=today, after_last_day=True,
    )
    return event if isinstance(event, Refusal) else [Decided(command.notice_id, event, case_id)]


def rule(
    notice: PublicNotice, item: Item | None, principal: Principal, command: RuleOnObjection
) -> list[Decided] | Refusal:
    """Dismissed, or upheld: the approval is withdrawn and a payment not instructed cancelled."""
    if item is None:
        return NotFound("objection_id", what="objection", id=command.objection_id)
    if principal.region != item.case.region:
        return NotYours("objection_id")
    event = public_notice.rule_on_objection(
        notice, objection_id=command.objection_id, upheld=command.upheld, grounds_sha256=command.grounds_sha256
    )
    if isinstance(event, Refusal):
        return event
    decided = [Decided(command.notice_id, event, item.redemption.voucher_id)]
    if command.upheld and item.redemption.stage in ("published", "passed"):
        item_id = notice.objections[command.objection_id].item_id
        decided.append(approval_withdrawn(item.redemption, item_id, "objection_upheld"))
        decided += payouts.cancel(item.payout, item.redemption.voucher_id, "objection_upheld")
    return decided


def close(
    notice: PublicNotice, items: Mapping[UUID, Item], regions: Mapping[str, Region], today: date, command: CloseNotice
) -> list[Decided] | Refusal:
    """NoticeClosed; per item that passed PublicityPassed and its payout, in one transaction."""
    event = public_notice.close(notice, today=today)
    if isinstance(event, Refusal):
        return event
    decided = [Decided(command.notice_id, event)]
    for item_id in event.passed:
        item = items[item_id]
        policy = regions[item.case.region].in_force(today)
        if item.redemption.stage != "published" or item.redemption.notice_id != command.notice_id or policy is None:
            continue
        passed = PublicityPassed(redemption_id=item_id, notice_id=command.notice_id)
        decided.append(Decided(item_id, passed, item.redemption.voucher_id))
        decided.append(payouts.schedule(item_id, item.redemption, item.case, item.account, policy.terms))
    return decided
