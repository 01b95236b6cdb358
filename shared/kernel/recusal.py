"""回避: an officer who has an interest in a matter stays out of it; once recorded, it is refused to that person. 二(六)"""

from __future__ import annotations

from uuid import UUID

from tongdui_events.common import RecusalRecorded, Subject

from shared.kernel.commands import Principal
from shared.kernel.decisions import Decided, Refusal


class Recused(Refusal):
    status = 403
    section = "二(六)"
    zh = "您已回避本案,不得办理"
    en = "you were recused from this matter"


class RecusesAnother(Refusal):
    status = 403
    section = "二(六)"
    zh = "只有区域主管部门可以决定他人回避"
    en = "only the region's department recuses somebody else"


def recuse(
    kind: str, subject_id: UUID, case_id: UUID | None, recused: frozenset[str], principal: Principal, actor: str | None,
    reason: str,
) -> list[Decided] | Refusal:  # fmt: skip
    """RecusalRecorded in the matter's own stream; nothing where that person is out of it already."""
    who = actor or principal.sub
    if who != principal.sub and principal.role != "regional_officer":
        return RecusesAnother("recused_actor")
    if who in recused:
        return []
    event = RecusalRecorded(subject=Subject(kind=kind, id=str(subject_id)), recused_actor=who, reason=reason)
    return [Decided(subject_id, event, case_id)]
