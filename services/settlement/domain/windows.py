"""Across regions: what an agent pays out for each region is fixed by windows (结算期) and funded by the region. 三(五)

A payment of an agent's is booked for its region the day it is scheduled, money that was recovered the day it came. When
a window closes each region's payables and recoveries are fixed, gross, and the region is asked for the payables. Until
that money has come nothing more of the region is released by the agent; other regions' payments go on. What is booked
later falls into the next window. The agent is left with nothing: what it was given for a payment that was cancelled is
taken off what the region is asked for next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Annotated, Literal, NamedTuple
from uuid import UUID, uuid5

from pydantic import Field
from tongdui_events.document import Event, PositiveFen, RegionCode, Stamp, Text
from tongdui_events.payments import (
    FundingOrdered,
    FundingReceived,
    FundingReturned,
    PayableBooked,
    PayableDropped,
    PositionFixed,
    PositionFunded,
    PositionReturned,
    PositionSettled,
    RecoveryBooked,
    WindowClosed,
    WindowPosition,
    WindowSettled,
)
from tongdui_events.streams import position_id

from services.settlement.domain.agents import Agent
from services.settlement.domain.payouts import Payout
from services.settlement.domain.people import is_the_platform
from services.settlement.domain.refusals import AnsweredTomorrow
from services.settlement.domain.registry_facts import Region
from services.settlement.domain.window_refusals import MoreThanAsked, NothingInWindow, StillToPay, WindowNotOver
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal
from shared.kernel.fields import Day
from shared.kernel.folding import Fold

Length = Literal["day", "week", "month"]
LENGTHS: tuple[Length, ...] = ("day", "week", "month")


class Item(NamedTuple):
    """One payment, or one recovery, that waits for its window to close."""

    fen: int
    booked_on: date


@dataclass(frozen=True, slots=True)
class Position:
    """One region with its agent. ``payable`` by payout and ``recovered`` wait for a window; ``fixed`` are the payments of
    each closed window that is not settled, with their sums; ``unfunded`` what is still to come for which window;
    ``kept_fen`` what the agent was given and no longer needs."""

    payable: Mapping[UUID, Item] = field(default_factory=dict)
    recovered: tuple[Item, ...] = ()
    fixed: Mapping[UUID, Mapping[UUID, int]] = field(default_factory=dict)
    unfunded: frozenset[UUID] = frozenset()
    kept_fen: int = 0

    def due(self, closes_on: date) -> WindowPosition:
        """What a window that ends on that day has of this region."""
        payable = sum(item.fen for item in self.payable.values() if item.booked_on <= closes_on)
        recovered = sum(item.fen for item in self.recovered if item.booked_on <= closes_on)
        return WindowPosition(payable_fen=payable, recovered_fen=recovered)


def _positioned(position: Position, event: Event, stamp: Stamp) -> Position:
    match event:
        case PayableBooked():
            booked = {**position.payable, event.payout_id: Item(event.amount_fen, stamp.business_day)}
            return replace(position, payable=booked)
        case RecoveryBooked():
            return replace(position, recovered=(*position.recovered, Item(event.amount_fen, stamp.business_day)))
        case PayableDropped():
            return _dropped(position, event.payout_id)
        case PositionFixed():
            return _fixed(position, event)
        case PositionFunded():
            return replace(position, unfunded=position.unfunded - {event.window_id})
        case PositionReturned():
            return _returned(position, event, stamp)
        case PositionSettled():
            fixed = {id_: payouts for id_, payouts in position.fixed.items() if id_ != event.window_id}
            return replace(position, fixed=fixed)
    return position


def _fixed(position: Position, event: PositionFixed) -> Position:
    taken = {id_: item for id_, item in position.payable.items() if item.booked_on <= event.closes_on}
    return replace(
        position,
        payable={id_: item for id_, item in position.payable.items() if id_ not in taken},
        recovered=tuple(item for item in position.recovered if item.booked_on > event.closes_on),
        fixed={**position.fixed, event.window_id: {id_: item.fen for id_, item in taken.items()}},
        unfunded=position.unfunded | ({event.window_id} if event.asked_fen else frozenset()),
        kept_fen=position.kept_fen - (event.payable_fen - event.asked_fen),
    )


def _returned(position: Position, event: PositionReturned, stamp: Stamp) -> Position:
    """What was not paid waits for a window of the successor's; nothing is kept by the predecessor."""
    fixed = position.fixed.get(event.window_id, {})
    again = {id_: Item(fixed[id_], stamp.business_day) for id_ in event.payout_ids if id_ in fixed}
    return replace(
        position,
        payable={**position.payable, **again},
        fixed={id_: payouts for id_, payouts in position.fixed.items() if id_ != event.window_id},
        unfunded=position.unfunded - {event.window_id},
        kept_fen=0,
    )


def _dropped(position: Position, payout_id: UUID) -> Position:
    """Before its window closed it never was; afterwards the agent has, or is given, money it will not need."""
    if payout_id in position.payable:
        return replace(position, payable={id_: one for id_, one in position.payable.items() if id_ != payout_id})
    given = sum(payouts.get(payout_id, 0) for payouts in position.fixed.values())
    fixed = {
        window: {id_: fen for id_, fen in payouts.items() if id_ != payout_id} for window, payouts in position.fixed.items()
    }
    return replace(position, fixed=fixed, kept_fen=position.kept_fen + given)


POSITION: Fold[Position] = Fold(
    "position",
    "settlement",
    (PayableBooked, PayableDropped, RecoveryBooked, PositionFixed, PositionFunded, PositionReturned, PositionSettled),
    Position(),
    _positioned,
    snapshot_every=500,
)
"""Keyed by ``position_id(region)``."""


@dataclass(frozen=True, slots=True)
class Window:
    """One closed window: its agent, what each region was asked for and what came of it, in fen."""

    window_id: UUID | None = None
    agent_id: UUID | None = None
    asked: Mapping[str, int] = field(default_factory=dict)
    received: Mapping[str, int] = field(default_factory=dict)
    regions: tuple[str, ...] = ()
    settled: bool = False

    def missing_fen(self, region: str) -> int:
        return self.asked.get(region, 0) - self.received.get(region, 0)


def _windowed(window: Window, event: Event, stamp: Stamp) -> Window:
    match event:
        case WindowClosed():
            return Window(event.window_id, event.agent_id, regions=tuple(event.positions))
        case FundingOrdered():
            return replace(window, asked={**window.asked, event.region: event.amount_fen})
        case FundingReceived():
            come = window.received.get(event.region, 0) + event.amount_fen
            return replace(window, received={**window.received, event.region: come})
        case FundingReturned():
            left = {event.region: window.received.get(event.region, 0) - event.amount_fen}
            return replace(window, received={**window.received, **left}, asked={**window.asked, **left})
        case WindowSettled():
            return replace(window, settled=True)
    return window


WINDOW: Fold[Window] = Fold(
    "window", "settlement", (WindowClosed, FundingOrdered, FundingReceived, FundingReturned, WindowSettled), Window(), _windowed
)
"""Keyed by ``window_id``."""


class CloseWindow(Command):
    """Fix what the regions of an agent owe and got back by a last day. Asked by the platform once that day is over."""

    agent_id: UUID
    length: Length
    closes_on: Day


class RecordFunding(Command):
    """The agent got a region's money for a window, whole or in part."""

    window_id: UUID
    region: RegionCode
    amount_fen: PositiveFen
    received_on: Day
    reference: Annotated[Text, Field(min_length=1, max_length=80)]


class SettleWindow(Command):
    """A window is done once every region's money came and every payment was made or given up. Asked by the platform."""

    window_id: UUID


# -- booking -----------------------------------------------------------------------------------


def booked(payout_id: UUID, region: str, channel: str, amount_fen: int, voucher_id: UUID | None) -> list[Decided]:
    """PayableBooked, of a payment the agent is to make."""
    if channel != "agent" or not amount_fen:
        return []
    event = PayableBooked(region=region, payout_id=payout_id, amount_fen=amount_fen)
    return [Decided(position_id(region), event, voucher_id)]


def recovery_booked(clawback_id: UUID, region: str, amount_fen: int, voucher_id: UUID | None) -> Decided:
    """RecoveryBooked, of money that came back."""
    event = RecoveryBooked(region=region, clawback_id=clawback_id, amount_fen=amount_fen)
    return Decided(position_id(region), event, voucher_id)


# -- periods -----------------------------------------------------------------------------------


def last_end(length: Length, day: date) -> date:
    """The last day of the latest period that is over on a day. A week ends on Sunday."""
    if length == "day":
        return day - timedelta(days=1)
    return day - timedelta(days=day.isoweekday()) if length == "week" else day.replace(day=1) - timedelta(days=1)


def first_day(length: Length, closes_on: date) -> date:
    """The first day of the period that ends on a day."""
    if length == "day":
        return closes_on
    return closes_on - timedelta(days=6) if length == "week" else closes_on.replace(day=1)


def window_id(agent_id: UUID, length: Length, closes_on: date) -> UUID:
    """There is one, whoever computes it."""
    return uuid5(agent_id, f"window/{length}/{closes_on}")


# -- deciding ----------------------------------------------------------------------------------


class Side(NamedTuple):
    """One region of an agent: its code, its terms, where it stands."""

    code: str
    region: Region
    position: Position


def close(
    window: Window, agent: Agent, sides: Sequence[Side], today: date, principal: Principal, command: CloseWindow
) -> list[Decided] | Refusal:
    """WindowClosed with the position of every region whose terms have windows of that length; FundingOrdered and
    PositionFixed for each. Nothing where nothing was booked."""
    refusal = is_the_platform(principal)
    if refusal:
        return refusal
    if agent.from_on is None:
        return NotFound("agent_id", what="agent", id=command.agent_id)
    if window.window_id is not None:
        return OutOfOrder("closes_on", state="closed")
    if command.closes_on >= today or command.closes_on != last_end(command.length, command.closes_on + timedelta(days=1)):
        return WindowNotOver("closes_on", closes_on=command.closes_on)
    mine = [side for side in sides if _closes_for(side, agent, command, today)]
    positions = {side.code: side.position.due(command.closes_on) for side in mine}
    positions = {code: due for code, due in positions.items() if due.payable_fen or due.recovered_fen}
    if not positions:
        return NothingInWindow("closes_on", closes_on=command.closes_on)
    identity = window_id(command.agent_id, command.length, command.closes_on)
    closed = WindowClosed(
        window_id=identity,
        opens_on=first_day(command.length, command.closes_on),
        closes_on=command.closes_on,
        positions=positions,
        agent_id=command.agent_id,
    )
    fixed = [_asked(identity, side, positions[side.code], command.closes_on) for side in mine if side.code in positions]
    return [Decided(identity, closed), *(one for asked in fixed for one in asked)]


def _closes_for(side: Side, agent: Agent, command: CloseWindow, today: date) -> bool:
    """The agent pays for the region by now, and the region's terms of that last day have windows of that length."""
    terms = side.region.in_force(command.closes_on)
    return agent.pays_for(side.code, today) and terms is not None and terms.terms.window == command.length


def _asked(identity: UUID, side: Side, due: WindowPosition, closes_on: date) -> list[Decided]:
    """What the agent has left of the region is used first."""
    asked = due.payable_fen - min(side.position.kept_fen, due.payable_fen)
    fixed = PositionFixed(
        region=side.code,
        window_id=identity,
        closes_on=closes_on,
        payable_fen=due.payable_fen,
        recovered_fen=due.recovered_fen,
        asked_fen=asked,
    )
    ordered = FundingOrdered(window_id=identity, region=side.code, amount_fen=asked)
    return [*([Decided(identity, ordered)] if asked else []), Decided(position_id(side.code), fixed)]


def fund(window: Window, today: date, principal: Principal, command: RecordFunding) -> list[Decided] | Refusal:
    """FundingReceived; and PositionFunded with the last of it."""
    if window.window_id is None:
        return NotFound("window_id", what="window", id=command.window_id)
    if principal.role != "agent" or principal.member_of != window.agent_id:
        return NotYours("window_id")
    missing = window.missing_fen(command.region)
    if command.amount_fen > missing:
        return MoreThanAsked("amount_fen", amount_fen=command.amount_fen, missing_fen=missing)
    if command.received_on > today:
        return AnsweredTomorrow("received_on", on=command.received_on)
    told = Decided(command.window_id, FundingReceived(**command.model_dump()))
    funded = PositionFunded(region=command.region, window_id=command.window_id)
    whole = [Decided(position_id(command.region), funded)] if command.amount_fen == missing else []
    return [told, *whole]


def settle(
    window: Window, payouts: Sequence[Payout], principal: Principal, command: SettleWindow
) -> list[Decided] | Refusal:
    """WindowSettled, PositionSettled for each region. ``payouts``: those fixed in the window."""
    refusal = is_the_platform(principal)
    if refusal:
        return refusal
    if window.window_id is None:
        return NotFound("window_id", what="window", id=command.window_id)
    if window.settled:
        return OutOfOrder("window_id", state="settled")
    missing = sum(window.missing_fen(region) for region in window.regions)
    open_ = sum(payout.stage not in ("settled", "cancelled") for payout in payouts)
    if missing or open_:
        return StillToPay("window_id", missing_fen=missing, open=open_)
    ended = [PositionSettled(region=region, window_id=command.window_id) for region in window.regions]
    return [
        Decided(command.window_id, WindowSettled(window_id=command.window_id)),
        *(Decided(position_id(event.region), event) for event in ended),
    ]
