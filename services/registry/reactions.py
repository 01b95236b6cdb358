"""What the registry does about other services' events, and what falls due by itself.

It listens to audit alone: a sanction bars its party from applying and suspends it as a provider; a
lifted one reinstates. A party unknown here is barred all the same, should it ever register.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tongdui_events.audit import SanctionDecided, SanctionLifted
from tongdui_events.document import Stamp
from tongdui_events.streams import enterprise_id, provider_id

from services.registry.domain import bars, providers
from services.registry.domain.enterprise_state import ENTERPRISE
from services.registry.domain.listing_notice import CloseNotice
from services.registry.domain.provider_state import PROVIDER
from shared.kernel.decisions import Decided, Refusal
from shared.runtime.desk import Desk
from shared.runtime.sweeps import Sweep


def sanction_decided(event: SanctionDecided, stamp: Stamp, desk: Desk) -> list[Decided] | Refusal:
    enterprise = desk.get(ENTERPRISE, enterprise_id(event.party_uscc))
    provider = desk.get(PROVIDER, provider_id(event.party_uscc))
    return bars.bar_by_sanction(enterprise, event) + providers.suspend_by_sanction(provider, event)


def sanction_lifted(event: SanctionLifted, stamp: Stamp, desk: Desk) -> list[Decided] | Refusal:
    enterprise = desk.get(ENTERPRISE, enterprise_id(event.party_uscc))
    provider = desk.get(PROVIDER, provider_id(event.party_uscc))
    reinstated = bars.reinstate_by_lifting(enterprise, event, desk.today)
    return reinstated + providers.reinstate_by_lifting(provider, event)


REACTIONS: dict[tuple[str, str], Callable[[Any, Stamp, Desk], list[Decided] | Refusal]] = {
    ("audit", "SanctionDecided"): sanction_decided,
    ("audit", "SanctionLifted"): sanction_lifted,
}

SWEEPS: list[Sweep] = [
    Sweep("close_notices", "notice_deadlines", lambda row, day: CloseNotice(notice_id=row["notice_id"])),
]
