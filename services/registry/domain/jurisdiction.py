"""Who acts for what: an officer for a region or a province, a party for itself."""

from __future__ import annotations

from shared.kernel.commands import Principal
from shared.kernel.decisions import NotYours
from shared.kernel.identifiers import province_of

DELTA = {"31": "上海", "32": "江苏", "33": "浙江", "34": "安徽"}
"""The provinces of the Yangtze River Delta. 二(二), 二(三)"""


def acts_for_region(principal: Principal, region: str) -> NotYours | None:
    """A regional officer acts for its own region only."""
    if principal.role == "regional_officer" and principal.region == region:
        return None
    return NotYours("region")


def acts_for_province(principal: Principal, province: str) -> NotYours | None:
    """A provincial officer acts for its own province only."""
    if principal.role == "provincial_officer" and principal.region == province:
        return None
    return NotYours("province")


def oversees_region(principal: Principal, region: str) -> NotYours | None:
    """The region's own officer, or one of the province it lies in."""
    if principal.role == "provincial_officer" and principal.region == province_of(region):
        return None
    return acts_for_region(principal, region)


def is_the_party(principal: Principal, uscc: str) -> NotYours | None:
    """Enterprises and providers act for themselves; their token carries their USCC."""
    if principal.role in ("enterprise", "provider") and principal.uscc == uscc:
        return None
    return NotYours("uscc")
