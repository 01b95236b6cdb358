"""Invariant 2: nothing is paid that was not public for its time without an open objection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from tests.invariants.history import Fact, History
from tests.invariants.policies_in_force import Policies
from tests.invariants.report import Report


@dataclass
class Item:
    """One item of one notice, with its own period."""

    published: Fact
    opens_on: str
    last_day_on: str
    open_objections: dict[str, Fact] = field(default_factory=dict)
    upheld: bool = False
    passed: bool = False


@dataclass
class Approval:
    """Where one redemption stands between approval and payment."""

    approved: Fact | None = None
    adjusted: Fact | None = None
    passed: tuple[Fact, Item] | None = None
    payouts: dict[str, str] = field(default_factory=dict)

    @property
    def since(self) -> Fact | None:
        """The approval, or the upward adjustment after it, that needs a notice of its own."""
        return self.adjusted or self.approved


class Publicity:
    """Folds the settlement log, transaction by transaction, and reports."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.items: dict[tuple[str, str], Item] = {}
        self.approvals: defaultdict[str, Approval] = defaultdict(Approval)
        self.payouts: dict[str, str] = {}

    def transaction(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            self._apply(fact)
        for fact in facts:
            if fact.type == "ObjectionUpheld":
                self._upheld_brings(fact)

    def _apply(self, fact: Fact) -> None:
        match fact.type:
            case "NoticePublished" | "NoticeCorrected":
                self._publish(fact)
            case "NoticeWithdrawn":
                self.items = {at: item for at, item in self.items.items() if at[0] != fact["notice_id"]}
            case "ObjectionRaised":
                self._raise(fact)
            case "ObjectionDismissed" | "ObjectionUpheld":
                self._rule(fact)
            case "NoticeClosed":
                self._close(fact)
            case _:
                self._redemption(fact)

    def _redemption(self, fact: Fact) -> None:
        match fact.type:
            case "RedemptionApproved":
                payouts = self.approvals[fact["redemption_id"]].payouts
                self.approvals[fact["redemption_id"]] = Approval(fact, payouts=payouts)
            case "ApprovalWithdrawn" | "RedemptionRejected":
                payouts = self.approvals[fact["redemption_id"]].payouts
                self.approvals[fact["redemption_id"]] = Approval(payouts=payouts)
            case "RedemptionAdjusted":
                if fact["by_fen"] > 0 and self.approvals[fact["redemption_id"]].passed:
                    self.approvals[fact["redemption_id"]].adjusted = fact
                    self.approvals[fact["redemption_id"]].passed = None
            case "PublicityPassed":
                self._pass(fact)
            case "PayoutScheduled":
                self.payouts[fact["payout_id"]] = fact["redemption_id"]
                self.approvals[fact["redemption_id"]].payouts[fact["payout_id"]] = "scheduled"
            case "PayoutCancelled" | "PayoutInstructed":
                self._payout(fact)
            case "RedemptionSettled":
                self._paid(fact, fact["redemption_id"], instructed=True)

    # -- notices -------------------------------------------------------------------------------

    def _publish(self, fact: Fact) -> None:
        for item in fact["items"]:
            at = (fact["notice_id"], item["item_id"])
            before = self.items.get(at)
            self.items[at] = Item(fact, fact["opens_on"], fact["last_day_on"],
                                  before.open_objections if before else {}, before.upheld if before else False)
            self.report.expect("2", fact.day <= fact["opens_on"] <= fact["last_day_on"], fact, "its period is no period")

    def _item(self, fact: Fact, item_id: str) -> Item | None:
        item = self.items.get((fact["notice_id"], item_id))
        self.report.expect("2", item is not None, fact, f"{item_id} is not on that notice")
        return item

    def _raise(self, fact: Fact) -> None:
        item = self._item(fact, fact["item_id"])
        if item is not None:
            item.open_objections[fact["objection_id"]] = fact

    def _rule(self, fact: Fact) -> None:
        item = self._item(fact, fact["item_id"])
        if item is not None:
            was_open = item.open_objections.pop(fact["objection_id"], None) is not None
            self.report.expect("2", was_open, fact, "the objection was not open")
            item.upheld |= fact.type == "ObjectionUpheld"

    def _close(self, fact: Fact) -> None:
        for item_id in fact["passed"]:
            item = self._item(fact, item_id)
            if item is not None:
                self._is_over(fact, item)
                item.passed = True
        for item_id in fact["held"]:
            item = self._item(fact, item_id)
            if item is not None:
                self.report.expect("2", bool(item.open_objections), fact, f"{item_id} is held by no objection")

    def _is_over(self, fact: Fact, item: Item) -> None:
        self.report.expect("2", fact.day > item.last_day_on, fact, f"the last day is {item.last_day_on}")
        self.report.expect("2", not item.open_objections, fact, f"open objections: {sorted(item.open_objections)}")
        self.report.expect("2", not item.upheld, fact, "an objection was upheld")

    # -- redemptions ---------------------------------------------------------------------------

    def _pass(self, fact: Fact) -> None:
        item = self._item(fact, fact["redemption_id"])
        approval = self.approvals[fact["redemption_id"]]
        if item is None or not self.report.expect("2", approval.since is not None, fact, "nothing is approved"):
            return
        self._is_over(fact, item)
        anew = item.published.position > approval.since.position
        self.report.expect("2", anew, fact, f"{item.published} is older than {approval.since}")
        approval.passed = (fact, item)

    def _payout(self, fact: Fact) -> None:
        redemption = self.payouts.get(fact["payout_id"])
        if not self.report.expect("2", redemption is not None, fact, "no such payout was scheduled"):
            return
        payouts = self.approvals[redemption].payouts
        if fact.type == "PayoutInstructed" and payouts[fact["payout_id"]] != "instructed":
            self._paid(fact, redemption, instructed=False)
        payouts[fact["payout_id"]] = "instructed" if fact.type == "PayoutInstructed" else "cancelled"

    def _paid(self, fact: Fact, redemption: str, *, instructed: bool) -> None:
        """An objection counts until the payment is instructed; a full offset is never instructed."""
        approval = self.approvals[redemption]
        if not self.report.expect("2", approval.since is not None, fact, "no approval stands"):
            return
        if not self.report.expect("2", approval.passed is not None, fact, f"no publicity passed since {approval.since}"):
            return
        _, item = approval.passed
        self.report.expect("2", fact.day > item.last_day_on, fact, f"the item's last day is {item.last_day_on}")
        was_instructed = instructed and "instructed" in approval.payouts.values()
        self.report.expect("2", was_instructed or not item.open_objections, fact,
                           f"open objections: {sorted(item.open_objections)}")

    def _upheld_brings(self, fact: Fact) -> None:
        """Nothing stands of what was approved under that notice, and what was scheduled is cancelled."""
        approval = self.approvals.get(fact["item_id"])
        if approval is None:
            return
        item = self.items.get((fact["notice_id"], fact["item_id"]))
        stands = approval.since is not None and item is not None and approval.since.position < item.published.position
        self.report.expect("2", not stands, fact, f"{approval.since} was not withdrawn with it")
        waiting = [payout for payout, state in approval.payouts.items() if state == "scheduled"]
        self.report.expect("2", not waiting, fact, f"payouts {waiting} were not cancelled with it")


def check(history: History, report: Report) -> None:
    publicity = Publicity(report)
    for transaction in history.transactions("settlement"):
        publicity.transaction(transaction)
    _periods(history, report)
    _listings(history, report)


def _periods(history: History, report: Report) -> None:
    """Each redemption's region asks for so many calendar and working days; opens_on is day 1."""
    policies = Policies(history)
    working = {fact["date"]: fact["working"] for fact in history.of("registry", "DayOpened")}
    for fact in history.of("settlement", "NoticePublished", "NoticeCorrected"):
        days = _days(fact["opens_on"], fact["last_day_on"])
        for region in sorted({item["region"] for item in fact["items"]}):
            version = policies.in_force(region, fact.day, fact.saw("registry"))
            if report.expect("2", version is not None, fact, f"{region} had no policy in force"):
                terms = policies.terms(region, version)
                report.expect("2", len(days) >= terms["notice_calendar_days"], fact, f"{region} asks for more calendar days")
                if all(day in working for day in days):
                    worked = sum(working[day] for day in days)
                    report.expect("2", worked >= terms["notice_working_days"], fact, f"{region} asks for more working days")


def _days(first: str, last: str) -> list[str]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [(start + timedelta(n)).isoformat() for n in range((end - start).days + 1)]


def _listings(history: History, report: Report) -> None:
    """A provider is listed by a notice that passed it."""
    listings = Publicity(report)
    for fact in history.of("registry"):
        if fact.type == "ProviderListed":
            item = listings.items.get((fact["notice_id"], fact.stream))
            if report.expect("2", item is not None, fact, "it is on no such notice"):
                listings._is_over(fact, item)
        elif fact.type.startswith(("Notice", "Objection")):
            listings._apply(fact)
