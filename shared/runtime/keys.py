"""The keys that verify tokens: a JWKS at a URL, a JWKS file, or the development key.

A URL is read with a time-out, kept, looked at again every five minutes, and once more when a token
names a key unknown here, though not more often than every ten seconds. While it cannot be read the
last answer counts for an hour.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey

from shared.runtime.problems import KeysUnavailable
from shared.runtime.settings import Settings
from shared.runtime.tokens import DEVELOPMENT_PREFIX, development_key

log = logging.getLogger("tongdui.access")

FRESH_SECONDS = 300.0
LOOK_AGAIN_SECONDS = 10.0
STALE_SECONDS = 3600.0
TIMEOUT_SECONDS = 2.0
SIZE_LIMIT = 256 * 1024
RSA_BITS = 2048


class KeysRefused(ValueError):
    """The configured keys must not be used: none in production, a development key, or no key set."""


class Keys:
    """Verification keys by their id. ``generation`` moves when the set changes."""

    def __init__(self, settings: Settings, seconds: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._seconds = seconds
        self._is_production = settings.environment == "production"
        self._by_kid: dict[str, Key] = {}
        self._source: bytes | None = None
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._failure: str | None = None
        self._lock = asyncio.Lock()
        self._refreshing: asyncio.Task[None] | None = None
        self.generation = 0
        if settings.jwks is None and self._is_production:
            raise KeysRefused("production needs TONGDUI_JWKS: the URL or file of the keys that verify tokens")
        if settings.jwks is not None and not self._is_remote:
            self._accept(_read_file(Path(settings.jwks)))

    @property
    def _is_remote(self) -> bool:
        return (self._settings.jwks or "").startswith(("http://", "https://"))

    async def key(self, kid: str | None) -> Key | None:
        """The key of that id (or the only one when a token names none), None when it is unknown.

        Raises KeysUnavailable while no key set could be read.
        """
        self.refresh_when_old()
        found = self._find(kid)
        if found is None and self._may_look_again():
            await self._look_again()
            found = self._find(kid)
        if not self._is_usable():
            raise KeysUnavailable
        return found

    async def complaint(self) -> str | None:
        """Why no token can be verified and what to do, or None."""
        if not self._is_usable() and self._may_look_again():
            await self._look_again()
        if self._is_usable():
            return None
        return f"the keys that verify tokens cannot be had ({self._failure}): check TONGDUI_JWKS and what serves it"

    # -- looking up ----------------------------------------------------------------------------

    def _find(self, kid: str | None) -> Key | None:
        if kid is None:
            return next(iter(self._by_kid.values())) if len(self._by_kid) == 1 else None
        return self._by_kid.get(kid)

    def _is_usable(self) -> bool:
        return self._read_at is not None and self._seconds() - self._read_at < STALE_SECONDS

    # -- reading -------------------------------------------------------------------------------

    def _may_look_again(self) -> bool:
        return self._tried_at is None or self._seconds() - self._tried_at >= LOOK_AGAIN_SECONDS

    def refresh_when_old(self) -> None:
        """Read again in the background: no request waits for keys that are there."""
        if self._read_at is None or self._seconds() - self._read_at < FRESH_SECONDS or not self._may_look_again():
            return
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._look_again(), name="keys that verify tokens")

    async def _look_again(self) -> None:
        async with self._lock:
            if not self._may_look_again():
                return
            try:
                self._accept(await self._read())
            except (httpx.HTTPError, OSError, KeysRefused) as error:
                self._failure = str(error) or type(error).__name__
                log.warning("the keys that verify tokens cannot be read: %s", self._failure)
            finally:
                self._tried_at = self._seconds()

    async def _read(self) -> bytes:
        location = self._settings.jwks
        if location is None:
            return json.dumps({"keys": [development_key(self._settings).as_dict(private=False)]}).encode()
        return await _fetch(location) if self._is_remote else _read_file(Path(location))

    def _accept(self, source: bytes) -> None:
        if source != self._source:
            by_kid = _usable_keys(source)
            if self._is_production and any(kid.startswith(DEVELOPMENT_PREFIX) for kid in by_kid):
                raise KeysRefused("the key set holds a development key, which production refuses")
            self._by_kid, self._source = by_kid, source
            self.generation += 1
        self._read_at = self._seconds()


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeysRefused(f"{path} cannot be read: {error.strerror}") from error


async def _fetch(url: str) -> bytes:
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client, client.stream("GET", url) as response:
        response.raise_for_status()
        body = b""
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > SIZE_LIMIT:
                raise KeysRefused(f"the key set is over {SIZE_LIMIT} bytes")
        return body


def _usable_keys(source: bytes) -> dict[str, Key]:
    """The keys of a JWKS that may sign tokens here; others are passed over, as RFC 7517 §5 says."""
    try:
        entries = json.loads(source)["keys"]
        keys = [_import(entry) for entry in entries]
    except (ValueError, KeyError, TypeError) as error:
        raise KeysRefused(f"not a JSON Web Key Set: {error!r}") from error
    by_kid = {key.kid or key.thumbprint(): key for key in keys if key is not None and _may_sign_tokens(key)}
    if not by_kid:
        raise KeysRefused("the key set holds no Ed25519, P-256 or RSA key for signatures")
    return by_kid


def _import(entry: dict[str, Any]) -> Key | None:
    try:
        return JWKRegistry.import_key(entry)
    except JoseError:
        return None


def _may_sign_tokens(key: Key) -> bool:
    if key.get("use") == "enc" or "verify" not in (key.get("key_ops") or ["verify"]):
        return False
    if isinstance(key, OKPKey):
        return key.curve_name == "Ed25519"
    if isinstance(key, ECKey):
        return key.curve_name == "P-256"
    return isinstance(key, RSAKey) and key.public_key.key_size >= RSA_BITS
