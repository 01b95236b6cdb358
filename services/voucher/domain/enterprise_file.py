"""What is on file about an enterprise: its contracts, and support it had outside this platform. 三, 三(三)"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from sys import intern
from typing import NamedTuple
from uuid import UUID

from tongdui_events.document import Event, Stamp
from tongdui_events.streams import enterprise_file_id
from tongdui_events.voucher import ContractFiled, ContractUnfiled, LocalSupportRecorded

from shared.kernel.decisions import Decided
from shared.kernel.folding import Fold

#: a contract older than this is of no further interest here: the last budget year and the one before it are covered
KEPT = timedelta(days=731)


class Item(NamedTuple):
    """One line of a filed contract. Not the event's model: that takes six times the memory, for two years."""

    item_code: str
    category: str
    amount_fen: int


class Filed(NamedTuple):
    """One contract; the last filing of a voucher is the one that counts. ``voucher`` is the id's integer: it takes half the
    memory of a UUID, and a file is searched by it contract by contract, where comparing UUIDs would go through Python."""

    voucher: int
    provider_uscc: str
    contract_no: str
    items: tuple[Item, ...]
    filed_on: date


class Supported(NamedTuple):
    """Support given locally. ``contract_no`` and ``invoices`` are normalised; provider and number may be unknown."""

    local_reference: str
    provider_uscc: str | None
    contract_no: str | None
    invoices: tuple[str, ...]
    amount_fen: int
    year: int

    def is_of(self, provider_uscc: str, contract_no: str) -> bool:
        """A strong match: the pair and the contract's number."""
        return self.provider_uscc == provider_uscc and self.contract_no == contract_no


@dataclass(frozen=True, slots=True)
class EnterpriseFile:
    """Oldest first."""

    contracts: tuple[Filed, ...] = ()
    supports: tuple[Supported, ...] = ()

    def support_of(self, provider_uscc: str, contract_no: str) -> Supported | None:
        """The local support of this very contract, if there is any."""
        return next((support for support in self.supports if support.is_of(provider_uscc, contract_no)), None)

    def supported_fen(self, year: int) -> int:
        """What the enterprise had locally in a year, in fen."""
        return sum(support.amount_fen for support in self.supports if support.year == year)

    def with_pair(self, provider_uscc: str, other_than: UUID) -> list[Filed]:
        """The contracts with that provider, those of other vouchers."""
        return [filed for filed in self.contracts if filed.provider_uscc == provider_uscc and filed.voucher != other_than.int]


def evolve(file: EnterpriseFile, event: Event, stamp: Stamp) -> EnterpriseFile:
    match event:
        case ContractFiled():
            day = stamp.business_day
            last = file.contracts[-1].filed_on if file.contracts else None
            # one object for all contracts of a day
            filed = _filed(event, last if last == day else day)
            kept = [old for old in file.contracts if old.voucher != filed.voucher and old.filed_on >= day - KEPT]
            return EnterpriseFile((*kept, filed), file.supports)
        case ContractUnfiled():
            kept = [old for old in file.contracts if old.voucher != event.voucher_id.int]
            return EnterpriseFile(tuple(kept), file.supports)
        case LocalSupportRecorded():
            support = Supported(
                event.local_reference, event.provider_uscc, event.contract_no, event.invoices, event.amount_fen, event.year
            )
            others = tuple(old for old in file.supports if old.local_reference != event.local_reference)
            return EnterpriseFile(file.contracts, (*others, support))
    return file


def _filed(event: ContractFiled, day: date) -> Filed:
    """Codes and parties come again and again: one string of each is kept."""
    items = tuple(Item(intern(item.item_code), intern(item.category), item.amount_fen) for item in event.items)
    return Filed(event.voucher_id.int, intern(event.provider_uscc), event.contract_no, items, day)


def unfile(file: EnterpriseFile, enterprise_uscc: str, voucher_id: UUID) -> list[Decided]:
    """ContractUnfiled where the voucher has a contract on file: what is given back is no project a second time."""
    if not any(filed.voucher == voucher_id.int for filed in file.contracts):
        return []
    unfiled = ContractUnfiled(voucher_id=voucher_id, enterprise_uscc=enterprise_uscc)
    return [Decided(enterprise_file_id(enterprise_uscc), unfiled, voucher_id)]


ENTERPRISE_FILE = Fold(
    "enterprise_file", "voucher", (ContractFiled, ContractUnfiled, LocalSupportRecorded), EnterpriseFile(), evolve,
    version=4, snapshot_every=100,
)  # fmt: skip
"""Keyed by ``enterprise_file_id(uscc)``."""
