"""Which vouchers there will be: the cases that must happen every time, and as many ordinary ones as asked."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from services.demo.cast import (
    ITEMS,
    PROVINCES,
    REGIONS,
    UNLISTED_ITEM,
    YUAN,
    Company,
    Region,
    enterprise_of,
    laboratory_of,
)

FIRST_START = 8
STARTS = 10
LATE_START = FIRST_START + STARTS + 2
"""After every ordinary allocation was confirmed."""
BY_CODE = {region.code: region for region in REGIONS}


@dataclass
class Case:
    """One voucher's plan and what became of it. ``start`` is a day of the run; sums in fen."""

    number: int
    kind: str
    region: Region
    enterprise: Company
    provider: Company
    mode: str
    item: str
    category: str
    amount_fen: int
    tax_bp: int
    start: int
    performed_fen: int
    contract_no: str
    voucher_id: UUID | None = None
    redemption_id: UUID | None = None
    allocation_fen: int = 0
    redeem_by: int = 0
    open: bool = True
    successor: Company | None = None
    notes: list[str] = field(default_factory=list)

    def planned_fen(self) -> int:
        """Ratio × eligible price, at most the cap per use, rounded as the region rounds."""
        return self.share_of(self.amount_fen)

    def share_of(self, gross_fen: int) -> int:
        base = gross_fen
        if self.region.amount_basis == "tax_exclusive":
            base = gross_fen * 10_000 // (10_000 + self.tax_bp)
        share = min(base * self.region.ratio_bp.get(self.category, 0) // 10_000, self.region.cap_yuan * YUAN)
        return share // YUAN * YUAN if self.region.rounding == "yuan" else share

    def payable_fen(self) -> int:
        """What will be paid for what was performed."""
        return min(self.share_of(self.performed_fen), self.allocation_fen)


def casebook(vouchers: int, seed: int) -> list[Case]:
    """The same cases for the same seed."""
    chance = random.Random(seed)
    special = list(_special(chance))
    ordinary = [_ordinary(number, chance) for number in range(len(special) + 1, vouchers + 1)]
    return [*special, *ordinary]


def budget_fen(region: Region, cases: list[Case]) -> int:
    """A round year's money; 马鞍山 has just what its ordinary vouchers take, so the last one meets nothing."""
    if region.code != "340500":
        return max(len(cases), 60) * 100_000 * YUAN
    return sum(case.planned_fen() for case in cases if case.region is region and case.kind != "empty_budget")


def _ordinary(number: int, chance: random.Random) -> Case:
    region = REGIONS[number % len(REGIONS)]
    item, _, category = chance.choice(ITEMS)
    amount = chance.randrange(8_000, 160_000) * YUAN + chance.randrange(YUAN)
    case = _case(number, "ordinary", region, chance, item, category, amount, FIRST_START + number % STARTS)
    if chance.random() < 0.2:
        case.performed_fen = amount * 8 // 10
    return case


def _case(
    number: int, kind: str, region: Region, chance: random.Random, item: str, category: str, amount_fen: int, start: int,
    enterprise: Company | None = None,
) -> Case:
    others = [province for province in PROVINCES if province != region.province]
    return Case(
        number=number, kind=kind, region=region, enterprise=enterprise or enterprise_of(region, number),
        provider=laboratory_of(chance.choice(others), chance.choice((1, 2))), mode=chance.choice(region.modes), item=item,
        category=category, amount_fen=amount_fen, tax_bp=600, start=start, performed_fen=amount_fen,
        contract_no=f"YX-2025-{number:05d}",
    )


def _special(chance: random.Random) -> Iterator[Case]:
    """What must happen every time."""
    qingpu, wujiang, jiashan, maanshan = REGIONS
    big = 400_000 * YUAN
    shared = enterprise_of(wujiang, 1)
    for number, kind in ((1, "ordinary"), (2, "ordinary"), (3, "cut"), (4, "over_year")):
        yield _case(number, kind, wujiang, chance, "T01", "testing", big, FIRST_START + number, shared)
    yield _case(5, "not_on_list", qingpu, chance, UNLISTED_ITEM, "testing", 50_000 * YUAN, FIRST_START)
    yield _case(6, "unlisted_provider", jiashan, chance, "T01", "testing", 50_000 * YUAN, FIRST_START)
    yield _case(7, "empty_budget", maanshan, chance, "T02", "testing", 50_000 * YUAN, LATE_START)
    first = _case(8, "ordinary", qingpu, chance, "D01", "development", 90_000 * YUAN, FIRST_START)
    yield first
    twice = _case(9, "claimed_twice", qingpu, chance, "D01", "development", 90_000 * YUAN, FIRST_START + 1, first.enterprise)
    twice.provider, twice.contract_no = first.provider, first.contract_no
    yield twice
    kinds = (
        "invoice_over", "objection_upheld", "objection_dismissed", "withdrawn", "expired", "last_day", "returned",
        "supported_locally", "corrected",
    )  # fmt: skip
    plain = {}
    for number, kind in enumerate(kinds, 10):
        region, amount = (qingpu, jiashan)[number % 2], (30_000 + number * 1_000) * YUAN
        plain[kind] = _case(number, kind, region, chance, "T01", "testing", amount, FIRST_START + number % 4)
        yield plain[kind]
    alike = _case(19, "near_duplicate", qingpu, chance, "D01", "development", 90_000 * YUAN, FIRST_START + 2, first.enterprise)
    alike.provider = first.provider
    yield alike
    merged = _case(20, "merged", qingpu, chance, "T01", "testing", 60_000 * YUAN, FIRST_START + 3)
    merged.mode, merged.successor = "tongdui", first.enterprise
    yield merged
    mistaken = _case(21, "mistaken", jiashan, chance, "T01", "testing", 60_000 * YUAN, FIRST_START)
    mistaken.provider = plain["last_day"].provider
    yield mistaken
    sent_back = _case(22, "sent_back", qingpu, chance, "T02", "testing", 55_000 * YUAN, FIRST_START + 1)
    sent_back.mode, sent_back.provider = "tongdui", laboratory_of("34", 2)
    yield sent_back
