"""The intended contract: submitted by one party, acknowledged or disputed by the other. 三(二)"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field
from tongdui_events.common import Number
from tongdui_events.document import BasisPoints, Code, PositiveFen, Sha256, Text
from tongdui_events.voucher import (
    ContractAcknowledged,
    ContractAmended,
    ContractDisputed,
    ContractLine,
    ContractSubmitted,
)

from services.voucher.domain import claims, near_duplicates
from services.voucher.domain.near_duplicates import Look
from services.voucher.domain.refusals import ContractLineAlreadyClaimed, SignedInTheFuture, SupportedLocally, UseByPassed
from services.voucher.domain.voucher import Voucher
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotFound, NotYours, OutOfOrder, Refusal
from shared.kernel.identifiers import contract_line_fingerprint, normalised_contract_number


class LineStated(Command):
    """One line of the contract; ``amount_fen`` is the price with tax."""

    line_no: Number
    item_code: Code
    category: Code
    description: Text
    amount_fen: PositiveFen
    tax_bp: BasisPoints


class SubmitContract(Command):
    """Submit the intended contract, by either party, until the voucher's use_by."""

    voucher_id: UUID
    contract_no: Code
    lines: Annotated[tuple[LineStated, ...], Field(min_length=1, max_length=100)]
    signed_on: date
    document_sha256: Sha256


class AmendContract(SubmitContract):
    """Replace the contract, whole, before the allocation. The other party acknowledges it anew."""


class AcknowledgeContract(Command):
    """The other party confirms the contract."""

    voucher_id: UUID


class DisputeContract(Command):
    """The other party does not recognise the contract; its lines are free again."""

    voucher_id: UUID
    reason_sha256: Sha256


ClaimantOf = Callable[[str], UUID | None]
"""The voucher a fingerprint backs, if any."""


def lines_of(voucher: Voucher, command: SubmitContract) -> tuple[ContractLine, ...]:
    """The stated lines with their fingerprints over both parties, contract number and line."""
    number = normalised_contract_number(command.contract_no)
    return tuple(
        ContractLine(
            **line.model_dump(),
            fingerprint=contract_line_fingerprint(voucher.enterprise_uscc, voucher.provider_uscc, number, line.line_no),
        )
        for line in command.lines
    )


def submit(
    voucher: Voucher, claimant_of: ClaimantOf, look: Look, today: date, principal: Principal, command: SubmitContract
) -> list[Decided] | Refusal:
    """ContractSubmitted (or ContractAmended), ContractClaimed per new line, ContractFiled with its flags."""
    amending = isinstance(command, AmendContract)
    refusal = _may_submit(voucher, today, principal, command, ("contracted", "acknowledged") if amending else ("issued",))
    if refusal is not None:
        return refusal
    lines = lines_of(voucher, command)
    taken = _taken(lines, claimant_of, command)
    if taken is not None:
        return taken
    support = look.file.support_of(voucher.provider_uscc, normalised_contract_number(command.contract_no))
    if support is not None:
        return SupportedLocally("contract_no", reference=support.local_reference)
    event = (ContractAmended if amending else ContractSubmitted)(
        voucher_id=command.voucher_id,
        contract_no=command.contract_no,
        lines=lines,
        amount_fen=sum(line.amount_fen for line in lines),
        signed_on=command.signed_on,
        submitted_by=voucher.party_of(principal.uscc),
        document_sha256=command.document_sha256,
    )
    held = {line.fingerprint for line in voucher.lines}
    named = {line.fingerprint for line in lines}
    dropped = claims.release(command.voucher_id, [line for line in voucher.lines if line.fingerprint not in named])
    fresh = claims.claim(command.voucher_id, [line for line in lines if line.fingerprint not in held])
    filed = near_duplicates.file_contract(voucher, command.voucher_id, command.contract_no, lines, look, today)
    return [Decided(command.voucher_id, event, command.voucher_id), *dropped, *fresh, filed]


def _may_submit(
    voucher: Voucher, today: date, principal: Principal, command: SubmitContract, stages: Sequence[str]
) -> Refusal | None:
    if voucher.stage == "unknown":
        return NotFound("voucher_id", what="voucher", id=command.voucher_id)
    if voucher.party_of(principal.uscc) is None:
        return NotYours("voucher_id")
    if voucher.stage not in stages:
        return OutOfOrder("voucher_id", state=voucher.stage)
    if voucher.use_by is not None and today > voucher.use_by:
        return UseByPassed("voucher_id", use_by=voucher.use_by)
    if command.signed_on > today:
        return SignedInTheFuture("signed_on", signed_on=command.signed_on)
    return None


def _taken(lines: Sequence[ContractLine], claimant_of: ClaimantOf, command: SubmitContract) -> Refusal | None:
    seen: set[int] = set()
    for line in lines:
        claimant = claimant_of(line.fingerprint)
        if line.line_no in seen or (claimant is not None and claimant != command.voucher_id):
            return ContractLineAlreadyClaimed("lines", contract_no=command.contract_no, line_no=line.line_no)
        seen.add(line.line_no)
    return None


def _other_party(voucher: Voucher, principal: Principal, voucher_id: UUID) -> Refusal | None:
    if voucher.stage == "unknown":
        return NotFound("voucher_id", what="voucher", id=voucher_id)
    party = voucher.party_of(principal.uscc)
    if party is None or party == voucher.submitted_by:
        return NotYours("voucher_id")
    return None if voucher.stage == "contracted" else OutOfOrder("voucher_id", state=voucher.stage)


def acknowledge(voucher: Voucher, principal: Principal, command: AcknowledgeContract) -> list[Decided] | Refusal:
    """ContractAcknowledged, by the party that did not submit it."""
    refusal = _other_party(voucher, principal, command.voucher_id)
    if refusal is not None:
        return refusal
    event = ContractAcknowledged(voucher_id=command.voucher_id, by=voucher.party_of(principal.uscc))
    return [Decided(command.voucher_id, event, command.voucher_id)]


def dispute(voucher: Voucher, principal: Principal, command: DisputeContract) -> list[Decided] | Refusal:
    """ContractDisputed, and every line free again."""
    refusal = _other_party(voucher, principal, command.voucher_id)
    if refusal is not None:
        return refusal
    event = ContractDisputed(
        voucher_id=command.voucher_id, by=voucher.party_of(principal.uscc), reason_sha256=command.reason_sha256
    )
    return [Decided(command.voucher_id, event, command.voucher_id), *claims.release(command.voucher_id, voucher.lines)]
