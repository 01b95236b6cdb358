"""Who may do what, as one table: the nine roles by every route of every service, read from the routes themselves.

``python -m services.people --write`` writes ``docs/people.md``; a test says when that page is behind, and another calls
every route with every role in and out of its region (``tests/integration/test_people_matrix.py``).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID

from services.platform import service_named
from shared.kernel.commands import Principal
from shared.runtime.access import Access
from shared.runtime.routes import ViewRoute
from shared.runtime.settings import Settings
from shared.runtime.store import SERVICES
from shared.runtime.web import build_platform_app, service_documents

PAGE = Path("docs/people.md")


class Role(NamedTuple):
    """One role. ``claim`` is what its token carries besides; ``theirs`` what it reads and acts on."""

    zh: str
    claim: str
    theirs: str


ROLES: Mapping[str, Role] = {
    "enterprise": Role("企业", "uscc", "its own cases"),
    "provider": Role("服务机构", "uscc", "its own cases"),
    "centre": Role("管理中心", "member_of", "cases of the regions that entrust it that day, in the scope entrusted"),
    "regional_officer": Role("区域主管人员", "region, six digits", "cases its region pays for"),
    "provincial_officer": Role("省级主管人员", "region, two digits", "the regions of its province, and the providers it lists"),
    "agent": Role("结算机构", "member_of", "payments of the regions it was appointed for"),
    "auditor": Role("审计", "", "reads all, with the reading recorded; changes nothing but what audit keeps"),
    "operator": Role("平台运维", "", "days, calendars, agents and stopped sources; no business act"),
    "public": Role("公众", "no token", "notices and lists, a trial calculation, an objection"),
}

#: commands about nothing that is already somebody's: «in» and «out» of a region mean nothing there
NOBODYS_YET: Mapping[str, str] = {
    "SetCalendar": "a calendar is everybody's",
    "OpenDay": "a day is everybody's",
    "AppointAgent": "an agent is the platform's",
    "ReplaceAgent": "an agent is the platform's",
    "GrantDelegation": "everybody delegates what is theirs",
    "ApplyForVoucher": "an enterprise applies for itself",
    "PublishCatalogue": "the common list is the province's that publishes it",
    "RaiseObjection": "anybody may object",
    "RecordRecusal": "everybody may stay out of a matter",
    "Countersign": "a witness signs what it saw of a log",
    "HandInDocument": "a document is nobody's until a case names its digest",
}

#: a role that may ask, refused in the history of the matrix test for a reason that lies in the case
NOT_IN_EVERY_CASE: Mapping[tuple[str, str], str] = {
    ("provider", "AcknowledgeContract"): "who submitted a contract does not acknowledge it",
    ("provider", "DisputeContract"): "who submitted a contract does not dispute it",
    ("provider", "ConfirmPayeeAccount"): "another person confirms an account than proposed it",
    ("enterprise", "ConfirmPayeeAccount"): "another person confirms an account than proposed it",
    ("regional_officer", "ConfirmAllocation"): "only where the region's terms keep allocating to itself",
    ("regional_officer", "CorrectAllocation"): "only where the region's terms keep allocating to itself",
}


class Entry(NamedTuple):
    """One route. ``scopes``: by role that may, ``own``, ``all`` or ``open``; a role that is not there is refused."""

    service: str
    method: str
    path: str
    what: str
    scopes: Mapping[str, str]


def sample(role: str) -> Principal:
    """Somebody of that role, to ask a scope what it lets through."""
    region = {"regional_officer": "310118", "provincial_officer": "31"}.get(role)
    return Principal(sub="somebody", role=role, region=region, uscc="91310118MA0TEXT048", member_of=UUID(int=1))


def entries() -> list[Entry]:
    """Every route of every service, in the order of services and paths."""
    documented = documents()
    return [entry for name in SERVICES for entry in _of_service(name, documented[name])]


def _of_service(name: str, document: Mapping[str, Any]) -> Iterator[Entry]:
    views = {f"/{name}/v1{route.path}": route for route in service_named(name).routes if isinstance(route, ViewRoute)}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            roles = operation.get("x-roles", ["public"])
            told = operation["operationId"] if method == "post" else operation["summary"]
            scopes = {role: _scope(views.get(path), method, told, role) for role in roles}
            yield Entry(name, method.upper(), path, told, scopes)


def _scope(view: ViewRoute | None, method: str, what: str, role: str) -> str:
    if role == "public":
        return "open"
    if method == "post":
        unbound = role in ("auditor", "operator") or what in NOBODYS_YET
        return "all" if unbound else "own"
    if role in ("auditor", "operator"):
        return "all"
    return "all" if view is not None and (view.scope is None or view.scope(sample(role)) is None) else "own"


def documents() -> dict[str, dict[str, Any]]:
    """The OpenAPI document of each service, without one running."""
    settings = Settings(state_dir=Path(tempfile.gettempdir()) / "tongdui-people")
    runtimes: list[Any] = [
        SimpleNamespace(service=service_named(name), settings=settings, access=Access(settings), projections=None)
        for name in SERVICES
    ]
    return service_documents(build_platform_app(runtimes))


# -- the page ----------------------------------------------------------------------------------


def page() -> str:
    """``docs/people.md``."""
    listed = entries()
    tables = [line for name in SERVICES for line in _service_table(name, [one for one in listed if one.service == name])]
    return "\n".join([*_roles_table(), *tables]) + "\n"


def _roles_table() -> list[str]:
    return [
        "# Who may do what 人员与权限",
        "",
        "Written by `python -m services.people --write` from the routes of the four services; do not edit. What a table does",
        "not allow is refused: 401 without a token, 403 for another role, region or organisation, 404 for a row that is not",
        "the caller's. Every refusal of access to a known person is recorded (`AccessRecorded`).",
        "",
        "An official acts for another under a delegation (`POST /registry/v1/delegations`) named in the header",
        "`On-Behalf-Of`: with the other's role and region, in the delegation's scope, until its last day; both are the",
        "persons who acted where two are needed. Who stays out of a matter (`POST …/recusals` 回避) decides",
        "nothing about it, nor does anybody for them.",
        "",
        "| Role | 角色 | Its token carries | Theirs |",
        "|---|---|---|---|",
        *(f"| {name} | {role.zh} | {role.claim or '–'} | {role.theirs} |" for name, role in ROLES.items()),
        "",
        "**own**: what is theirs, as above · **all**: not bound to a region or a party · **open**: anybody, without a token ·",
        "–: refused.",
        "",
        "Not in every case:",
        "",
        *(f"- {what} by a {role}: {why}" for (role, what), why in NOT_IN_EVERY_CASE.items()),
    ]


def _service_table(name: str, listed: Sequence[Entry]) -> list[str]:
    head = " | ".join(ROLES)
    rows = (
        f"| `{entry.method} {entry.path}` | {entry.what} | "
        + " | ".join(entry.scopes.get(role, entry.scopes.get("public", "–")) for role in ROLES)
        + " |"
        for entry in listed
    )
    return ["", f"## {name}", "", f"| Route | What | {head} |", "|---|---|" + "---|" * len(ROLES), *rows]


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
