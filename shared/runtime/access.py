"""Who calls: a bearer token (RFC 6750) that is a signed JWT, checked once and remembered until it ends."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Awaitable, Callable, Collection
from typing import Any, NamedTuple
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, Key, OKPKey
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry
from joserfc.util import urlsafe_b64decode
from pydantic import ValidationError
from pydantic_core import from_json
from starlette.requests import Request

from shared.kernel.commands import Principal
from shared.kernel.decisions import Refusal
from shared.kernel.delegation import DelegationNotInForce
from shared.runtime.claims import ROLES, Claims
from shared.runtime.keys import Keys
from shared.runtime.problems import RoleNotAllowed, TokenInvalid, TokenMissing
from shared.runtime.settings import Settings

PUBLIC = Principal(sub="public", role="public")

LEEWAY_SECONDS = 10
TOKEN_LIMIT = 8192
REMEMBERED = 4096
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

# Many issuers still sign under the older name of Ed25519; the curve is checked when keys are read.
warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)


class _Known(NamedTuple):
    """A token that was verified, and the seconds since 1970 between which it holds."""

    principal: Principal
    not_before: float
    ends: float
    generation: int


class Access:
    """Verifies tokens against the configured keys, issuer and audience.

    Raises KeysRefused when made for production without keys, or with a development key.
    """

    def __init__(self, settings: Settings, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._keys = Keys(settings)
        self._known: dict[str, _Known] = {}
        #: whom a delegate acts as, by what the service knows of the delegation; None where nobody can
        self.delegated: Callable[[Principal, UUID, str | None], Awaitable[Principal | Refusal]] | None = None
        self._claims = JWTClaimsRegistry(
            now=lambda: int(now()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": settings.jwt_issuer},
            aud={"essential": True, "value": settings.jwt_audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def admit(
        self, authorization: str | None, roles: Collection[str], on_behalf_of: str | None = None, act: str | None = None
    ) -> Principal:
        """The caller, when its role is one of ``roles``; with ``public`` among them anyone is.

        ``on_behalf_of`` names the delegation it acts under, and then the role is that of who delegated; ``act`` is the
        command, None for reading. Raises TokenMissing, TokenInvalid, RoleNotAllowed, DelegationNotInForce, or
        KeysUnavailable.
        """
        if authorization is None and "public" in roles:
            return PUBLIC
        principal = await self.principal(authorization)
        if on_behalf_of is not None:
            principal = await self._acting(principal, on_behalf_of, act)
        if principal.role not in roles and "public" not in roles:
            refusal = RoleNotAllowed(role=principal.role)
            refusal.caller = principal
            raise refusal
        return principal

    async def principal(self, authorization: str | None) -> Principal:
        """Who the header's token speaks for. Raises TokenMissing, TokenInvalid or KeysUnavailable."""
        token = _token_of(authorization)
        self._keys.refresh_when_old()
        known = self._known.get(token)
        if known is not None and self._still_holds(known):
            return known.principal
        return await self._verify(token)

    async def _acting(self, principal: Principal, on_behalf_of: str, act: str | None) -> Principal:
        """Raises DelegationNotInForce, of the caller it was refused to."""
        acting: Principal | Refusal = DelegationNotInForce("On-Behalf-Of")
        if self.delegated is not None and _UUID.fullmatch(on_behalf_of):
            acting = await self.delegated(principal, UUID(on_behalf_of), act)
        if isinstance(acting, Refusal):
            acting.caller = principal
            raise acting
        return acting

    async def complaint(self) -> str | None:
        """Why no token can be verified and what to do, or None."""
        return await self._keys.complaint()

    def _still_holds(self, known: _Known) -> bool:
        return known.not_before <= self._now() < known.ends and known.generation == self._keys.generation

    async def _verify(self, token: str) -> Principal:
        header = _header_of(token)
        key = await self._keys.key(header.get("kid"))
        if key is None:
            raise TokenInvalid(reason="it names a key that is not known here")
        claims = self._checked_claims(token, key)
        try:
            principal = Claims.model_validate(claims).principal
        except ValidationError as error:
            raise TokenInvalid(reason=error.errors()[0]["msg"]) from error
        self._remember(token, principal, claims)
        return principal

    def _checked_claims(self, token: str, key: Key) -> dict[str, Any]:
        registry = JWSRegistry(algorithms=_algorithms_of(key), strict_check_header=False)
        try:
            claims = jwt.decode(token, key, registry=registry).claims
            self._claims.validate(claims)
        except (JoseError, ValueError) as error:
            raise TokenInvalid(reason=_reason(error)) from error
        return claims

    def _remember(self, token: str, principal: Principal, claims: dict[str, Any]) -> None:
        not_before = max(claims.get("nbf", 0), claims.get("iat", 0)) - LEEWAY_SECONDS
        ends = claims["exp"] + LEEWAY_SECONDS
        self._known[token] = _Known(principal, not_before, ends, self._keys.generation)
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]


def allowed(access: Access, roles: Collection[str]) -> Callable[[Request], Awaitable[Principal]]:
    """A FastAPI dependency: the caller, when its role is one of ``roles``."""
    admitted = frozenset(roles)

    async def admit(request: Request) -> Principal:
        return await access.admit(request.headers.get("authorization"), admitted, request.headers.get("on-behalf-of"))

    return admit


def _token_of(authorization: str | None) -> str:
    if not authorization:
        raise TokenMissing
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenMissing
    if len(token) > TOKEN_LIMIT:
        raise TokenInvalid(reason="it is too long")
    return token.strip()


def _header_of(token: str) -> dict[str, Any]:
    """The header, unverified: only to learn which key verifies it."""
    try:
        header = from_json(urlsafe_b64decode(token.split(".")[0].encode()))
    except ValueError as error:
        raise TokenInvalid(reason="it is not a JWT") from error
    if not isinstance(header, dict) or not isinstance(header.get("kid"), str | None):
        raise TokenInvalid(reason="it is not a JWT")
    return header


def _algorithms_of(key: Key) -> list[str]:
    """The algorithms that may be used with a key: its type decides, never the token."""
    if isinstance(key, OKPKey):
        return ["Ed25519", "EdDSA"]
    return ["ES256"] if isinstance(key, ECKey) else ["RS256"]


def _reason(error: Exception) -> str:
    return getattr(error, "description", None) or getattr(error, "error", None) or "it cannot be read"


__all__ = ["PUBLIC", "ROLES", "Access", "allowed"]
