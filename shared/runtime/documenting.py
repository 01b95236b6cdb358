"""What the OpenAPI documents say of every route: problems, the bearer token, the id of a command."""

from __future__ import annotations

from inspect import Parameter, Signature
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, FastAPI, Header, Path
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from tongdui_events.document import Stamp

from shared.runtime.problems import MEDIA_TYPE, Problem
from shared.runtime.routes import CommandRoute

_SECURITY = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_WHY = {
    400: "The body does not parse, or the command's id is missing",
    401: "No token, or one that is not accepted",
    403: "The role, organisation or region has no part in this",
    404: "There is nothing under this id",
    409: "The step does not follow, or the id was used for another payload",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "A field or a rule does not hold",
    500: "An internal error",
    503: "Try again under the same id",
}
assert MEDIA_TYPE in _PROBLEM

IdempotencyKey = Annotated[
    UUID,
    Header(
        alias="Idempotency-Key",
        description="Made by the caller. The same id and payload give the first outcome again, also after a 503.",
    ),
]


class StoredDocument(Stamp):
    """One event as stored: the stamp, and the fields of its type beside it."""

    model_config = ConfigDict(extra="allow")


class Recorded(BaseModel):
    """An accepted command: the position of its last event in the service's log, and its events."""

    position: int
    events: list[StoredDocument]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route that may answer these problems."""
    return {status: {"description": _WHY[status], "content": _PROBLEM} for status in statuses}


def guarded(roles: Any) -> dict[str, Any] | None:
    """The ``openapi_extra`` of a route that needs a token: the bearer scheme, and the roles that may (``x-roles``)."""
    return None if "public" in roles else {"security": [{"bearer": []}], "x-roles": sorted(roles)}


def command_api_route(prefix: str, route: CommandRoute, endpoint: Any) -> APIRoute:
    """A documented route whose requests go to ``endpoint``, an ASGI application."""
    documented = APIRoute(
        prefix + route.path,
        _signed(route),
        methods=["POST"],
        response_model=Recorded,
        summary=route.summary,
        description=_with_roles(route.description, route.roles),
        operation_id=route.command.__name__,
        tags=[route.path.split("/")[1]],
        responses=problems(400, 401, 403, 404, 409, 413, 415, 422, 500, 503),
        openapi_extra=guarded(route.roles),
    )
    documented.app = endpoint
    return documented


def _with_roles(description: str, roles: Any) -> str:
    return f"{description}\n\nRoles: {', '.join(sorted(roles))}."


def _signed(route: CommandRoute) -> Any:
    """A function with the parameters a caller gives; only its signature is ever used."""

    async def command() -> None:
        return None

    fields = route.command.model_fields
    model = route.body_model()
    parameters = [
        *(_parameter(name, Annotated[fields[name].rebuild_annotation(), Path()]) for name in route.parameters),
        _parameter("idempotency_key", IdempotencyKey),
    ]
    if model.model_fields:
        parameters.append(_parameter("body", Annotated[model, Body()]))
    command.__signature__ = Signature(parameters)  # what FastAPI reads
    return command


def _parameter(name: str, annotation: Any) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation)


def document_with_problems(app: FastAPI) -> None:
    """Give the application's OpenAPI document the schema of problems and the bearer scheme."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            components = schema.setdefault("components", {})
            schemas = components.setdefault("schemas", {})
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem.pop("$defs", {}))
            schemas["Problem"] = problem
            components["securitySchemes"] = _SECURITY
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi
