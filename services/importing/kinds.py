"""What can be imported: the columns of each list, in the field's words, and the command a row becomes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tongdui_events.streams import enterprise_file_id, enterprise_id, provider_id

from services.registry.domain.catalogue import PublishCatalogue
from services.registry.domain.enterprises import RegisterEnterprise
from services.registry.domain.policies import AdoptPolicy
from services.registry.domain.providers import ApplyAsProvider
from services.voucher.domain.local_support import RecordLocalSupport
from shared.kernel.commands import Command, Principal
from shared.runtime.tables import Row


class WrongCell(ValueError):
    """A cell that cannot be read: column and what it says."""


Convert = Callable[[str], Any]
_YUAN = re.compile(r"^(\d{1,15})(?:\.(\d{1,2}))?$")
_DATE = re.compile(r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$")


def _day(text: str) -> str:
    """2025-3-3, 2025/03/03, 2025年3月3日."""
    found = _DATE.match(text)
    if found is None:
        raise WrongCell(f"{text!r} is no date")
    year, month, day = found.groups()
    return f"{year}-{int(month):02d}-{int(day):02d}"


def _fen(text: str) -> int:
    """Yuan with up to two decimals, thousands by comma or not; as fen, never through a float."""
    found = _YUAN.match(text.replace(",", "").replace(",", "").removesuffix("元"))
    if found is None:
        raise WrongCell(f"{text!r} is no amount in yuan")
    whole, part = found.groups()
    return int(whole) * 100 + int((part or "").ljust(2, "0"))


def _number(text: str) -> int:
    if not text.isdecimal():
        raise WrongCell(f"{text!r} is no whole number")
    return int(text)


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in re.split(r"[;;、,,|]", text) if part.strip())


def _json(text: str) -> Any:
    """What JSON reads in a cell of a list of terms; a text where it reads nothing."""
    try:
        return json.loads(text)
    except ValueError:
        return text


@dataclass(frozen=True)
class Kind:
    """``columns``: heading → (field, conversion). ``whole``: all rows make one command. ``streams``: what a row's
    decision will ask for. ``principal``: whose act a row is, given who imports."""

    service: str
    command: type[Command]
    columns: Mapping[str, tuple[str, Convert]]
    streams: Callable[[Any], Iterable[UUID]] = lambda command: ()
    principal: Callable[[Principal, Any], Principal] = lambda importer, command: importer
    whole: bool = False
    dotted: bool = False

    def fields_of(self, row: Row) -> dict[str, Any]:
        """The command's fields a row states; empty cells state nothing. Raises WrongCell."""
        fields: dict[str, Any] = {}
        for heading, cell in row.cells.items():
            if cell == "":
                continue
            if heading in self.columns:
                name, convert = self.columns[heading]
            elif self.dotted:
                name, convert = heading, _json
            else:
                raise WrongCell(f"column {heading!r} is unknown; there are {', '.join(self.columns)}")
            _put(fields, name, _converted(heading, cell, convert))
        return fields


def _converted(heading: str, cell: str, convert: Convert) -> Any:
    try:
        return convert(cell)
    except WrongCell as error:
        raise WrongCell(f"{heading}: {error}") from error


def _put(fields: dict[str, Any], name: str, value: Any) -> None:
    """``terms.ratio_bp.testing`` is a member of a member."""
    *outer, last = name.split(".")
    for part in outer:
        fields = fields.setdefault(part, {})
    fields[last] = value


def _both(**columns: tuple[str, str, Convert]) -> dict[str, tuple[str, Convert]]:
    """Each column under its Chinese heading and under the field's name."""
    found: dict[str, tuple[str, Convert]] = {}
    for name, (zh, field, convert) in columns.items():
        found[zh] = found[name] = (field, convert)
    return found


ENTERPRISES = _both(
    uscc=("统一社会信用代码", "uscc", str.upper), name=("企业名称", "name", str),
    division_code=("行政区划代码", "division_code", str),
    legal_form=("法人类型", "legal_form", str), registered_on=("成立日期", "registered_on", _day),
    override_by=("校验例外经办", "override_by", str),
)  # fmt: skip
PROVIDERS = _both(
    uscc=("统一社会信用代码", "uscc", str.upper), name=("机构名称", "name", str), province=("省级代码", "province", str),
    legal_form=("机构类型", "legal_form", str), established_on=("成立日期", "established_on", _day),
    categories=("服务类别", "categories", _list), branch_uscc=("分支机构代码", "branch_uscc", _list),
)  # fmt: skip
CATALOGUE = _both(
    code=("事项编码", "code", str), name=("事项名称", "name", str), category=("类别", "category", str),
    unit_cap_fen=("单次上限(元)", "unit_cap_fen", _fen), exclusions=("不支持内容", "exclusions", _list),
)  # fmt: skip
LOCAL_SUPPORT = _both(
    enterprise_uscc=("企业代码", "enterprise_uscc", str.upper), provider_uscc=("机构代码", "provider_uscc", str.upper),
    contract_no=("合同编号", "contract_no", str), invoices=("发票号码", "invoices", _list),
    amount_fen=("支持金额(元)", "amount_fen", _fen),
    year=("年度", "year", _number), local_reference=("本地文号", "local_reference", str),
    supported_on=("支持日期", "supported_on", _day),
)  # fmt: skip
POLICIES = _both(
    region=("区域代码", "region", str), effective_on=("生效日期", "effective_on", _day),
    source_document=("依据文件", "source_document", str), text_sha256=("文本摘要", "text_sha256", str),
)  # fmt: skip


def _as_provider(importer: Principal, command: ApplyAsProvider) -> Principal:
    """A laboratory's application, handed in for it by who imports."""
    return Principal(sub=importer.sub, role="provider", uscc=command.uscc)


KINDS: dict[str, Kind] = {
    "enterprises": Kind("registry", RegisterEnterprise, ENTERPRISES, lambda c: (enterprise_id(c.uscc),)),
    "providers": Kind("registry", ApplyAsProvider, PROVIDERS, lambda c: (provider_id(c.uscc),), _as_provider),
    "catalogue": Kind("registry", PublishCatalogue, CATALOGUE, whole=True),
    "policies": Kind("registry", AdoptPolicy, POLICIES, dotted=True),
    "local-support": Kind("voucher", RecordLocalSupport, LOCAL_SUPPORT, lambda c: (enterprise_file_id(c.enterprise_uscc),)),
}
