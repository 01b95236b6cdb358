"""The numbers that organisations, invoices, banks and contracts are known by."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Literal

from stdnum.cn import uscc as gb32100
from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError
from stdnum.iso7064 import mod_11_10

from shared.kernel.decisions import Refusal

UsccFault = Literal["length", "characters", "check_digit"]

_FAULTS_ZH = {"length": "不是18位", "characters": "含有不允许的字符", "check_digit": "校验码不符"}
_FAULTS_EN = {
    "length": "it is not 18 characters long",
    "characters": "it has characters that do not belong there",
    "check_digit": "its check digit does not fit",
}


class InvalidUscc(Refusal):
    """The code is no unified social credit code. ``fault`` says why."""

    section = "二(二)"
    zh = "统一社会信用代码{uscc}无效:{why_zh}"
    en = "{uscc} is no unified social credit code: {why_en}"

    def __init__(self, uscc: str, fault: UsccFault, field: str | None = "uscc") -> None:
        details = {"uscc": uscc, "fault": fault, "why_zh": _FAULTS_ZH[fault], "why_en": _FAULTS_EN[fault]}
        super().__init__(field, **details)


class InvalidInvoiceNumber(Refusal):
    """Neither 20 digits nor a code of 10 or 12 with a number of 8."""

    section = "三(四)"
    zh = "发票号码{number}无效:应为20位,或10位、12位代码加8位号码"
    en = "{number} is no invoice number: 20 digits, or a code of 10 or 12 and a number of 8"


class InvalidBankCode(Refusal):
    """The code is not 12 digits."""

    section = "三(五)"
    zh = "行号{code}无效:应为12位数字"
    en = "{code} is no bank code: 12 digits"


class InvalidContractNumber(Refusal):
    """Nothing is left of the number but punctuation."""

    section = "三(二)"
    zh = "合同编号{number}无效"
    en = "{number} is no contract number"


def uscc_fault(uscc: str) -> UsccFault | None:
    """Why a code fails GB 32100, or None. Taken as written: small letters and spaces fail.

    Only ``check_digit`` may be overridden: some real early codes fail it.
    """
    if gb32100.compact(uscc) != uscc:
        return "length" if len(uscc) != 18 else "characters"
    try:
        gb32100.validate(uscc)
    except InvalidLength:
        return "length"
    except InvalidChecksum:
        return "check_digit"
    except ValidationError:
        return "characters"
    return None


def refuse_uscc(uscc: str, field: str | None = "uscc") -> InvalidUscc | None:
    """The refusal of a code that fails, or None."""
    fault = uscc_fault(uscc)
    return InvalidUscc(uscc, fault, field) if fault else None


def province_of(division_code: str) -> str:
    """The province of a region or a division: its first two digits."""
    return division_code[:2]


def normalised_invoice_number(number: str, field: str | None = "number") -> str:
    """An invoice's number as 20 or 18 digits: spaces, hyphens and full-width digits are evened out.

    20 digits are a fully digital invoice (数电票) or a code of 12 and a number of 8; 18 a code of 10
    and a number of 8. Raises InvalidInvoiceNumber.
    """
    digits = re.sub(r"[\s\-/]", "", unicodedata.normalize("NFKC", number))
    if not re.fullmatch(r"[0-9]{18}|[0-9]{20}", digits):
        raise InvalidInvoiceNumber(field, number=number)
    return digits


def refuse_bank_code(code: str, field: str | None = "bank_code") -> InvalidBankCode | None:
    """The refusal of a 行号 that is not 12 digits, or None."""
    return None if re.fullmatch(r"[0-9]{12}", code) else InvalidBankCode(field, code=code)


def bank_code_is_doubtful(code: str) -> bool:
    """Whether the check digit (ISO 7064 MOD 11,10) does not fit. A warning only: it holds for the
    head offices we know, nobody says it holds for all."""
    return not mod_11_10.is_valid(code)


def normalised_contract_number(number: str, field: str | None = "contract_no") -> str:
    """A contract's number as it is compared: full-width forms evened out, capitals, no spaces, and
    every run of punctuation one hyphen (so 2026-1-11 and 2026-11-1 stay apart).

    Raises InvalidContractNumber when nothing is left.
    """
    text = re.sub(r"\s", "", unicodedata.normalize("NFKC", number)).upper()
    joined = re.sub(r"[\W_]+", "-", text).strip("-")
    if not joined:
        raise InvalidContractNumber(field, number=number)
    return joined


def contract_line_fingerprint(enterprise_uscc: str, provider_uscc: str, contract_no: str, line_no: int) -> str:
    """SHA-256 (hex) of both parties, the normalised contract number and the line.

    The parties are sorted: a contract between two is the same, whoever of them applies.
    Raises InvalidContractNumber.
    """
    parties = sorted((enterprise_uscc, provider_uscc))
    text = "\n".join((*parties, normalised_contract_number(contract_no), str(line_no)))
    return hashlib.sha256(text.encode()).hexdigest()
