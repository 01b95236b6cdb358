"""Tokens for development, signed with a key that production refuses.

The key is made on first use in the state directory, readable by its owner only; its id begins with
``development-``.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.jwk import OKPKey

from shared.runtime.claims import Claims
from shared.runtime.settings import Settings

DEVELOPMENT_PREFIX = "development-"
_FILE = "development-key.json"


class DevelopmentOnly(ValueError):
    """The development key was asked for in production."""


def issue(
    settings: Settings,
    sub: str,
    role: str,
    region: str | None = None,
    uscc: str | None = None,
    member_of: UUID | str | None = None,
    ttl: int = 3600,
) -> str:
    """A signed token valid for ``ttl`` seconds.

    Raises DevelopmentOnly in production, and pydantic's ValidationError (a ValueError) for claims
    the platform would not accept.
    """
    claims = Claims(sub=sub, role=role, region=region, uscc=uscc, member_of=member_of)
    key = development_key(settings)
    now = int(time.time())
    payload = {
        "iss": settings.jwt_issuer,
        "aud": settings.jwt_audience,
        "iat": now,
        "nbf": now,
        "exp": now + ttl,
        "jti": str(uuid4()),
        **claims.model_dump(mode="json", exclude_none=True),
    }
    return jwt.encode({"alg": "Ed25519", "kid": key.kid}, payload, key, algorithms=["Ed25519"])


def development_key(settings: Settings) -> OKPKey:
    """The development key pair, made when there is none. Raises DevelopmentOnly in production."""
    if settings.environment == "production":
        raise DevelopmentOnly("the development key is refused in production; set TONGDUI_JWKS")
    path = settings.state_dir / _FILE
    if not path.exists():
        _make(path)
    return OKPKey.import_key(json.loads(path.read_text()))


def _make(path: Path) -> None:
    """Write a new key whole, or not at all; of two processes that make one, the first wins."""
    key = OKPKey.generate_key("Ed25519")
    fields = {**key.as_dict(private=True), "kid": DEVELOPMENT_PREFIX + key.thumbprint()[:16], "use": "sig"}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{_FILE}.{uuid4().hex}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(fields, file)
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
