"""Two bars at once: while any stands the enterprise is barred, so the later end counts. 二(六)"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from tongdui_events.registry import EnterpriseBarred, EnterpriseReinstated
from tongdui_events.streams import enterprise_id

from services.settlement.domain.registry_facts import ENTERPRISE as IN_SETTLEMENT
from services.voucher.domain.registry_facts import ENTERPRISE as IN_VOUCHER
from tests.unit.settlement_world import ENTERPRISE, World

LATER, SOONER = date(2026, 12, 31), date(2026, 6, 30)


def barred(number: int, until: date) -> EnterpriseBarred:
    return EnterpriseBarred(
        uscc=ENTERPRISE, from_on=date(2026, 3, 2), until=until, decision_no=f"决定{number}号", sanction_id=UUID(int=number)
    )


@pytest.mark.parametrize("fold", [IN_VOUCHER, IN_SETTLEMENT])
def test_of_two_bars_at_once_the_later_end_counts(fold: Any) -> None:
    world, stream = World(), enterprise_id(ENTERPRISE)
    stamp = world.fold("registry", stream, barred(1, LATER), None)
    enterprise = fold.initial
    for event in (barred(1, LATER), barred(2, SOONER)):
        enterprise = fold.evolve(enterprise, event, stamp)
    assert enterprise.barred_on(SOONER + timedelta(days=1))
    assert enterprise.barred_on(LATER) and not enterprise.barred_on(LATER + timedelta(days=1))
    lifted = EnterpriseReinstated(uscc=ENTERPRISE, decision_no="决定3号", sanction_id=UUID(int=1))
    assert not fold.evolve(enterprise, lifted, stamp).barred_on(SOONER)
