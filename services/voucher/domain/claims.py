"""A contract line backs one live voucher. 三(一)"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from tongdui_events.document import Event, Stamp
from tongdui_events.streams import claim_id
from tongdui_events.voucher import ClaimReleased, ContractClaimed, ContractLine

from services.voucher.domain.voucher import Line
from shared.kernel.decisions import Decided
from shared.kernel.folding import Fold


@dataclass(frozen=True, slots=True)
class Claim:
    """Which voucher a contract line backs, None while it is free."""

    voucher_id: UUID | None = None


def evolve(claim: Claim, event: Event, stamp: Stamp) -> Claim:
    return Claim(event.voucher_id) if isinstance(event, ContractClaimed) else Claim()


CLAIM = Fold("claim", "voucher", (ContractClaimed, ClaimReleased), Claim(), evolve)
"""Keyed by ``claim_id(fingerprint)``."""


def claim(voucher_id: UUID, lines: Iterable[ContractLine | Line]) -> list[Decided]:
    return [
        Decided(claim_id(line.fingerprint), ContractClaimed(fingerprint=line.fingerprint, voucher_id=voucher_id), voucher_id)
        for line in lines
    ]


def release(voucher_id: UUID, lines: Iterable[ContractLine | Line]) -> list[Decided]:
    return [
        Decided(claim_id(line.fingerprint), ClaimReleased(fingerprint=line.fingerprint, voucher_id=voucher_id), voucher_id)
        for line in lines
    ]
