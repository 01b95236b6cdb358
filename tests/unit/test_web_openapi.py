"""The OpenAPI documents say what the routes do; the pages need no other host; services share a port."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.openapi.models import OpenAPI

from shared.kernel.commands import Command
from shared.runtime.gate import PathTable
from shared.runtime.settings import Settings
from shared.runtime.web import CommandRoute, ViewRoute
from tests.unit.web_runtime import VOUCHER, Caller, FakeRuntime, SubmitContract, is_problem, routes

CONTRACT = "/voucher/v1/vouchers/{voucher_id}/contract"


@pytest.fixture
def caller(tmp_path: Path) -> Caller:
    settings = Settings(state_dir=tmp_path)
    return Caller(FakeRuntime(settings, "voucher"), FakeRuntime(settings, "registry"))


async def document_of(caller: Caller, service: str = "voucher") -> dict[str, Any]:
    answer = await caller.get(f"/{service}/v1/openapi.json", role=None)
    document: dict[str, Any] = answer.json()
    return document


async def test_each_service_has_a_sound_document_of_its_own_paths(caller: Caller) -> None:
    for service in ("voucher", "registry"):
        document = await document_of(caller, service)
        OpenAPI.model_validate(document)
        assert set(document["paths"]) == {
            f"/{service}/v1{path}"
            for path in (*(route.path for route in routes()), "/progress", "/stopped",
                         "/stopped/{source}/{position}/park", "/stopped/{source}/{position}/retry")
        }
        for name in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)):
            assert name in document["components"]["schemas"]


async def test_operation_ids_are_unique(caller: Caller) -> None:
    document = await document_of(caller)
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))


async def test_a_commands_docstring_is_its_description_and_its_fields_without_the_paths_are_its_body(
    caller: Caller,
) -> None:
    document = await document_of(caller)
    operation = document["paths"][CONTRACT]["post"]
    assert operation["summary"] == "Submit contract"
    assert operation["description"] == "Hand in the intended contract.\n\nRoles: enterprise, provider."
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    body = document["components"]["schemas"][reference.rsplit("/", 1)[1]]
    command = SubmitContract.model_json_schema(ref_template="#/components/schemas/{model}")
    assert {name: _stated(field) for name, field in body["properties"].items()} == {
        name: _stated(field) for name, field in command["properties"].items() if name != "voucher_id"
    }
    assert body["required"] == [name for name in command["required"] if name != "voucher_id"]
    assert body["additionalProperties"] is False
    parameters = {(parameter["in"], parameter["name"]): parameter for parameter in operation["parameters"]}
    assert parameters["path", "voucher_id"]["schema"]["format"] == "uuid"
    key = parameters["header", "Idempotency-Key"]
    assert key["required"] and key["schema"]["format"] == "uuid"


def _stated(field: dict[str, Any]) -> dict[str, Any]:
    """FastAPI leaves a default of null unsaid."""
    return {name: value for name, value in field.items() if value is not None}


async def test_a_command_whose_fields_are_all_in_the_path_documents_no_body(caller: Caller) -> None:
    document = await document_of(caller)
    assert "requestBody" not in document["paths"]["/voucher/v1/vouchers/{voucher_id}/tender"]["post"]


async def test_every_operation_documents_the_problem_shape(caller: Caller) -> None:
    document = await document_of(caller)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            problems = {status: said for status, said in operation["responses"].items() if status != "200"}
            assert problems, path
            for said in problems.values():
                assert list(said["content"]) == ["application/problem+json"]
    problem = document["components"]["schemas"]["Problem"]
    assert {"type", "title", "status", "detail", "code", "zh", "instance"} <= set(problem["required"])


async def test_the_token_is_documented_where_it_is_needed(caller: Caller) -> None:
    paths = (await document_of(caller))["paths"]
    assert paths[CONTRACT]["post"]["security"] == [{"bearer": []}]
    assert paths["/voucher/v1/vouchers"]["get"]["security"] == [{"bearer": []}]
    assert "security" not in paths["/voucher/v1/objections"]["post"]
    assert "security" not in paths["/voucher/v1/notices"]["get"]


async def test_a_lists_filters_are_documented(caller: Caller) -> None:
    operation = (await document_of(caller))["paths"]["/voucher/v1/vouchers"]["get"]
    assert {parameter["name"] for parameter in operation["parameters"]} == {"region", "limit", "after", "at_least", "purpose"}


async def test_the_pages_load_nothing_from_another_host(caller: Caller) -> None:
    for page in ("/voucher/v1/docs", "/voucher/v1/redoc", "/registry/v1/docs"):
        text = (await caller.get(page, role=None)).text
        assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//[^"']+""", text)
        for path in re.findall(r"""(?:src|href)=["'](/[^"']+)""", text):
            assert (await caller.get(path, role=None)).status_code == 200
    front = (await caller.get("/", role=None)).text
    assert "/voucher/v1/docs" in front and "/registry/v1/docs" in front


async def test_services_on_one_port_answer_under_their_own_names(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    voucher, registry = FakeRuntime(settings, "voucher"), FakeRuntime(settings, "registry")
    caller = Caller(voucher, registry)
    assert (await caller.post(f"/registry/v1/vouchers/{VOUCHER}/tender")).status_code == 200
    assert (len(voucher.executed), len(registry.executed)) == (0, 1)
    is_problem(await caller.post(f"/audit/v1/vouchers/{VOUCHER}/tender"), 404, "no_such_route")


class Rename(Command):
    """Give a new name."""

    thing_id: UUID
    name: str


def test_a_table_of_routes_that_cannot_be_served_is_told_at_start() -> None:
    with pytest.raises(ValueError, match="no field other_id"):
        CommandRoute("/things/{other_id}", Rename, roles={"operator"})
    with pytest.raises(ValueError, match="there is no admin"):
        CommandRoute("/things", Rename, roles={"admin"})
    with pytest.raises(ValueError, match="route for nobody"):
        CommandRoute("/things", Rename, roles=set())
    with pytest.raises(ValueError, match="slash"):
        CommandRoute("things", Rename, roles={"operator"})
    with pytest.raises(ValueError, match="no parameter, or"):
        ViewRoute("/things/{thing_id}", view="things", roles={"operator"})
    with pytest.raises(ValueError, match="two commands"):
        PathTable([("/things/{a}/x", _nothing), ("/things/{b}/x", _nothing)])


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    return None


def test_a_literal_segment_goes_before_a_parameter() -> None:
    table = PathTable([("/things/{key}", "one"), ("/things/new", "new"), ("/things/{key}/{part}", "part")])
    assert table.find("/things/new") == ("new", {})
    assert table.find("/things/7") == ("one", {"key": "7"})
    assert table.find("/things/7/{}") == ("part", {"key": "7", "part": "{}"})
    for path in ("/things", "/things/", "/things/7/", "/things/7/8/9", "/", ""):
        assert table.find(path) is None
