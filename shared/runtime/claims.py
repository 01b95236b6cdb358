"""What a token says of its bearer, and the nine roles."""

from __future__ import annotations

from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator
from tongdui_events.document import Code, Uscc

from shared.kernel.commands import Principal

Role = Literal[
    "enterprise",
    "provider",
    "centre",
    "regional_officer",
    "provincial_officer",
    "agent",
    "auditor",
    "operator",
    "public",
]
ROLES: frozenset[str] = frozenset(get_args(Role))

#: the claim by which a role's cases are found; without it a token of that role opens nothing
_NEEDS = {
    "enterprise": "uscc",
    "provider": "uscc",
    "centre": "member_of",
    "agent": "member_of",
    "regional_officer": "region",
    "provincial_officer": "region",
}
_DIGITS = {"regional_officer": 6, "provincial_officer": 2}


class Claims(BaseModel):
    """The claims besides issuer, audience and times. Those of other systems are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sub: Code
    role: Role
    region: Annotated[str, StringConstraints(pattern=r"^([0-9]{2}|[0-9]{6})$")] | None = None
    uscc: Uscc | None = None
    member_of: UUID | None = None

    @model_validator(mode="after")
    def _role_has_its_claim(self) -> Claims:
        needed = _NEEDS.get(self.role)
        if needed is not None and getattr(self, needed) is None:
            raise ValueError(f"a token of role {self.role} carries the claim {needed}")
        digits = _DIGITS.get(self.role)
        if digits is not None and len(self.region or "") != digits:
            raise ValueError(f"the region of a {self.role} has {digits} digits")
        return self

    @property
    def principal(self) -> Principal:
        return Principal(**self.model_dump())
