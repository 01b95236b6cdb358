"""Trial calculation 试算 and self-evaluation as a person runs them: from a file, and over HTTP. 二(二), 二(四)"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.voucher.domain.quotes import Quote, quote
from services.voucher.quotes_route import add_quotes
from shared.runtime.problems import install
from tests.unit.test_cli import tongdui

POLICY = {
    "ratio_bp": {"testing": 3000, "transfer": 0},
    "allocation_cap_fen": None,
    "enterprise_year_cap_fen": 30_000_000,
    "region_year_budget_fen": 100_000_000,
    "rounding": "fen",
    "amount_basis": "tax_inclusive",
    "partial_allocation": True,
}
TESTED = {"category": "testing", "amount_fen": 10_000_000, "tax_bp": 600}
HELD = {"enterprise_year_fen": 0, "region_year_fen": 0}


def document(contract: dict[str, Any] = TESTED, held: dict[str, int] | None = None, **terms: Any) -> dict[str, Any]:
    return {"policy": {**POLICY, **terms}, "contract": contract, "held": {**HELD, **(held or {})}}


def amount_and_refusal(asked: dict[str, Any]) -> tuple[int, str | None]:
    answer = quote(Quote.model_validate(asked))
    return answer.allocation_fen, answer.refusal


def test_a_contract_of_one_line_may_be_written_without_a_list() -> None:
    assert quote(Quote.model_validate(document())) == quote(Quote.model_validate(document({"lines": [TESTED]})))


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (document(), (3_000_000, None)),
        (document(amount_basis="tax_exclusive"), (2_830_188, None)),
        (document(amount_basis="tax_exclusive", rounding="yuan"), (2_830_100, None)),
        (document(allocation_cap_fen=3_000_000), (3_000_000, None)),
        (document(allocation_cap_fen=2_999_999), (2_999_999, None)),
        (document(held={"enterprise_year_fen": 27_000_000}), (3_000_000, None)),
        (document(held={"enterprise_year_fen": 27_000_001}), (2_999_999, None)),
        (document(held={"enterprise_year_fen": 27_000_001}, partial_allocation=False), (0, "quota_exhausted")),
        (document(held={"enterprise_year_fen": 30_000_001}), (0, "quota_exhausted")),
        (document(held={"region_year_fen": 100_000_000}), (0, "budget_exhausted")),
        (document(held={"region_year_fen": 97_000_001}, partial_allocation=False), (0, "budget_exhausted")),
        (document(held={"enterprise_year_fen": 30_000_000, "region_year_fen": 100_000_000}), (0, "quota_exhausted")),
        (document({**TESTED, "category": "transfer"}), (0, "category_not_supported")),
        (document({**TESTED, "category": "sharing"}), (0, "category_not_supported")),
        (document({"lines": [TESTED, {**TESTED, "category": "sharing"}]}), (3_000_000, None)),
        (document({**TESTED, "amount_fen": 3}), (0, "amount_too_small")),
        (document({**TESTED, "amount_fen": 333}, rounding="yuan"), (0, "amount_too_small")),
    ],
)
def test_a_trial_calculation_is_exact_at_every_boundary(asked: dict[str, Any], answer: tuple[int, str | None]) -> None:
    assert amount_and_refusal(asked) == answer


def test_the_steps_end_with_enterprise_region_and_rounding() -> None:
    steps = quote(Quote.model_validate(document())).steps
    assert [step.rule for step in steps][-3:] == ["enterprise_year", "region_year", "rounding"]


def test_a_quote_file_is_answered_in_json_on_standard_output(tmp_path: Path) -> None:
    (tmp_path / "quote.json").write_text(json.dumps(document()))
    told = tongdui("quote", str(tmp_path / "quote.json"))
    assert told.returncode == 0 and told.stderr == ""
    assert set(json.loads(told.stdout)) == {"allocation_fen", "refusal", "steps"}


def test_a_refused_quote_is_an_answer_too(tmp_path: Path) -> None:
    (tmp_path / "quote.json").write_text(json.dumps(document({**TESTED, "amount_fen": 0})))
    told = tongdui("quote", str(tmp_path / "quote.json"))
    assert told.returncode == 0
    assert json.loads(told.stdout)["refusal"] == "amount_too_small"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (document({**TESTED, "amount_fen": -1}), "contract.lines.0.amount_fen"),
        (document({**TESTED, "amount_fen": 1.5}), "contract.lines.0.amount_fen"),
        (document(rounding="jiao"), "policy.rounding"),
        (document(ratio_bp={"testing": 10_001}), "policy.ratio_bp.testing"),
        ({**document(), "note": ""}, "note"),
    ],
)
def test_a_wrong_field_of_a_file_is_named_on_standard_error(wrong: dict[str, Any], field: str, tmp_path: Path) -> None:
    (tmp_path / "quote.json").write_text(json.dumps(wrong))
    told = tongdui("quote", str(tmp_path / "quote.json"))
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith(f"tongdui: {field}: ")


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_file_that_cannot_be_read_is_said_in_a_line(name: str, tmp_path: Path) -> None:
    told = tongdui("assess", str(tmp_path / name))
    assert told.returncode == 2 and told.stderr.count("\n") == 1


def test_a_self_evaluation_file_is_answered_with_points_also_when_a_condition_fails(tmp_path: Path) -> None:
    figures = {
        "staff": 10, "technical_staff": 3, "sales_fen": 0, "cost_fen": 0, "rd_fen": 0, "assets_fen": 1,
        "class_one_ip": 1, "class_two_ip": 0, "incidents": ["safety"], "listed_abnormal": False,
        "prohibited_trade": False, "shortcuts": [],
    }  # fmt: skip
    (tmp_path / "assess.json").write_text(json.dumps(figures))
    told = json.loads(tongdui("assess", str(tmp_path / "assess.json")).stdout)
    assert (told["qualifies"], told["score"], told["points"]) == (False, 50, {"staff": 20, "rd": 0, "ip": 30})
    assert set(told["reasons"]) == {"incident_on_record", "score_below_60"}


async def test_anyone_may_ask_for_a_quote_over_http_and_a_wrong_field_is_a_problem() -> None:
    app = FastAPI()
    install(app)
    add_quotes(app, None)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tongdui.test") as client:
        answered = await client.post("/voucher/v1/quotes", json=document())
        refused = await client.post("/voucher/v1/quotes", json=document(rounding="jiao"))
    assert (answered.status_code, answered.json()["allocation_fen"]) == (200, 3_000_000)
    assert refused.status_code == 422
    assert refused.headers["content-type"].startswith("application/problem+json")
