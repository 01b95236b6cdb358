"""Digests of what could be guessed (an account, a phone): HMAC under a platform key, never a bare hash."""

from __future__ import annotations

import hashlib
import hmac

_key: list[bytes] = []


def configure(key: bytes) -> None:
    """The platform's key, once for a process."""
    _key[:] = [key]


def keyed_digest(text: str) -> str:
    """Hex HMAC-SHA-256. Raises RuntimeError when no key was configured."""
    if not _key:
        raise RuntimeError("the platform's digest key is not configured")
    return hmac.new(_key[0], text.encode(), hashlib.sha256).hexdigest()


__all__ = ["configure", "keyed_digest"]
