"""What settlement's decisions are handed, read off the desk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from tongdui_events.streams import account_id, enterprise_file_id, enterprise_id, invoice_id, position_id, provider_id, region_id

from services.settlement.domain import agents, invoice_status
from services.settlement.domain.accounts import ACCOUNT
from services.settlement.domain.agents import AGENT
from services.settlement.domain.batches import Due
from services.settlement.domain.case_facts import Case
from services.settlement.domain.clawbacks import CLAWBACK
from services.settlement.domain.cross_checks import Grounds
from services.settlement.domain.invoice_status import REGISTERS
from services.settlement.domain.invoices import INVOICE, Invoice
from services.settlement.domain.local_support import LOCAL_SUPPORT
from services.settlement.domain.lookups import case_of, debts_of, redemption_of, rounds_of
from services.settlement.domain.notices import NOTICE, Candidate, Passing
from services.settlement.domain.payouts import PAYOUT
from services.settlement.domain.redemption import REDEMPTION, Redemption
from services.settlement.domain.registry_facts import ENTERPRISE, PROVIDER, REGION, Region, name_on
from services.settlement.domain.stops import CASE_STOPS, stops_of
from services.settlement.domain.windows import POSITION
from shared.kernel.decisions import Decided, Refusal
from shared.kernel.public_notice import PublicNotice
from shared.runtime.desk import Desk

Decision = list[Decided] | Refusal


def notice_of(notice_id: UUID | None, desk: Desk) -> PublicNotice:
    """A notice that has no items where there is none."""
    return desk.get(NOTICE, notice_id) if notice_id else PublicNotice()


def region_of(case: Case, desk: Desk) -> Region:
    """The region that pays for a case."""
    return desk.get(REGION, region_id(case.region))


def grounds_of(case: Case, numbers: Iterable[str], desk: Desk) -> Grounds:
    """What a request is checked against: its case, invoices known by now, support given locally."""
    branches = desk.get(PROVIDER, provider_id(case.provider_uscc)).branches
    known = invoices_of(numbers, desk)
    known = invoice_status.as_of_now(known, reversals_of(known))
    files = (desk.get(LOCAL_SUPPORT, enterprise_file_id(uscc)) for uscc in sorted(case.enterprises) if uscc)
    supported = {number: reference for file in files for number, reference in file.items()}
    return Grounds(case, branches, known, desk.today, supported)


def invoices_of(numbers: Iterable[str], desk: Desk) -> dict[str, Invoice]:
    """What is on record of invoices, by number."""
    return {number: desk.get(INVOICE, invoice_id(number)) for number in numbers}


def reversals_of(numbers: Iterable[str]) -> dict[str, invoice_status.Reversal]:
    """What the register says of these invoices by now."""
    asked = ((number, REGISTERS.status.reversal(number)) for number in numbers)
    return {number: reversal for number, reversal in asked if reversal is not None}


def stops_on(case: Case, payee_uscc: str, desk: Desk) -> frozenset[str]:
    """Why nothing may be paid to this payee for a case today."""
    if case.voucher_id is None:
        return frozenset()
    enterprise = desk.get(ENTERPRISE, enterprise_id(case.enterprise_uscc))
    provider = desk.get(PROVIDER, provider_id(case.provider_uscc))
    return stops_of(case, desk.get(CASE_STOPS, case.voucher_id), enterprise, provider, desk.today, payee_uscc)


def parties_of(case: Case, desk: Desk) -> str:
    """The registered names of both, as a public notice names them."""
    enterprise = name_on(desk.get(ENTERPRISE, enterprise_id(case.enterprise_uscc)).names, desk.today)
    provider = name_on(desk.get(PROVIDER, provider_id(case.provider_uscc)).names, desk.today)
    return f"{enterprise or case.enterprise_uscc} / {provider or case.provider_uscc}"


def candidate_of(redemption_id: UUID, desk: Desk) -> Candidate:
    """A redemption that a notice may name."""
    redemption = desk.get(REDEMPTION, redemption_id)
    case = case_of(redemption, desk.get)
    standing = notice_of(redemption.last_notice_id, desk)
    return Candidate(redemption_id, redemption, case, parties_of(case, desk), standing)


def passing_of(redemption_id: UUID, desk: Desk) -> Passing:
    """What is looked at when a redemption's notice has ended."""
    redemption = desk.get(REDEMPTION, redemption_id)
    case = case_of(redemption, desk.get)
    account = desk.get(ACCOUNT, account_id(redemption.payee_uscc))
    debts = debts_of(case.region, redemption.payee_uscc, desk.get)
    return Passing(redemption, case, region_of(case, desk), account, stops_on(case, redemption.payee_uscc, desk), debts)


def due_of(payout_id: UUID, desk: Desk) -> Due:
    """A payment as a batch looks at it."""
    payout = desk.get(PAYOUT, payout_id)
    redemption = redemption_of(payout, desk.get)
    case = case_of(redemption, desk.get)
    account = desk.get(ACCOUNT, account_id(payout.payee_uscc))
    unfunded = bool(desk.get(POSITION, position_id(payout.region)).unfunded)
    name = name_of(payout.payee_uscc, desk) if payout.payee_uscc else ""
    rounds, stops = rounds_of(case, desk.get), stops_on(case, payout.payee_uscc, desk)
    numbers = [entry.number for entry in redemption.request.invoices] if redemption.request else []
    gone = tuple(invoice_status.reversed_since(redemption, invoices_of(numbers, desk), reversals_of(numbers)))
    return Due(payout_id, payout, redemption, rounds, account, stops, unfunded, name, gone)


def agent_of(payer: str, desk: Desk) -> agents.Agent:
    """The agent that text names; one without regions where it names none."""
    try:
        return desk.get(AGENT, UUID(payer))
    except ValueError:
        return agents.Agent()


def name_of(uscc: str, desk: Desk) -> str:
    """The registered name of a payee, whichever it is: the bank compares it with the account's."""
    names = desk.get(ENTERPRISE, enterprise_id(uscc)).names or desk.get(PROVIDER, provider_id(uscc)).names
    return name_on(names, desk.today) or uscc


def of_its_redemption(command: Any, desk: Desk) -> Redemption:
    """The redemption that a command names."""
    return desk.get(REDEMPTION, command.redemption_id)


def of_its_payout(command: Any, desk: Desk) -> Redemption:
    """The redemption of the payment that a command names."""
    return redemption_of(desk.get(PAYOUT, command.payout_id), desk.get)


def of_its_clawback(command: Any, desk: Desk) -> Redemption:
    """The redemption of the clawback that a command names; an empty one where it has none."""
    clawback = desk.get(CLAWBACK, command.clawback_id)
    return desk.get(REDEMPTION, clawback.redemption_id) if clawback.redemption_id else Redemption()
