"""The settlement agent (结算机构) the platform names for regions that entrust it. 三(五)"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field
from tongdui_events.document import Event, RegionCode, Stamp, Text
from tongdui_events.payments import AgentAppointed, AgentReplaced

from shared.kernel.commands import Command
from shared.kernel.decisions import Decided, NotFound, OutOfOrder, Refusal
from shared.kernel.fields import Day, each_once
from shared.kernel.folding import Fold


@dataclass(frozen=True, slots=True)
class Agent:
    """The regions an agent pays for, from a day on, and the day another took over."""

    regions: tuple[str, ...] = ()
    from_on: date | None = None
    replaced_on: date | None = None

    def pays_for(self, region: str, day: date) -> bool:
        begun = self.from_on is not None and self.from_on <= day
        over = self.replaced_on is not None and day >= self.replaced_on
        return region in self.regions and begun and not over


def evolve(agent: Agent, event: Event, stamp: Stamp) -> Agent:
    match event:
        case AgentAppointed():
            return Agent(event.regions, event.from_on)
        case AgentReplaced():
            return Agent(agent.regions, agent.from_on, event.on)
    return agent


AGENT = Fold("agent", "settlement", (AgentAppointed, AgentReplaced), Agent(), evolve)
"""Keyed by ``agent_id``."""


class AppointAgent(Command):
    """Name the settlement agent of some regions, from a day on; naming it again replaces its regions."""

    agent_id: UUID
    name: Text
    regions: Annotated[tuple[RegionCode, ...], Field(min_length=1, max_length=100), AfterValidator(each_once)]
    from_on: Day


class ReplaceAgent(Command):
    """Another agent takes over from a day on."""

    agent_id: UUID
    by: UUID
    on: Day


def appoint(command: AppointAgent) -> list[Decided]:
    """AgentAppointed."""
    return [Decided(command.agent_id, AgentAppointed(**command.model_dump()))]


def replace(agent: Agent, successor: Agent, command: ReplaceAgent) -> list[Decided] | Refusal:
    """AgentReplaced; the successor is named before."""
    if agent.from_on is None:
        return NotFound("agent_id", what="agent", id=command.agent_id)
    if successor.from_on is None or command.by == command.agent_id:
        return NotFound("by", what="agent", id=command.by)
    if agent.replaced_on is not None:
        return OutOfOrder("agent_id", state="replaced")
    return [Decided(command.agent_id, AgentReplaced(**command.model_dump()))]
