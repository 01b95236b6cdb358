"""Support a region gave outside this platform: the same project is not supported twice. 三

The pair and the contract's number is a strong match here, an invoice is one in settlement; the rest is flagged.
Local lists arrive late: a match stops what is under way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field
from tongdui_events.document import Code, PositiveFen, Uscc, Year
from tongdui_events.streams import enterprise_file_id
from tongdui_events.voucher import LocalSupportMatched, LocalSupportRecorded, VoucherVoided

from services.voucher.domain import ceilings, claims
from services.voucher.domain.enterprise_file import EnterpriseFile
from services.voucher.domain.refusals import SupportAlreadyRecorded, SupportedInTheFuture
from services.voucher.domain.registry_facts import Enterprise
from services.voucher.domain.voucher import Voucher
from shared.kernel.commands import Command, Principal
from shared.kernel.decisions import Decided, NotYours, Refusal
from shared.kernel.identifiers import normalised_contract_number, normalised_invoice_number


class RecordLocalSupport(Command):
    """Report support that your region gave an enterprise by its local system. Cases of the same contract that are
    under way stop: before a request for payment the voucher ends, afterwards its payment waits for a person."""

    enterprise_uscc: Uscc
    provider_uscc: Uscc | None = None
    contract_no: Code | None = None
    invoices: Annotated[tuple[Code, ...], Field(max_length=100)] = ()
    amount_fen: PositiveFen
    year: Year
    local_reference: Code
    supported_on: date


VoucherOf = Callable[[UUID], Voucher]


def record(
    file: EnterpriseFile, enterprise: Enterprise, voucher_of: VoucherOf, today: date, principal: Principal,
    command: RecordLocalSupport,
) -> list[Decided] | Refusal:  # fmt: skip
    """By the enterprise's region; of one not registered here, by any. LocalSupportRecorded; for each live case of that
    contract LocalSupportMatched, and VoucherVoided unless presented."""
    if enterprise.region_on(today) not in (None, principal.region):
        return NotYours("enterprise_uscc")
    if any(known.local_reference == command.local_reference for known in file.supports):
        return SupportAlreadyRecorded("local_reference", reference=command.local_reference)
    if command.supported_on > today:
        return SupportedInTheFuture("supported_on", on=command.supported_on)
    invoices = tuple(normalised_invoice_number(number, "invoices") for number in command.invoices)
    number = normalised_contract_number(command.contract_no) if command.contract_no else None
    stated = command.model_dump(exclude={"invoices", "contract_no"})
    recorded = LocalSupportRecorded(**stated, region=principal.region, invoices=invoices, contract_no=number)
    matched = [] if number is None else _matched(file, command.provider_uscc, number)
    stopped = [decided for case in matched for decided in _stopped(voucher_of(case), case, command.local_reference)]
    return [Decided(enterprise_file_id(command.enterprise_uscc), recorded), *stopped]


def _matched(file: EnterpriseFile, provider_uscc: str | None, contract_no: str) -> Sequence[UUID]:
    return [
        UUID(int=filed.voucher)
        for filed in file.contracts
        if filed.contract_no == contract_no and filed.provider_uscc == provider_uscc
    ]


def _stopped(voucher: Voucher, voucher_id: UUID, reference: str) -> list[Decided]:
    """A voucher under way; one that is over is settlement's to recover, one whose contract was disputed has none."""
    if not voucher.lines or voucher.stage in ("withdrawn", "expired", "voided"):
        return []
    match = LocalSupportMatched(voucher_id=voucher_id, local_reference=reference, match="contract")
    matched = [Decided(voucher_id, match, voucher_id)]
    if voucher.stage in ("presented", "redeemed"):
        return matched
    voided = VoucherVoided(voucher_id=voucher_id, reason="supported_locally", decision_no=reference)
    return [
        *matched,
        Decided(voucher_id, voided, voucher_id),
        *ceilings.release(voucher_id, voucher.holds, "supported_locally"),
        *claims.release(voucher_id, voucher.lines),
    ]
