"""The table of who may do what: generated, complete, and with the limits the roles have by their nature."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.people import NOBODYS_YET, PAGE, ROLES, Entry, entries, page
from shared.runtime.claims import ROLES as CLAIMED_ROLES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def table() -> list[Entry]:
    return entries()


def posted(table: list[Entry], role: str) -> set[tuple[str, str]]:
    return {(entry.service, entry.what) for entry in table if entry.method == "POST" and role in entry.scopes}


def test_the_page_says_what_the_routes_say() -> None:
    assert (ROOT / PAGE).read_text(encoding="utf-8") == page(), "python -m services.people --write"


def test_the_table_has_the_nine_roles_and_no_other(table: list[Entry]) -> None:
    assert set(ROLES) == CLAIMED_ROLES
    assert {role for entry in table for role in entry.scopes} <= CLAIMED_ROLES


def test_an_auditor_changes_nothing_but_what_audit_keeps(table: list[Entry]) -> None:
    assert {service for service, _ in posted(table, "auditor")} <= {"audit"}


def test_an_operator_does_no_business_act(table: list[Entry]) -> None:
    about_the_platform = {"OpenDay", "SetCalendar", "AppointAgent", "ReplaceAgent", "park", "retry"}
    assert {what for _, what in posted(table, "operator")} <= about_the_platform


def test_without_a_token_one_reads_what_is_public_and_objects(table: list[Entry]) -> None:
    assert {what for _, what in posted(table, "public")} == {"RaiseObjection", "Quote"}
    public = {entry.path.split("/")[3] for entry in table if entry.method == "GET" and "public" in entry.scopes}
    registry = {"days", "regions", "policies", "listing-terms", "catalogues", "providers"}
    assert public <= {*registry, "notices", "papers", "progress", "logs", "keys"}


def test_what_is_nobodys_yet_is_a_command_that_exists(table: list[Entry]) -> None:
    assert set(NOBODYS_YET) <= {entry.what for entry in table}
