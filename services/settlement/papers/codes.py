"""The verification code of a paper: 100 bits of an HMAC over what it says and how it is made."""

from __future__ import annotations

import base64

from pydantic_core import to_json

from services.settlement.papers.kinds import Facts
from shared.kernel.keyed_digest import keyed_digest

_LENGTH = 20
_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
#: read off paper for what the alphabet does not have
_MISREAD = str.maketrans("018", "OIB", "- \t")


def facts_digest(facts: Facts) -> str:
    """A keyed digest of what the paper says: most of it could be guessed."""
    said = [facts.kind, facts.subject, str(facts.stream), facts.version, facts.members]
    return keyed_digest(to_json(["paper", said, sorted(facts.members)]).decode())


def code_of(facts: Facts, made: str) -> str:
    """``XXXX-XXXX-XXXX-XXXX-XXXX``, base32. ``made``: what else decides the bytes of the PDF, so that one code has one
    file. Only who has the platform's key can make a code; nobody can guess one."""
    digest = bytes.fromhex(keyed_digest(f"paper code {facts_digest(facts)} {made}"))
    return grouped(base64.b32encode(digest).decode()[:_LENGTH])


def grouped(code: str) -> str:
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def normalised(text: str) -> str | None:
    """A code as somebody typed it; None where it is none."""
    code = text.upper().translate(_MISREAD)
    return grouped(code) if len(code) == _LENGTH and set(code) <= _ALPHABET else None
