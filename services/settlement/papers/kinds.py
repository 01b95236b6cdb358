"""The kinds of papers: which events each is made from, and when it counts as changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from tongdui_events.common import NoticeCorrected, NoticeItemDropped, NoticePublished, NoticeWithdrawn
from tongdui_events.document import Event
from tongdui_events.payments import BatchReleased, FundingOrdered, FundingReceived, FundingReturned, WindowClosed
from tongdui_events.settlement import (
    ApprovalWithdrawn,
    ClawbackCancelled,
    ClawbackOrdered,
    ClawbackProposed,
    RedemptionAdjusted,
    RedemptionApproved,
    RedemptionPassedOn,
    RedemptionRejected,
    RedemptionRequested,
    RedemptionResubmitted,
)

_REQUEST = (RedemptionRequested, RedemptionResubmitted, RedemptionPassedOn)


@dataclass(frozen=True)
class Kind:
    """One kind. ``events``: of the subject's own stream, whatever of these comes later has changed the paper. Where they
    name a region, ``of_region`` says that only those of the subject's region count."""

    name: str
    zh: str
    events: tuple[type[Event], ...]
    of_region: bool = False

    def concerns(self, event: Event, subject: str) -> bool:
        """Whether the paper of ``subject`` would say something of this event."""
        region = getattr(event, "region", None) if self.of_region else None
        return region is None or subject.endswith(f"/{region}")

    @property
    def template(self) -> str:
        return f"{self.name}.xml"


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("request", "兑付申请表", _REQUEST),
        Kind("undertaking", "承诺书", _REQUEST),
        Kind("decision", "兑付审核决定通知书", (RedemptionApproved, RedemptionRejected, ApprovalWithdrawn, RedemptionAdjusted)),
        Kind("letter", "追回通知书", (ClawbackProposed, ClawbackOrdered, ClawbackCancelled)),
        Kind("attachment", "公示附件", (NoticePublished, NoticeCorrected, NoticeWithdrawn, NoticeItemDropped)),
        Kind("list", "拨付汇总表", (BatchReleased,)),
        Kind("statement", "结算单", (WindowClosed, FundingOrdered, FundingReceived, FundingReturned), of_region=True),
    )
}
OfRedemption = Literal["request", "undertaking", "decision"]


@dataclass(frozen=True)
class Facts:
    """What one paper says, as of one event. ``members`` are what its template names; sums in fen, days as ISO dates.

    ``stream`` and ``version``: the last event it was made from; ``subject`` says which of a stream's papers it is.
    ``number`` and ``sum_fen`` are told to whoever verifies the paper.
    """

    kind: str
    subject: str
    stream: UUID
    version: int
    number: str
    sum_fen: int
    members: dict[str, Any]
