"""Every section of the notice has rules, every rule a module that decides and a test named as its sentence."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.contract.notice_rules import PAGE, RULES, SECTIONS, Rule, page

TESTS = Path(__file__).parents[1]


def test_the_page_of_rules_is_what_the_table_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.contract.notice_rules --write"


def test_every_section_of_the_notice_has_a_rule() -> None:
    assert {rule.section for rule in RULES} == set(SECTIONS)


def test_no_rule_is_listed_twice() -> None:
    assert len({(rule.section, rule.rule) for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.section} {rule.rule}")
def test_a_rule_is_decided_where_it_says_and_has_its_test(rule: Rule) -> None:
    assert find_spec(f"services.{rule.where}") is not None
    module, name = rule.test.split("::")
    tree = ast.parse((TESTS / module).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
