"""What to ask of a route: the ids of the history in its path, and a body that its command can read."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

from shared.runtime.routes import CommandRoute
from tests.integration import people_world as world

LATER = "2025-11-03"
_IN_PATHS: dict[str, Any] = {
    "region": world.REGION, "centre_id": world.CENTRE, "province": "31", "delegation_id": world.an_id(9),
    "uscc": world.COMPANY, "voucher_id": world.VOUCHER, "redemption_id": world.REDEMPTION, "payout_id": world.PAYOUT,
    "batch_id": world.BATCH, "agent_id": world.AGENT, "clawback_id": world.CLAWBACK, "window_id": world.WINDOW,
    "notice_id": world.NOTICE, "objection_id": world.OBJECTION,
    "appeal_id": world.APPEAL, "signal_id": world.SIGNAL, "inspection_id": world.INSPECTION, "sanction_id": world.SANCTION,
    "record_id": world.RECORD, "sample_id": world.SAMPLE, "case_id": world.VOUCHER, "source": "registry", "position": 1,
    "sha256": world.SHA, "statement_sha256": world.SHA, "paper": "request",
}  # fmt: skip
_BY_ROUTE: dict[str, dict[str, Any]] = {
    "/registry/v1/notices": {"notice_id": world.LISTING, "objection_id": world.LISTING_OBJECTION},
    "/registry/v1/providers": {"uscc": world.LABORATORY},
    "/settlement/v1/invoices": {"number": world.INVOICE},
    "/voucher/v1/vouchers/{voucher_id}/appeals/{appeal_id}": {"voucher_id": world.VOIDED},
    "/voucher/v1/vouchers/{voucher_id}/reinstate": {"voucher_id": world.VOIDED},
    "/audit/v1/sanctions/{sanction_id}/review": {"sanction_id": world.DECIDED},
    "/audit/v1/sanctions/{sanction_id}/lift": {"sanction_id": world.DECIDED},
}
_BY_ROLE: dict[str, dict[str, Any]] = {
    "enterprise": {"sanction_id": world.COMPANYS_SANCTION},
    "provincial_officer": {"record_id": world.PROVINCES_RECORD},
    "agent": {"payout_id": world.AGENTS_PAYOUT, "batch_id": world.AGENTS_BATCH, "payer": str(world.AGENT), "channel": "agent"},
}
#: what a command's field says; where it is not here, something its schema allows
_IN_BODIES: dict[str, Any] = {
    **{name: str(value) for name, value in _IN_PATHS.items() if name not in ("source", "position", "case_id", "sha256")},
    "division_code": world.REGION, "prefixes": [world.REGION], "usccs": [world.APPLICANT], "successor_uscc": world.STRANGER,
    "provider_uscc": world.LABORATORY, "enterprise_uscc": world.COMPANY, "party_uscc": world.LABORATORY, "list_region": None,
    "from_on": LATER, "on": LATER, "effective_on": LATER, "joins_on": LATER, "leaves_on": LATER, "run_off_until": "2025-12-01",
    "until": "2025-12-31", "use_by": "2025-12-31", "redeem_by": "2025-12-31", "opens_on": "2025-03-03",
    "registered_on": "2020-01-06", "established_on": "2020-01-06", "signed_on": "2025-03-03", "date": "2025-03-04",
    "year": 2025, "basis": "notice", "payer": world.REGION, "channel": "treasury", "by": str(world.OTHER_AGENT),
    "item_id": str(world.REDEMPTION), "redemption_ids": [str(world.REDEMPTION)], "payout_ids": [str(world.PAYOUT)],
    "places": [world.REGION, "31"], "modes": ["tongdui"], "sme_grace_until": None, "legal_form": "limited_company",
    "working_days": ["2028-01-03"], "end_to_end_id": "E1", "bank_code": "102290002916", "account_number": "6222000000000173",
}  # fmt: skip
_BY_COMMAND: dict[str, dict[str, Any]] = {
    "SetCalendar": {"year": 2028},
    "RequestQualification": {"basis": "sme_number", "sme_number": "202531011800012345"},
    "AdoptPolicy": {"basis": dict.fromkeys(("scope", "applicants", "amounts", "payment"), "notice")},
    "ApplyForVoucher": {"voucher_id": str(uuid4())},
    "GrantDelegation": {"delegation_id": str(uuid4()), "to_actor": "deputy"},
    "ReviewQualification": {"approved": True},
    "RegisterEnterprise": {"legal_form": "limited_company"},
    "PublishNotice": {"notice_id": str(uuid4())},
    "PublishListing": {"notice_id": str(uuid4())},
    "ProposeSanction": {"sanction_id": str(uuid4())},
    "OpenInspection": {"inspection_id": str(uuid4()), "cause": "report"},
    "ProposeClawback": {"clawback_id": str(uuid4())},
    "RecordResults": {"lines": [{"end_to_end_id": "0" * 32 + "001", "amount_fen": 1, "outcome": "paid", "on": "2025-03-03"}]},
    "ReconcileBatch": {"end_to_end_ids": ["0" * 32 + "001"]},
    "OpenBatch": {"batch_id": str(uuid4())},
    "RaiseObjection": {"objection_id": str(uuid4())},
    "ConfirmPayeeAccount": {"region": world.REGION},
    "DrawSample": {"sample_id": str(uuid4()), "from_on": "2025-03-03"},
}
_BY_PATTERN = {
    r"^[0-9a-f]{64}$": world.SHA, r"^[0-9]{6}$": world.REGION, r"^[0-9]{2}$": "31", r"^[0-9]{12}$": "102290002916",
    r"^[0-9A-HJ-NPQRTUWXY]{18}$": world.COMPANY, r"^[A-Za-z0-9]{1,35}$": "E1",
}  # fmt: skip
#: of routes that are no command
OTHER_BODIES: dict[str, Any] = {
    "/voucher/v1/documents": b"%PDF-1.7 a contract",
    "/audit/v1/logs/{source}/cosignatures": {"size": 1, "key": "w+00000000+AA==", "line": "— w AA=="},
    "/settlement/v1/documents": b"%PDF-1.7 a contract",
    "/voucher/v1/quotes": {
        "policy": {"ratio_bp": {"testing": 3000}, "allocation_cap_fen": None, "enterprise_year_cap_fen": 1,
                   "region_year_budget_fen": 1, "rounding": "fen", "amount_basis": "tax_inclusive", "partial_allocation": True},
        "contract": {"category": "testing", "amount_fen": 1, "tax_bp": 0},
        "held": {"enterprise_year_fen": 0, "region_year_fen": 0},
    },
}  # fmt: skip
_QUERIES = {"/audit/v1/cases/{case_id}/diff": "?before=voucher:1"}


def path_for(template: str, role: str) -> str:
    """The path with the history's ids in it."""
    values = dict(_IN_PATHS)
    for beginning, others in _BY_ROUTE.items():
        if template.startswith(beginning):
            values |= others
    values |= _BY_ROLE.get(role, {}) | {"delegation_id": world.delegation_of(role)}
    if template.startswith("/settlement/v1/accounts") and role == "provider":
        values["uscc"] = world.LABORATORY
    if template.startswith("/registry/v1/providers/{uscc}/re") and role == "provincial_officer":
        values["uscc"] = world.APPLICANT
    if template.endswith("/recusals") and role == "centre":
        # a person who stayed out of the history's case could be asked nothing more about it
        values |= dict.fromkeys(("voucher_id", "redemption_id"), world.an_id(9))
    path = re.sub(r"\{([a-z_0-9]+)\}", lambda name: str(values.get(name[1], world.an_id(9))), template)
    return path + _QUERIES.get(template, "")


def body_for(route: CommandRoute, service: str, role: str) -> dict[str, Any]:
    """A body the command can read. An optional field is stated only where it is named above."""
    schema = route.command.model_json_schema()
    own = _BY_COMMAND.get(route.command.__name__, {})
    if route.command.__name__ == "PublishCatalogue" and role == "regional_officer":
        own = {"region": world.REGION}
    if route.command.__name__ == "RecordRecusal" and role == "regional_officer":
        own = {"recused_actor": "somebody else"}
    template = f"/{service}/v1{route.path}"
    places = [of for beginning, of in _BY_ROUTE.items() if template.startswith(beginning)] + [_BY_ROLE.get(role, {})]
    named = _IN_BODIES | {name: str(value) for of in places for name, value in of.items()} | own
    required = set(schema.get("required", ())) | set(own)
    return {
        name: named[name] if name in named else _something(of, schema)
        for name, of in schema.get("properties", {}).items()
        if name in required and name not in route.parameters
    }


def _something(of: dict[str, Any], schema: dict[str, Any]) -> Any:
    """Any value the schema allows."""
    if "$ref" in of:
        return _something(schema["$defs"][of["$ref"].rsplit("/", 1)[1]], schema)
    for choice in ("anyOf", "oneOf"):
        if choice in of:
            return _something(of[choice][0], schema)
    if "const" in of or "enum" in of:
        return of.get("const", of.get("enum", [None])[0])
    match of.get("type"):
        case "object":
            return _an_object(of, schema)
        case "array":
            return [_something(of.get("items", {}), schema)] * of.get("minItems", 0)
        case "integer":
            return max(of.get("minimum", 1), of.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return True
    return _a_text(of)


def _an_object(of: dict[str, Any], schema: dict[str, Any]) -> Any:
    if "properties" not in of:
        return {"testing": _something(of.get("additionalProperties", {}), schema)}
    required = of.get("required", ())
    return {
        name: _IN_BODIES[name] if name in _IN_BODIES and "$ref" not in one else _something(one, schema)
        for name, one in of["properties"].items()
        if name in required
    }


def _a_text(of: dict[str, Any]) -> Any:
    if of.get("format") == "uuid":
        return str(world.an_id(9))
    if of.get("format") == "date":
        return LATER
    return _BY_PATTERN.get(of.get("pattern", ""), "x" * max(of.get("minLength", 1), 1))
