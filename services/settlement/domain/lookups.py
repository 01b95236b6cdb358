"""How one thing of a case is found from another: pure look-ups over whatever answers for a fold's streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from tongdui_events.streams import debtor_id

from services.settlement.domain.case_facts import CASE, Case
from services.settlement.domain.clawbacks import CLAWBACK, DEBTS, Clawback, Paid
from services.settlement.domain.offsets import Debt
from services.settlement.domain.payouts import PAYOUT, Payout
from services.settlement.domain.redemption import REDEMPTION, Redemption
from shared.kernel.folding import Fold

Get = Callable[[Fold[Any], UUID], Any]
"""``desk.get``: the state of one stream."""


def case_of(redemption: Redemption, get: Get) -> Case:
    """The case of a redemption, an empty one where it is unknown."""
    return get(CASE, redemption.voucher_id) if redemption.voucher_id else Case()


def rounds_of(case: Case, get: Get) -> list[Redemption]:
    """Every redemption the case's voucher has backed: nothing is reviewed before."""
    return [get(REDEMPTION, redemption_id) for redemption_id in case.presented]


def redemption_of(payout: Payout, get: Get) -> Redemption:
    return get(REDEMPTION, payout.redemption_id) if payout.redemption_id else Redemption()


def payments_of(redemption: Redemption, get: Get) -> list[Payout]:
    """The payments of the standing approval that were not cancelled; none before its publicity has passed."""
    if redemption.payout_id is None:
        return []
    every = (get(PAYOUT, payout_id) for payout_id in redemption.payouts)
    return [payout for payout in every if payout.stage not in ("cancelled", "unknown")]


def payouts_of(voucher_id: UUID, get: Get) -> list[Payout]:
    """The payments of the standing approvals of a case."""
    return [payout for redemption in rounds_of(get(CASE, voucher_id), get) for payout in payments_of(redemption, get)]


def clawbacks_of(redemption: Redemption, get: Get) -> list[Clawback]:
    """The recoveries of a redemption, in the order they were proposed."""
    return [get(CLAWBACK, clawback_id) for clawback_id in redemption.clawbacks]


def paid_of(redemption: Redemption, get: Get) -> Paid:
    """What was paid of a redemption, over all its payments and what was set off against them."""
    year = redemption.settled_on.year if redemption.settled_on else None
    payouts = [get(PAYOUT, payout_id) for payout_id in redemption.payouts]
    return Paid(sum(one.paid_fen + (one.offset_fen if one.offset_taken else 0) for one in payouts), year)


def debts_of(region: str, uscc: str, get: Get) -> list[Debt]:
    """What a debtor was ordered to pay back to a region, oldest first, with the year each was paid in."""
    owed = [get(CLAWBACK, clawback_id) for clawback_id in get(DEBTS, debtor_id(region, uscc))]
    return [Debt(one, _paid_in(one, get)) for one in owed]


def _paid_in(clawback: Clawback, get: Get) -> int | None:
    return paid_of(get(REDEMPTION, clawback.redemption_id), get).year if clawback.redemption_id else None
