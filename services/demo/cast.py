"""Who plays in the pilot: four regions with their terms, laboratories, companies, officers. All invented."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid5

from stdnum.cn import uscc as cn_uscc

from services.demo.client import NAMESPACE, Person

YEAR = 2025
FIRST_DAY = date(2025, 3, 3)
YUAN = 100

CATEGORIES = ("testing", "development", "transfer", "sharing")
CATEGORY_NAMES = {"testing": "检验检测", "development": "技术研发", "transfer": "技术转移", "sharing": "资源开放"}
ITEMS: tuple[tuple[str, str, str], ...] = (
    ("T01", "材料成分分析", "testing"),
    ("T02", "环境可靠性试验", "testing"),
    ("D01", "样机联合研发", "development"),
    ("D02", "工艺仿真计算", "development"),
    ("F01", "专利转化评估", "transfer"),
    ("S01", "大型仪器机时", "sharing"),
)
UNLISTED_ITEM = "X99"


@dataclass(frozen=True)
class Region:
    """One pilot region and the terms it adopts."""

    code: str
    name: str
    prefix: str
    division: str
    modes: tuple[str, ...]
    ratio_bp: Mapping[str, int]
    cap_yuan: int
    year_cap_yuan: int
    redeem_by_days: int
    notice_days: tuple[int, int]
    rounding: str = "fen"
    amount_basis: str = "tax_inclusive"
    partial: bool = True
    offset: bool = False

    @property
    def province(self) -> str:
        return self.code[:2]

    @property
    def centre_id(self) -> UUID:
        return uuid5(NAMESPACE, f"centre/{self.code}")

    def officer(self, what: str) -> Person:
        return Person(f"{what}-{self.code}", "regional_officer", region=self.code)

    def centre(self, what: str) -> Person:
        return Person(f"{what}-{self.code}", "centre", member_of=self.centre_id)

    def provincial(self) -> Person:
        return provincial_officer(self.province)

    def terms(self, budget_fen: int) -> dict[str, Any]:
        """The region's terms in full. ``budget_fen``: its year's money."""
        calendar_days, working_days = self.notice_days
        return {
            "modes": list(self.modes),
            "ratio_bp": dict(self.ratio_bp),
            "allocation_cap_fen": self.cap_yuan * YUAN,
            "enterprise_year_cap_fen": self.year_cap_yuan * YUAN,
            "region_year_budget_fen": budget_fen,
            "quota_year_basis": "allocation",
            "budget_year_basis": "allocation",
            "rounding": self.rounding,
            "amount_basis": self.amount_basis,
            "partial_allocation": self.partial,
            "use_by_days": 30,
            "redeem_by_days": self.redeem_by_days,
            "notice_calendar_days": calendar_days,
            "notice_working_days": working_days,
            "mending_days": 10,
            "review_days": 10,
            "appeal_days": 10,
            "answer_days": 5,
            "window": "month",
            "year_end": "carry_over",
            "precheck": False,
            "regional_review": False,
            "centre_allocates": True,
            "channel": {"tongyong": "treasury", "tongdui": "agent"},
            "offset_allowed": self.offset,
            "clawback_restores_quota": False,
            "related_parties": "flag",
            "local_support_counts": False,
        }


REGIONS = (
    Region("310118", "青浦区", "310118", "310118", ("tongyong", "tongdui"),
           {"testing": 3000, "development": 3000, "transfer": 2500, "sharing": 4000}, 100_000, 300_000, 60, (7, 5)),
    Region("320509", "吴江区", "320509", "320509", ("tongyong",),
           {"testing": 5000, "development": 2000, "transfer": 2000, "sharing": 5000}, 80_000, 200_000, 45, (7, 5),
           rounding="yuan"),
    Region("330421", "嘉善县", "330421", "330421", ("tongdui",),
           {"testing": 4000, "development": 2500, "transfer": 3000, "sharing": 4000}, 120_000, 300_000, 60, (10, 7),
           amount_basis="tax_exclusive", offset=True),
    Region("340500", "马鞍山市", "3405", "340503", ("tongyong", "tongdui"),
           {"testing": 3000, "development": 3000, "transfer": 3000, "sharing": 3000}, 60_000, 150_000, 60, (7, 5),
           partial=False),
)
PROVINCES = ("31", "32", "33", "34")
PROVINCE_NAMES = {"31": "申", "32": "苏", "33": "浙", "34": "皖"}


AGENT_ID = uuid5(NAMESPACE, "agent")
AGENT_NAME = "示例清算有限公司"
AGENT = Person("agent-payment", "agent", member_of=AGENT_ID)


def provincial_officer(province: str) -> Person:
    return Person(f"province-{province}", "provincial_officer", region=province)


@dataclass(frozen=True)
class Company:
    """An enterprise or a laboratory."""

    uscc: str
    name: str
    division: str

    @property
    def enterprise(self) -> Person:
        return Person(f"enterprise-{self.uscc[8:]}", "enterprise", uscc=self.uscc)

    @property
    def provider(self) -> Person:
        return Person(f"provider-{self.uscc[8:]}", "provider", uscc=self.uscc)

    @property
    def province(self) -> str:
        return self.division[:2]


def generated_uscc(division: str, number: int) -> str:
    """A code that passes its check and belongs to nobody: organisation part ``DEM…``."""
    stem = f"91{division}DEM{number:06d}"
    return stem + cn_uscc.calc_check_digit(stem)


def enterprise_of(region: Region, number: int) -> Company:
    return Company(generated_uscc(region.division, number), f"{region.name}虚拟科技{number:04d}有限公司", region.division)


def laboratory_of(province: str, number: int) -> Company:
    division = {"31": "310115", "32": "320583", "33": "330411", "34": "340104"}[province]
    return Company(generated_uscc(division, 900_000 + number), f"{PROVINCE_NAMES[province]}示例检测实验室{number}号", division)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
