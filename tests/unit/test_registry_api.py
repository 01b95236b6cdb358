"""Who may call what of the registry, and the public search of providers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.registry import api
from services.registry.commands import HANDLERS
from services.registry.days_route import DAYS
from services.registry.domain.listing_notice import CloseNotice
from services.registry.provider_search import ProviderQuery, found, providers_seen
from shared.kernel.commands import Principal
from shared.runtime.routes import CommandRoute
from shared.runtime.settings import Settings
from shared.runtime.view_endpoint import is_in_scope
from tests.unit.registry_world import (
    COMPANY,
    LABORATORY,
    OF_COMPANY,
    OF_LABORATORY,
    OPERATOR,
    PUBLIC,
    QINGPU_OFFICER,
    SHANGHAI,
    ZHEJIANG,
)
from tests.unit.web_runtime import Caller, FakeRuntime, is_problem

AUDITOR = Principal(sub="a-1", role="auditor")
COMMAND_ROUTES = [route for route in api.ROUTES if isinstance(route, CommandRoute)]


def a_runtime(path: Path, clock: str = "simulated") -> FakeRuntime:
    runtime = FakeRuntime(Settings(state_dir=path, clock=clock), "registry", api.EXTRA)
    runtime.service.routes = api.ROUTES
    return runtime


def test_every_command_has_one_route_but_the_one_the_platform_asks_itself() -> None:
    routed = [route.command for route in COMMAND_ROUTES] + [DAYS.command]
    assert len(routed) == len(set(routed))
    assert set(HANDLERS) - set(routed) == {CloseNotice}


def test_an_operator_does_no_business() -> None:
    assert {route.command.__name__ for route in COMMAND_ROUTES if "operator" in route.roles} == {
        "SetCalendar", "RaiseObjection",
    }


def test_an_auditor_changes_nothing_here() -> None:
    assert [route.path for route in COMMAND_ROUTES if "auditor" in route.roles] == [
        "/notices/{notice_id}/objections"
    ]


@pytest.mark.parametrize(
    ("who", "sees"),
    [(OF_COMPANY, [True, False]), (QINGPU_OFFICER, [True, True]), (SHANGHAI, [True, True]), (ZHEJIANG, [False, False]),
     (AUDITOR, [True, True])],
)
def test_an_enterprise_is_seen_by_itself_its_officers_and_auditors(who: Principal, sees: list[bool]) -> None:
    rows = [
        {"uscc": COMPANY, "region": "310118", "province": "31"},
        {"uscc": "other", "region": "310118", "province": "31"},
    ]
    assert [is_in_scope(row, api.enterprises_seen(who)) for row in rows] == sees


@pytest.mark.parametrize(
    ("who", "sees"),
    [(PUBLIC, [True, False]), (OF_COMPANY, [True, False]), (OF_LABORATORY, [True, True]), (SHANGHAI, [True, True]),
     (ZHEJIANG, [True, False]), (AUDITOR, [True, True]), (OPERATOR, [True, False])],
)
def test_everybody_sees_who_is_listed_and_an_applicant_only_itself_and_its_province(
    who: Principal, sees: list[bool]
) -> None:
    rows = [
        {"uscc": "other", "state": "listed", "province": "31"},
        {"uscc": LABORATORY, "state": "applied", "province": "31"},
    ]
    assert [is_in_scope(row, providers_seen(who)) for row in rows] == sees


def test_a_delegation_is_seen_by_both_its_sides() -> None:
    row = {"from_actor": QINGPU_OFFICER.sub, "to_actor": "r-2"}
    assert is_in_scope(row, api.delegations_seen(QINGPU_OFFICER))
    assert not is_in_scope(row, api.delegations_seen(SHANGHAI))
    assert is_in_scope(row, api.delegations_seen(AUDITOR))


class Listed:
    """Providers by key, answering ``find`` as the view does for the conditions asked here."""

    def __init__(self, names: dict[str, str]) -> None:
        self.rows = {key: {"uscc": key, "name": name, "state": "listed"} for key, name in names.items()}
        self.pages = 0

    def find(self, name: str, scope: Any, where: dict[str, Any], after: str | None, limit: int) -> list[Any]:
        self.pages += 1
        fitting = sorted(key for key in self.rows if after is None or key > after)
        return [(key, self.rows[key]) for key in fitting[:limit]]


def test_a_fragment_of_the_name_finds_a_provider_wherever_it_stands_in_the_list() -> None:
    rows: Any = Listed({f"{n:04d}": "检测院" if n % 400 == 0 else "研究所" for n in range(1200)})
    first = found(rows, None, ProviderQuery(name="检测", limit=2))
    assert [row["uscc"] for row in first.items] == ["0000", "0400"]
    rest = found(rows, None, ProviderQuery(name="检测", limit=2, after=first.next))
    assert ([row["uscc"] for row in rest.items], rest.next) == (["0800"], None)


def test_without_a_fragment_a_page_is_read_at_once() -> None:
    rows: Any = Listed({f"{n:04d}": "检测院" for n in range(300)})
    page = found(rows, None, ProviderQuery(limit=100))
    assert (len(page.items), page.next, rows.pages) == (100, "0099", 1)


def test_the_view_answers_by_uscc_category_province_and_item() -> None:
    query = ProviderQuery(uscc=LABORATORY, category="testing", province="31", item="T-01", name="检测")
    assert query.where() == {
        "uscc": LABORATORY, "province": "31", "categories": ["testing"], "items": ["T-01"],
    }


async def test_the_list_of_providers_is_public_and_a_misspelt_condition_is_refused(tmp_path: Path) -> None:
    caller = Caller(a_runtime(tmp_path))
    answer = await caller.get("/registry/v1/providers", role=None)
    assert (answer.status_code, answer.json()) == (200, {"items": [], "next": None})
    wrong = await caller.get("/registry/v1/providers?nmae=x", role=None)
    assert is_problem(wrong, 422, "invalid_request")["errors"][0]["code"] == "extra_forbidden"


async def test_the_documentation_names_every_command_and_the_days(tmp_path: Path) -> None:
    document = (await Caller(a_runtime(tmp_path)).get("/registry/v1/openapi.json", role=None)).json()
    operations = {operation.get("operationId") for path in document["paths"].values() for operation in path.values()}
    assert {command.__name__ for command in HANDLERS if command is not CloseNotice} <= operations
    assert "list_providers" in operations


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"date": 20250303}, "date", "date_format"),
        ({"date": "2025-02-30"}, "date", "date_from_datetime_parsing"),
        ({}, "date", "missing"),
        ({"date": "2025-03-03", "working": True}, "working", "extra_forbidden"),
    ],
)
async def test_a_bad_field_is_named_with_its_code_in_two_languages(
    tmp_path: Path, body: dict[str, Any], field: str, code: str
) -> None:
    answer = await Caller(a_runtime(tmp_path)).post("/registry/v1/days", body, role="operator")
    problem = is_problem(answer, 422, "invalid_request")
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [(field, code)]
    assert problem["errors"][0]["zh"] and problem["errors"][0]["detail"]


async def test_days_are_opened_by_an_operator_under_a_simulated_clock_only(tmp_path: Path) -> None:
    simulated, real = a_runtime(tmp_path), a_runtime(tmp_path, "real")
    body = {"date": "2025-03-03"}
    assert (await Caller(simulated).post("/registry/v1/days", body, role="operator")).status_code == 200
    is_problem(await Caller(simulated).post("/registry/v1/days", body, role="enterprise"), 403, "role_not_allowed")
    is_problem(await Caller(real).post("/registry/v1/days", body, role="operator"), 409, "clock_is_real")
    commands = [type(command).__name__ for command, *_ in simulated.executed]
    assert (commands, real.executed) == (["OpenDay", "RecordAccess"], [])
