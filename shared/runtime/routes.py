"""What a service declares of its API: commands to post and views to read, as rows of a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any, Protocol
from uuid import UUID

from pydantic import BaseModel, ConfigDict, create_model

from shared.kernel.commands import Command, Principal
from shared.runtime.claims import ROLES

Scope = dict[str, Any] | list[dict[str, Any]] | None
"""Which rows a caller sees: those that contain the pattern, or one of them; None: all."""

_PARAMETER = re.compile(r"\{([a-z_0-9]+)\}")


def path_parameters(path: str) -> tuple[str, ...]:
    """The names in braces, in order."""
    return tuple(_PARAMETER.findall(path))


def _check(path: str, roles: Collection[str]) -> None:
    if not path.startswith("/") or path.endswith("/"):
        raise ValueError(f"{path!r}: a path begins with a slash and ends without one")
    unknown = set(roles) - ROLES
    if unknown or not roles:
        raise ValueError(f"{path}: name the roles that may; there is no {', '.join(sorted(unknown)) or 'route for nobody'}")


@dataclass(frozen=True)
class CommandRoute:
    """``POST /<service>/v1<path>``: one command. The command's docstring is the route's description.

    Path parameters fill the command's fields of that name; the body holds the others. ``roles`` may
    call; with ``public`` among them no token is needed. ``keep`` is handed the settings and the members of
    the request once the command was read from them, in a thread, before it is decided: what a private table keeps
    of a request never comes into the command. ``read`` takes the headers and the body and gives the members, where a
    caller may send something besides JSON.
    """

    path: str
    command: type[Command]
    roles: Collection[str]
    keep: Callable[[Any, dict[str, Any]], None] | None = None
    read: Callable[[Mapping[bytes, bytes], bytes], Any] | None = None

    def __post_init__(self) -> None:
        _check(self.path, self.roles)
        missing = set(self.parameters) - set(self.command.model_fields)
        if missing:
            raise ValueError(f"{self.path}: {self.command.__name__} has no field {', '.join(sorted(missing))}")

    @property
    def parameters(self) -> tuple[str, ...]:
        return path_parameters(self.path)

    @property
    def summary(self) -> str:
        """``ConfirmAllocation`` → ``Confirm allocation``."""
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", self.command.__name__)
        return words[0] + words[1:].lower()

    @property
    def description(self) -> str:
        return cleandoc(self.command.__doc__ or "")

    def body_model(self) -> type[BaseModel]:
        """The command's fields that the path does not give, for the API's documentation."""
        if not self.parameters:
            return self.command
        fields: dict[str, Any] = {
            name: (field.annotation, field)
            for name, field in self.command.model_fields.items()
            if name not in self.parameters
        }
        config = ConfigDict(extra="forbid", title=f"{self.command.__name__}Body")
        model = create_model(f"{self.command.__name__}Body", __config__=config, **fields)
        model.__doc__ = self.description
        return model


@dataclass(frozen=True)
class ViewRoute:
    """``GET /<service>/v1<path>``: one row of a view (the path ends in ``{key}``), or a list of them.

    ``scope(principal)`` says which rows the caller sees. A list takes the ``filters`` as query
    parameters, equal to the row's member of that name.
    """

    path: str
    view: str
    roles: Collection[str]
    scope: Callable[[Principal], Scope] | None = None
    filters: Collection[str] = ()
    description: str = ""

    def __post_init__(self) -> None:
        _check(self.path, self.roles)
        parameters = path_parameters(self.path)
        if parameters not in ((), ("key",)):
            raise ValueError(f"{self.path}: a view's path has no parameter, or {{key}}")
        if parameters and self.filters:
            raise ValueError(f"{self.path}: filters are for lists")

    @property
    def is_list(self) -> bool:
        return not path_parameters(self.path)


class Rows(Protocol):
    """A service's views. Synchronous: called in a thread."""

    def get(self, name: str, key: str) -> dict[str, Any] | None: ...

    def find(
        self, name: str, scope: Scope, where: dict[str, Any], after: str | None, limit: int
    ) -> list[tuple[str, dict[str, Any]]]: ...

    def position(self) -> int: ...


class Answered(Protocol):
    """An accepted command: the position of its last event and its stored documents."""

    position: int
    documents: list[bytes]


class Served(Protocol):
    """The running service, as the web sees it."""

    service: Any
    settings: Any
    access: Any
    projections: Rows

    @property
    def overloaded(self) -> bool: ...

    async def execute(self, command: Command, principal: Principal, route: str, command_id: UUID) -> Answered: ...

    async def reader(self, principal: Principal) -> Principal: ...

    async def progress(self) -> dict[str, Any]: ...

    async def ready(self) -> list[str]: ...

    def stops(self) -> list[dict[str, Any]]: ...

    async def park(self, source: str, position: int, principal: Principal) -> Any: ...

    async def retry(self, source: str) -> Any: ...


__all__ = ["Answered", "CommandRoute", "Rows", "Scope", "Served", "ViewRoute", "path_parameters"]
