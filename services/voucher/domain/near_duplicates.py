"""What looks like the same project twice, or one split in pieces: for a reviewer to see, never a refusal. 三, 二(四)"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from tongdui_events.policy import PolicyTerms
from tongdui_events.streams import enterprise_file_id
from tongdui_events.voucher import ContractFiled, ContractLine, FiledItem

from services.voucher.domain.enterprise_file import EnterpriseFile, Filed, Item
from services.voucher.domain.voucher import Line, Voucher
from shared.kernel.decisions import Decided
from shared.kernel.identifiers import normalised_contract_number

NEAR = timedelta(days=90)


class Looked(NamedTuple):
    """A contract beside the pair's earlier ones. ``terms``: the region's in force, None where it has none."""

    items: Sequence[FiledItem | Item]
    earlier: Sequence[Filed]
    file: EnterpriseFile
    provider_uscc: str
    today: date
    terms: PolicyTerms | None
    related: bool

    @property
    def near(self) -> list[Filed]:
        """Of the last 90 days."""
        return [filed for filed in self.earlier if filed.filed_on >= self.today - NEAR]

    def share_fen(self, items: Iterable[FiledItem | Item]) -> int:
        """What the region's ratios make of the prices, uncapped."""
        if self.terms is None:
            return 0
        items_bp = self.terms.item_ratio_bp or {}
        return sum(i.amount_fen * items_bp.get(i.item_code, self.terms.ratio_bp.get(i.category, 0)) // 10_000 for i in items)


def the_pair_had_the_same_item_at_the_same_price_within_90_days(looked: Looked) -> str | None:
    before = {(item.item_code, item.amount_fen) for filed in looked.near for item in filed.items}
    return "same_item_and_price" if any((item.item_code, item.amount_fen) in before for item in looked.items) else None


def contracts_of_the_pair_stay_under_the_cap_only_one_by_one(looked: Looked) -> str | None:
    """Each share is within the cap per use, together those of 90 days are not."""
    cap = looked.terms.allocation_cap_fen if looked.terms else None
    shares = [looked.share_fen(filed.items) for filed in looked.near]
    own = looked.share_fen(looked.items)
    split = cap is not None and bool(shares) and max(*shares, own) <= cap < sum(shares) + own
    return "split_under_the_cap" if split else None


def the_pair_takes_more_than_the_enterprises_year_carries(looked: Looked) -> str | None:
    year = [filed for filed in looked.earlier if filed.filed_on.year == looked.today.year]
    total = sum(looked.share_fen(filed.items) for filed in year) + looked.share_fen(looked.items)
    over = looked.terms is not None and bool(year) and total > looked.terms.enterprise_year_cap_fen
    return "pair_over_the_year" if over else None


def the_enterprise_had_local_support_with_the_same_provider(looked: Looked) -> str | None:
    """Not the same contract, as far as is known: the rest goes to a reviewer."""
    weak = any(support.provider_uscc in (None, looked.provider_uscc) for support in looked.file.supports)
    return "local_support_of_the_pair" if weak else None


def the_parties_are_related(looked: Looked) -> str | None:
    return "related_parties" if looked.related else None


RULES = (
    the_pair_had_the_same_item_at_the_same_price_within_90_days,
    contracts_of_the_pair_stay_under_the_cap_only_one_by_one,
    the_pair_takes_more_than_the_enterprises_year_carries,
    the_enterprise_had_local_support_with_the_same_provider,
    the_parties_are_related,
)


class Look(NamedTuple):
    """What a contract is looked at beside. ``related``: whether its parties are."""

    file: EnterpriseFile
    terms: PolicyTerms | None
    related: bool


def file_contract(
    voucher: Voucher, voucher_id: UUID, contract_no: str, lines: Sequence[ContractLine | Line], look: Look, today: date
) -> Decided:
    """ContractFiled, with every flag that a rule raises."""
    items = tuple(FiledItem(item_code=line.item_code, category=line.category, amount_fen=line.amount_fen) for line in lines)
    earlier = look.file.with_pair(voucher.provider_uscc, voucher_id)
    looked = Looked(items, earlier, look.file, voucher.provider_uscc, today, look.terms, look.related)
    filed = ContractFiled(
        voucher_id=voucher_id,
        enterprise_uscc=voucher.enterprise_uscc,
        provider_uscc=voucher.provider_uscc,
        contract_no=normalised_contract_number(contract_no),
        items=items,
        amount_fen=sum(item.amount_fen for item in items),
        flags=tuple(flag for rule in RULES if (flag := rule(looked)) is not None),
    )
    return Decided(enterprise_file_id(voucher.enterprise_uscc), filed, voucher_id)
