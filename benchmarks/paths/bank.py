"""Bank files: 20,000 payments written and validated, against bare xsdata; a statement of 20,000 entries reconciled, against
bare lxml."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from uuid import UUID

from lxml import etree
from pyiso20022.pain.pain_001_001_09 import pain_001_001_09 as iso
from xsdata.formats.dataclass.serializers import XmlSerializer

from benchmarks.measure import Figure, largest_memory_mib, taking_turns
from benchmarks.stage import Stage
from services.settlement.bank import pain001
from services.settlement.bank.answers import read
from services.settlement.bank.reconciling import reconcile
from services.settlement.domain.accounts import AccountDetails
from services.settlement.domain.batches import Instruction, end_to_end_id

PAYMENTS = 20_000
ROUNDS = 3
LIMIT_MIB = 500
DAY = date(2026, 3, 2)
PAYER = pain001.Payer("示例清算有限公司", "31050166360000123", "105290068016")
PAYEES = {"5234050000000TEX98": pain001.Payee("马鞍山市材料检测所(示例)", "6222000000000173")}
_DETAILS = AccountDetails("0" * 64, "0173", "102290002916")
TOLD = [
    Instruction(UUID(int=number), None, end_to_end_id(UUID(int=number), 1), 1, "5234050000000TEX98", 100 + number, _DETAILS)
    for number in range(1, PAYMENTS + 1)
]


def figures(stage: Stage, told: Callable[[str], None]) -> Iterator[Figure]:
    told(f"{PAYMENTS:,} payments written and validated")
    note = f"memory at most {_memory():.0f} MiB, under {LIMIT_MIB} asked"
    yield taking_turns(
        f"pain.001 of {PAYMENTS:,} payments, validated, against xsdata alone", "payments/s",
        lambda turn: _rate(_written), lambda turn: _rate(_rendered), 0.67, rounds=ROUNDS, note=note,
    )  # fmt: skip
    told(f"a statement of {PAYMENTS:,} entries")
    content = _statement()
    ours = [{"end_to_end_id": one.end_to_end_id, "amount_fen": one.amount_fen, "state": "settled"} for one in TOLD]
    yield taking_turns(
        f"camt.053 of {PAYMENTS:,} entries reconciled, against lxml's iterparse", "entries/s",
        lambda turn: _rate(lambda: _reconciled(content, ours)), lambda turn: _rate(lambda: _walked(content)), 0.33, rounds=ROUNDS,
    )  # fmt: skip


def _rate(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return PAYMENTS / (time.perf_counter() - started)


def _written() -> bytes:
    return pain001.render("0" * 32, DAY, PAYER, TOLD, PAYEES)


def _rendered() -> str:
    """The same document, rendered from its classes and nothing else."""
    return XmlSerializer().render(_DOCUMENT, ns_map={None: pain001.NAMESPACE})


def _reconciled(content: bytes, ours: list[dict[str, object]]) -> None:
    lines = reconcile(read(content), ours)
    assert len(lines) == PAYMENTS and not any(line.is_break for line in lines)


def _walked(content: bytes) -> None:
    entries = 0
    for _, element in etree.iterparse(io.BytesIO(content), events=("end",)):
        if element.tag.endswith("}Ntry"):
            entries += 1
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    assert entries == PAYMENTS


def _statement() -> bytes:
    def balance(code: str, fen: int) -> str:
        return (f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">{Decimal(fen) / 100}</Amt>'
                f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{DAY}</Dt></Dt></Bal>")  # fmt: skip

    def entry(one: Instruction) -> str:
        amount = f'<Amt Ccy="CNY">{Decimal(one.amount_fen) / 100}</Amt>'
        return (f"<Ntry>{amount}<CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{DAY}</Dt></BookgDt><ValDt>"
                f"<Dt>{DAY}</Dt></ValDt><AcctSvcrRef>R</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>{one.end_to_end_id}</EndToEndId>"
                f"</Refs>{amount}<CdtDbtInd>DBIT</CdtDbtInd></TxDtls></NtryDtls></Ntry>")  # fmt: skip

    total = sum(one.amount_fen for one in TOLD)
    account = "<Acct><Id><Othr><Id>31050166360000123</Id></Othr></Id><Ccy>CNY</Ccy></Acct>"
    inside = f"{account}{balance('OPBD', total)}{balance('CLBD', 0)}{''.join(map(entry, TOLD))}"
    namespace = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
    return f'<Document xmlns="{namespace}"><BkToCstmrStmt><Stmt>{inside}</Stmt></BkToCstmrStmt></Document>'.encode()


def _document() -> iso.Document:
    return pain001.document("0" * 32, DAY, PAYER, TOLD, PAYEES)


_DOCUMENT = _document()


def _memory() -> float:
    """The largest memory in MiB of a process that writes and validates the file."""
    command = [sys.executable, "-m", "benchmarks.paths.bank"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return float(done.stdout)


if __name__ == "__main__":
    _written()
    print(largest_memory_mib())
