"""The first days: regions, terms, catalogue, laboratories, companies, accounts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

from services.demo.casebook import Case, budget_fen
from services.demo.cast import (
    AGENT_ID,
    AGENT_NAME,
    CATEGORIES,
    FIRST_DAY,
    ITEMS,
    PROVINCES,
    REGIONS,
    YEAR,
    Company,
    Region,
    digest,
    laboratory_of,
    provincial_officer,
)
from services.demo.client import Client, Person

OPERATOR = Person("operator-1", "operator")
NOTICE_BASIS = {"scope": "notice", "applicants": "notice", "amounts": "notice", "payment": "notice"}
ATTESTED = ["capacity_certificates", "qualified_staff", "service_norms", "clean_credit"]
AT_ONCE = 16


async def together(acts: Sequence[Awaitable[Any]]) -> None:
    """At most so many at once; the first failure is raised."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(act: Awaitable[Any]) -> None:
        async with gate:
            await act

    await asyncio.gather(*(one(act) for act in acts))


async def set_up_regions(client: Client, cases: list[Case]) -> None:
    """Each region joins, adopts its terms and entrusts its centre; one catalogue for all."""
    for region in REGIONS:
        joined = {"region": region.code, "name": region.name, "prefixes": [region.prefix], "joins_on": str(FIRST_DAY)}
        await client.post(region.provincial(), "/registry/v1/regions", joined)
        await client.post(region.officer("policy"), f"/registry/v1/regions/{region.code}/policies", _policy(region, cases))
        centre = {
            "centre_id": str(region.centre_id), "name": f"{region.name}创新券管理中心", "scope": ["review", "allocate"],
            "from_on": str(FIRST_DAY),
        }
        await client.post(region.officer("policy"), f"/registry/v1/regions/{region.code}/centres", centre)
    items = [{"code": code, "name": name, "category": category, "exclusions": []} for code, name, category in ITEMS]
    await client.post(provincial_officer("31"), "/registry/v1/catalogues", {"year": YEAR, "items": items})


def _policy(region: Region, cases: list[Case]) -> dict[str, Any]:
    document = f"{region.name}创新券实施细则(示例)"
    return {
        "effective_on": str(FIRST_DAY), "basis": NOTICE_BASIS, "terms": region.terms(budget_fen(region, cases)),
        "source_document": document, "text_sha256": digest(document),
    }


async def list_laboratories(client: Client) -> None:
    """Two a province apply, are recommended and made public; one more only applies."""
    for province in PROVINCES:
        usccs = []
        for number in (1, 2, 3):
            laboratory = laboratory_of(province, number)
            applied = {
                "uscc": laboratory.uscc, "name": laboratory.name, "province": province, "legal_form": "public_institution",
                "established_on": "2015-06-01", "categories": list(CATEGORIES),
            }
            await client.post(laboratory.provider, "/registry/v1/providers", applied)
            if number < 3:
                await _offer_and_recommend(client, laboratory, province)
                usccs.append(laboratory.uscc)
        listing = {"notice_id": str(client.id("listing", province)), "province": province, "usccs": usccs}
        await client.post(provincial_officer(province), "/registry/v1/notices", listing)


async def _offer_and_recommend(client: Client, laboratory: Company, province: str) -> None:
    for code, name, _ in ITEMS:
        offer = {"item_code": code, "name": name, "price_fen": 100_000, "unit": "次"}
        await client.post(laboratory.provider, f"/registry/v1/providers/{laboratory.uscc}/services", offer)
    path = f"/registry/v1/providers/{laboratory.uscc}/recommendation"
    await client.post(provincial_officer(province), path, {"attested": ATTESTED})


async def register_companies(client: Client, cases: list[Case]) -> None:
    """Every enterprise registers and qualifies by its SME number."""
    companies = {case.enterprise.uscc: case.enterprise for case in cases}
    await together([_register(client, company) for company in companies.values()])


async def _register(client: Client, company: Company) -> None:
    registered = {
        "uscc": company.uscc, "name": company.name, "division_code": company.division, "legal_form": "limited_company",
        "registered_on": "2019-05-06",
    }
    await client.post(company.enterprise, "/registry/v1/enterprises", registered)
    asked = {"basis": "sme_number", "year": YEAR, "sme_number": f"{YEAR}{company.division}00{company.uscc[11:17]}"}
    await client.post(company.enterprise, f"/registry/v1/enterprises/{company.uscc}/qualification", asked)


async def open_accounts(client: Client, cases: list[Case]) -> None:
    """The platform names the settlement agent; every payee names its account, another person confirms it."""
    agent = {
        "agent_id": str(AGENT_ID), "name": AGENT_NAME, "regions": [region.code for region in REGIONS],
        "from_on": str(FIRST_DAY),
    }
    await client.post(OPERATOR, "/settlement/v1/agents", agent)
    payees: dict[str, tuple[Person, Region]] = {}
    for case in cases:
        company, person = (
            (case.enterprise, case.enterprise.enterprise) if case.mode == "tongyong" else (case.provider, case.provider.provider)
        )
        payees.setdefault(company.uscc, (person, case.region))
    opened = (open_account(client, uscc, person, region, account_number(uscc)) for uscc, (person, region) in payees.items())
    await together(list(opened))


async def open_account(client: Client, uscc: str, person: Person, region: Region, number: str) -> None:
    """Named by the payee, confirmed by the region's centre."""
    stated = {"account_number": number, "bank_code": "102290002916"}
    await client.post(person, f"/settlement/v1/accounts/{uscc}", stated)
    await client.post(region.centre("accounts"), f"/settlement/v1/accounts/{uscc}/confirm", {"region": region.code})


def account_number(uscc: str, mended: bool = False) -> str:
    """One a payee; the first laboratories of 申 and 苏 name the same, and a signal says so."""
    division = uscc[2:8]
    if uscc in SHARED_ACCOUNT:
        division = SHARED_ACCOUNT[0][2:8]
    return f"62{division}{uscc[11:17].translate(_DIGITS)}{89 if mended else 88}"


SHARED_ACCOUNT = tuple(laboratory_of(province, 1).uscc for province in ("31", "32"))
_DIGITS = str.maketrans("ABCDEFGHJKLMNPQRTUWXY", "012345678901234567890")
