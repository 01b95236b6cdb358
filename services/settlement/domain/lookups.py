"""How one thing of a case is found from another: pure look-ups over whatever answers for a fold's streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from services.settlement.domain.case_facts import CASE, Case
from services.settlement.domain.clawbacks import CLAWBACK, Clawback, Paid
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


def payout_of(redemption: Redemption, get: Get) -> Payout:
    """The payment of the standing approval; an empty one before there is any."""
    return get(PAYOUT, redemption.payout_id) if redemption.payout_id else Payout()


def payouts_of(voucher_id: UUID, get: Get) -> list[Payout]:
    """The payments of the standing approvals of a case."""
    return [payout_of(redemption, get) for redemption in rounds_of(get(CASE, voucher_id), get)]


def clawbacks_of(redemption: Redemption, get: Get) -> list[Clawback]:
    """The recoveries of a redemption, in the order they were proposed."""
    return [get(CLAWBACK, clawback_id) for clawback_id in redemption.clawbacks]


def paid_of(redemption: Redemption, get: Get) -> Paid:
    """What was paid of a redemption, over all its payments."""
    year = redemption.settled_on.year if redemption.settled_on else None
    return Paid(sum(get(PAYOUT, payout_id).paid_fen for payout_id in redemption.payouts), year)
