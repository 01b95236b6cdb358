"""When an agent was replaced: what it was sent and has not paid out goes back to the region, and its successor pays. 三(五)

The old agent releases nothing from its last day on, but answers what it released. Only what is proved unpaid is given back
and paid anew: a payment that is out, or of which nobody knows, waits for its answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field
from tongdui_events.document import Fen, RegionCode, Text
from tongdui_events.payments import FundingReturned, PositionReturned
from tongdui_events.streams import position_id

from services.settlement.domain.agents import Agent
from services.settlement.domain.payouts import Payout
from services.settlement.domain.refusals import AnsweredTomorrow
from services.settlement.domain.result_refusals import StillUnderWay
from services.settlement.domain.window_refusals import NotWhatIsLeft, StillAgent, StillToPay
from services.settlement.domain.windows import Position, Window
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal
from shared.kernel.fields import Day


class ReturnFunding(Command):
    """A replaced agent gives back what is left of a region's money for one of its windows, to the fen."""

    window_id: UUID
    region: RegionCode
    amount_fen: Fen
    returned_on: Day
    reference: Annotated[Text, Field(min_length=1, max_length=80)]


def give_back(
    window: Window, agent: Agent, position: Position, payouts: Mapping[UUID, Payout], today: date, principal: Principal,
    command: ReturnFunding,
) -> list[Decided] | Refusal:
    """FundingReturned, PositionReturned. ``payouts``: those fixed in the window for the region."""
    refusal = _may(window, agent, today, principal, command)
    if refusal:
        return refusal
    fixed = position.fixed.get(command.window_id)
    if fixed is None:
        return OutOfOrder("region", state="settled")
    under_way = sum(payout.stage in ("instructed", "uncertain") for payout in payouts.values())
    if under_way:
        return StillUnderWay("window_id", open=under_way)
    unpaid = tuple(id_ for id_ in fixed if payouts[id_].is_open)
    left = sum(fixed[id_] for id_ in unpaid) + position.kept_fen - window.missing_fen(command.region)
    if left < 0:
        return StillToPay("window_id", missing_fen=-left, open=0)
    if command.amount_fen != left:
        return NotWhatIsLeft("amount_fen", amount_fen=command.amount_fen, left_fen=left)
    back = FundingReturned(payout_ids=unpaid, **command.model_dump())
    waits = PositionReturned(region=command.region, window_id=command.window_id, payout_ids=unpaid)
    return [Decided(command.window_id, back), Decided(position_id(command.region), waits)]


def _may(window: Window, agent: Agent, today: date, principal: Principal, command: ReturnFunding) -> Refusal | None:
    if window.window_id is None:
        return NotFound("window_id", what="window", id=command.window_id)
    if principal.role != "agent" or principal.member_of != window.agent_id:
        return NotYours("window_id")
    if agent.replaced_on is None or today < agent.replaced_on:
        return StillAgent("window_id")
    if window.settled:
        return OutOfOrder("window_id", state="settled")
    return AnsweredTomorrow("returned_on", on=command.returned_on) if command.returned_on > today else None
