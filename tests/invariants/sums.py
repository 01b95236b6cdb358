"""Invariants 4 and 5: what is paid, taken back and offset stays within what was decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.invariants.history import Fact, History
from tests.invariants.report import Report

# -- the voucher's side of 4 -------------------------------------------------------------------


@dataclass
class Case:
    """What the voucher log says of one voucher."""

    contract: Fact | None = None
    allocations: list[Fact] = field(default_factory=list)
    presented: dict[str, Fact] = field(default_factory=dict)
    live: str | None = None
    redeemed: Fact | None = None

    def allocation_at(self, position: int) -> Fact | None:
        known = [fact for fact in self.allocations if fact.position <= position]
        return known[-1] if known else None


def cases_of(history: History, report: Report) -> dict[str, Case]:
    """Each voucher's case; reports what does not add up on the way."""
    cases: defaultdict[str, Case] = defaultdict(Case)
    for fact in history.of("voucher"):
        if "voucher_id" not in fact.document:
            continue
        case = cases[fact["voucher_id"]]
        match fact.type:
            case "ContractSubmitted" | "ContractAmended":
                _contract(fact, report)
                case.contract = fact
            case "AllocationConfirmed" | "AllocationCorrected":
                _allocate(fact, case, report)
            case "VoucherPresented":
                _present(fact, case, report)
            case "PresentationEnded" | "VoucherRedeemed":
                report.expect("4", case.live == fact["redemption_id"], fact, f"the live redemption is {case.live}")
                case.live = None
                case.redeemed = fact if fact.type == "VoucherRedeemed" else case.redeemed
    return cases


def _contract(fact: Fact, report: Report) -> None:
    total = sum(line["amount_fen"] for line in fact["lines"])
    report.expect("4", total == fact["amount_fen"], fact, f"its lines add up to {total}, not {fact['amount_fen']}")


def _allocate(fact: Fact, case: Case, report: Report) -> None:
    """amount ≤ Σ ratio × eligible; eligible within the contract's lines."""
    case.allocations.append(fact)
    if not report.expect("4", case.contract is not None, fact, "there is no contract"):
        return
    lines = {line["line_no"]: line["amount_fen"] for line in case.contract["lines"]}
    for line in fact["lines"]:
        within = 0 <= line["eligible_fen"] <= lines.get(line["line_no"], -1)
        report.expect("4", within, fact, f"line {line['line_no']}: {line['eligible_fen']} of {lines.get(line['line_no'])}")
    most = sum(line["eligible_fen"] * line["ratio_bp"] // 10_000 for line in fact["lines"])
    report.expect("4", fact["amount_fen"] <= most, fact, f"{fact['amount_fen']} allocated of {most} by ratio")
    report.expect("4", fact["contract_amount_fen"] == case.contract["amount_fen"], fact, "another contract's sum")


def _present(fact: Fact, case: Case, report: Report) -> None:
    report.expect("4", case.live is None, fact, f"{case.live} is presented already")
    allocation = case.allocation_at(fact.position)
    if report.expect("4", allocation is not None, fact, "nothing is allocated"):
        report.expect("4", fact["allocation_fen"] <= allocation["amount_fen"], fact,
                      f"{fact['allocation_fen']} presented of {allocation['amount_fen']} allocated")
    case.live = fact["redemption_id"]
    case.presented[fact["redemption_id"]] = fact


# -- the redemption ----------------------------------------------------------------------------


@dataclass
class Redemption:
    """What the settlement log says of one redemption."""

    voucher: str = ""
    reviewed: Fact | None = None
    approved: Fact | None = None
    raised_fen: int = 0
    settled: Fact | None = None
    paid_fen: int = 0
    payouts: dict[str, Fact] = field(default_factory=dict)
    lapsed: set[str] = field(default_factory=set)

    @property
    def offset_fen(self) -> int:
        """An offset that fell away counts for nothing, as does one of a cancelled payout."""
        return sum(payout["offset_fen"] for id_, payout in self.payouts.items() if id_ not in self.lapsed)


class Redemptions:
    """Folds the settlement log; 4 for every event, 5 at the end of every transaction."""

    def __init__(self, cases: dict[str, Case], report: Report) -> None:
        self.cases = cases
        self.report = report
        self.by_id: defaultdict[str, Redemption] = defaultdict(Redemption)
        self.of_payout: dict[str, str] = {}

    def apply(self, fact: Fact) -> None:
        match fact.type:
            case "RedemptionRequested":
                self.by_id[fact["redemption_id"]].voucher = fact["voucher_id"]
            case "RedemptionReviewed":
                self._review(fact)
            case "RedemptionApproved":
                self._approve(fact)
            case "RedemptionAdjusted":
                self.by_id[fact["redemption_id"]].raised_fen += max(fact["by_fen"], 0)
            case "PayoutScheduled":
                self.by_id[fact["redemption_id"]].payouts[fact["payout_id"]] = fact
                self.of_payout[fact["payout_id"]] = fact["redemption_id"]
                self._to_the_payee(fact)
                self._within_approved(fact, fact["redemption_id"])
            case "OffsetLapsed":
                self.by_id[self.of_payout.get(fact["payout_id"], "")].lapsed.add(fact["payout_id"])
            case "PayoutCancelled":
                self.by_id[self.of_payout.get(fact["payout_id"], "")].payouts.pop(fact["payout_id"], None)
            case "PayoutSettled":
                self.by_id[fact["redemption_id"]].paid_fen += fact["amount_fen"]
                self._within_approved(fact, fact["redemption_id"])
            case "PayoutReturned":
                self.by_id[fact["redemption_id"]].paid_fen -= fact["amount_fen"]
                self.report.expect("4", self.by_id[fact["redemption_id"]].paid_fen >= 0, fact, "more came back than was paid")
            case "RedemptionSettled":
                self._settle(fact)

    def _review(self, fact: Fact) -> None:
        redemption = self.by_id[fact["redemption_id"]]
        redemption.reviewed = fact
        presented = self.cases.get(redemption.voucher, Case()).presented.get(fact["redemption_id"])
        was_seen = presented is not None and presented.position <= fact.saw("voucher")
        if self.report.expect("4", was_seen, fact, "its voucher was not presented, as far as it saw"):
            self.report.expect("4", fact["amount_fen"] <= presented["allocation_fen"], fact,
                               f"{fact['amount_fen']} reviewed of {presented['allocation_fen']} presented")

    def _approve(self, fact: Fact) -> None:
        redemption = self.by_id[fact["redemption_id"]]
        redemption.approved = fact
        if self.report.expect("4", redemption.reviewed is not None, fact, "it was not reviewed"):
            self.report.expect("4", fact["amount_fen"] <= redemption.reviewed["amount_fen"], fact,
                               f"{fact['amount_fen']} approved of {redemption.reviewed['amount_fen']} reviewed")
        self.report.expect("4", fact["voucher_id"] == redemption.voucher, fact, "another voucher's redemption")
        allocation = self.cases.get(redemption.voucher, Case()).allocation_at(fact.saw("voucher"))
        if self.report.expect("4", allocation is not None, fact, "nothing is allocated, as far as it saw"):
            payee = allocation["enterprise_uscc" if allocation["mode"] == "tongyong" else "provider_uscc"]
            said = fact["payee_uscc"], fact["region"], fact["mode"]
            frozen = payee, allocation["region"], allocation["mode"]
            self.report.expect("4", said == frozen, fact, f"payee, region, mode are {said}, not {frozen}")

    def _to_the_payee(self, fact: Fact) -> None:
        approved = self.by_id[fact["redemption_id"]].approved
        if self.report.expect("4", approved is not None, fact, "nothing is approved"):
            same = all(fact[field] == approved[field] for field in ("payee_uscc", "region", "voucher_id"))
            self.report.expect("4", same, fact, f"another payee, region or voucher than {approved} names")

    def _within_approved(self, fact: Fact, id_: str) -> None:
        redemption = self.by_id[id_]
        approved = redemption.approved["amount_fen"] + redemption.raised_fen if redemption.approved else 0
        total = redemption.paid_fen + redemption.offset_fen
        self.report.expect("4", total <= approved, fact, f"{total} paid and offset of {approved} approved")
        planned = sum(payout["amount_fen"] for payout in redemption.payouts.values()) + redemption.offset_fen
        self.report.expect("4", planned <= approved, fact, f"{planned} scheduled and offset of {approved} approved")

    def _settle(self, fact: Fact) -> None:
        redemption = self.by_id[fact["redemption_id"]]
        self.report.expect("4", redemption.settled is None, fact, f"it was settled before: {redemption.settled}")
        redemption.settled = fact
        said = fact["approved_fen"], fact["paid_fen"], fact["offset_fen"]
        approved = redemption.approved["amount_fen"] if redemption.approved else 0
        holds = (approved, redemption.paid_fen, redemption.offset_fen)
        self.report.expect("4", said == holds, fact, f"it says {said} approved, paid, offset; the log {holds}")
        self.report.expect("4", said[1] + said[2] <= said[0], fact, f"{said[1] + said[2]} of {said[0]} approved")


def check(history: History, report: Report) -> None:
    cases = cases_of(history, report)
    redemptions = Redemptions(cases, report)
    clawbacks = Clawbacks(redemptions, report)
    for transaction in history.transactions("settlement"):
        for fact in transaction:
            redemptions.apply(fact)
            clawbacks.apply(fact)
        clawbacks.at_end_of(transaction)
    _consumed(history, cases, redemptions, report)


def _consumed(history: History, cases: dict[str, Case], redemptions: Redemptions, report: Report) -> None:
    """The voucher consumes, once, what settlement says is approved."""
    for case in cases.values():
        fact = case.redeemed
        if fact is not None:
            settled = redemptions.by_id[fact["redemption_id"]].settled
            was_seen = settled is not None and settled.position <= fact.saw("settlement")
            if report.expect("4", was_seen, fact, "settlement did not settle it, as far as was seen"):
                report.expect("4", fact["amount_fen"] == settled["approved_fen"], fact,
                              f"{fact['amount_fen']} consumed, {settled['approved_fen']} approved")


# -- 5 -----------------------------------------------------------------------------------------


@dataclass
class Clawback:
    ordered: Fact | None = None
    ordered_fen: int = 0
    recovered_fen: int = 0


class Clawbacks:
    """Orders and recoveries, against what was paid."""

    def __init__(self, redemptions: Redemptions, report: Report) -> None:
        self.redemptions = redemptions
        self.report = report
        self.by_id: defaultdict[str, Clawback] = defaultdict(Clawback)
        self.of_redemption: defaultdict[str, set[str]] = defaultdict(set)

    def apply(self, fact: Fact) -> None:
        match fact.type:
            case "ClawbackOrdered":
                clawback = self.by_id[fact["clawback_id"]]
                clawback.ordered, clawback.ordered_fen = fact, fact["amount_fen"]
                self.of_redemption[fact["redemption_id"]].add(fact["clawback_id"])
            case "ClawbackCancelled":
                self.by_id[fact["clawback_id"]].ordered_fen = 0
            case "RecoveryRecorded":
                self._recover(fact)

    def _recover(self, fact: Fact) -> None:
        clawback = self.by_id[fact["clawback_id"]]
        clawback.recovered_fen += fact["amount_fen"]
        if self.report.expect("5", clawback.ordered is not None, fact, "no such clawback was ordered"):
            self.report.expect("5", clawback.recovered_fen <= clawback.ordered_fen, fact,
                               f"{clawback.recovered_fen} recovered of {clawback.ordered_fen} ordered")
            self.report.expect("5", fact["region"] == clawback.ordered["region"], fact, "another region's clawback")

    def at_end_of(self, transaction: Sequence[Fact]) -> None:
        """Σ ordered ≤ settled − returned + offset, whenever one of them may have changed."""
        for fact in transaction:
            if fact.type in ("ClawbackOrdered", "PayoutReturned"):
                redemption = self.redemptions.by_id[fact["redemption_id"]]
                ordered = sum(self.by_id[id_].ordered_fen for id_ in self.of_redemption[fact["redemption_id"]])
                most = redemption.paid_fen + (redemption.settled["offset_fen"] if redemption.settled else 0)
                self.report.expect("5", ordered <= most, fact, f"{ordered} ordered of {most} paid and offset")
        self._offsets(transaction)

    def _of_its_year_and_debtor(self, fact: Fact, settled: Sequence[Fact]) -> None:
        """The debt was paid in the year it is set off in, and the payment it is set off against is the debtor's."""
        ordered = self.by_id[fact["clawback_id"]].ordered
        if ordered is None:
            return
        debt = self.redemptions.by_id[ordered["redemption_id"]].settled
        paid_in = debt.day[:4] if debt else "never"
        self.report.expect("5", paid_in == fact.day[:4], fact, f"the debt was paid in {paid_in}")
        payees = {payout["payee_uscc"] for one in settled for payout in
                  self.redemptions.by_id[one["redemption_id"]].payouts.values()}
        self.report.expect("5", payees <= {ordered.get("debtor_uscc")}, fact, f"set off against a payment to {sorted(payees)}")

    def _offsets(self, transaction: Sequence[Fact]) -> None:
        """An offset and the settlement it is part of are one transaction, one region, one fiscal year."""
        offsets = [fact for fact in transaction if fact.type == "RecoveryRecorded" and fact["method"] == "offset"]
        settled = [fact for fact in transaction if fact.type == "RedemptionSettled" and fact["offset_fen"]]
        for fact in [*offsets, *settled]:
            recovered, used = sum(one["amount_fen"] for one in offsets), sum(one["offset_fen"] for one in settled)
            self.report.expect("5", recovered == used, fact, f"{recovered} recovered by offset, {used} settled with it")
        for fact in offsets:
            self._of_its_year_and_debtor(fact, settled)
            regions = {one["region"] for one in settled}
            self.report.expect("5", regions <= {fact["region"]}, fact, f"offset in {sorted(regions)}")
            self.report.expect("5", str(fact["fiscal_year"]) == fact.day[:4], fact, f"fiscal year {fact['fiscal_year']}")
