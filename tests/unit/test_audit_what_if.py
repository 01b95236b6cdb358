"""History under other terms: the same terms change nothing, other terms change what they must, and only that."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from tongdui_events import (
    AffiliationDeclared,
    AllocationConfirmed,
    AllocationLine,
    AllocationRefused,
    CatalogueItem,
    CataloguePublished,
    ContractLine,
    ContractSubmitted,
    HoldTaken,
    PerformedLine,
    PolicyAdopted,
    PolicyTerms,
    RedemptionApproved,
    RedemptionRequested,
    VoucherIssued,
    VoucherRedeemed,
    VoucherWithdrawn,
)
from tongdui_events.document import Event
from tongdui_events.samples import sample
from typer.testing import CliRunner

from services.audit.domain.what_if import OtherTerms, Outcome, Trial
from services.cli import app
from services.voucher.domain.amounts import Left, Priced, allocate
from tests.unit.signal_history import SignalHistory, uscc

REGION = "310118"
DAY = date(2025, 3, 3)
TERMS = sample(PolicyAdopted).terms.model_copy(
    update={
        "ratio_bp": {"testing": 3000}, "item_ratio_bp": None, "allocation_cap_fen": 10_000_00,
        "enterprise_year_cap_fen": 30_000_00, "region_year_budget_fen": 100_000_00, "provider_year_cap_fen": None,
        "rounding": "fen", "amount_basis": "tax_inclusive", "partial_allocation": True, "local_support_counts": False,
    }
)


def terms(**changed: Any) -> PolicyTerms:
    return TERMS.model_copy(update=changed)


class Story:
    """Allocations as the voucher service computes them, under one policy; each log in its order."""

    def __init__(self, in_force: PolicyTerms = TERMS) -> None:
        self.terms = in_force
        self.logs: dict[str, list[tuple[Any, Event]]] = {"registry": [], "settlement": [], "voucher": []}
        self.used: dict[str, int] = defaultdict(int)
        self.amounts: dict[int, int] = {}
        self.day = DAY
        policy = sample(PolicyAdopted).model_copy(
            update={"region": REGION, "version": 1, "effective_on": DAY, "terms": in_force}
        )
        item = CatalogueItem(code="T01", name="分析", category="testing", unit_cap_fen=80_000_00)
        self._add("registry", policy)
        self._add("registry", CataloguePublished(year=2025, version=1, items=(item,)))

    def _add(self, source: str, event: Event) -> None:
        stamp = SimpleNamespace(seen={"registry": 2}, business_day=self.day)
        self.logs[source].append((stamp, event))

    def ask(self, number: int, price_fen: int, enterprise: int = 1, item: str = "T01") -> int:
        """Issue, contract, allocate; the fen allocated."""
        voucher_id, company = UUID(int=number), uscc(enterprise)
        who = {"voucher_id": voucher_id, "enterprise_uscc": company, "provider_uscc": uscc(901), "region": REGION}
        self._add("voucher", VoucherIssued(
            **who, listing_province="32", mode="tongdui", policy_version=1, use_by=DAY, redeem_by=DAY))
        line = ContractLine(
            line_no=1, item_code=item, category="testing", description="x", amount_fen=price_fen, tax_bp=600,
            fingerprint="ab" * 32)
        self._add("voucher", ContractSubmitted(
            voucher_id=voucher_id, contract_no="x", lines=(line,), amount_fen=price_fen, signed_on=DAY, submitted_by="provider",
            document_sha256="ab" * 32))
        priced = Priced(1, min(price_fen, 80_000_00), 600, 3000 if item == "T01" else 0, None if item == "T01" else "not_on_list")
        limits = (("enterprise_year", company, self.terms.enterprise_year_cap_fen),
                  ("region_year", REGION, self.terms.region_year_budget_fen))
        left = [Left(rule, max(limit - self.used[key], 0), "exhausted") for rule, key, limit in limits]
        total = allocate(
            [priced], self.terms.amount_basis, self.terms.allocation_cap_fen, left, self.terms.partial_allocation,
            self.terms.rounding)
        self.amounts[number] = total.amount_fen
        if total.refusal:
            self._add("voucher", AllocationRefused(voucher_id=voucher_id, policy_version=1, reasons=(total.refusal,)))
            return 0
        for _, key, _ in limits:
            self.used[key] += total.amount_fen
        holds = tuple(
            HoldTaken(kind=rule.replace("_", "-"), key=key, year=2025, amount_fen=total.amount_fen) for rule, key, _ in limits)
        self._add("voucher", AllocationConfirmed(
            **who, mode="tongdui", redeem_by=DAY, amount_fen=total.amount_fen, contract_amount_fen=price_fen,
            lines=tuple(AllocationLine(**part._asdict()) for part in total.lines), steps=(), holds=holds, policy_version=1,
            catalogue_version=1, quota_year=2025, budget_year=2025, reduced_because=()))
        return total.amount_fen

    def withdraw(self, number: int, enterprise: int = 1) -> None:
        self._add("voucher", VoucherWithdrawn(voucher_id=UUID(int=number)))
        for key in (uscc(enterprise), REGION):
            self.used[key] -= self.amounts[number]

    def pay(self, number: int, done_fen: int, paid_fen: int, enterprise: int = 1) -> None:
        voucher_id, redemption_id = UUID(int=number), UUID(int=number + 1000)
        line = PerformedLine(line_no=1, performed_fen=done_fen, invoiced_fen=done_fen)
        self._add("settlement", RedemptionRequested(
            redemption_id=redemption_id, voucher_id=voucher_id, submitted_by="provider", lines=(line,), claimed_fen=paid_fen))
        self._add("settlement", RedemptionApproved(
            redemption_id=redemption_id, voucher_id=voucher_id, region=REGION, amount_fen=paid_fen, payee_uscc=uscc(901),
            mode="tongdui", policy_version=1))
        self._add("voucher", VoucherRedeemed(voucher_id=voucher_id, redemption_id=redemption_id, amount_fen=paid_fen))
        for key in (uscc(enterprise), REGION):
            self.used[key] -= self.amounts[number] - paid_fen

    def under(self, other: OtherTerms) -> dict[int, Outcome]:
        trial = Trial(other)
        for log in ("registry", "settlement", "voucher"):
            for position, (stamp, event) in enumerate(self.logs[log], 1):
                trial.feed(position, stamp, event)
        return {one.voucher_id.int: one for one in trial.finish()}


def as_it_was(region: str, day: date, in_force: PolicyTerms) -> PolicyTerms:
    return in_force


@pytest.mark.parametrize("seed", range(25))
def test_under_the_terms_in_force_every_case_comes_out_as_recorded(seed: int) -> None:
    chance = random.Random(seed)
    story = Story(terms(
        partial_allocation=chance.random() < 0.5, rounding=chance.choice(("fen", "yuan")),
        amount_basis=chance.choice(("tax_inclusive", "tax_exclusive")), allocation_cap_fen=chance.choice((None, 9_000_00)),
    ))
    for number in range(1, 40):
        enterprise = chance.randint(1, 5)
        story.ask(number, chance.randrange(1, 90_000_00), enterprise, chance.choice(("T01", "T01", "T01", "X")))
        if story.amounts[number] and chance.random() < 0.3:
            story.withdraw(number, enterprise)
        elif story.amounts[number] and chance.random() < 0.4:
            story.pay(number, 90_000_00, story.amounts[number], enterprise)
    found = story.under(as_it_was)
    assert len(found) == 39
    assert all(one.reproduced and not one.differs for one in found.values())
    assert any(one.was_fen for one in found.values()) and not all(one.was_fen for one in found.values())


def test_a_lower_cap_carries_less_and_pays_less_for_the_work_done() -> None:
    story = Story()
    story.ask(1, 30_000_00)
    story.pay(1, 20_000_00, 6_000_00)
    story.ask(2, 10_000_00)
    found = story.under(lambda region, day, in_force: terms(allocation_cap_fen=5_000_00))
    one = found[1]
    assert (one.was_fen, one.would_fen, one.paid_fen, one.would_pay_fen) == (9_000_00, 5_000_00, 6_000_00, 5_000_00)
    assert not found[2].differs


def test_what_earlier_cases_would_not_have_taken_is_there_for_later_ones() -> None:
    story = Story()
    for number in range(1, 4):
        assert story.ask(number, 80_000_00) == 10_000_00
    assert story.ask(4, 20_000_00) == 0, "the enterprise's year is used up"
    found = story.under(lambda region, day, in_force: terms(allocation_cap_fen=8_000_00))
    assert (found[4].was_fen, found[4].would_fen, found[4].would_pay_fen) == (0, 6_000_00, None)


def test_other_terms_hold_from_their_day_and_for_their_region_only() -> None:
    story = Story()
    story.ask(1, 10_000_00)
    story.day = DAY + timedelta(days=1)
    story.ask(2, 10_000_00)
    half = terms(ratio_bp={"testing": 1500})
    found = story.under(lambda region, day, in_force: half if day > DAY and region == REGION else in_force)
    assert [one.would_fen for one in found.values()] == [3_000_00, 1_500_00]


def test_what_does_not_come_out_under_its_own_terms_is_named_and_left_as_it_was() -> None:
    story = Story()
    story.ask(1, 10_000_00)
    stamp, confirmed = story.logs["voucher"][-1]
    story.logs["voucher"][-1] = stamp, confirmed.model_copy(update={"amount_fen": confirmed.amount_fen - 1})
    [one] = story.under(lambda region, day, in_force: terms(ratio_bp={"testing": 9000})).values()
    assert (one.reproduced, one.was_fen, one.would_fen) == (False, 2_999_99, 2_999_99)


def test_enterprises_of_one_controller_share_its_ceiling_under_terms_that_name_one() -> None:
    story = Story()
    for number in (1, 2, 3):
        controller = "c1" * 32 if number < 3 else "c2" * 32
        story._add("registry", AffiliationDeclared(uscc=uscc(number), controller_hmac=controller, holder_hmac=()))
    for stamp, _ in story.logs["registry"]:
        stamp.seen = {"registry": 5}
    for number in (1, 2, 3):
        story.ask(number, 20_000_00, number)
    for stamp, _ in story.logs["voucher"]:
        stamp.seen = {"registry": 5}
    found = story.under(lambda region, day, in_force: terms(controller_year_cap_fen=8_000_00))
    assert [one.would_fen for one in found.values()] == [6_000_00, 2_000_00, 6_000_00]


# -- the command ----------------------------------------------------------------------------------


def test_the_command_reads_a_file_of_events_and_writes_the_differing_cases(tmp_path: Path) -> None:
    history, story = SignalHistory(), Story()
    story.ask(1, 30_000_00)
    for source, log in story.logs.items():
        for _, event in log:
            history.add(source, UUID(int=5), event)
    events = tmp_path / "events.jsonl"
    lines = [
        json.dumps({"source": one.source, "position": one.position, "event": {**json.loads(one.state), "seen": {"registry": 99}}})
        for one in history.arrivals()
    ]
    events.write_text("\n".join(lines) + "\n")
    (tmp_path / "terms.json").write_text('{"allocation_cap_fen": 500000}')
    asked = ["whatif", "--region", REGION, "--terms", str(tmp_path / "terms.json"), "--events", str(events)]
    answer = CliRunner().invoke(app, [*asked, "--out", str(tmp_path / "out.json")])
    assert answer.exit_code == 0, answer.output
    [told] = json.loads((tmp_path / "out.json").read_text())
    assert (told["was_fen"], told["would_fen"]) == (9_000_00, 5_000_00)
    (tmp_path / "terms.json").write_text('{"no_such_term": 1}')
    assert CliRunner().invoke(app, asked).exit_code == 2
    assert CliRunner().invoke(app, ["whatif", "--region", REGION, "--events", str(events)]).exit_code == 2
    assert CliRunner().invoke(app, ["whatif", "--region", REGION, "--version", "9", "--events", str(events)]).exit_code == 2
