"""What a run shows and leaves: a table per region, one case's story, the logs and a summary."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from services.demo.cast import REGIONS

NAMES = {
    "VoucherApplied": "企业申领", "VoucherIssued": "发放创新券", "ContractSubmitted": "提交意向合同",
    "ContractClaimed": "合同行占用", "ContractFiled": "合同归档比对", "ContractUnfiled": "合同撤档",
    "VoucherPassedOn": "企业合并承继",
    "ContractAcknowledged": "对方确认合同", "AllocationConfirmed": "核定额度",
    "HoldPlaced": "预占限额", "VoucherTendered": "企业交付创新券", "VoucherCollected": "机构收取创新券",
    "RedemptionRequested": "申请兑付", "InvoiceClaimed": "发票占用", "VoucherPresented": "创新券提示",
    "ReviewOpened": "开始审核", "RedemptionReturned": "退回补正", "RedemptionResubmitted": "补正后再报",
    "RedemptionReviewed": "管理中心审核",
    "RedemptionApproved": "区域部门同意", "RedemptionPublished": "列入公示", "ObjectionRaised": "提出异议",
    "ObjectionDismissed": "异议不成立", "PublicityPassed": "公示期满无异议", "PayoutScheduled": "列入拨付",
    "PayoutInstructed": "指令拨付", "PayoutSettled": "拨付到账", "RedemptionSettled": "兑付完成",
    "HoldConsumed": "限额核销", "VoucherRedeemed": "创新券核销",
    "InspectionOpened": "开展检查", "FindingRecorded": "检查发现问题", "InspectionStatementReceived": "当事人陈述",
    "PaymentStopped": "暂停拨付", "PaymentStopLifted": "解除暂停",
    "InspectionClosed": "检查结论", "ClawbackProposed": "提出追回",
    "ClawbackOrdered": "决定追回", "RecoveryRecorded": "款项退回", "ClawbackClosed": "追回完成",
    "RecoverySought": "兑付列入追回", "DebtBooked": "记入应收", "RecoveryBooked": "记入结算期追回",
    "PayableBooked": "记入结算期应付", "OffsetPlanned": "拟抵扣", "OffsetTaken": "抵扣完成",
    "SanctionProposed": "拟作处理", "PartyNotified": "告知当事人",
    "StatementReceived": "陈述申辩", "SanctionDecided": "作出处理决定", "CreditRecordEntered": "记入科研信用记录",
}
Event = dict[str, Any]


@dataclass(frozen=True)
class Logs:
    """Lines of ``{"source", "position", "event"}`` by source, in order of positions."""

    lines: Mapping[str, list[str]]

    def events(self) -> Iterator[Event]:
        for source in sorted(self.lines):
            for line in self.lines[source]:
                yield json.loads(line)["event"]


def summary(logs: Logs) -> dict[str, Any]:
    """Per region: issued and refused, counted; held, paid, released in fen. No ids, no timings."""
    regions = {r.code: dict.fromkeys(("issued", "refused", "held_fen", "paid_fen", "released_fen"), 0) for r in REGIONS}
    region_of: dict[str, str] = {}
    ceilings: dict[str, str] = {}
    for event in logs.events():
        _count(event, regions, region_of, ceilings)
    return {"regions": regions}


def _count(event: Event, regions: dict[str, dict[str, int]], region_of: dict[str, str], ceilings: dict[str, str]) -> None:
    kind, stream = event["type"], event["originator_id"]
    if kind == "VoucherApplied":
        region_of[event["voucher_id"]] = event["region"]
    elif kind == "CeilingSet" and event["kind"] == "region-year":
        ceilings[stream] = event["key"]
    elif kind == "VoucherIssued":
        regions[event["region"]]["issued"] += 1
    elif kind in ("ApplicationRefused", "AllocationRefused"):
        regions[region_of[event["voucher_id"]]]["refused"] += 1
    elif kind == "RedemptionSettled":
        regions[event["region"]]["paid_fen"] += event["paid_fen"]
    elif stream in ceilings:
        _hold(event, regions[ceilings[stream]])


def _hold(event: Event, row: dict[str, int]) -> None:
    if event["type"] == "HoldPlaced":
        row["held_fen"] += event["amount_fen"]
    elif event["type"] == "HoldReleased":
        row["held_fen"] -= event["held_fen"]
        row["released_fen"] += event["held_fen"]
    elif event["type"] == "HoldConsumed":
        row["held_fen"] -= event["held_fen"]
        row["released_fen"] += event["held_fen"] - event["amount_fen"]


def print_report(logs: Logs) -> None:
    """The table per region in 元, and the story of one case."""
    console = Console()
    table = Table(title="各区域创新券(元)")
    for heading in ("区域", "发放", "未获批", "预占", "已拨付", "释放"):
        table.add_column(heading, justify="left" if heading == "区域" else "right")
    names = {region.code: region.name for region in REGIONS}
    for code, row in summary(logs)["regions"].items():
        money = (f"{row[name] / 100:,.2f}" for name in ("held_fen", "paid_fen", "released_fen"))
        table.add_row(names[code], str(row["issued"]), str(row["refused"]), *money)
    console.print(table)
    _print_story(console, logs)


def _print_story(console: Console, logs: Logs) -> None:
    cases: dict[str, list[Event]] = defaultdict(list)
    for event in logs.events():
        if event.get("case_id"):
            cases[event["case_id"]].append(event)
    told = max(cases, key=lambda case: len({event["type"] for event in cases[case]} & set(NAMES)), default=None)
    if told is None:
        return
    console.print(f"\n[bold]一张创新券的始末[/bold] {told}")
    for event in sorted(cases[told], key=lambda e: (e["recorded_at"], e["source"])):
        amount = event.get("amount_fen")
        money = f" {amount / 100:,.2f} 元" if amount is not None else ""
        console.print(f"  {event['business_day']}  {NAMES.get(event['type'], '')} {event['type']}{money}")


def write_out(directory: Path, logs: Logs) -> None:
    """events.jsonl, every log whole, by source and position; summary.json."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "events.jsonl").open("w", encoding="utf-8") as file:
        for source in sorted(logs.lines):
            file.writelines(f"{line}\n" for line in logs.lines[source])
    text = json.dumps(summary(logs), ensure_ascii=False, indent=2, sort_keys=True)
    (directory / "summary.json").write_text(text + "\n", encoding="utf-8")
