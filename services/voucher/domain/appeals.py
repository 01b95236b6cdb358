"""Every refusal can be appealed, within the region's days; another person decides. 三, 二(六)

Appealed are the refusal of an application or an allocation and the voiding of a voucher. While an appeal is open
nothing expires; what the case holds it keeps.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from tongdui_events.common import AppealDecided, AppealLodged, Subject
from tongdui_events.document import Sha256

from services.voucher.domain.application import issued
from services.voucher.domain.refusals import AppealTooLate, NoTermsInForce, NothingToAppeal, SamePerson
from services.voucher.domain.registry_facts import Provider, Region
from services.voucher.domain.reinstatement import Again, reinstated
from services.voucher.domain.voucher import Ruling, Voucher
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal


class LodgeAppeal(Command):
    """Appeal against the last decision on the case, by one of its parties."""

    voucher_id: UUID
    appeal_id: UUID
    grounds_sha256: Sha256


class DecideAppeal(Command):
    """Uphold or dismiss an appeal; never by the person whose decision it is against."""

    voucher_id: UUID
    appeal_id: UUID
    outcome: Literal["upheld", "dismissed"]
    grounds_sha256: Sha256


class Bench(NamedTuple):
    """What an appeal is decided by. ``again``: what a voided voucher needs to live on."""

    region: Region
    provider: Provider
    again: Again
    today: date


def lodge(voucher: Voucher, region: Region, today: date, principal: Principal, command: LodgeAppeal) -> list[Decided] | Refusal:
    """AppealLodged."""
    if voucher.stage == "unknown":
        return NotFound("voucher_id", what="voucher", id=command.voucher_id)
    if voucher.party_of(principal.uscc) is None:
        return NotYours("voucher_id")
    if voucher.ruling is None or voucher.open_appeals:
        return NothingToAppeal("voucher_id")
    last = last_day(voucher, region)
    if last is None or today > last:
        return AppealTooLate("voucher_id", last=last)
    event = AppealLodged(
        appeal_id=command.appeal_id, subject=_subject(voucher.ruling, command.voucher_id), grounds_sha256=command.grounds_sha256
    )
    return [Decided(command.voucher_id, event, command.voucher_id)]


def last_day(voucher: Voucher, region: Region) -> date | None:
    """The last day to appeal against the latest decision; None where there is none."""
    if voucher.ruling is None:
        return None
    policy = region.in_force(voucher.ruling.on)
    return voucher.ruling.on + timedelta(days=policy.terms.appeal_days if policy else 0)


def decide(voucher: Voucher, bench: Bench, principal: Principal, command: DecideAppeal) -> list[Decided] | Refusal:
    """AppealDecided; upheld, with what the refusal had withheld."""
    if command.appeal_id not in voucher.open_appeals or voucher.ruling is None:
        return NotFound("appeal_id", what="open appeal", id=command.appeal_id)
    if principal.region != voucher.region:
        return NotYours("voucher_id")
    if voucher.ruling.by & principal.persons:
        return SamePerson("appeal_id")
    event = AppealDecided(
        appeal_id=command.appeal_id,
        subject=_subject(voucher.ruling, command.voucher_id),
        outcome=command.outcome,
        grounds_sha256=command.grounds_sha256,
    )
    granted = _granted(voucher, bench, command) if command.outcome == "upheld" else []
    if isinstance(granted, Refusal):
        return granted
    return [Decided(command.voucher_id, event, command.voucher_id), *granted]


def _granted(voucher: Voucher, bench: Bench, command: DecideAppeal) -> list[Decided] | Refusal:
    """A refused allocation is asked of the centre again; the others take effect here."""
    kind = voucher.ruling.kind if voucher.ruling else "allocation"
    if kind == "allocation":
        return []
    if kind == "void":
        return reinstated(voucher, command.voucher_id, bench.again, "appeal_upheld", str(command.appeal_id))
    policy = bench.region.in_force(bench.today)
    if policy is None:
        return NoTermsInForce("voucher_id")
    if voucher.stage != "refused":
        return OutOfOrder("voucher_id", state=voucher.stage)
    event = issued(command.voucher_id, voucher, bench.provider.province, policy, bench.today)
    return [Decided(command.voucher_id, event, command.voucher_id)]


def _subject(ruling: Ruling, voucher_id: UUID) -> Subject:
    return Subject(kind=ruling.kind, id=str(voucher_id))
