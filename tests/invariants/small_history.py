"""A whole history of a few cases, written by hand, and ways to spoil it.

One voucher is paid and partly clawed back, one is withdrawn after its allocation, one application is refused
and appealed; a provider is listed, a sanction decided. Everything in it holds; each test spoils one thing.
"""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid5

from tests.invariants.history import SOURCES, History, history_of

NAMESPACE = UUID("a1c3c0de-0000-5000-8000-000000000001")
REGION = "310118"
ENTERPRISE, PROVIDER = "91310118MA0TEXT048", "91320509MA0TEXT040"
PRICE, RATIO = 10_000_000, 3000
SUM = PRICE * RATIO // 10_000
TERMS = {
    "modes": ["tongdui"], "ratio_bp": {"testing": RATIO}, "item_ratio_bp": None, "allocation_cap_fen": None,
    "enterprise_year_cap_fen": 30_000_000, "region_year_budget_fen": 100_000_000, "provider_year_cap_fen": None,
    "controller_year_cap_fen": None, "rounding": "yuan", "amount_basis": "tax_inclusive", "partial_allocation": True,
    "notice_calendar_days": 7, "notice_working_days": 5,
}


def id_of(*parts: object) -> str:
    return str(uuid5(NAMESPACE, "/".join(map(str, parts))))


class Small:
    """Entries as in ``events.jsonl``, in the making and in the spoiling."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.today = date(2025, 3, 2)
        self._heads = dict.fromkeys(SOURCES, 0)
        self._versions: Counter[tuple[str, str]] = Counter()

    # -- writing -------------------------------------------------------------------------------

    def record(
        self, source: str, type_: str, stream: str, actor: str = "service", cause: str | None = None, **fields: Any
    ) -> str:
        """One event by ``actor``, having seen all there is; its event_id. No cause: a command of its own."""
        self._heads[source] += 1
        position = self._heads[source]
        self._versions[source, stream] += 1
        event_id = id_of("event", source, position)
        stamp = {
            "source": source, "type": type_, "schema": 1, "event_id": event_id, "originator_id": stream,
            "originator_version": self._versions[source, stream], "business_day": self.today.isoformat(),
            "occurred_at": f"{self.today}T01:00:00Z", "recorded_at": f"{self.today}T01:00:00Z",
            "actor": {"id": actor, "role": "centre", "region": None}, "case_id": None,
            "causation_id": cause or id_of("command", source, position),
            "seen": {other: head for other, head in self._heads.items() if other != source and head},
        }
        self.entries.append({"source": source, "position": position, "event": {**stamp, **fields}})
        return event_id

    def next_day(self) -> None:
        self.today += timedelta(days=1)
        day = self.today.isoformat()
        opened = self.record("registry", "DayOpened", id_of("days"), date=day, working=self.today.weekday() < 5)
        for source in SOURCES[1:]:
            self.record(source, "DayReached", id_of("days", source), cause=opened, date=day)

    # -- spoiling ------------------------------------------------------------------------------

    def find(self, type_: str, nth: int = 0) -> dict[str, Any]:
        """The document of the nth event of a type."""
        return self.entries[self._index(type_, nth)]["event"]

    def change(self, type_: str, nth: int = 0, **fields: Any) -> None:
        self.find(type_, nth).update(fields)

    def drop(self, type_: str, nth: int = 0) -> None:
        """Take an event out; the later ones of its log move up."""
        gone = self.entries.pop(self._index(type_, nth))
        for entry in self.entries:
            if entry["source"] == gone["source"] and entry["position"] > gone["position"]:
                entry["position"] -= 1

    def again(self, type_: str, nth: int = 0, after: str | None = None, after_nth: int = 0, **fields: Any) -> None:
        """A copy of an event with other fields, right after it or after another; by a command of its own
        unless ``causation_id`` is among the fields."""
        copy = deepcopy(self.entries[self._index(type_, nth)])
        at = self._index(after, after_nth) if after else self._index(type_, nth)
        copy["position"] = self.entries[at]["position"] + 1
        own = {"event_id": id_of("again", type_, nth, after), "causation_id": id_of("again", type_, nth)}
        copy["event"].update({**own, "business_day": self.entries[at]["event"]["business_day"], **fields})
        for entry in self.entries:
            if entry["source"] == copy["source"] and entry["position"] >= copy["position"]:
                entry["position"] += 1
        self.entries.insert(at + 1, copy)

    def _index(self, type_: str, nth: int) -> int:
        return [index for index, entry in enumerate(self.entries) if entry["event"]["type"] == type_][nth]

    @property
    def history(self) -> History:
        return history_of(self.entries)


# -- the story ---------------------------------------------------------------------------------


def small_history() -> Small:
    small = Small()
    small.next_day()
    _registry(small)
    _paid_voucher(small)
    _withdrawn_voucher(small)
    _refused_application(small)
    for _ in range(8):
        small.next_day()
    _payment(small)
    small.next_day()
    _settlement(small)
    _afterwards(small)
    return small


def _registry(small: Small) -> None:
    region = id_of("region", REGION)
    small.record("registry", "RegionJoined", region, region=REGION)
    for version, effective_on in ((1, "2025-03-03"), (2, "2025-04-01")):
        small.record("registry", "PolicyAdopted", region, region=REGION, version=version, effective_on=effective_on,
                     terms={**TERMS, "ratio_bp": {"testing": RATIO + version - 1}})
    item = {"code": "T-01", "name": "检测", "category": "testing", "unit_cap_fen": None, "exclusions": []}
    small.record("registry", "CataloguePublished", id_of("catalogue"), year=2025, region=None, version=1, items=[item])
    listed = {"item_id": id_of("provider", PROVIDER), "name": "示例检测中心", "region": "32"}
    small.record("registry", "NoticePublished", id_of("listing"), notice_id=id_of("listing"), number="1", kind="listing",
                 items=[listed], opens_on="2025-03-03", last_day_on="2025-03-10")


def _allocated_voucher(small: Small, voucher: str, price: int) -> None:
    parties = {"enterprise_uscc": ENTERPRISE, "provider_uscc": PROVIDER, "region": REGION, "mode": "tongdui"}
    small.record("voucher", "VoucherApplied", voucher, voucher_id=voucher, purpose="x", **parties)
    small.record("voucher", "VoucherIssued", voucher, voucher_id=voucher, listing_province="32", policy_version=1,
                 use_by="2025-06-01", redeem_by="2025-12-01", **parties)
    line = {"line_no": 1, "item_code": "T-01", "category": "testing", "amount_fen": price, "tax_bp": 600,
            "fingerprint": id_of("line", voucher)}
    command = id_of("contract", voucher)
    small.record("voucher", "ContractSubmitted", voucher, cause=command, voucher_id=voucher, contract_no="1", lines=[line],
                 amount_fen=price)
    small.record("voucher", "ContractClaimed", line["fingerprint"], cause=command, voucher_id=voucher,
                 fingerprint=line["fingerprint"])
    _allocation(small, voucher, price, parties)


def _allocation(small: Small, voucher: str, price: int, parties: dict[str, str]) -> None:
    command, amount = id_of("allocation", voucher), price * RATIO // 10_000
    named = [("enterprise-year", ENTERPRISE, "enterprise_year_cap_fen"), ("region-year", REGION, "region_year_budget_fen")]
    for kind, key, term in named:
        if not any(entry["event"].get("key") == key for entry in small.entries):
            small.record("voucher", "CeilingSet", id_of(kind, key), cause=command, kind=kind, key=key, year=2025,
                         wanted_fen=TERMS[term], limit_fen=TERMS[term])
    holds = [{"kind": kind, "key": key, "year": 2025, "amount_fen": amount} for kind, key, _ in named]
    counted = {"line_no": 1, "eligible_fen": price, "ratio_bp": RATIO, "amount_fen": amount, "reason": None}
    small.record("voucher", "AllocationConfirmed", voucher, "centre-1", command, voucher_id=voucher, amount_fen=amount,
                 contract_amount_fen=price, lines=[counted], steps=[{"rule": "rounding", "fen": amount}], holds=holds,
                 policy_version=1, catalogue_version=1, quota_year=2025, budget_year=2025, **parties)
    for hold in holds:
        small.record("voucher", "HoldPlaced", id_of(hold["kind"], hold["key"]), cause=command, voucher_id=voucher, **hold)


def _paid_voucher(small: Small) -> None:
    voucher, redemption, command = id_of("voucher", 1), id_of("redemption"), id_of("request")
    _allocated_voucher(small, voucher, PRICE)
    receipt = {"payer_uscc": ENTERPRISE, "payee_uscc": PROVIDER, "amount_fen": PRICE - SUM}
    done = {"line_no": 1, "performed_fen": PRICE, "invoiced_fen": PRICE}
    requested = small.record("settlement", "RedemptionRequested", redemption, cause=command, redemption_id=redemption,
                             voucher_id=voucher, lines=[done], receipts=[receipt], claimed_fen=SUM)
    small.record("settlement", "InvoiceClaimed", id_of("invoice"), cause=command, number="12345678901234567890",
                 redemption_id=redemption, allotted_fen=PRICE, total_fen=PRICE)
    small.record("voucher", "VoucherPresented", voucher, cause=requested, voucher_id=voucher, redemption_id=redemption,
                 allocation_fen=SUM)
    small.record("settlement", "RedemptionReviewed", redemption, "centre-1", redemption_id=redemption, amount_fen=SUM,
                 base_fen=PRICE)
    small.record("settlement", "RedemptionApproved", redemption, "officer-1", redemption_id=redemption, voucher_id=voucher,
                 region=REGION, amount_fen=SUM, payee_uscc=PROVIDER, mode="tongdui", policy_version=1)
    item = {"item_id": redemption, "name": "示例公司", "region": REGION, "amount_fen": SUM}
    small.record("settlement", "NoticePublished", id_of("notice"), notice_id=id_of("notice"), number="1", kind="redemption",
                 items=[item], opens_on="2025-03-04", last_day_on="2025-03-10")
    objection = {"notice_id": id_of("notice"), "objection_id": id_of("objection"), "item_id": redemption}
    small.record("settlement", "ObjectionRaised", id_of("notice"), **objection)
    small.record("settlement", "ObjectionDismissed", id_of("notice"), "officer-1", **objection)


def _withdrawn_voucher(small: Small) -> None:
    voucher, command = id_of("voucher", 2), id_of("withdrawal")
    _allocated_voucher(small, voucher, 5_000_000)
    small.record("voucher", "VoucherWithdrawn", voucher, cause=command, voucher_id=voucher)
    for kind, key in (("enterprise-year", ENTERPRISE), ("region-year", REGION)):
        small.record("voucher", "HoldReleased", id_of(kind, key), cause=command, voucher_id=voucher, held_fen=1_500_000,
                     reason="withdrawn")
    small.record("voucher", "ClaimReleased", id_of("line", voucher), cause=command, voucher_id=voucher,
                 fingerprint=id_of("line", voucher))


def _refused_application(small: Small) -> None:
    voucher, appeal = id_of("voucher", 3), id_of("appeal")
    small.record("voucher", "ApplicationRefused", voucher, "centre-1", voucher_id=voucher, reasons=["x"])
    subject = {"kind": "voucher", "id": voucher}
    small.record("voucher", "AppealLodged", appeal, "company", appeal_id=appeal, subject=subject)
    small.record("voucher", "AppealDecided", appeal, "officer-2", appeal_id=appeal, subject=subject, outcome="dismissed")


def _payment(small: Small) -> None:
    redemption, payout, batch, notice = id_of("redemption"), id_of("payout"), id_of("batch"), id_of("notice")
    closing, release = id_of("closing"), id_of("release")
    small.record("settlement", "NoticeClosed", notice, cause=closing, notice_id=notice, passed=[redemption], held=[])
    small.record("settlement", "PublicityPassed", redemption, cause=closing, redemption_id=redemption, notice_id=notice)
    small.record("settlement", "PayoutScheduled", payout, cause=closing, payout_id=payout, redemption_id=redemption,
                 voucher_id=id_of("voucher", 1), region=REGION, payee_uscc=PROVIDER, amount_fen=SUM, offset_fen=0)
    small.record("settlement", "PayoutHeld", payout, "officer-3", payout_id=payout, reason="finding")
    small.record("settlement", "PayoutFreed", payout, "officer-3", payout_id=payout, reason="finding")
    small.record("settlement", "BatchReleased", batch, "officer-3", release, batch_id=batch, message_id="M1", count=1,
                 total_fen=SUM)
    small.record("settlement", "PayoutInstructed", payout, "officer-3", release, payout_id=payout, batch_id=batch,
                 end_to_end_id="E1", attempt=1, amount_fen=SUM)
    listing = id_of("listed")
    small.record("registry", "NoticeClosed", id_of("listing"), cause=listing, notice_id=id_of("listing"),
                 passed=[id_of("provider", PROVIDER)], held=[])
    small.record("registry", "ProviderListed", id_of("provider", PROVIDER), cause=listing, uscc=PROVIDER,
                 notice_id=id_of("listing"))


def _settlement(small: Small) -> None:
    redemption, voucher, answer = id_of("redemption"), id_of("voucher", 1), id_of("answer")
    small.record("settlement", "PayoutSettled", id_of("payout"), cause=answer, payout_id=id_of("payout"),
                 redemption_id=redemption, end_to_end_id="E1", amount_fen=SUM)
    settled = small.record("settlement", "RedemptionSettled", redemption, cause=answer, redemption_id=redemption,
                           voucher_id=voucher, region=REGION, approved_fen=SUM, paid_fen=SUM, offset_fen=0)
    for kind, key in (("enterprise-year", ENTERPRISE), ("region-year", REGION)):
        small.record("voucher", "HoldConsumed", id_of(kind, key), cause=settled, voucher_id=voucher, amount_fen=SUM,
                     held_fen=SUM)
    small.record("voucher", "VoucherRedeemed", voucher, cause=settled, voucher_id=voucher, redemption_id=redemption,
                 amount_fen=SUM)


def _afterwards(small: Small) -> None:
    clawback, sanction = id_of("clawback"), id_of("sanction")
    about = {"clawback_id": clawback, "redemption_id": id_of("redemption"), "amount_fen": SUM // 2}
    small.record("settlement", "ClawbackProposed", clawback, "officer-4", **about)
    small.record("settlement", "ClawbackOrdered", clawback, "officer-5", region=REGION, **about)
    small.record("settlement", "RecoveryRecorded", clawback, clawback_id=clawback, region=REGION, amount_fen=SUM // 4,
                 method="repaid", fiscal_year=2025, reference="x")
    small.record("audit", "SanctionProposed", sanction, "auditor-1", sanction_id=sanction)
    small.record("audit", "SanctionDecided", sanction, "auditor-2", sanction_id=sanction)
