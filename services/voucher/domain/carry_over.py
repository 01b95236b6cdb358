"""The year's turn: holds charged in the year of payment move into the new year (结转), or are freed. 二(四)

What is charged in the year of allocation stays there. Presented vouchers are moved whatever the policy says.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from tongdui_events.document import Year
from tongdui_events.policy import PolicyTerms
from tongdui_events.voucher import HoldsCarriedOver, HoldTaken, VoucherVoided

from services.voucher.domain import ceilings, claims
from services.voucher.domain.allocation import Facts, wanted_of
from services.voucher.domain.ceilings import Wanted
from services.voucher.domain.refusals import NotPastItsLastDay
from services.voucher.domain.voucher import HOLDING, Hold, Voucher
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotYours, OutOfOrder, Refusal


class CarryOver(Command):
    """A new year has begun and everything paid in the old one is known."""

    voucher_id: UUID
    year: Year


def carry_over(
    voucher: Voucher, facts: Facts, heard_until: date | None, principal: Principal, command: CarryOver
) -> list[Decided] | Refusal:
    """HoldsCarriedOver with the holds moved; or with ``waiting``, and nothing moved, while they do not fit; or the voucher
    voided and its holds free, where the terms release at the year's end. ``heard_until``: settlement's day."""
    if principal.role != "service":
        return NotYours("voucher_id")
    if heard_until is None or heard_until.year < command.year:
        return NotPastItsLastDay("voucher_id")
    if voucher.stage not in HOLDING:
        return OutOfOrder("voucher_id", state=voucher.stage)
    policy = facts.region.in_force(heard_until)
    old = [hold for hold in voucher.holds if policy and hold.year < command.year and _charged_when_paid(hold, policy.terms)]
    if policy is None or not old:
        return [_kept(voucher, command, voucher.holds)]
    if policy.terms.year_end == "release" and voucher.stage != "presented":
        return _released(voucher, command.voucher_id)
    return _moved(voucher, old, wanted_of(voucher, facts, policy.terms, command.year), command)


def _charged_when_paid(hold: Hold, terms: PolicyTerms) -> bool:
    basis = terms.budget_year_basis if hold.kind == "region-year" else terms.quota_year_basis
    return basis == "payment"


def _moved(voucher: Voucher, old: list[Hold], wanted: list[Wanted], command: CarryOver) -> list[Decided]:
    """All or none: half a voucher is nobody's money."""
    places = {(one.kind, one.key): one for one in wanted}
    new = [places.get((hold.kind, hold.key)) for hold in old]
    fits = all(place is not None and place.left_fen >= hold.amount_fen for place, hold in zip(new, old, strict=True))
    if not fits:
        return [] if voucher.waits_for_budget else [_kept(voucher, command, voucher.holds, waiting=True)]
    moved = [hold._replace(year=command.year) for hold in old]
    holds = tuple(hold for hold in voucher.holds if hold not in old) + tuple(moved)
    return [
        *(term for place in new if place for term in place.set_if_new()),
        *ceilings.release(command.voucher_id, tuple(old), "carried_over"),
        _kept(voucher, command, holds),
        *(place.place(command.voucher_id, hold.amount_fen) for place, hold in zip(new, old, strict=True) if place),
    ]


def _kept(voucher: Voucher, command: CarryOver, holds: tuple[Hold, ...], waiting: bool = False) -> Decided:
    taken = tuple(HoldTaken(**hold._asdict()) for hold in holds)
    event = HoldsCarriedOver(voucher_id=command.voucher_id, year=command.year, holds=taken, waiting=waiting)
    return Decided(command.voucher_id, event, command.voucher_id)


def _released(voucher: Voucher, voucher_id: UUID) -> list[Decided]:
    voided = VoucherVoided(voucher_id=voucher_id, reason="released_at_the_years_end")
    return [
        Decided(voucher_id, voided, voucher_id),
        *ceilings.release(voucher_id, voucher.holds, "released_at_the_years_end"),
        *claims.release(voucher_id, voucher.lines),
    ]
