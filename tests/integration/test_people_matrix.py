"""Every route of every service, called by every role in and out of its region: what ``docs/people.md`` says is so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from eventsourcing.persistence import StoredEvent

from services.audit.samples_api import SAMPLES
from services.people import NOBODYS_YET, NOT_IN_EVERY_CASE, Entry, entries
from services.registry.days_route import DAYS
from shared.runtime.routes import CommandRoute, ViewRoute
from shared.runtime.settings import Settings
from tests.integration.people_requests import OTHER_BODIES, body_for, path_for
from tests.integration.people_world import INSIDE, OUTSIDE, People, people

NO_ENTRY = (401, 403)
OF_ONE_PERSON = {"List delegations"}
#: lists with no row for this party in the history: the laboratory is paid and was sanctioned
NONE_OF_THEIRS = {("enterprise", "List ceilings"), ("enterprise", "List payouts"), ("enterprise", "List credit records")}


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[People]:
    async with AsyncExitStack() as stack:
        settings = Settings(state_dir=tmp_path, database_url=database_url, clock="simulated")
        yield await people(database_url, settings, stack)


def code_of(answer: httpx.Response) -> str:
    is_problem = answer.headers.get("content-type", "").startswith("application/problem")
    return str(answer.json()["code"]) if is_problem else ""


class Caller:
    """Calls a route of the table as somebody."""

    def __init__(self, world: People) -> None:
        self._world = world
        self._commands = {
            (name, f"/{name}/v1{route.path}"): route
            for name, runtime in world.runtimes.items()
            for route in runtime.service.routes
            if isinstance(route, CommandRoute)
        } | {("registry", "/registry/v1/days"): DAYS, ("audit", "/audit/v1/samples"): SAMPLES}

    async def call(self, entry: Entry, role: str, claims: dict[str, Any] | None, side: str) -> httpx.Response:
        """``claims`` None: without a token."""
        headers = {} if claims is None else self._world.bearer(f"{side}-{role}", role, claims)
        route = self._commands.get((entry.service, entry.path))
        body: Any = body_for(route, entry.service, role) if route else None
        if entry.path in OTHER_BODIES:
            body = OTHER_BODIES[entry.path]
        return await self._world.call(entry.method, path_for(entry.path, role), headers, body)


async def test_every_route_admits_the_roles_of_the_table_and_no_other(world: People) -> None:
    caller, wrong = Caller(world), []
    for entry in entries():
        for role, claims in INSIDE.items():
            if role in entry.scopes or "public" in entry.scopes:
                continue
            answer = await caller.call(entry, role, claims, "inside")
            if (answer.status_code, code_of(answer)) != (403, "role_not_allowed"):
                wrong.append((role, entry.method, entry.path, answer.status_code, code_of(answer)))
        if "public" not in entry.scopes:
            answer = await caller.call(entry, "nobody", None, "")
            if answer.status_code != 401:
                wrong.append(("no token", entry.method, entry.path, answer.status_code, code_of(answer)))
    assert not wrong, "\n".join(map(str, wrong))


async def test_nobody_acts_outside_of_what_is_theirs_and_everybody_inside_of_it(world: People) -> None:
    caller, wrong = Caller(world), []
    table = [entry for entry in entries() if entry.method == "POST"]
    for entry in table:
        for role in entry.scopes:
            if entry.scopes[role] != "own":
                continue
            answer = await caller.call(entry, role, OUTSIDE[role], "outside")
            if answer.status_code != 403 or code_of(answer) == "role_not_allowed":
                wrong.append(("outside", role, entry.path, answer.status_code, code_of(answer), answer.text[:200]))
    for entry in table:
        for role in entry.scopes:
            claims = INSIDE[role] if role != "public" else None
            answer = await caller.call(entry, role, claims, "inside")
            may_be_refused = (role, entry.what) in NOT_IN_EVERY_CASE
            if (answer.status_code in NO_ENTRY and not may_be_refused) or code_of(answer) == "invalid_request":
                wrong.append(("inside", role, entry.path, answer.status_code, code_of(answer), answer.text[:200]))
    assert not wrong, "\n".join(map(str, wrong))


async def test_lists_and_details_answer_from_the_same_rule(world: People) -> None:
    wrong = []
    for name, runtime in world.runtimes.items():
        views = [route for route in runtime.service.routes if isinstance(route, ViewRoute)]
        lists = {route.view: route for route in views if route.is_list}
        for detail in (route for route in views if not route.is_list and route.view in lists):
            every = [key for key, _ in runtime.projections.find(detail.view, None, {}, None, 500)]
            assert every, f"the history has no {detail.view}"
            for side, people_of in (("inside", INSIDE), ("outside", OUTSIDE)):
                for role, claims in people_of.items():
                    if role not in detail.roles and "public" not in detail.roles:
                        continue
                    wrong += await _differing(world, name, lists[detail.view], detail, every, side, role, claims)
    assert not wrong, "\n".join(map(str, wrong))


async def _differing(
    world: People, name: str, listed: ViewRoute, detail: ViewRoute, every: list[str], side: str, role: str, claims: dict[str, Any]
) -> list[Any]:
    headers = world.bearer(f"{side}-{role}", role, claims)
    answer = await world.call("GET", f"/{name}/v1{listed.path}", headers)
    assert answer.status_code == 200, answer.text
    details = {}
    for key in every:
        one = await world.call("GET", f"/{name}/v1{detail.path.format(key=key)}", headers)
        assert one.status_code in (200, 404), one.text
        if one.status_code == 200:
            details[key] = one.json()
    in_list = answer.json()["items"]
    same = len(in_list) == len(details) and all(row in in_list for row in details.values())
    return [] if same else [(side, role, name, detail.path, len(in_list), len(details))]


async def test_a_list_shows_nobody_outside_a_row_that_somebody_inside_sees(world: People) -> None:
    wrong = []
    for entry in entries():
        if entry.method != "GET" or "{" in entry.path or entry.what in OF_ONE_PERSON:
            continue
        for role, scope in entry.scopes.items():
            if scope != "own" or role not in OUTSIDE:
                continue
            inside = await _listed(world, entry.path, "inside", role, INSIDE[role])
            outside = await _listed(world, entry.path, "outside", role, OUTSIDE[role])
            if bool(inside) == ((role, entry.what) in NONE_OF_THEIRS) or any(row in inside for row in outside):
                wrong.append((role, entry.path, len(inside), len(outside)))
    assert not wrong, "\n".join(map(str, wrong))


async def _listed(world: People, path: str, side: str, role: str, claims: dict[str, Any]) -> list[Any]:
    answer = await world.call("GET", path, world.bearer(f"{side}-{role}", role, claims))
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_nobody_reads_outside_of_what_is_theirs(world: People) -> None:
    """What is ``own`` in the table shows the history's one case to whose it is, and to nobody else."""
    caller, wrong = Caller(world), []
    for entry in entries():
        if entry.method != "GET" or "{" not in entry.path or entry.path.endswith("{key}"):
            continue
        for role, scope in entry.scopes.items():
            if scope != "own" or role not in OUTSIDE:
                continue
            outside = await caller.call(entry, role, OUTSIDE[role], "outside")
            if outside.status_code not in (403, 404):
                wrong.append(("outside", role, entry.path, outside.status_code))
            inside = await caller.call(entry, role, INSIDE[role], "inside")
            if inside.status_code in NO_ENTRY:
                wrong.append(("inside", role, entry.path, inside.status_code))
    assert not wrong, "\n".join(map(str, wrong))


async def test_every_refusal_of_access_is_recorded_once_for_a_person_and_a_path(world: People) -> None:
    caller, refused = Caller(world), set()
    for entry in entries():
        for role, claims in OUTSIDE.items():
            answer = await caller.call(entry, role, claims, "outside")
            if answer.status_code == 403:
                refused.add((entry.service, f"outside-{role}", answer.request.url.path, code_of(answer)))
    recorded = set()
    for name, runtime in world.runtimes.items():
        with runtime.store.connect() as connection:
            rows = connection.execute(f"SELECT state FROM {name}_events WHERE topic = 'AccessRecorded'").fetchall()
        for (state,) in rows:
            document = runtime.store.mapper.to_domain_event(_stored(state))
            event: Any = document.event
            if event.what == "refused" and event.purpose != "not_in_scope":
                recorded.add((name, document.stamp.actor.id, event.subject, event.purpose))
    assert refused, "somebody was refused"
    assert refused - recorded == set()


def _stored(state: bytes) -> Any:
    return StoredEvent(None, 0, "", bytes(state))


def test_what_is_bound_to_nobody_is_named_with_its_reason() -> None:
    assert all(NOBODYS_YET.values())
