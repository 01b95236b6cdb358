"""The numbered public notice of approved redemptions, from publishing to its close. 三(四), 三(五)

An item that passed leads to its payment in the same transaction; one that an objection holds passes at a
later close, once every objection was dismissed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, Field
from tongdui_events.common import NoticeItem, NoticeNumbered
from tongdui_events.document import Code, Event, RegionCode, Stamp
from tongdui_events.payments import PayoutHeld, PayoutScheduled
from tongdui_events.settlement import PublicityPassed, RedemptionPublished
from tongdui_events.streams import notice_numbers_id

from services.settlement.domain.accounts import Account
from services.settlement.domain.adjustments import supplement_allowed
from services.settlement.domain.case_facts import Case
from services.settlement.domain.offsets import NOTHING, Debt, chosen, planned
from services.settlement.domain.people import acts_for_region, is_the_platform
from services.settlement.domain.redemption import Redemption, payout_id
from services.settlement.domain.refusals import (
    AccountMissing,
    AlreadyInNotice,
    NoTermsInForce,
    ObjectionsOpen,
    SupplementNotAllowed,
)
from services.settlement.domain.registry_facts import Policy, Region
from services.settlement.domain.windows import booked
from shared.kernel import public_notice
from shared.kernel.calendar import Calendar
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal
from shared.kernel.fields import Day, each_once
from shared.kernel.folding import Fold
from shared.kernel.public_notice import NOTICE_EVENTS, PublicNotice

NOTICE: Fold[PublicNotice] = Fold("notice", "settlement", NOTICE_EVENTS, PublicNotice(), public_notice.evolve)
"""Keyed by ``notice_id``."""


def _numbered(ordinal: int, event: Event, stamp: Stamp) -> int:
    return event.ordinal if isinstance(event, NoticeNumbered) else ordinal


NUMBERS: Fold[int] = Fold("notice_numbers", "settlement", (NoticeNumbered,), 0, _numbered)
"""The last ordinal of a year; keyed by ``notice_numbers_id("settlement", year)``."""

RedemptionIds = Annotated[tuple[UUID, ...], Field(min_length=1, max_length=500), AfterValidator(each_once)]


class PublishNotice(Command):
    """Publish a numbered notice of a region's approved redemptions; or, of ``kind`` adjustment, of rises of what was paid
    that their vouchers allowed. It opens today, or on ``opens_on``; its length is the region's."""

    notice_id: UUID
    region: RegionCode
    redemption_ids: RedemptionIds
    opens_on: Day | None = None
    kind: Literal["redemption", "adjustment"] = "redemption"


class CorrectNotice(Command):
    """Publish some items anew as they stand now; theirs is a whole period again."""

    notice_id: UUID
    redemption_ids: RedemptionIds
    opens_on: Day | None = None


class WithdrawNotice(Command):
    """Take the whole notice back; what has not passed may be published again."""

    notice_id: UUID
    reason: Code


class CloseNotice(Command):
    """Let pass what nobody objects to. Asked by the platform, the day after a last day; ``due_on`` says which."""

    notice_id: UUID
    due_on: Day


class Candidate(NamedTuple):
    """One redemption to be published. ``name`` is its parties; ``standing`` the last notice it stood in."""

    redemption_id: UUID
    redemption: Redemption
    case: Case
    name: str
    standing: PublicNotice


class Passing(NamedTuple):
    """One redemption in a notice that closes. ``account`` and ``debts`` are the payee's, ``stops`` why its payment
    waits."""

    redemption: Redemption
    case: Case
    region: Region
    account: Account
    stops: frozenset[str]
    debts: Sequence[Debt] = ()


# -- publishing --------------------------------------------------------------------------------


def publish(
    notice: PublicNotice,
    last_number: int,
    candidates: Sequence[Candidate],
    region: Region,
    calendar: Calendar,
    today: date,
    principal: Principal,
    command: PublishNotice,
) -> list[Decided] | Refusal:
    """NoticeNumbered, NoticePublished, and RedemptionPublished for each. Raises UnknownYear."""
    refusal = acts_for_region(principal, command.region) or _publishable(candidates, command)
    policy = region.in_force(today)
    if refusal or policy is None:
        return refusal or NoTermsInForce()
    opens_on = command.opens_on or today
    published = public_notice.publish(
        notice,
        notice_id=command.notice_id,
        number=public_notice.notice_number(today.year, last_number + 1),
        kind=command.kind,
        items=[_item(candidate) for candidate in candidates],
        opens_on=opens_on,
        last_day_on=_last_day(opens_on, policy, calendar),
        today=today,
    )
    if isinstance(published, Refusal):
        return published
    numbered = NoticeNumbered(year=today.year, ordinal=last_number + 1, notice_id=command.notice_id)
    return [
        Decided(notice_numbers_id("settlement", today.year), numbered),
        Decided(command.notice_id, published),
        *(_published(candidate, command.notice_id) for candidate in candidates),
    ]


def correct(
    notice: PublicNotice,
    candidates: Sequence[Candidate],
    region: Region,
    calendar: Calendar,
    today: date,
    principal: Principal,
    command: CorrectNotice,
) -> list[Decided] | Refusal:
    """NoticeCorrected for the items named. Raises UnknownYear."""
    refusal = _of_region(notice, principal, command.notice_id)
    policy = region.in_force(today)
    if refusal or policy is None:
        return refusal or NoTermsInForce()
    opens_on = command.opens_on or today
    corrected = public_notice.correct(
        notice,
        items=[_item(candidate) for candidate in candidates],
        opens_on=opens_on,
        last_day_on=_last_day(opens_on, policy, calendar),
        today=today,
    )
    return corrected if isinstance(corrected, Refusal) else [Decided(command.notice_id, corrected)]


def withdraw(notice: PublicNotice, principal: Principal, command: WithdrawNotice) -> list[Decided] | Refusal:
    """NoticeWithdrawn. Open objections are ruled on first: they would be lost with the list."""
    refusal = _of_region(notice, principal, command.notice_id)
    if refusal:
        return refusal
    contested = next((id_ for id_, item in notice.items.items() if item.open_objections), None)
    if contested:
        return ObjectionsOpen("notice_id", redemption_id=contested)
    withdrawn = public_notice.withdraw(notice, reason=command.reason)
    return withdrawn if isinstance(withdrawn, Refusal) else [Decided(command.notice_id, withdrawn)]


def _published(candidate: Candidate, notice_id: UUID) -> Decided:
    event = RedemptionPublished(redemption_id=candidate.redemption_id, notice_id=notice_id)
    return Decided(candidate.redemption_id, event, candidate.redemption.voucher_id)


def _publishable(candidates: Sequence[Candidate], command: PublishNotice) -> Refusal | None:
    """Approved, or raised and allowed; of this region, in no notice that stands, with no objection of an earlier one
    open."""
    for redemption_id, redemption, case, _, standing in candidates:
        if redemption.stage == "unknown":
            return NotFound("redemption_ids", what="redemption", id=redemption_id)
        if case.region != command.region:
            return NotYours("redemption_ids")
        if command.kind == "adjustment" and not supplement_allowed(redemption, case):
            return SupplementNotAllowed("redemption_ids", redemption_id=redemption_id)
        if command.kind == "redemption" and redemption.stage != "approved":
            return OutOfOrder("redemption_ids", state=redemption.stage)
        if _notice_it_stands_in(redemption) is not None and not standing.withdrawn:
            return AlreadyInNotice("redemption_ids", redemption_id=redemption_id)
        before = standing.items.get(redemption_id)
        if before is not None and before.open_objections:
            return ObjectionsOpen("redemption_ids", redemption_id=redemption_id)
    return None


def _notice_it_stands_in(redemption: Redemption) -> UUID | None:
    return redemption.supplement_notice_id if redemption.settled else redemption.notice_id


def _sum_of(redemption: Redemption) -> int:
    """What its notice is about: the approved sum, or by how much that was raised afterwards."""
    return redemption.supplement_fen if redemption.settled else redemption.approved_fen


def region_of(notice: PublicNotice) -> str:
    """Whose notice it is; "" before it is published."""
    return next((item.item.region for item in notice.items.values()), "")


def _of_region(notice: PublicNotice, principal: Principal, notice_id: UUID) -> Refusal | None:
    if notice.number is None:
        return NotFound("notice_id", what="notice", id=notice_id)
    return acts_for_region(principal, region_of(notice))


def _item(candidate: Candidate) -> NoticeItem:
    """Parties, region, item and amount; nothing else becomes public."""
    return NoticeItem(
        item_id=candidate.redemption_id,
        case_id=candidate.redemption.voucher_id,
        name=candidate.name,
        region=candidate.case.region,
        amount_fen=_sum_of(candidate.redemption),
    )


def _last_day(opens_on: date, policy: Policy, calendar: Calendar) -> date:
    terms = policy.terms
    return public_notice.last_day(opens_on, terms.notice_calendar_days, terms.notice_working_days, calendar)


# -- closing -----------------------------------------------------------------------------------


def close(
    notice: PublicNotice, passings: Mapping[UUID, Passing], today: date, principal: Principal, command: CloseNotice
) -> list[Decided] | Refusal:
    """NoticeClosed; for each that passed PublicityPassed and PayoutScheduled, held at once where it must wait.

    ``passings``: by item. What the payee owes the region is set off (``offsets``), as far as the payments before it on
    the list leave something owed.
    """
    refusal = is_the_platform(principal)
    closed = refusal or public_notice.close(notice, today=today)
    if isinstance(closed, Refusal):
        return closed
    decided = [Decided(command.notice_id, closed)]
    taken: dict[UUID, int] = {}
    for item_id in closed.passed:
        scheduled = _scheduled(passings[item_id], item_id, command.notice_id, today, taken)
        if isinstance(scheduled, Refusal):
            return scheduled
        decided += scheduled
    return decided


def _scheduled(
    passing: Passing, redemption_id: UUID, notice_id: UUID, today: date, taken: dict[UUID, int]
) -> list[Decided] | Refusal:
    redemption, case, region, account, stops, debts = passing
    policy = region.version(redemption.policy_version)
    if account.confirmed is None or policy is None or case.voucher_id is None:
        return AccountMissing(uscc=redemption.payee_uscc) if policy else NoTermsInForce()
    due = payout_id(redemption_id, notice_id)
    due_fen = _sum_of(redemption)
    # what is set off is recovered with the redemption's settlement, which a rise has behind it
    offset = NOTHING if redemption.settled else chosen(debts, region.in_force(today), due_fen, today, taken)
    scheduled = PayoutScheduled(
        payout_id=due,
        redemption_id=redemption_id,
        voucher_id=case.voucher_id,
        region=case.region,
        payee_uscc=redemption.payee_uscc,
        amount_fen=due_fen - offset.fen,
        offset_fen=offset.fen,
        offset_clawback_id=offset.clawback_id,
        channel=getattr(policy.terms.channel, case.mode),
        account_hmac=account.confirmed.account_hmac,
        last4=account.confirmed.last4,
    )
    passed = PublicityPassed(redemption_id=redemption_id, notice_id=notice_id)
    return [
        Decided(redemption_id, passed, case.voucher_id),
        Decided(due, scheduled, case.voucher_id),
        *planned(offset, due, case.voucher_id),
        *booked(due, case.region, scheduled.channel, scheduled.amount_fen, case.voucher_id),
        *(Decided(due, PayoutHeld(payout_id=due, reason=reason), case.voucher_id) for reason in sorted(stops)),
    ]
