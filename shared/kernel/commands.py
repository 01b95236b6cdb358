"""Commands: what a caller asks for. One frozen class each, imperative (``ConfirmAllocation``)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from tongdui_events.document import Actor, Frozen


class Command(BaseModel):
    """A request to record something. Unknown fields are refused.

    The docstring of each subclass is the API's documentation of its route.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: the fields that hold ids of streams, so that a group's streams are loaded together
    id_fields: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls.id_fields = tuple(name for name, field in cls.model_fields.items() if field.annotation is UUID)


class Principal(Frozen):
    """Who calls: the token's claims.

    ``uscc`` for enterprises and providers; ``region`` for officers (six digits, or the two of a
    province for provincial officers); ``member_of`` is the centre or agent a person works for.
    ``regions`` is no claim: it is filled in where a centre's or an agent's person reads, with those that entrusted or name it.
    """

    sub: str
    role: str
    region: str | None = None
    uscc: str | None = None
    member_of: UUID | None = None
    regions: tuple[str, ...] = ()
    #: whom a delegate acts for; the role, region and membership are then that person's
    on_behalf_of: str | None = None

    @property
    def organisation(self) -> str:
        """Under whose name a command's id is unique."""
        return self.uscc or str(self.member_of or "") or self.region or self.sub

    @property
    def actor(self) -> Actor:
        region = self.region if self.region and len(self.region) == 6 else None
        return _actor(self.sub, self.role, region, self.on_behalf_of)

    @property
    def persons(self) -> frozenset[str]:
        """Who decides: the caller, and the one acted for."""
        return self.actor.persons


@lru_cache(maxsize=4096)
def _actor(sub: str, role: str, region: str | None, on_behalf_of: str | None) -> Actor:
    """Actors are asked for several times in every decision and never change: made once, not validated each time."""
    return Actor(id=sub, role=role, region=region, on_behalf_of=on_behalf_of)
